"""Filings: made once, withdrawn, listed, and which one counts for care."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from services.kernel.clock import beijing_day
from services.kernel.codes import pooling_area
from services.kernel.errors import invalid
from services.kernel.persons import person_not_found
from services.kernel.requests import Entry, RequestStamp
from services.routing.domain.bills import BegunBill
from services.routing.domain.divisions import NATION
from services.routing.domain.filing_terms import FilingTerms
from services.routing.domain.filings import (
    AskedFiling,
    Counted,
    Filing,
    NamedCare,
    Stay,
    check_days,
    counting,
    made,
    not_elsewhere,
    withdrawn,
)
from services.routing.domain.resolution import Query, Resolution, Where
from services.routing.operations.registry import Registry
from services.routing.store.unit import RoutingStore, Unit
from services.runtime.writes import Frame, as_it_stands

MOST: Final = 200
"""Filings of a person that a list tells."""
INSTITUTION: Final = "institution"


class CarePlaces(Protocol):
    """The settlement of the cells."""

    async def care(self, cell: str, begun: NamedCare, psn_no: str) -> Stay:
        """What has begun there; ENCOUNTER_NOT_FOUND, or the Fault of a cell that is away."""
        ...


@dataclass(frozen=True, slots=True)
class Paths:
    """Under which names a request says things, for refusals."""

    psn_no: str
    care_admdvs: str


class FilingOperations:
    """What FilingService and ReferralService do."""

    def __init__(
        self, store: RoutingStore, registry: Registry, places: CarePlaces, new_id: Callable[[], str], terms: FilingTerms
    ) -> None:
        self._store = store
        self._registry = registry
        self._places = places
        self._new_id = new_id
        self._terms = terms
        self._frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def file(
        self,
        stamp: RequestStamp,
        asked: AskedFiling,
        insutype: str,
        begun: NamedCare | None,
        now: datetime,
        paths: Paths,
        encode: Callable[[Filing], bytes],
    ) -> bytes:
        """Makes a filing and answers it; a repeat gets the first answer, whatever has changed since.

        PERSON_NOT_FOUND, INSURED_TWICE, DIVISION_UNKNOWN, DIVISION_NOT_THEN, ENCOUNTER_NOT_FOUND, FILING_TOO_LATE,
        FILING_TOO_LONG, FILING_OVERLAPS, REQUEST_ID_REUSED.
        """
        async with self._store.read() as work:
            kept = await work.journal.find(stamp)
        if kept is None:
            asked = await self._checked(asked, insutype, begun, beijing_day(now), paths)

        async def act(work: Unit) -> Entry:
            await work.filings.hold(asked.psn_no)
            filing = made(asked, await work.filings.standing(asked.psn_no), self._new_id(), now)
            await work.filings.add(filing)
            return await _kept(work, stamp, encode(filing), now)

        entry: Entry = await self._frame.once(stamp, act, as_it_stands)
        return entry.response

    async def withdraw(
        self,
        stamp: RequestStamp,
        filing_no: str,
        psn_no: str,
        why: str,
        now: datetime,
        encode: Callable[[Filing], bytes],
        fixmedins_code: str = "",
    ) -> bytes:
        """Withdraws a filing of a person, or a referral that an institution made; FILING_NOT_FOUND, FILING_WITHDRAWN."""

        async def act(work: Unit) -> Entry:
            await work.filings.hold(psn_no)
            found = await work.filings.find(filing_no, psn_no)
            if found is not None and fixmedins_code and found.fixmedins_code != fixmedins_code:
                found = None
            gone = withdrawn(found, filing_no, why, now)
            await work.filings.withdraw(gone)
            return await _kept(work, stamp, encode(gone), now)

        entry: Entry = await self._frame.once(stamp, act, as_it_stands)
        return entry.response

    async def of_person(self, psn_no: str) -> Sequence[Filing]:
        """At most MOST filings of a person, those made last first."""
        async with self._store.read() as work:
            return await work.filings.of_person(psn_no, MOST)

    async def counting(self, psn_no: str, care_admdvs: str, day: date) -> Counted:
        """Which filing counts for care at a place that begins on a day; where none does, why the latest do not."""
        async with self._store.read() as work:
            told = counting(await work.filings.standing(psn_no), care_admdvs, day, self._terms)
            if told.filing is not None:
                return told
            return counting(await work.filings.of_person(psn_no, MOST), care_admdvs, day, self._terms)

    async def of_bills(self, bills: Sequence[BegunBill]) -> list[Filing | None]:
        """The filing that counts for each bill, none where none does."""
        async with self._store.read() as work:
            standing = await work.filings.standing_of(list({each.psn_no for each in bills}))
        return [
            counting(standing.get(each.psn_no, ()), each.care_admdvs, each.day, self._terms).filing for each in bills
        ]

    async def insured(self, psn_no: str, care_admdvs: str, day: date, insutype: str, path: str) -> Resolution:
        """Where the person is insured; PERSON_NOT_FOUND at the field `path`."""
        found = await self._registry.resolve(Query(psn_no, "", "", care_admdvs, day, insutype))
        if found.where is Where.NOT_FOUND:
            raise person_not_found(path)
        return found

    async def _checked(
        self, asked: AskedFiling, insutype: str, begun: NamedCare | None, today: date, paths: Paths
    ) -> AskedFiling:
        located = self._registry.division(asked.care_admdvs, max(asked.from_day, today), paths.care_admdvs)
        if asked.care_admdvs == NATION:
            raise invalid(paths.care_admdvs, "filing.nation", "a province or a division below it")
        resolution = await self.insured(asked.psn_no, asked.care_admdvs, today, insutype, paths.psn_no)
        place = resolution.place
        # A referral inside the area is written down too, and changes nothing.
        if asked.filed_by != INSTITUTION and place and pooling_area(place.admdvs) == located.pooling_area:
            raise not_elsewhere(paths.care_admdvs)
        stay = await self._places.care(located.cell, begun, asked.psn_no) if begun else None
        return check_days(asked, self._terms, today, stay)


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)


async def _kept(work: Unit, stamp: RequestStamp, response: bytes, now: datetime) -> Entry:
    entry = Entry(stamp, response, now)
    await work.journal.add(entry)
    return entry
