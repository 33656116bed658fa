"""A hospital's counter at settlement's operations: a real store, people of the small world, a catalogue with prices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from services.kernel.requests import RequestStamp
from services.runtime.db import Database
from services.runtime.identifiers import time_ordered_ids
from services.settlement.domain.books.notices import NO_ORIGIN
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.catalogue import Institution, ItemKey, PricedItem, PriceScope
from services.settlement.domain.care.encounters import Encounter, EncounterName, Since
from services.settlement.domain.care.insured import CredentialQuery, Enrolment, Insured
from services.settlement.domain.care.pricing import SentLine
from services.settlement.operations.care.encounters import Registration
from services.settlement.operations.care.fees import FeeUpload
from services.settlement.operations.care.since import SinceMessages
from services.settlement.store.fees import EncounterBooks
from services.settlement.store.schema import schema
from services.settlement.wiring import Means, Surroundings, operations_on
from tests.settlement.world import EMPLOYEE, HOSPITAL, FakeCatalogue, FakeIdentity, Ticking, insured
from yibao.settlement.v1 import common_pb2

BEGIN = datetime(2025, 3, 10, 0, 30, tzinfo=UTC)
TODAY = BEGIN + timedelta(days=30)
"""When the counter's clock starts: what begins at BEGIN has long been over."""
SOMEBODY = "990000000000000001"
ANOTHER = "990000000000000002"


def item(code: str, chrg_class: str = "A", prop_e4: int = 0, limit: str = "", **flags: bool) -> PricedItem:
    """An item of the catalogue."""
    return PricedItem(
        med_list_codg=code,
        list_type="101",
        item_name=f"测试药品{code}",
        chrg_class=chrg_class,
        med_chrgitm_type="09",
        spec="10mg",
        dosform_name="片剂",
        lmt_used_flag=flags.get("restricted", False),
        bas_medn_flag=flags.get("essential", False),
        hi_nego_drug_flag=False,
        selfpay_prop_e4=prop_e4,
        price_limit_e6=int(limit) * 1_000_000 if limit else None,
        price_limit=limit,
        hosp_bear=flags.get("hosp_bear", False),
    )


