"""What the place of care decides of a bill whose person another cell insures: encounter, lines, and which of them it takes.

The layers are decided where the person is insured, on the lines as they were split here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.kernel.elsewhere import bill_changed
from services.kernel.errors import Fault, not_found, precondition
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import check_fees_inside
from services.settlement.domain.books.entries import Books
from services.settlement.domain.care.bill import (
    BilledBatch,
    BilledEncounter,
    check_encounter,
    check_line_parts,
    check_state,
    check_sum,
    chosen_batches,
    totals_of_batches,
)
from services.settlement.domain.care.carried import MOST_LINES
from services.settlement.domain.care.kinds import KindOfCare


class CareLine(NamedTuple):
    """A line as it was sent and as it was split; opaque bytes."""

    detail: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class Chosen:
    """The encounter of a bill, and the batches that it settles."""

    encounter: BilledEncounter
    batches: tuple[BilledBatch, ...]

    @property
    def care_hash(self) -> str:
        """What the bill is decided on; another encounter or other lines have another one."""
        content = (tuple(self.encounter), tuple(tuple(batch) for batch in self.batches))
        return hashlib.sha256(repr(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CareBill:
    """A bill as it is carried: its lines, the kind of care as it counts here, and the institution's own number."""

    request: BillRequest
    chosen: Chosen
    kind: KindOfCare
    ipt_otp_no: str
    lines: tuple[CareLine, ...]


def elsewhere_encounter(request: BillRequest, books: Books) -> BilledEncounter:
    """The encounter of the bill, of a person whom another cell insures; ENCOUNTER_NOT_FOUND also for any other."""
    encounter = check_encounter(request.bill, books.encounters.get(request.bill.mdtrt_id))
    if not encounter.insured_cell:
        raise not_found("ENCOUNTER_NOT_FOUND", mdtrt_id=encounter.mdtrt_id)
    return encounter


def chosen_care(request: BillRequest, books: Books, *, trial: bool) -> Chosen:
    """What the bill settles.

    Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, NOT_DISCHARGED, FEE_TIME_OUTSIDE, NOTHING_TO_SETTLE, CHARGES_SETTLED,
    CHARGE_BATCH_NOT_FOUND, BATCH_SETTLED, FEE_SUM_MISMATCH and SPLIT_CHANGED.
    """
    bill = request.bill
    encounter = elsewhere_encounter(request, books)
    check_state(bill, encounter, trial=trial)
    if encounter.mdtrt_id in books.outside:
        check_fees_inside(request, encounter, books.outside[encounter.mdtrt_id])
    batches = chosen_batches(bill, books.batches.get(bill.mdtrt_id, ()))
    totals = totals_of_batches(batches)
    check_sum(bill, totals)
    check_line_parts(bill.sent, totals)
    return Chosen(encounter, tuple(batches))


def check_lines(chosen: Chosen, count: int, most: int | None = None) -> None:
    """PRECONDITION: NOTHING_TO_SETTLE where every line was taken back, BILL_TOO_LONG where it has more than `most`, by default
    than can be carried."""
    mdtrt_id = chosen.encounter.mdtrt_id
    if not count:
        raise precondition("NOTHING_TO_SETTLE", mdtrt_id=mdtrt_id)
    if count > (most or MOST_LINES):
        raise too_long(mdtrt_id, count)


def too_long(mdtrt_id: str, lines: int) -> Fault:
    """PRECONDITION (BILL_TOO_LONG)."""
    return precondition("BILL_TOO_LONG", mdtrt_id=mdtrt_id, lines=str(lines), most=str(MOST_LINES))


def booked_care(request: BillRequest, books: Books) -> Chosen:
    """What a booked bill settles: the encounter and the very lines on which the insured cell has decided it.

    Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, NOT_DISCHARGED, BILL_CHANGED, BILL_UNBALANCED.
    """
    bill, booked = request.bill, request.booked
    encounter = elsewhere_encounter(request, books)
    check_state(bill, encounter, trial=False)
    chosen = Chosen(encounter, tuple(_unsettled(request, books)))
    if booked is None or (encounter.insured_cell, chosen.care_hash) != (booked.insured_cell, booked.care_hash):
        raise bill_changed(encounter.mdtrt_id)
    booked.check_of(totals_of_batches(chosen.batches))
    return chosen


def _unsettled(request: BillRequest, books: Books) -> Sequence[BilledBatch]:
    try:
        return chosen_batches(request.bill, books.batches.get(request.bill.mdtrt_id, ()))
    except Fault:
        # Settled or cancelled since.
        raise bill_changed(request.bill.mdtrt_id) from None
