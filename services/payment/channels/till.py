"""A POS terminal and its lines (C§3.2): what was sent without an answer is undone before anything else is sent, and
yesterday's batch is settled before today's begins.

It decides nothing of orders. A line is stored before it is sent, and its trace is used once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from services.kernel.clock import Clock, beijing_day
from services.payment.channels.protocol import Lost
from services.payment.domain.terminals import (
    OPEN,
    Batch,
    Line,
    LineState,
    Move,
    Pos,
    Sums,
    TerminalStanding,
    Wanted,
    sums_of,
)
from services.runtime.outgoing import Unanswered
from services.runtime.pos import parts
from services.runtime.pos.messages import CURRENCY, Malformed, PosMessage, amount_of
from services.runtime.pos.parts import Kind
from services.runtime.pos.session import SIGN_ON_AGAIN, NotSigned, Session

UNSURE: Final = frozenset({"68", "91", "96", "98"})
"""Answers that do not say whether the bank has booked: undone like no answer."""
_OPERATOR: Final = "01 "
_NOT_REVERSED: Final = frozenset({22, 26, 63})
_EQUAL: Final = 1
_HELD_S: Final = 15.0
"""How long one waits for a terminal that others use (our decision)."""


class TerminalBook(Protocol):
    """Where lines are kept; every change is durable when it returns."""

    async def line(self, number: str) -> Line | None:
        """The line under one of our numbers."""
        ...

    async def standing(self, pos: Pos, number: str) -> TerminalStanding:
        """How a terminal stands, in one snapshot."""
        ...

    async def open_lines(self, pos: Pos) -> Sequence[Line]:
        """What a terminal has sent and nobody knows of, oldest first."""
        ...

    async def lines_of(self, pos: Pos, batch: str) -> Sequence[Line]:
        """All of a batch, by trace."""
        ...

    async def back_of(self, number: str) -> Sequence[Line]:
        """Voids and refunds of a purchase."""
        ...

    async def batch(self, pos: Pos) -> Batch:
        """The open batch."""
        ...

    async def take_batch(self, pos: Pos, batch: str) -> None:
        """The bank has opened this batch."""
        ...

    async def next_trace(self, pos: Pos) -> str:
        """A trace that was not used in the open batch."""
        ...

    async def begin(self, wanted: Wanted) -> Line | None:
        """A line with the next trace in the open batch, in place of one under its number of which nothing stands; None where
        one is open or stands.
        """
        ...

    async def change(self, line: Line, state: LineState, *, day: str = "", rrn: str = "", code: str = "") -> Line:
        """The line in that state, where it may follow (`AFTER`); else as another has left it."""
        ...


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """The end of a batch: whether the bank had the same totals, which were ours, and the bank's."""

    equal: bool
    ours: Sums
    theirs: Sums


