"""The desk of all channels: turns rows into what a channel is told, asks the adapter of its name, and says UNKNOWN where nobody
knows.

A charge's stored message holds nothing secret and nobody's name; what a channel is told once is put beside it for one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

from google.protobuf.message import Message

from services.kernel.clock import from_micros
from services.kernel.errors import denied, not_found, precondition
from services.payment.channels.protocol import Balances, Channel, Delivery, Forged, Lost, merchant_of
from services.payment.domain import refusals, steps
from services.payment.domain.accounts import Account
from services.payment.domain.charges import ChannelState, Half, Heard, Hearing, RefundSeen, RefundStanding, Seen
from services.payment.domain.orders import Charge, ChargeState, PayOrder, Refund
from services.payment.domain.splits import Split
from services.payment.domain.told import BACK, CLOSE, INSURED_BACK, LOOK, LOOK_BACK, PLACE
from services.payment.operations.paying import DEFAULT_EXPIRY_S, Planned
from services.payment.operations.ports import Secrets
from yibao.payment.v1 import channel_pb2, pay_order_pb2

DEDUCTION: Final = "DEPOSIT_DEDUCTION"
"""What the deposits of a stay bear, among `reduces`."""
_WITH_USER: Final = (channel_pb2.PAY_FORM_APP, channel_pb2.PAY_FORM_MIXED)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts by channel and institution."""

    accounts: Sequence[Account]

    def of(self, channel: str, fixmedins_code: str) -> Account | None:
        """The institution's account at a channel."""
        for each in self.accounts:
            if (each.channel, each.fixmedins_code) == (channel, fixmedins_code):
                return each
        return None

    def has(self, channel: str, merchant: channel_pb2.Merchant) -> bool:
        """Whether a merchant is one of theirs still."""
        numbers = (merchant.merchant_no, merchant.sub_merchant_no, merchant.app_no)
        return any(
            each.channel == channel and (each.merchant_no, each.sub_merchant_no, each.app_no) == numbers
            for each in self.accounts
        )


About = Callable[[str, str, str, Message], AbstractContextManager[None]]
"""Opens a block in which a channel is told of an order: its number, the charge's or refund's, the step, out of which message."""


