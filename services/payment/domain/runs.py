"""Runs of a reconciliation, and differences as they are kept. Moments are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from services.payment.domain.differences import Difference


class RunState(Enum):
    """Where a run stands; `yibao.payment.v1.ReconciliationState` says what each means."""

    RUNNING = "running"
    DONE = "done"
    BROKEN = "broken"


class Stage(Enum):
    """What a run is at, in this order."""

    BILLS = "bills"
    LINES = "lines"
    CHARGES = "charges"
    ORDERS = "orders"
    SETTLEMENTS = "settlements"
    REPAIRS = "repairs"


class DifferenceState(Enum):
    """Where a difference stands."""

    OPEN = "open"
    REPAIRED = "repaired"
    GONE = "gone"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Run:
    """A day's comparison. `beat_at` is when it last told how far it is; who does not tell any more is gone. Of the lines
    `other_lines` are another cell's, which judges them, and of the orders `unasked` were not compared with their settlements, as
    the cells that have these did not answer. `statements` are comparisons of details (3202) that institutions made on the day.
    """

    run_no: str
    day: date
    state: RunState
    stage: Stage
    only_look: bool
    begun_at: int
    beat_at: int
    ended_at: int = 0
    lines: int = 0
    charges: int = 0
    orders: int = 0
    settlements: int = 0
    other_lines: int = 0
    unasked: int = 0
    statements: int = 0
    unread: tuple[str, ...] = ()
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A difference with its number, the day that found it first, and what became of it."""

    difference_no: str
    day: date
    difference: Difference
    state: DifferenceState
    note: str
    found_at: int
    changed_at: int
