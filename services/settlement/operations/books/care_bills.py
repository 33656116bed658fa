"""Bills of care here whose persons other cells insure: told to routing, which carries them to the ledgers of these cells. Of one
whose person the own cell insures it is told for what a filing is looked up.

Everything is read on one snapshot for a whole list of bills; the catalogue is asked after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from services.kernel.clock import beijing_day, from_micros
from services.kernel.errors import Fault
from services.kernel.requests import refusal_of
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.care_bills import CareBill, CareLine, Chosen, check_lines, chosen_care
from services.settlement.domain.books.entries import Books, StoredAnswer, Wanted, repeat_of
from services.settlement.domain.books.ledger import AccountKey
from services.settlement.domain.care.bill import STAY, check_encounter
from services.settlement.domain.care.kinds import KindOfCare, check_setting
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.care.kinds import national_kind
from services.settlement.operations.care.ports import CataloguePeer
from services.settlement.store.care import CareBooks, CareReader


@dataclass(frozen=True, slots=True)
class OwnCare:
    """Care that the own cell insures: where it is given, and since when."""

    request: BillRequest
    begin_day: date
    care_admdvs: str = ""


FoundBill: TypeAlias = CareBill | OwnCare | StoredAnswer
"""A bill to be carried, one of the own cell, or what stands under its request id: pending, or settled."""


@dataclass(frozen=True, slots=True)
class CareBills:
    """Tells bills."""

    store: CareBooks
    catalogue: CataloguePeer

    async def find(
        self, requests: Sequence[BillRequest], most_lines: int | None = None
    ) -> list[FoundBill | BaseException]:
        """What each bill comes to here, or what stands under its request id, or why it is refused. A trial has no stamp. Of a
        bill with more than `most_lines` no line is read.

        Raises MESSAGE_VOIDED, REQUEST_ID_REUSED, the refusals of `chosen_care`, NOTHING_TO_SETTLE and BILL_TOO_LONG of
        `check_lines`, MED_TYPE_UNDECLARED, MED_TYPE_MISMATCH, INSTITUTION_UNKNOWN.
        """
        async with self.store.reading() as snapshot:
            told = await _told(snapshot, requests, most_lines)
        return [await self._counted(each) if isinstance(each, CareBill | OwnCare) else each for each in told]

    async def _counted(self, bill: CareBill | OwnCare) -> FoundBill | BaseException:
        """With the kind of care as it counts here, or its place; a bill that cannot be told, even by a bug, harms no other."""
        try:
            return await (self._with_place(bill) if isinstance(bill, OwnCare) else self._with_kind(bill))
        except Exception as error:  # noqa: BLE001  # it becomes the outcome of this bill
            return error

    async def _with_place(self, care: OwnCare) -> OwnCare:
        request = care.request
        institution = await self.catalogue.institution(request.bill.desk.fixmedins_code, beijing_day(request.now))
        return replace(care, care_admdvs=institution.admdvs)

    async def _with_kind(self, bill: CareBill) -> CareBill:
        sent, encounter = bill.request.bill, bill.chosen.encounter
        if sent.kind == STAY:
            return bill
        day = beijing_day(from_micros(encounter.begin_at))
        named = KindOfCare(sent.med_type, sent.local_med_type)
        kind = await national_kind(self.catalogue, named, sent.desk.fixmedins_code, day, "data.med_type")
        check_setting(kind, "data.med_type", stay=False)
        return replace(bill, kind=kind)


async def _told(
    snapshot: CareReader, asked: Sequence[BillRequest], most_lines: int | None
) -> list[FoundBill | BaseException]:
    """The bills with their lines, five statements for all of them, and one more where something is settled already or lines are
    many."""
    stamps = (request.stamp for request in asked if request.stamp.request_id)
    requests = tuple({(stamp.scope, stamp.request_id): None for stamp in stamps})
    mdtrt_ids = tuple({request.bill.mdtrt_id: None for request in asked})
    books = await snapshot.load(Wanted(requests=requests, encounters=mdtrt_ids, batches=mdtrt_ids, stays=_stays(asked)))
    found: list[Any] = [_found(request, books) for request in asked]
    await _name_pending(snapshot, asked, found)
    chosen = [each for each in found if isinstance(each, Chosen)]
    if not chosen:
        return found
    # One statement where there are few, as nearly always.
    few = await snapshot.few_lines(_batches(chosen))
    counts = (
        await snapshot.line_counts(_batches(chosen)) if few is None else {at: len(lines) for at, lines in few.items()}
    )
    for place, each in enumerate(found):
        if isinstance(each, Chosen):
            try:
                check_lines(each, sum(counts.get(batch.fee_batch_id, 0) for batch in each.batches), most_lines)
            except Fault as fault:
                found[place] = fault
    chosen = [each for each in found if isinstance(each, Chosen)]
    if not chosen:
        return found
    numbers = await snapshot.numbers([each.encounter.mdtrt_id for each in chosen])
    lines = await snapshot.lines(_batches(chosen), sum(counts.values())) if few is None else few
    return [
        _bill(request, each, numbers, lines) if isinstance(each, Chosen) else each
        for request, each in zip(asked, found, strict=True)
    ]


async def _name_pending(snapshot: CareReader, requests: Sequence[BillRequest], found: list[Any]) -> None:
    """ORDER_PENDING for a refusal that names the bill of a pending order: that is no settlement yet."""
    settled = [place for place, each in enumerate(found) if isinstance(each, Fault) and "setl_id" in each.metadata]
    if not settled:
        return
    accounts = {place: AccountKey(requests[place].bill.psn_no, requests[place].bill.insutype) for place in settled}
    pending = (await snapshot.load(Wanted(accounts=tuple(dict.fromkeys(accounts.values()))))).pending
    for place, account in accounts.items():
        blocking = pending.get(account)
        if blocking is not None and blocking.setl_id == found[place].metadata["setl_id"]:
            found[place] = order_pending(blocking)


def _found(request: BillRequest, books: Books) -> Chosen | OwnCare | StoredAnswer | Fault:
    stamp = request.stamp
    stored = books.answers.get((stamp.scope, stamp.request_id))
    if stored is not None:
        return refusal_of(stamp, stored) or (stored if stored.insured_cell else repeat_of(stamp, stored))
    known = books.encounters.get(request.bill.mdtrt_id)
    try:
        if known is not None and not known.insured_cell:
            return OwnCare(request, beijing_day(from_micros(check_encounter(request.bill, known).begin_at)))
        return chosen_care(request, books, trial=not stamp.request_id)
    except Fault as fault:
        return fault


def _bill(request: BillRequest, chosen: Chosen, numbers: dict[str, str], lines: dict[str, list[CareLine]]) -> CareBill:
    known = chosen.encounter
    own = [line for batch in chosen.batches for line in lines.get(batch.fee_batch_id, ())]
    return CareBill(
        request, chosen, KindOfCare(known.med_type, known.local_med_type), numbers[known.mdtrt_id], tuple(own)
    )


def _stays(requests: Sequence[BillRequest]) -> tuple[str, ...]:
    return tuple({request.bill.mdtrt_id: None for request in requests if request.bill.kind == STAY})


def _batches(chosen: Sequence[Chosen]) -> list[str]:
    return list(dict.fromkeys(batch.fee_batch_id for each in chosen for batch in each.batches))
