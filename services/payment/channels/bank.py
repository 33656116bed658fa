"""A bank with real personal accounts, through the POS of an institution (C§3.2, C§5.5): purchase, void, refund, balance, batches.

A POS cannot be asked how a payment stands: what was sent without an answer is undone (`till`), and the book of lines remembers
the rest. A card's number is held while it is charged and no longer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import date
from http import HTTPStatus
from typing import Final

from services.kernel.clock import Clock
from services.payment.channels.protocol import Delivery, Forged, Lost, Terms
from services.payment.channels.till import BatchEnd, TerminalBook, Till, fixed, original
from services.payment.domain.accounts import Account
from services.payment.domain.charges import BillKind, BillLine, ChannelState, Heard, RefundSeen, RefundStanding, Seen
from services.payment.domain.terminals import Line, LineState, Move, Pos, Wanted, way_back
from services.runtime.outgoing import Outgoing, Unanswered
from services.runtime.pos import parts
from services.runtime.pos.line import PosLine
from services.runtime.pos.messages import Malformed
from services.runtime.pos.parts import Kind
from services.runtime.pos.session import Session
from yibao.payment.v1 import channel_pb2

NAME: Final = "bank"
TERMS: Final = Terms(
    NAME, channel_pb2.CHANNEL_KIND_BANK, frozenset({channel_pb2.PAY_FORM_CODE}), notifies=False, balances=True
)
STATEMENT_KEY: Final = "statement"
"""Name in `Account.provider_keys` of the secret under which the bank seals its statements (ours)."""
_CARD_CLOSED: Final = frozenset({"14", "41", "43", "54", "57", "62"})
_SHORT: Final = "51"
"""F39: the account has less than that."""
_NOT_VOIDABLE: Final = frozenset({"12", "25"})
_TRACK: Final = re.compile(r"([0-9]{13,19})=([0-9]{4})([0-9]{0,13})(?:/([0-9A-Fa-f]{16}))?")
_PIN_FORM: Final = "2600000000000000"
"""F53: a block of ANSI X9.8 with the card's number, under a key of double length."""