class ChannelDesk:
    """Implements `ChannelPort`. `told` hears why a call came to nothing; what is told is recorded in the blocks of `about`."""

    def __init__(
        self, channels: Sequence[Channel], merchants: Accounts, told: Callable[[str, str], None], about: About
    ) -> None:
        self._channels: Mapping[str, Channel] = {each.terms.name: each for each in channels}
        self._merchants = merchants
        self._told = told
        self._about = about

    def channel(self, kind: int) -> Channel:
        """The adapter of a kind; CHANNEL_CLOSED_HERE."""
        for each in self._channels.values():
            if each.terms.kind == kind:
                return each
        raise precondition("CHANNEL_CLOSED_HERE", channel=channel_pb2.ChannelKind.Name(kind))  # type: ignore[arg-type]

    def plan(self, asked: pay_order_pb2.Payment) -> Callable[[PayOrder, Split], Planned]:
        """Plans what an institution asks for.

        CHANNEL_CLOSED_HERE, CHANNEL_FORM_UNKNOWN, MERCHANT_UNKNOWN, CODE_MISSING, CHARGE_UNBALANCED, BANK_CARD_NEEDED.
        """

        def planned(order: PayOrder, split: Split) -> Planned:
            channel = self.channel(asked.channel)
            terms = channel.terms
            of_deposit = order.order_type == channel_pb2.PAY_ORDER_TYPE_DEPOSIT
            if asked.pay_form not in terms.forms or (of_deposit and asked.pay_form == channel_pb2.PAY_FORM_MIXED):
                form = channel_pb2.PayForm.Name(asked.pay_form)
                raise precondition("CHANNEL_FORM_UNKNOWN", channel=terms.name, form=form)
            _complete(asked)
            account = self._merchants.of(terms.name, order.fixmedins_code)
            if account is None and terms.moves_money:
                raise precondition("MERCHANT_UNKNOWN", channel=terms.name, fixmedins_code=order.fixmedins_code)
            if split.bank_fen and not terms.balances:
                raise precondition("BANK_CARD_NEEDED", channel=terms.name)
            charge_fen = split.charged_fen + _sum(asked.adds) - _sum(asked.reduces)
            if charge_fen < 0:
                raise refusals.charge_unbalanced("data.reduces")
            expires_s = asked.pay_within_s or DEFAULT_EXPIRY_S
            mixed = asked.pay_form == channel_pb2.PAY_FORM_MIXED
            secrets = Secrets(
                code=asked.code,
                user_no=asked.user_no,
                pay_auth_no=asked.pay_auth_no if mixed else "",
                location=asked.location,
                payer=asked.payer if asked.HasField("payer") else None,
                patient=asked.patient if asked.HasField("patient") else None,
            )

            def message(of: PayOrder, charge_no: str, begins: int, ends: int) -> bytes:
                return _message(asked, of, split, account, charge_fen, charge_no, begins, ends).SerializeToString()

            taken = sum(each.amount_fen for each in asked.reduces if each.kind == DEDUCTION)
            return Planned(terms.name, asked.pay_form, charge_fen, expires_s, secrets, message, taken)

        return planned

    async def place(self, charge: Charge, secrets: Secrets) -> Seen:
        """Asks for it; CLOSED where nothing left this process."""
        message = channel_pb2.ChannelCharge.FromString(charge.message)
        message.code, message.user_no = secrets.code, secrets.user_no
        message.pay_auth_no, message.location = secrets.pay_auth_no, secrets.location
        for name, value in (("payer", secrets.payer), ("patient", secrets.patient)):
            if value is not None:
                getattr(message, name).CopyFrom(value)
        try:
            with self._about(charge.pay_ord_id, charge.charge_no, PLACE, message):
                return _counted(message, await self._of(charge, message.merchant).place(message))
        except Lost as lost:
            self._told(charge.channel, lost.reason)
            return _unknown(lost) if lost.sent else Seen(ChannelState.CLOSED, code=steps.NOT_SENT)

    async def look(self, charge: Charge) -> Seen:
        """How it stands."""
        try:
            message = channel_pb2.ChannelCharge.FromString(charge.message)
            with self._about(charge.pay_ord_id, charge.charge_no, LOOK, message):
                seen = await self._of(charge, message.merchant).look(message)
            unshown = message.form == channel_pb2.PAY_FORM_NATIVE and not charge.front
            if unshown and seen.standing is ChannelState.WAITING and charge.state is not ChargeState.ENDED:
                seen = await self._shown_again(charge, message, seen)
            return _counted(message, seen)
        except Lost as lost:
            self._told(charge.channel, lost.reason)
            return _unknown(lost)

    async def close(self, charge: Charge) -> Seen:
        """Lets nobody pay any more; a channel that cannot close is asked how it stands."""
        message = channel_pb2.ChannelCharge.FromString(charge.message)
        channel = self._of(charge, message.merchant)
        try:
            with self._about(charge.pay_ord_id, charge.charge_no, CLOSE, message):
                seen = await channel.close(message) if channel.terms.closes else await channel.look(message)
        except Lost as lost:
            self._told(charge.channel, lost.reason)
            return _unknown(lost)
        return _counted(message, seen)

    async def balance(self, fixmedins_code: str, card: str) -> int:
        """What the bank of a real account says that it has.

        CHANNEL_CLOSED_HERE, MERCHANT_UNKNOWN, BANK_CARD_REFUSED, BANK_AWAY.
        """
        channel: Any = next((each for each in self._channels.values() if each.terms.balances), None)
        if channel is None:
            raise precondition("CHANNEL_CLOSED_HERE", channel="CHANNEL_KIND_BANK")
        asked: Balances = channel
        name = channel.terms.name
        account = self._merchants.of(name, fixmedins_code)
        if account is None:
            raise precondition("MERCHANT_UNKNOWN", channel=name, fixmedins_code=fixmedins_code)
        try:
            told = await asked.balance(merchant_of(account), card)
        except Lost as lost:
            self._told(name, lost.reason)
            raise refusals.bank_away() from None
        if isinstance(told, str):
            raise refusals.bank_card_refused(told)
        return told

    async def give_back(self, charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
        """Asks how a return stands, and for it where the channel knows nothing of it."""
        message = _refund(charge, refund_no, cash_fen, refund)
        channel = self._of(charge, message.merchant)
        if refund is None and not channel.terms.moves_money:
            # No clerk has asked for it: somebody has to hear that cash is to be handed out.
            return RefundSeen(RefundStanding.ABNORMAL)
        try:
            with self._about(charge.pay_ord_id, refund_no, LOOK_BACK, message):
                seen = await channel.look_refund(message)
            if seen.standing is RefundStanding.ABSENT:
                with self._about(charge.pay_ord_id, refund_no, BACK, message):
                    seen = await channel.refund(message)
        except Lost as lost:
            self._told(charge.channel, lost.reason)
            return RefundSeen(RefundStanding.UNKNOWN, code=lost.reason if lost.refused else "", refused=lost.refused)
        if seen.standing is RefundStanding.RETURNED and seen.refunded_fen != cash_fen:
            return replace(seen, standing=RefundStanding.ABNORMAL, code="AMOUNT_DIFFERS")
        return seen

    async def tell_returned(self, charge: Charge, order: PayOrder, refund: Refund) -> Hearing:
        """Tells the channel of a mixed order that the insured part went back, under a refund's number."""
        message = _refund(charge, refund.refund_no, refund.cash_fen, refund)
        split = order.split
        if split is None:
            return Hearing(heard=True)
        message.fund_fen, message.acct_fen, message.other_fen = split.insured_parts
        try:
            with self._about(charge.pay_ord_id, refund.refund_no, INSURED_BACK, message):
                await self._of(charge, message.merchant).tell_returned(message)
        except Lost as lost:
            self._told(charge.channel, lost.reason)
            return Hearing(refused=lost.refused, code=lost.reason if lost.refused else "")
        return Hearing(heard=True)

    def tells(self, charge: Charge) -> bool:
        """Whether its channel calls back when a charge is paid: not of a code, which it answers at once."""
        channel = self._channels.get(charge.channel)
        return channel is not None and channel.terms.notifies and charge.form != channel_pb2.PAY_FORM_CODE

    async def _shown_again(self, charge: Charge, message: channel_pb2.ChannelCharge, seen: Seen) -> Seen:
        """A code to scan whose answer was lost: the same order gets the same code, and nobody has paid by asking for it. Where it
        gets none nobody could ever pay, and it is closed.
        """
        with self._about(charge.pay_ord_id, charge.charge_no, PLACE, message):
            again = await self._of(charge, message.merchant).place(message)
        return replace(seen, front=again.front) if again.front else await self.close(charge)

    def hear(self, channel: str, delivery: Delivery) -> Heard:
        """What a notify says; CHANNEL_UNKNOWN, NOTIFY_FORGED."""
        adapter = self._channels.get(channel)
        if adapter is None:
            raise not_found("CHANNEL_UNKNOWN", channel=channel[:20])
        try:
            return adapter.hear(delivery)
        except Forged as forged:
            self._told(channel, forged.reason)
            raise denied("NOTIFY_FORGED", channel=channel) from None

    def is_of(self, charge: Charge, channel: str, heard: Heard) -> bool:
        """Whether a notify speaks of the account that collects a charge."""
        of = channel_pb2.ChannelCharge.FromString(charge.message).merchant
        merchant_no, sub_no = heard.merchant
        of_sub = sub_no in ("", of.sub_merchant_no)
        return charge.channel == channel and merchant_no == of.merchant_no and of_sub

    def _of(self, charge: Charge, of: channel_pb2.Merchant) -> Channel:
        """The adapter that collects a charge for a merchant; MERCHANT_UNKNOWN."""
        channel = self._channels.get(charge.channel)
        if channel is None or (channel.terms.moves_money and not self._merchants.has(charge.channel, of)):
            # Nobody can ask for it: it is no absence that ends by itself.
            raise precondition("MERCHANT_UNKNOWN", channel=charge.channel, fixmedins_code=of.fixmedins_code)
        return channel


def _complete(asked: pay_order_pb2.Payment) -> None:
    if (
        asked.pay_form == channel_pb2.PAY_FORM_CODE
        and not asked.code
        and asked.channel != channel_pb2.CHANNEL_KIND_CASH
    ):
        raise refusals.code_missing("data.code")
    if asked.pay_form in _WITH_USER and not asked.user_no:
        raise refusals.code_missing("data.user_no")
    if asked.pay_form == channel_pb2.PAY_FORM_MIXED:
        if not asked.HasField("payer"):
            raise refusals.code_missing("data.payer")
        for name in ("pay_auth_no", "location"):
            if not getattr(asked, name):
                raise refusals.code_missing(f"data.{name}")


def _message(
    asked: pay_order_pb2.Payment,
    order: PayOrder,
    split: Split,
    account: Account | None,
    charge_fen: int,
    charge_no: str,
    begins: int,
    ends: int,
) -> channel_pb2.ChannelCharge:
    merchant = merchant_of(account) if account else channel_pb2.Merchant(fixmedins_code=order.fixmedins_code)
    made = channel_pb2.ChannelCharge(
        charge_no=charge_no,
        pay_ord_id=order.pay_ord_id,
        med_org_ord=order.med_org_ord,
        merchant=merchant,
        order_type=order.order_type,  # type: ignore[arg-type]  # the contract's own number
        form=asked.pay_form,
        total_fen=split.total_fen,
        fund_fen=split.fund_fen,
        acct_fen=split.acct_fen,
        other_fen=split.insured_parts[2],
        cash_fen=split.cash_fen,
        charge_fen=charge_fen,
        adds=asked.adds,
        reduces=asked.reduces,
    )
    made.created_time.FromDatetime(from_micros(begins))
    made.expires_time.FromDatetime(from_micros(ends))
    return made


def _refund(charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> channel_pb2.ChannelRefund:
    of = channel_pb2.ChannelCharge.FromString(charge.message)
    made = channel_pb2.ChannelRefund(
        refund_no=refund_no,
        charge_no=charge.charge_no,
        trade_no=charge.trade_no,
        mix_trade_no=charge.mix_trade_no,
        merchant=of.merchant,
        form=of.form,
        charged_fen=charge.charged_fen,
        refund_fen=cash_fen,
    )
    if refund is not None:
        made.refund_time.FromDatetime(from_micros(refund.created_at))
    if charge.paid_at:
        made.paid_time.FromDatetime(from_micros(charge.paid_at))
    return made


def _unknown(lost: Lost) -> Seen:
    return Seen(ChannelState.UNKNOWN, code=lost.reason if lost.refused else "", refused=lost.refused)


def _counted(message: channel_pb2.ChannelCharge, seen: Seen) -> Seen:
    """What is said of the whole order is compared too: a channel that believes in another total is not believed."""
    mixed = message.form == channel_pb2.PAY_FORM_MIXED
    if seen.half is not Half.NONE and seen.total_fen is not None and mixed and seen.total_fen != message.total_fen:
        return replace(seen, doubted=True)
    return seen


def _sum(adjustments: Sequence[channel_pb2.Adjustment]) -> int:
    return sum(each.amount_fen for each in adjustments)
