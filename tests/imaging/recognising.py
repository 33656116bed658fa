"""An institution that asks about a person's examinations: the index on a real store, cells and an audit log in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from services.imaging.domain.advice import Choice, Evidence
from services.imaging.domain.audit import Access
from services.imaging.domain.dicom_forms import MODALITIES
from services.imaging.domain.recognition import Planned
from services.imaging.domain.reports import Picture, Report, ReportItem
from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import Grant, GrantDecision, MeantPerson, Reader
from services.imaging.loader import SAMPLES, read_folder
from services.imaging.operations.granting import Granting
from services.imaging.operations.nodes import NodeOperations
from services.imaging.operations.ports import Also
from services.imaging.operations.recognising import Priors, Recognising, RecognitionBooks, WhoAsks
from services.imaging.operations.reporting import Reporting, ReportResult
from services.imaging.store.index import StoredIndex
from services.kernel.clock import beijing_day, to_micros
from services.kernel.errors import Fault, denied
from services.kernel.requests import RequestStamp
from tests.imaging.conftest import House, key_of
from tests.imaging.entries import HOSPITAL, NODE, NOON, PSN_NO, uid

TABLES: Final = read_folder(SAMPLES)
ELSEWHERE: Final = "H99020000001"
CT: Final = "002103009010000"
PLANNED: Final = Planned(ELSEWHERE, beijing_day(NOON), CT, body_part="CHEST")
REPORT: Final = Report(
    *(HOSPITAL, "R1", "20260301", "20260302", "01", "胸部CT", "胸部", "1", "2", "右肺上叶结节"),
    organisation="测试医院",
    doctor="李四",
    items=(ReportItem(CT, "CT平扫"),),
    pictures=(Picture(uid(1), "CT"),),
)


@dataclass
class PlayedCells:
    """Persons' cells: who is let by whom, with what scope."""

    scopes: dict[tuple[str, str], Scope] = field(default_factory=dict)
    away: Fault | None = None
    proofs: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def found(self, reader: Reader, person: MeantPerson) -> Grant:
        self.asked.append("found")
        if self.away is not None:
            raise self.away
        if (reader.organisation, person.psn_no) not in self.scopes:
            raise denied("NO_ACCESS")
        return Grant(f"G{person.psn_no}", key_of(person.psn_no))

    async def decided(self, reader: Reader, grant_nos: Sequence[str]) -> Sequence[GrantDecision]:
        self.asked.append("decided")
        named = [each.removeprefix("G") for each in grant_nos]
        return [GrantDecision(self.scopes.get((reader.organisation, each)), key_of(each)) for each in named]

    async def proved(self, request_id: str, fixmedins_code: str, shown: str) -> Grant:
        self.proofs.append(request_id)
        self.scopes[fixmedins_code, shown] = Scope()
        return Grant(f"G{shown}", key_of(shown), to_micros(NOON + timedelta(hours=24)))


@dataclass
class KeptLog:
    """An audit log in memory, that writes what stands together with an entry."""

    house: House
    entries: list[Access] = field(default_factory=list)
    broken: Fault | None = None

    async def write(self, accesses: Sequence[Access], also: Also | None = None) -> None:
        if self.broken is not None:
            raise self.broken
        if also is not None:
            async with self.house.store.write() as work:
                await also(work)
        self.entries += accesses


@dataclass(slots=True)
class Desk:
    """Everything that recognition does."""

    house: House
    cells: PlayedCells = field(default_factory=PlayedCells)
    log: KeptLog = field(init=False)
    recognising: Recognising = field(init=False)
    books: RecognitionBooks = field(init=False)
    reporting: Reporting = field(init=False)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        store = self.house.store
        self.log = KeptLog(self.house)
        priors = Priors(store, StoredIndex(store, lambda: NOON, lambda: 1e9 * next(self.numbers)), TABLES)
        self.recognising = Recognising(Granting(self.cells), priors, self.log, lambda: f"A{next(self.numbers)}")
        self.books = RecognitionBooks(store, TABLES, MODALITIES)
        self.reporting = Reporting(store, self.house.keys, self.cells)

    def let(self, scope: Scope = Scope(), institution: str = ELSEWHERE, psn_no: str = PSN_NO) -> None:  # noqa: B008 - frozen
        """The person lets an institution read."""
        self.cells.scopes[institution, psn_no] = scope

    async def node_is_heard(self) -> None:
        """The node answers and can serve pictures."""
        await NodeOperations(self.house.store).heard(NODE.node_no, NOON, retrieving=True)

    async def advise(self, planned: Planned = PLANNED, psn_no: str = PSN_NO) -> tuple[str, tuple[Evidence, ...]]:
        """Advice for the institution that plans."""
        return await self.recognising.advise(WhoAsks(planned.fixmedins_code, "D1", psn_no), planned, NOON)

    async def report(self, report: Report = REPORT, psn_no: str = PSN_NO, request_id: str = "") -> ReportResult:
        """The institution tells a report."""
        stamp = self.stamp(request_id, repr((report, psn_no)))
        told = await self.reporting.upload(stamp, lambda: report, psn_no, NOON, lambda each: bytes([each]))
        return ReportResult(told[0])

    async def decide(self, advice_no: str, choice: Choice, institution: str = ELSEWHERE, request_id: str = "") -> bytes:
        """The institution records a decision."""
        stamp = self.stamp(request_id, repr(choice))
        return await self.books.decide(stamp, institution, advice_no, choice, NOON, b"told")

    def stamp(self, request_id: str = "", content: str = "") -> RequestStamp:
        """A request, new where it has no id."""
        return RequestStamp("institution:H", request_id or f"r{next(self.numbers)}", "/s/Do", content)
