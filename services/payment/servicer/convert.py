"""Orders as messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from services.kernel.clock import beijing_day, from_micros, stamp_text
from services.payment.domain.orders import Charge, PayOrder, told_stas
from services.payment.domain.phases import Phase
from services.payment.domain.profiles import Profile
from services.payment.domain.splits import Split, setl_type
from services.runtime.wire import day_message, micros_message
from yibao.payment.v1 import channel_pb2, pay_order_pb2, pay_order_state_pb2

PAID: Final = "02"
"""Dictionary callType: paid."""
ARRIVES_AFTER_DAYS: Final[Mapping[str, int]] = {"bank": 1}
"""By channel, after how many days what it has charged is the institution's (T+1, C§5.5)."""
_KINDS: Final = {
    "wechat": channel_pb2.CHANNEL_KIND_WECHAT,
    "alipay": channel_pb2.CHANNEL_KIND_ALIPAY,
    "bank": channel_pb2.CHANNEL_KIND_BANK,
    "cash": channel_pb2.CHANNEL_KIND_CASH,
    "national": channel_pb2.CHANNEL_KIND_NATIONAL_APP,
}


def channel_name(kind: int) -> str:
    """The adapter's name of a kind of channel; "" for none."""
    return next((name for name, known in _KINDS.items() if known == kind), "")


def channel_kind(name: str) -> channel_pb2.ChannelKind.ValueType:
    """The kind of a channel by its adapter's name; unspecified for none."""
    return _KINDS.get(name, channel_pb2.CHANNEL_KIND_UNSPECIFIED)


def order_message(order: PayOrder, charge: Charge | None, *, knows_17: bool = False) -> pay_order_state_pb2.PayOrder:
    """An order as it stands, without the person whom it is about."""
    told = pay_order_state_pb2.PayOrder(
        pay_ord_id=order.pay_ord_id,
        phase=pay_order_state_pb2.OrderPhase.Value(f"ORDER_PHASE_{order.phase.name}"),
        ord_stas=told_stas(order, knows_17=knows_17),
        order_type=order.order_type,  # type: ignore[arg-type]  # the contract's own number
        mdtrt_id=order.bill.mdtrt_id,
        setl_id=order.setl_id,
        tried=None if order.split is None else split_message(order.split),
        opened=None if order.opened is None else split_message(order.opened),
        charged_fen=order.charged_fen,
        refunded_fen=order.refunded_fen,
        deposit_fen=order.deposit_fen,
        insured_returned=order.insured_returned,
        reason=order.reason,
        channel_code=order.channel_code,
        saved_time=micros_message(order.saved_at),
        paid_time=micros_message(order.paid_at) if order.paid_at else None,
    )
    if charge is not None:
        told.channel = channel_kind(charge.channel)
        told.pay_form = charge.form  # type: ignore[assignment]  # the contract's own number
        told.charge_no, told.charge_fen = charge.charge_no, charge.charge_fen
        told.trade_no, told.mix_trade_no = charge.trade_no, charge.mix_trade_no
        day = arrival(charge.channel, charge.paid_at)
        if day is not None:
            told.arrives_day.CopyFrom(day_message(day))
        told.expires_time.CopyFrom(micros_message(charge.expires_at))
    return told


def arrival(channel: str, paid_at: int) -> date | None:
    """The day on which the institution's bank has the money of a charge; None where a channel's own contract says it."""
    after = ARRIVES_AFTER_DAYS.get(channel)
    return None if after is None or not paid_at else beijing_day(from_micros(paid_at)) + timedelta(days=after)


def split_message(split: Split) -> pay_order_state_pb2.Split:
    """A split."""
    return pay_order_state_pb2.Split(
        fee_sumamt_fen=split.total_fen,
        own_pay_amt_fen=split.cash_fen,
        psn_acct_pay_fen=split.acct_fen,
        fund_pay_fen=split.fund_fen,
        oth_fee_amt_fen=split.other_fen,
        hosp_part_amt_fen=split.hosp_fen,
        acct_mulaid_pay_fen=split.mulaid_fen,
        self_acct_pay_fen=split.acct_fen - split.mulaid_fen,
        bank_pay_fen=split.bank_fen,
    )


def sums_of(split: Split) -> dict[str, Any]:
    """The sums of a split as 6202 and 6301 name them."""
    told = split_message(split)
    return {field.name: getattr(told, field.name) for field in told.DESCRIPTOR.fields}


def found_message(order: PayOrder, revs_token: str, profile: Profile) -> pay_order_pb2.FoundOrder:
    """What 6301 answers: an order that is not paid has number and state alone."""
    told = pay_order_pb2.FoundOrder(
        pay_ord_id=order.pay_ord_id,
        ord_stas=str(told_stas(order, knows_17=profile.knows_17)),
        med_org_ord=order.med_org_ord,
        org_codg=order.fixmedins_code,
        org_name=profile.name,
        **(sums_of(order.split) if order.split is not None else {}),
    )
    if order.paid_at and order.split is not None:
        told.call_type = PAID
        told.trace_time = stamp_text(from_micros(order.paid_at))
        told.ext_data.mdtrt_id, told.ext_data.setl_id = order.bill.mdtrt_id, order.setl_id
        told.setl_type = setl_type(order.split)
        told.revs_token = revs_token if order.phase is Phase.PAID else ""
    return told