class PricedCatalogue(FakeCatalogue):
    """The small world's catalogue with items; it remembers what it was asked.

    `changes` are items from a day on, `raised` an institution with another level from a day on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.items = {
            "A1": item("A1"),
            "A2": item("A2", essential=True),
            "B1": item("B1", "B", 1000),
            "B2": item("B2", "B", 1000, "4"),
            "C1": item("C1", "C", 10_000),
            "R1": item("R1", restricted=True),
        }
        self.changes: dict[str, tuple[date, PricedItem]] = {}
        self.raised: tuple[str, date, str] | None = None
        self.asked: list[tuple[PriceScope, tuple[ItemKey, ...]]] = []

    async def institution(self, code: str, day: date) -> Institution:
        found = await super().institution(code, day)
        if self.raised is not None and self.raised[0] == code and day >= self.raised[1]:
            return replace(found, hosp_lv=self.raised[2])
        return found

    async def priced_items(self, scope: PriceScope, keys: Sequence[ItemKey]) -> Mapping[ItemKey, PricedItem]:
        self.asked.append((scope, tuple(keys)))
        found = {}
        for key in keys:
            change = self.changes.get(key.med_list_codg)
            if change is not None and key.day >= change[0]:
                found[key] = change[1]
            elif key.med_list_codg in self.items:
                found[key] = self.items[key.med_list_codg]
        return found


def line(
    number: str,
    code: str = "A1",
    amount_fen: int = 1000,
    cnt: str = "1",
    pric: str = "10",
    *,
    batch: str = "",
    origin: str = "",
    at: datetime = BEGIN,
    approval: str = "0",
) -> SentLine:
    """A line as it is sent; its content is what these arguments say."""
    detail = common_pb2.FeeLine(
        feedetl_sn=number, med_list_codg=code, det_item_fee_sumamt_fen=amount_fen, cnt=cnt, pric=pric, chrg_bchno=batch
    )
    return SentLine(
        number, origin, batch, at, code, amount_fen, cnt, pric, approval, detail.SerializeToString(deterministic=True)
    )


def split_of(answer: bytes) -> tuple[int, int, int, int]:
    """Full self-pay, over limit, advance self-pay, in scope of an answered line."""
    split = common_pb2.FeeLineSplit.FromString(answer)
    return (
        split.fulamt_ownpay_amt_fen,
        split.overlmt_amt_fen,
        split.preselfpay_amt_fen,
        split.inscp_scp_amt_fen,
    )


def joined(answers: Sequence[bytes]) -> bytes:
    """An answer of an upload: the answers of its lines."""
    return b"|".join(answers)


class Untold:
    """Answers here are no messages: nothing is appended to them."""

    def splits(self, response: bytes) -> Mapping[str, bytes]:
        return {}

    def told(self, kind: str, since: Since) -> bytes:
        return b""


@dataclass
class Counter:
    """One settlement member's encounters and fees, as its own wiring makes them, without their RPC face."""

    database: Database
    clock: Ticking = field(default_factory=Ticking)
    identity: FakeIdentity = field(default_factory=FakeIdentity)
    catalogue: PricedCatalogue = field(default_factory=PricedCatalogue)
    since: SinceMessages = field(default_factory=Untold)
    chance: int = 11

    def __post_init__(self) -> None:
        around = Surroundings(self.database, self.identity, self.catalogue)
        new_id = time_ordered_ids(self.clock, Random(self.chance))
        made = operations_on(around, Means(self.clock, new_id, lambda: NO_ORIGIN, since=self.since))
        self.encounters, self.stays, self.fees = made.encounters, made.stays, made.fees
        self.reservations, self.benefits, self.reversing = made.reservations, made.benefits, made.settlements.reversing
        self.writes = self.encounters.writes
        self.persons = self.benefits.persons
        self.books = EncounterBooks(self.database)
        self.identity.people = {psn_no: insured(psn_no) for psn_no in (SOMEBODY, ANOTHER)}

    def stamp(self, request_id: str, content: str = "", hospital: str = HOSPITAL) -> RequestStamp:
        """A request of a hospital; equal content unless it is named."""
        return RequestStamp(hospital, request_id, "Test", content or f"content of {request_id}")

    async def register(
        self,
        request_id: str,
        *,
        kind: str = VISIT,
        psn_no: str = SOMEBODY,
        number: str = "N1",
        hospital: str = HOSPITAL,
        token: str = "",
        content: str = "",
        insutype: str = EMPLOYEE,
        begin: datetime = BEGIN,
    ) -> str:
        """Registers a visit or a stay; its number."""
        day = begin.date()
        shown = ("01", token) if token else ("02", "990000180001010017")
        registration = Registration(
            kind=kind,
            credential=CredentialQuery(hospital, day, *shown, psn_no=psn_no, insutype=insutype),
            insutype=insutype,
            begin_at=begin,
            ipt_otp_no=number,
            mdtrtarea_admvs="",
            med_type="21" if kind == STAY else "",
        )
        answer = await self.encounters.register(
            self.stamp(request_id, content, hospital), registration, self.clock(), _described, _number
        )
        return answer.decode()

    def name(self, mdtrt_id: str, kind: str = VISIT, psn_no: str = SOMEBODY, hospital: str = HOSPITAL) -> EncounterName:
        """An encounter as a request names it."""
        return EncounterName(kind, mdtrt_id, hospital, psn_no)

    async def upload(
        self, request_id: str, mdtrt_id: str, *lines: SentLine, kind: str = VISIT, content: str = "", med_type: str = ""
    ) -> list[bytes]:
        """Uploads lines; the answer of each."""
        upload = FeeUpload(self.name(mdtrt_id, kind), lines, med_type)
        answer = await self.fees.upload(self.stamp(request_id, content), upload, self.clock(), joined)
        return answer.split(b"|")

    async def encounter(self, mdtrt_id: str) -> Encounter:
        """The encounter as it is stored."""
        async with self.books.reading() as snapshot:
            found = await snapshot.encounter(mdtrt_id)
        assert found is not None
        return found


def _described(encounter: Encounter, person: Insured, enrolment: Enrolment) -> bytes:
    return b"described"


def _number(encounter: Encounter) -> bytes:
    return encounter.mdtrt_id.encode()


@asynccontextmanager
async def counter_on(url: str, since: SinceMessages | None = None, chance: int = 11) -> AsyncIterator[Counter]:
    """A counter on a database; its tables are made. `since` where answers are messages; `chance` of a second one there."""
    clock = Ticking(TODAY)
    database = Database(url, clock)
    await database.start(schema().metadata)
    try:
        yield Counter(database, clock, since=since or Untold(), chance=chance)
    finally:
        await database.close()
