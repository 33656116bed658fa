"""A small world for settlement's books: a real store, invented people and institutions as small classes, bills on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, not_found, precondition
from services.kernel.requests import NOWHERE, Regions, RequestStamp
from services.runtime.db import Database, bulk_insert
from services.runtime.identifiers import time_ordered_ids
from services.settlement.domain.benefits.stack import CompiledStack, StackChoice, StackRequest
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.entries import StoredAnswer
from services.settlement.domain.books.ledger import AccountKey, LedgerKey
from services.settlement.domain.books.notices import NoticeOrigin
from services.settlement.domain.books.opening import Opening
from services.settlement.domain.books.reversal import MessageName, ReversalRequest, SettlementName
from services.settlement.domain.books.verification import Finding
from services.settlement.domain.care.bill import Bill, Desk
from services.settlement.domain.care.catalogue import Disease, Institution, ItemKey, LocalKind, PricedItem, PriceScope
from services.settlement.domain.care.insured import CredentialQuery, Enrolment, FamilyLink, Insured, Person
from services.settlement.store.schema import schema
from services.settlement.store.tables import ENCOUNTER, FEE_BATCH
from services.settlement.wiring import Means, Surroundings, operations_on
from tests.settlement.stacks import stack_of
from yibao.settlement.v1 import reversal_pb2, settlement_pb2

HOSPITAL = "H99010000001"
OTHER_HOSPITAL = "H99010000002"
START = datetime(2025, 3, 10, 1, 0, tzinfo=UTC)
EMPLOYEE = "310"
RESIDENT = "390"
PLACE = "990100"
TRACEPARENT = f"00-{1:032x}-{2:016x}-01"


class Ticking:
    """A clock that moves one second with every look."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Still(Ticking):
    """A clock that stands until it is moved."""

    def __call__(self) -> datetime:
        return self.at


def insured(psn_no: str, insutype: str = EMPLOYEE, **changes: object) -> Insured:
    """An invented person with one enrolment."""
    person = Person(psn_no, "测试人", "01", "990000180001010017", "1", "01", date(1980, 1, 1))
    status = "active" if insutype == EMPLOYEE else "resident"
    enrolment = Enrolment(insutype, PLACE, "11", "1", status, date(2015, 1, 1), None, date(2015, 1, 1))
    made = Insured(person, (enrolment,))
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


class FakeIdentity:
    """Identity with a list of persons; a credential `token:<psn_no>:<serial>` is an ecToken of that person."""

    def __init__(self) -> None:
        self.people: dict[str, Insured] = {}
        self.calls = 0
        self.down: Fault | None = None

    async def verify(self, item: CredentialQuery) -> Insured:
        (found,) = await self.verify_batch([item])
        if isinstance(found, Fault):
            raise found
        return found

    async def verify_batch(self, items: Sequence[CredentialQuery]) -> Sequence[Insured | Fault]:
        self.calls += 1
        if self.down is not None:
            raise self.down
        return [self._verified(item) for item in items]

    async def persons(self, psn_nos: Sequence[str]) -> Mapping[str, Insured]:
        return {psn_no: self.people[psn_no] for psn_no in psn_nos if psn_no in self.people}

    def _verified(self, item: CredentialQuery) -> Insured | Fault:
        psn_no, digest = item.psn_no, ""
        if item.mdtrt_cert_no.startswith("token:"):
            psn_no, digest = item.mdtrt_cert_no.split(":")[1], f"digest of {item.mdtrt_cert_no}"
        found = self.people.get(psn_no)
        return not_found("PERSON_NOT_FOUND") if found is None else replace(found, ec_token_digest=digest)


class FakeCatalogue:
    """A catalogue with stacks by insurance type and institutions by code."""

    def __init__(self) -> None:
        self.stacks: dict[str, tuple[str, ...]] = {
            EMPLOYEE: ("beijing-employee@2023-01-01",),
            RESIDENT: ("jinan-resident@2025-01-01", "shandong-resident-cii@2020-01-01"),
        }
        self.institutions = {
            code: Institution(code, f"测试医院{code[-1]}", "1", "1", "", "3", PLACE)
            for code in (HOSPITAL, OTHER_HOSPITAL)
        }
        self.disease_codes: dict[str, Disease] = {}
        self.kinds: tuple[LocalKind, ...] = ()
        self.kinds_asked = 0
        self.published: dict[str, str] = {}

    async def institution(self, code: str, day: date) -> Institution:
        if code not in self.institutions:
            raise precondition("INSTITUTION_UNKNOWN", fixmedins_code=code)
        return self.institutions[code]

    async def priced_items(self, scope: PriceScope, keys: Sequence[ItemKey]) -> Mapping[ItemKey, PricedItem]:
        return {}

    async def stack(self, request: StackRequest) -> StackChoice:
        names = self.stacks.get(request.insutype)
        if names is None:
            raise not_found("STACK_NOT_FOUND", admdvs=request.admdvs, insutype=request.insutype)
        stack = stack_of(*names)
        self.published |= {policy.content_hash: policy.name for policy in stack.policies}
        return StackChoice((), stack)

    async def stack_of(self, hashes: Sequence[str]) -> CompiledStack:
        if not all(each in self.published for each in hashes):
            raise not_found("POLICY_NOT_FOUND", policy=",".join(hashes))
        return stack_of(*(self.published[each] for each in hashes))

    async def diseases(self, admdvs: str, day: date, codes: Sequence[str]) -> Mapping[str, Disease]:
        return {code: self.disease_codes[code] for code in codes if code in self.disease_codes}

    async def local_kinds(self, admdvs: str) -> Sequence[LocalKind]:
        self.kinds_asked += 1
        return self.kinds