class Till:
    """One terminal of one process, held by whoever uses it. All methods raise `Lost` where the bank does not answer."""

    def __init__(self, pos: Pos, session: Session, book: TerminalBook, clock: Clock) -> None:
        self.pos = pos
        self._lock = asyncio.Lock()
        self._session, self._book, self._clock = session, book, clock

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """A block that has the terminal to itself; `Lost` where others do not let go of it in time."""
        try:
            async with asyncio.timeout(_HELD_S):
                await self._lock.acquire()
        except TimeoutError:
            raise Lost("TILL_BUSY", sent=False) from None
        try:
            yield
        finally:
            self._lock.release()

    async def ready(self, standing: TerminalStanding | None = None) -> None:
        """Nothing is open, the batch is today's, the terminal has signed on; `Lost` before anything of the caller's was sent.
        `standing` is how it stands, where that was just read.
        """
        try:
            standing = standing or await self._book.standing(self.pos, "")
            for line in standing.open_lines:
                await self.ended(line)
            batch = await self._book.batch(self.pos) if standing.open_lines else standing.batch
            if batch.begun_at is not None and beijing_day(batch.begun_at) < beijing_day(self._clock()):
                # A batch that the bank does not end now keeps nobody waiting: the next message tries again.
                with suppress(Lost):
                    await self.settled(batch.number)
            if not self._session.signed_on:
                await self._sign_on()
        except Lost as lost:
            raise Lost(lost.reason, sent=False, refused=lost.refused) from None

    async def undo_open(self) -> None:
        for line in await self._book.open_lines(self.pos):
            await self.ended(line)

    async def _sign_on(self) -> None:
        batch = (await self._book.batch(self.pos)).number
        try:
            told = await self._session.sign_on(batch, await self._book.next_trace(self.pos))
        except NotSigned as refused:
            raise Lost(f"SIGN_ON_{refused.code}", sent=False, refused=refused.code not in UNSURE) from None
        except Unanswered as error:
            raise Lost(error.reason, sent=False) from None
        if told != batch:
            await self._book.take_batch(self.pos, told)

    async def asked(self, mti: str, fields: dict[int, str]) -> PosMessage:
        """An answer, after one more sign-on where the bank asks for it; for messages that may be sent twice."""
        try:
            return await self._signed(mti, fields)
        except NotSigned as refused:
            raise Lost(f"NOT_SIGNED_{refused.code}", refused=True) from None

    async def _signed(self, mti: str, fields: dict[int, str]) -> PosMessage:
        """As `asked`; NotSigned where a new sign-on has not helped."""
        try:
            if self._session.signed_on:
                with suppress(NotSigned):
                    return await self._session.ask(mti, fields)
            await self._sign_on()
            return await self._session.ask(mti, fields)
        except Unanswered as error:
            raise Lost(error.reason, sent=error.sent) from None

    async def sent(self, wanted: Wanted, fields: dict[int, str], tries: int = 2) -> Line:
        """Sends a new line once; where the bank did not accept our sign-on, what it may have had is undone before another try."""
        line = await self._begun(wanted)
        kind = Kind[wanted.move.name]
        try:
            answer = await self._session.ask(kind.mti, {**fixed(kind), **_numbered(line, kind), **fields})
        except NotSigned as refused:
            if wanted.move is Move.REFUND:
                line = await self.ended(line)
                if line.state is not LineState.UNDONE:
                    return line
            else:
                line = await self._undone(await self._book.change(line, LineState.UNDOING))
            if tries > 1 and line.state is LineState.UNDONE:
                return await self.sent(wanted, fields, tries - 1)
            raise Lost(f"NOT_SIGNED_{refused.code}", sent=False) from None
        except Malformed:
            return await self._book.change(line, LineState.REFUSED, code="FIELDS_MALFORMED")
        except Unanswered as error:
            if not error.sent:
                await self._book.change(line, LineState.UNSENT)
            elif wanted.move is not Move.REFUND:
                await self._book.change(line, LineState.UNDOING)
            raise Lost(error.reason, sent=error.sent) from None
        return await self._answered(line, answer)

    async def _begun(self, wanted: Wanted) -> Line:
        line = await self._book.begin(wanted)
        if line is None:
            raise Lost("BEGUN_ELSEWHERE")
        return line

    async def never(self, wanted: Wanted) -> Line:
        """A line that is never sent: its number can be used no more."""
        return await self._book.change(await self._begun(wanted), LineState.UNDONE)

    async def _answered(self, line: Line, answer: PosMessage, *, again: bool = False) -> Line:
        """What an answer makes of a line. Sent `again`, a duplicate with the bank's number is what was accepted before (ours)."""
        code, refund = answer.get(39), line.wanted.move is Move.REFUND
        if code == parts.ACCEPTED or (again and code == parts.DUPLICATE and answer.get(37)):
            line = await self._book.change(
                line, LineState.STANDS, day=answer.get(13), rrn=answer.get(37), code=parts.ACCEPTED
            )
        elif code in UNSURE:
            if not refund:
                await self._book.change(line, LineState.UNDOING, code=code)
            raise Lost(f"ANSWER_{code}")
        else:
            line = await self._book.change(line, LineState.REFUSED, code=code)
        if line.state in OPEN:
            raise Lost("UNDOING")
        return line

    async def ended(self, line: Line) -> Line:
        """The line when somebody knows of it; `Lost` where the bank does not answer."""
        if line.state not in OPEN:
            return line
        if line.wanted.move is not Move.REFUND:
            return await self._undone(await self._book.change(line, LineState.UNDOING))
        bought = await self._book.line(line.wanted.of)
        assert bought is not None  # A refund is begun of a purchase that stands.
        fields = {**fixed(Kind.REFUND), **_numbered(line, Kind.REFUND), **original(bought)}
        try:
            answer = await self._signed(Kind.REFUND.mti, fields)
        except NotSigned as refused:
            if refused.code != SIGN_ON_AGAIN:
                raise Lost(f"NOT_SIGNED_{refused.code}") from None
            # Its batch is over, and the bank has none of this trace in it: else it were a duplicate (ours).
            return await self._book.change(line, LineState.UNDONE, code=refused.code)
        return await self._answered(line, answer, again=True)

    async def _undone(self, line: Line) -> Line:
        """A reversal, which 00, 12 or 25 ends; it is the same however often it comes."""
        if line.state is not LineState.UNDOING:
            return line
        kind = Kind[line.wanted.move.name]
        fields = {**fixed(kind), **_numbered(line, kind), 39: "98"}
        answer = await self.asked("0400", {number: fields[number] for number in fields if number not in _NOT_REVERSED})
        if answer.get(39) not in parts.UNDONE:
            raise Lost(f"REVERSAL_{answer.get(39)}", refused=answer.get(39) not in UNSURE)
        return await self._book.change(line, LineState.UNDONE, code=answer.get(39))

    async def settled(self, batch: str) -> BatchEnd | None:
        """Ends a batch of which nothing is open; None where the bank had ended it before."""
        lines = [line for line in await self._book.lines_of(self.pos, batch) if line.state is LineState.STANDS]
        ours = sums_of(lines)
        asked = {48: parts.totals_field(parts.Totals(*ours)), 49: CURRENCY, 63: _OPERATOR}
        try:
            return await self._compared(batch, lines, ours, await self._batched("0500", batch, parts.SETTLE, asked))
        except NotSigned as refused:
            if (await self._book.batch(self.pos)).number == batch:
                raise Lost(f"NOT_SIGNED_{refused.code}") from None
            return None

    async def _compared(self, batch: str, lines: Sequence[Line], ours: Sums, answer: PosMessage) -> BatchEnd:
        try:
            theirs, verdict = parts.totals_of(answer.get(48))
        except Malformed:
            raise Lost("TOTALS_MALFORMED") from None
        if verdict != _EQUAL:
            for at in range(0, len(lines), parts.MOST_DETAILS):
                told = parts.details_field(tuple(_detail(line) for line in lines[at : at + parts.MOST_DETAILS]))
                await self._batched("0320", batch, parts.UPLOAD, {48: told})
            await self._batched("0320", batch, parts.UPLOADED, {48: f"{len(lines):04d}"})
        await self._sign_on()
        own = Sums(theirs.debit_fen, theirs.debits, theirs.credit_fen, theirs.credits)
        return BatchEnd(verdict == _EQUAL, ours, own)

    async def _batched(self, mti: str, batch: str, network: str, fields: dict[int, str]) -> PosMessage:
        own = {11: await self._book.next_trace(self.pos), 60: str(parts.Route("00", batch, network))}
        answer = await self._signed(mti, {**fields, **own})
        if answer.get(39) != parts.ACCEPTED:
            raise Lost(f"BATCH_{answer.get(39)}")
        return answer


def fixed(kind: Kind) -> dict[int, str]:
    """Fields that every message of a kind has."""
    return {3: kind.processing, 25: "00", 49: CURRENCY}


def original(bought: Line) -> dict[int, str]:
    """Fields by which a void or refund names its purchase."""
    return {37: bought.rrn, 61: str(parts.Original(bought.batch, bought.trace, bought.day))}


def _numbered(line: Line, kind: Kind) -> dict[int, str]:
    """Amount, trace, route, and our number beside the operator's (ours: the bank's statement repeats it)."""
    route = str(parts.Route(kind.code, line.batch))
    return {4: amount_of(line.wanted.amount_fen), 11: line.trace, 60: route, 63: f"{_OPERATOR}{line.wanted.number}"}


def _detail(line: Line) -> parts.Uploaded:
    """A line of an upload; the card's number is not kept, so that none is told."""
    return parts.Uploaded(line.trace, "", line.wanted.amount_fen, line.wanted.move is not Move.PURCHASE)