class BankChannel:
    """The channel. `account_of` gives the contract of a merchant; KeyError where there is none."""

    terms = TERMS

    def __init__(
        self,
        account_of: Callable[[channel_pb2.Merchant], Account],
        book: TerminalBook,
        line: PosLine,
        files: Outgoing,
        clock: Clock,
    ) -> None:
        self._account_of, self._book, self._line, self._files, self._clock = account_of, book, line, files, clock
        self._tills: dict[Pos, Till] = {}

    async def place(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """A purchase. What the terminal has open is undone first, and a batch of yesterday is settled."""
        till = self._till(charge.merchant)
        async with till.held():
            standing = await self._book.standing(till.pos, charge.charge_no)
            known = standing.line
            if known is not None and known.state is not LineState.UNSENT:
                return await self._seen(await till.ended(known))
            card = card_fields(charge.code)
            if card is None:
                return Seen(ChannelState.REFUSED, code="CARD_UNREADABLE")
            await till.ready(standing)
            wanted = Wanted(till.pos, charge.charge_no, Move.PURCHASE, charge.charge_fen)
            return _charge_seen(await till.sent(wanted, card))

    async def look(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """How a charge stands; one without an answer is undone."""
        till = self._till(charge.merchant)
        async with till.held():
            known = await self._book.line(charge.charge_no)
            if known is None or known.state is LineState.UNSENT:
                return Seen(ChannelState.ABSENT)
            return await self._seen(await till.ended(known))

    async def close(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """As `look`; a charge that was never sent can be sent no more."""
        till = self._till(charge.merchant)
        async with till.held():
            known = await self._book.line(charge.charge_no)
            if known is None or known.state is LineState.UNSENT:
                wanted = Wanted(till.pos, charge.charge_no, Move.PURCHASE, charge.charge_fen)
                known = await till.never(wanted)
            return await self._seen(await till.ended(known))

    async def refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """A void while the batch of the purchase is open and all of it goes back, else a refund."""
        till = self._till(refund.merchant)
        async with till.held():
            known = await self._book.line(refund.refund_no)
            if known is not None:
                known = await till.ended(known)
                if known.state in (LineState.STANDS, LineState.REFUSED):
                    return _refund_seen(known)
            bought = await self._book.line(refund.charge_no)
            if bought is None or bought.state is not LineState.STANDS:
                return RefundSeen(RefundStanding.REFUSED, code="CHARGE_UNKNOWN")
            await till.ready()
            return _refund_seen(await self._returned(till, refund, bought))

    async def look_refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """How a refund stands; a void without an answer is undone, a refund without one is sent again under its trace."""
        till = self._till(refund.merchant)
        async with till.held():
            known = await self._book.line(refund.refund_no)
            if known is None:
                return RefundSeen(RefundStanding.ABSENT)
            return _refund_seen(await till.ended(known))

    async def tell_returned(self, refund: channel_pb2.ChannelRefund) -> None:
        """Nothing: a POS knows no insured part."""

    def hear(self, delivery: Delivery) -> Heard:
        """A POS calls nobody."""
        raise Forged("NO_NOTIFIES")

    async def bill(self, merchant: channel_pb2.Merchant, day: date) -> Sequence[BillLine]:
        """The bank's statement of a day that is over (our format)."""
        account = self._account(merchant)
        url = f"{account.files_address}/statements/{account.merchant_no}/{day.isoformat()}"
        try:
            answer = await self._files.send(NAME, "GET", url, headers={})
        except Unanswered as error:
            raise Lost(error.reason, sent=error.sent) from None
        if answer.status != HTTPStatus.OK:
            raise Lost(f"STATEMENT_{answer.status}")
        return statement_lines(answer.body, account.provider_keys.get(STATEMENT_KEY, "").strip(), day)

    async def balance(self, merchant: channel_pb2.Merchant, code: str) -> int | str:
        """What a card's account has, in fen; the bank's answer where it does not say. `Lost`."""
        till = self._till(merchant)
        async with till.held():
            card = card_fields(code)
            if card is None:
                return "CARD_UNREADABLE"
            await till.ready()
            batch = (await self._book.batch(till.pos)).number
            trace = {11: await self._book.next_trace(till.pos), 60: str(parts.Route(Kind.BALANCE.code, batch))}
            answer = await till.asked(Kind.BALANCE.mti, {**fixed(Kind.BALANCE), **card, **trace})
            try:
                return parts.balance_of(answer.get(54)) if answer.get(39) == parts.ACCEPTED else answer.get(39)
            except Malformed:
                raise Lost("BALANCE_MALFORMED") from None

    async def settle_batch(self, merchant: channel_pb2.Merchant) -> BatchEnd | None:
        """Ends the open batch: totals, and every line where the bank has others; None where the bank had ended it before."""
        till = self._till(merchant)
        async with till.held():
            await till.undo_open()
            return await till.settled((await self._book.batch(till.pos)).number)

    def _till(self, merchant: channel_pb2.Merchant) -> Till:
        pos = Pos(merchant.merchant_no, merchant.app_no)
        if pos not in self._tills:
            account = self._account(merchant)
            try:
                session = Session(self._line, NAME, account.address, *pos, account.secret)
            except ValueError:
                raise Lost("SECRET_MALFORMED", sent=False) from None
            self._tills[pos] = Till(pos, session, self._book, self._clock)
        return self._tills[pos]

    def _account(self, merchant: channel_pb2.Merchant) -> Account:
        try:
            return self._account_of(merchant)
        except KeyError:
            raise Lost("MERCHANT_UNKNOWN", sent=False) from None

    async def _returned(self, till: Till, refund: channel_pb2.ChannelRefund, bought: Line) -> Line:
        back = [line for line in await self._book.back_of(refund.charge_no) if line.state is LineState.STANDS]
        open_batch = (await self._book.batch(till.pos)).number
        move = way_back(bought, refund.refund_fen, open_batch, returned=bool(back))
        wanted = Wanted(till.pos, refund.refund_no, move, refund.refund_fen, refund.charge_no)
        line = await till.sent(wanted, original(bought))
        if move is Move.VOID and line.code in _NOT_VOIDABLE and line.state is LineState.REFUSED:
            wanted = Wanted(till.pos, refund.refund_no, Move.REFUND, refund.refund_fen, refund.charge_no)
            return await till.sent(wanted, original(bought))
        return line

    async def _seen(self, line: Line) -> Seen:
        """A charge with what went back of it since."""
        if line.state is not LineState.STANDS:
            return _charge_seen(line)
        back = await self._book.back_of(line.wanted.number)
        return _charge_seen(line, sum(each.wanted.amount_fen for each in back if each.state is LineState.STANDS))


def card_fields(code: str) -> dict[int, str] | None:
    """Fields of a card from what the clerk's reader gave: track 2 as "PAN=YYMM…", and where a PIN was asked "/" and its block in
    hex, made by the reader under the terminal's key. None where it is no card.
    """
    found = _TRACK.fullmatch(code)
    if found is None:
        return None
    card, expiry, more, block = found.groups()
    fields = {2: card, 14: expiry, 35: f"{card}D{expiry}{more}", 22: "022"}
    return fields if block is None else fields | {22: "021", 26: "06", 52: block, 53: _PIN_FORM}


def statement_lines(body: bytes, secret: str, day: date) -> list[BillLine]:
    """Lines of a statement whose seal and totals hold; `Lost` where they do not."""
    text, _, seal = body.decode("utf-8", "replace").rpartition("SEAL|")
    made = hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()
    if not secret or not hmac.compare_digest(made, seal.strip()):
        raise Lost("STATEMENT_UNSEALED")
    try:
        return _statement_lines(text, day)
    except ValueError:
        raise Lost("STATEMENT_MALFORMED") from None


def _statement_lines(text: str, day: date) -> list[BillLine]:
    *rows, totals = text.splitlines()
    lines = []
    for row in rows:
        on, _, kind, _, _, _, rrn, number, amount, _ = row.split("|")
        way = BillKind.CHARGE if kind == Move.PURCHASE.name else BillKind.REFUND
        lines.append(BillLine(way, number, rrn, int(amount), date.fromisoformat(on)))
    _, _, on, *sums = totals.split("|")
    for at, way in enumerate((BillKind.CHARGE, BillKind.REFUND)):
        own = [line.amount_fen for line in lines if line.kind is way]
        if [len(own), sum(own)] != [int(each) for each in sums[2 * at : 2 * at + 2]]:
            raise ValueError("totals")
    if on != day.isoformat():
        raise ValueError("day")
    return lines


def _charge_seen(line: Line, returned_fen: int = 0) -> Seen:
    match line.state:
        case LineState.STANDS:
            fen = line.wanted.amount_fen
            standing = ChannelState.RETURNED if returned_fen == fen else ChannelState.CHARGED
            return Seen(standing, charged_fen=fen, trade_no=line.rrn, paid_at=line.changed_at, code=line.code)
        case LineState.REFUSED:
            return Seen(ChannelState.REFUSED, code=line.code, short=line.code == _SHORT)
        case LineState.UNDONE:
            return Seen(ChannelState.CLOSED, code=line.code)
    return Seen(ChannelState.UNKNOWN)


def _refund_seen(line: Line) -> RefundSeen:
    fen, number = line.wanted.amount_fen, line.rrn
    match line.state:
        case LineState.STANDS:
            return RefundSeen(RefundStanding.RETURNED, fen, number, line.changed_at, line.code)
        case LineState.REFUSED:
            closed = line.code in _CARD_CLOSED
            return RefundSeen(RefundStanding.ABNORMAL if closed else RefundStanding.REFUSED, code=line.code)
        case LineState.UNDONE | LineState.UNSENT:
            return RefundSeen(RefundStanding.ABSENT, code=line.code)
    return RefundSeen(RefundStanding.UNKNOWN)