@dataclass
class World:
    """One settlement member's operations, as its own wiring makes them; `cell` is the own one where the mesh has several."""

    database: Database
    clock: Ticking = field(default_factory=Ticking)
    identity: FakeIdentity = field(default_factory=FakeIdentity)
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    workers: int = 1
    cell: str = ""

    def __post_init__(self) -> None:
        self.random = Random(7)
        self.new_id = time_ordered_ids(self.clock, self.random)
        around = Surroundings(self.database, self.identity, self.catalogue)
        means = Means(self.clock, self.new_id, self.telling, self.cell, limits={"workers": self.workers})
        self.operations = operations_on(around, means)
        settlements, orders = self.operations.settlements, self.operations.orders
        self.settling, self.trying, self.reversing = settlements.settling, settlements.trying, settlements.reversing
        self.queries, self.committer, self.trials = settlements.queries, settlements.settles, settlements.trials
        self.opens, self.orders, self.booked, self.steps = orders.opens, orders.orders, orders.booked, orders.steps
        self.books, self.lapsing = self.settling.books, self.settling.lapsing
        self.care_bills, self.replaying = self.operations.care_bills, self.operations.replaying
        self.ledgers, self.verifying = self.operations.ledgers, self.operations.verifying
        self.number = 0

    def telling(self) -> NoticeOrigin:
        """When and by which span notices are written: as if in the trace of the clock's moment."""
        return NoticeOrigin(to_micros(self.clock.at), TRACEPARENT)

    def number_from(self, random: Random) -> None:
        """Makes numbers by chances of its own: of a second member on the same store."""
        self.random.seed(random.random())

    def person(self, psn_no: str, insutype: str = EMPLOYEE, **changes: object) -> str:
        """Makes somebody known to identity."""
        self.identity.people[psn_no] = insured(psn_no, insutype, **changes)
        return psn_no

    def family(self, psn_no: str, owner: str, insutype: str = EMPLOYEE, *, cell: str = "") -> None:
        """Lets a person use the owner's account, one in that cell, besides those that stand."""
        link = FamilyLink(owner, insutype, date(2020, 1, 1), None, cell)
        known = self.identity.people[psn_no]
        self.identity.people[psn_no] = replace(known, family_links=(*known.family_links, link))

    async def encounter(
        self,
        psn_no: str,
        *,
        kind: str = "visit",
        state: str = "open",
        insutype: str = EMPLOYEE,
        hospital: str = HOSPITAL,
        token: str | None = None,
        insured_cell: str = "",
        area: str = PLACE,
    ) -> str:
        """Registers a visit or a stay, perhaps with an ecToken of that digest, or of somebody whom another cell insures."""
        self.number += 1
        mdtrt_id, now = f"M{self.number:09d}", self.clock()
        ended = now if state == "discharged" else None
        med_type = "21" if kind == "stay" else ""
        row = (
            *(mdtrt_id, hospital, psn_no, insutype, kind, f"N{self.number}", state, med_type, now, ended),
            *(PLACE, area, "02", "", "", "", b"", now, token, "", insured_cell),
        )
        async with self.database.write() as connection:
            await bulk_insert(connection, ENCOUNTER, [row])
        return mdtrt_id

    async def fees(
        self,
        mdtrt_id: str,
        inscp: int,
        *,
        presel: int = 0,
        fulamt: int = 0,
        over: int = 0,
        hosp_bear: bool = False,
        batch: str = "1",
    ) -> str:
        """Uploads a charge batch; what is over a limit is borne by the hospital where `hosp_bear`."""
        self.number += 1
        fee_batch_id = f"B{self.number:09d}"
        total = inscp + presel + fulamt + over
        row: tuple[object, ...] = (
            *(fee_batch_id, mdtrt_id, batch, "upload", "open", None),
            *(total, fulamt, over, presel, inscp, over if hosp_bear else 0, {}, 1, self.clock(), "op1", "收费员"),
        )
        async with self.database.write() as connection:
            await bulk_insert(connection, FEE_BATCH, [row])
        return fee_batch_id

    async def visit_with_fees(self, psn_no: str, inscp: int, *, presel: int = 0, fulamt: int = 0) -> str:
        """A visit with one charge batch."""
        mdtrt_id = await self.encounter(psn_no, insutype=self.identity.people[psn_no].enrolments[0].insutype)
        await self.fees(mdtrt_id, inscp, presel=presel, fulamt=fulamt)
        return mdtrt_id

    def order(
        self, psn_no: str, mdtrt_id: str, total: int, request: str = "", *, trial_hash: str = "", **bill: object
    ) -> BillRequest:
        """A bill of a visit, settled under a request id or tried without one."""
        desk = Desk(str(bill.pop("hospital", HOSPITAL)), request.rpartition(":")[2] or "MSG", "op1", "收费员")
        insutype = self.identity.people[psn_no].enrolments[0].insutype
        content = (psn_no, mdtrt_id, total, trial_hash, tuple(sorted(bill.items())))
        made = Bill(desk, "visit", mdtrt_id, psn_no, insutype, "1", total, "02", med_type="11")
        stamp = RequestStamp(desk.fixmedins_code, request, "Settle", str(hash(content)))
        return BillRequest(replace(made, **bill), self.clock(), stamp, trial_hash)  # type: ignore[arg-type]  # fields by name

    async def settle_all(self, *orders: BillRequest) -> list[StoredAnswer | BaseException]:
        """Settles orders that arrive together."""
        return await self.settling.settle(orders, lambda place, bill: self.committer.submit(bill))

    async def settle(self, request: BillRequest) -> settlement_pb2.SettleResponse:
        """Settles one order; raises its refusal."""
        (answer,) = await self.settle_all(request)
        if isinstance(answer, BaseException):
            raise answer
        return settlement_pb2.SettleResponse.FromString(answer.response)

    async def reverse(
        self,
        settled: settlement_pb2.SettleResponse,
        request: str,
        *,
        hospital: str = HOSPITAL,
        rpc: str = "Settle",
        regions: Regions = NOWHERE,
    ) -> reversal_pb2.ReverseResponse:
        """Reverses a settlement; raises its refusal."""
        info = settled.setlinfo
        name = SettlementName(info.setl_id, info.mdtrt_id, info.psn_no, rpc)
        order = self.reversal(request, repr(name), hospital)
        order = replace(order, stamp=replace(order.stamp, regions=regions))
        answer = await self.reversing.reverse(order, name)
        return reversal_pb2.ReverseResponse.FromString(answer)

    async def take_back(
        self, oinfno: str, omsgid: str, request: str, psn_no: str = "", hospital: str = HOSPITAL
    ) -> bool:
        """Takes a message back (2601) and says whether it had never arrived."""
        name = MessageName(oinfno, omsgid, psn_no)
        order = self.reversal(request, repr(name), hospital)
        answer = await self.reversing.reverse_message(order, name, lambda taken: b"" if taken.arrived else b"never")
        return answer == b"never"

    def reversal(self, request: str, content: str, hospital: str = HOSPITAL) -> ReversalRequest:
        """A request to reverse something."""
        stamp = RequestStamp(hospital, request, "Reverse", content)
        return ReversalRequest(stamp, Desk(hospital, request.rpartition(":")[2], "op2", "退费员"), self.clock())

    async def open_ledger(
        self,
        psn_no: str,
        balance: int = 0,
        current: int = 0,
        year: str = "2025",
        insutype: str = EMPLOYEE,
        **values: int,
    ) -> None:
        """Opens a ledger with a balance and accumulators."""
        self.number += 1
        opening = Opening(LedgerKey(psn_no, insutype, PLACE, year), balance, current, tuple(values.items()))
        stamp = RequestStamp("operator:test", f"open{self.number}", "OpenLedger", "")
        await self.ledgers.open(stamp, [opening], self.clock(), lambda opened, unchanged: b"")

    async def accumulators(self, psn_no: str, year: str = "2025", insutype: str = EMPLOYEE) -> dict[str, int]:
        """The accumulators of a year."""
        return await self.ledgers.accumulators(LedgerKey(psn_no, insutype, PLACE, year))

    async def balance(self, psn_no: str, insutype: str = EMPLOYEE) -> tuple[int, int]:
        """Balance of an account and the current year's part."""
        head = await self.ledgers.account(AccountKey(psn_no, insutype), self.clock.at)
        return head.balance_fen, head.current_year_fen

    async def findings(self) -> tuple[Finding, ...]:
        """What a check of the books finds."""
        return (await self.verifying.verify(self.clock.at.date())).findings

    async def try_bill(self, request: BillRequest) -> settlement_pb2.TrialResponse:
        """Tries one order; raises its refusal."""
        (answer,) = await self.trying.try_bills([request], lambda place, bill: self.trials.submit(bill))
        if isinstance(answer, BaseException):
            raise answer
        return settlement_pb2.TrialResponse.FromString(answer)


@asynccontextmanager
async def world_on(url: str, workers: int = 1, clock: Ticking | None = None, cell: str = "") -> AsyncIterator[World]:
    """A world on a database; its tables are made."""
    clock = clock or Ticking()
    database = Database(url, clock)
    await database.start(schema().metadata)
    world = World(database, clock, workers=workers, cell=cell)
    try:
        yield world
    finally:
        # A test may have given the world a committer of its own.
        await world.committer.stop()
        await world.operations.stop()
        await database.close()


def sqlite_url(folder: Path) -> str:
    """A fresh SQLite store in a folder."""
    return f"sqlite:///{folder}/settlement.sqlite"
