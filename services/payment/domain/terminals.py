"""What a POS terminal of an institution has sent and what became of it: lines, their states, totals of a batch. Amounts are fen.

A terminal has no memory at its bank that it could ask: whatever it sent without an answer is undone (C§3.2), so each line is
stored before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

MOST_TRACES: Final = 999_999
"""Traces and batches have six digits and begin again at 1."""


class Move(Enum):
    """What a line asks of the bank."""

    PURCHASE = "purchase"
    VOID = "void"
    REFUND = "refund"


class LineState(Enum):
    """SENT: stored, perhaps sent, not answered. UNSENT: nothing left this house. UNDOING: to be reversed, or being reversed.
    STANDS, REFUSED: the bank's word. UNDONE: the bank has confirmed that nothing of it stands.
    """

    SENT = "sent"
    UNSENT = "unsent"
    UNDOING = "undoing"
    STANDS = "stands"
    REFUSED = "refused"
    UNDONE = "undone"


OPEN: Final = frozenset({LineState.SENT, LineState.UNDOING})
AFTER: Final[Mapping[LineState, frozenset[LineState]]] = MappingProxyType(
    {
        LineState.SENT: frozenset(LineState) - {LineState.SENT},
        LineState.UNDOING: frozenset({LineState.UNDONE}),
    }
)
"""Which state may follow which: a late answer never makes a line stand that is being undone."""


class Pos(NamedTuple):
    """A terminal by its merchant's number and its own."""

    merchant_no: str
    terminal_no: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line to be made: under our number, of a purchase (empty for one)."""

    pos: Pos
    number: str
    move: Move
    amount_fen: int
    of: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `batch`, `trace` and `day` (MMDD, the bank's) name it at the bank; `rrn` is the bank's number, `code` its answer.
    `changed_at` is when it came into its state.
    """

    wanted: Wanted
    batch: str
    trace: str
    begun_at: datetime
    changed_at: datetime
    state: LineState = LineState.SENT
    day: str = ""
    rrn: str = ""
    code: str = ""


class Batch(NamedTuple):
    """The open batch of a terminal, and when its first line was begun; None where it has none."""

    number: str = "000001"
    begun_at: datetime | None = None


class TerminalStanding(NamedTuple):
    """How a terminal stands before a message: the line under its number, what was sent and nobody knows of (oldest first), and
    the open batch.
    """

    line: Line | None = None
    open_lines: Sequence[Line] = ()
    batch: Batch = Batch()


class Sums(NamedTuple):
    """A batch: what came in and what went back, in fen and number."""

    debit_fen: int = 0
    debits: int = 0
    credit_fen: int = 0
    credits: int = 0


def sums_of(lines: Iterable[Line]) -> Sums:
    """Of the lines that stand; a voided purchase counts on both sides, as its void stands too."""
    came, back = [0, 0], [0, 0]
    for line in lines:
        if line.state is LineState.STANDS:
            side = came if line.wanted.move is Move.PURCHASE else back
            side[0] += line.wanted.amount_fen
            side[1] += 1
    return Sums(*came, *back)


def next_number(number: int) -> int:
    """The trace or batch after this one."""
    return number % MOST_TRACES + 1


def way_back(purchase: Line, fen: int, open_batch: str, *, returned: bool) -> Move:
    """A void while the purchase's batch is open, of the whole and before anything went back; else a refund."""
    whole = fen == purchase.wanted.amount_fen and not returned
    return Move.VOID if whole and purchase.batch == open_batch else Move.REFUND
