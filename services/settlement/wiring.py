"""Puts settlement together: one store, peers, operations, committers (writes to visits and fees, settlements, trials, booked
bills, steps of orders), the loop that ends lapsed orders, the outbox, and the servicers."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

from services.kernel.clock import Clock, to_micros
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.identifiers import NewId, time_ordered_ids
from services.runtime.logs import describe, write
from services.runtime.outbound import Peers
from services.runtime.server import AddToServer, MemberServer
from services.runtime.telemetry import Telemetry, inject
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.notices import NoticeOrigin
from services.settlement.domain.books.orders import Step
from services.settlement.operations.benefits.fund_checks import BenefitOperations
from services.settlement.operations.benefits.persons import Persons
from services.settlement.operations.benefits.ports import PolicyPeer
from services.settlement.operations.benefits.preparation import Preparation
from services.settlement.operations.benefits.trial import Tried, Trying
from services.settlement.operations.books.booked_replays import BookedReplays
from services.settlement.operations.books.booked_reversals import BookedReversals
from services.settlement.operations.books.booking import Booking
from services.settlement.operations.books.care_bills import CareBills
from services.settlement.operations.books.files import Files
from services.settlement.operations.books.lapse_loop import LapseLoop
from services.settlement.operations.books.ledger import Ledgers
from services.settlement.operations.books.notices import EVERY_S, NoticeLoop, Notices
from services.settlement.operations.books.orders import Opens, Orders, Stepped
from services.settlement.operations.books.own_books import OwnBooks
from services.settlement.operations.books.ports import NoticeOrigins
from services.settlement.operations.books.queries import Queries
from services.settlement.operations.books.replays import Replaying
from services.settlement.operations.books.reverse import Reversing
from services.settlement.operations.books.settle import BillOutcome, Settling
from services.settlement.operations.books.statements import Statements
from services.settlement.operations.books.verify import Verifying
from services.settlement.operations.care.diagnoses import Diagnoses
from services.settlement.operations.care.encounters import EncounterOperations
from services.settlement.operations.care.fees import FeeOperations
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import IdentityPeer
from services.settlement.operations.care.reservations import StayReservations
from services.settlement.operations.care.since import SinceMessages
from services.settlement.operations.care.stays import StayOperations
from services.settlement.operations.care.writes import CareOutcome, CareWrite, Together, Writes
from services.settlement.peers.catalogue import CatalogueClient
from services.settlement.peers.identity import IdentityClient
from services.settlement.servicer.care import CareOperations, CareServicer
from services.settlement.servicer.care_bills import BillsElsewhere
from services.settlement.servicer.convert_carried_lines import unpacked
from services.settlement.servicer.convert_fees import LineMessages
from services.settlement.servicer.convert_settlement import MessageScribe
from services.settlement.servicer.convert_since import AppendedMessages
from services.settlement.servicer.encounters import EncounterServicer
from services.settlement.servicer.fees import FeeServicer
from services.settlement.servicer.filed import FiledBills
from services.settlement.servicer.ledger import LedgerServicer
from services.settlement.servicer.notices import NoticeServicer
from services.settlement.servicer.orders import OrderOperations, OrderServicer
from services.settlement.servicer.own_books import OwnBooksServicer
from services.settlement.servicer.replays import ReplayServicer
from services.settlement.servicer.settlements import SettlementOperations, SettlementServicer
from services.settlement.servicer.statements import StatementServicer
from services.settlement.servicer.stay_reservations import StayReservationServicer
from services.settlement.store.batch_books import BatchBooks
from services.settlement.store.care import CareBooks
from services.settlement.store.care_batches import CareBatches
from services.settlement.store.fees import EncounterBooks
from services.settlement.store.files import FileBooks
from services.settlement.store.orders import OrderBooks
from services.settlement.store.outbox import Outbox
from services.settlement.store.own_books import OwnBookRows
from services.settlement.store.replays import ReplayBooks
from services.settlement.store.schema import schema
from services.settlement.store.settlements import SettlementBooks
from services.settlement.store.statements import StatementRows
from services.settlement.store.verify import LedgerChecks
from yibao.settlement.v1 import (
    care_pb2_grpc,
    encounter_pb2_grpc,
    fee_pb2_grpc,
    ledger_pb2_grpc,
    notice_pb2_grpc,
    order_pb2_grpc,
    own_books_pb2_grpc,
    replay_pb2_grpc,
    settlement_pb2_grpc,
    statement_pb2_grpc,
    stay_reservation_pb2_grpc,
)

MEMBER = "settlement"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The store a member keeps its books in and the members it asks; a test gives its own."""

    database: Database
    identity: IdentityPeer
    catalogue: PolicyPeer
    close: Callable[[], Awaitable[None]] | None = None
    """Lets go of the members, not of the store."""


@dataclass(frozen=True, slots=True)
class Means:
    """How the operations number and date what they write, what they append to repeated answers, and how they commit.

    `cell` is the own one where the mesh has others too, and so routing, which knows filings; "" in a mesh of one. `limits` are
    those of every committer: `max_batch`, `max_queue`, `workers`.
    """

    clock: Clock
    new_id: NewId
    telling: NoticeOrigins
    cell: str = ""
    since: SinceMessages = field(default_factory=AppendedMessages)
    limits: Mapping[str, int] = field(default_factory=dict)
    telemetry: Telemetry | None = None


@dataclass(frozen=True, slots=True)
class Operations:
    """All that the member does, over one store; `care` is a committer, and `settlements` and `orders` hold the others."""

    encounters: EncounterOperations
    stays: StayOperations
    fees: FeeOperations
    diagnoses: Diagnoses
    benefits: BenefitOperations
    reservations: StayReservations
    settlements: SettlementOperations
    orders: OrderOperations
    care_bills: CareBills
    booked_reversals: BookedReversals
    booked_replays: BookedReplays
    ledgers: Ledgers
    verifying: Verifying
    replaying: Replaying
    statements: Statements
    files: Files
    own_books: OwnBooks
    care: Committer[CareWrite, CareOutcome]

    async def stop(self) -> None:
        """Ends the committers after what is under way."""
        bills, orders = self.settlements, self.orders
        for committer in (self.care, bills.settles, bills.trials, orders.booked, orders.steps):
            await committer.stop()


async def build(
    config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner, around: Surroundings | None = None
) -> MemberServer:
    """The member, not yet started; without `around` on the store and among the members that the configuration names."""
    around = around or _configured(config, clock, telemetry, signer)
    database = around.database
    means = Means(
        *(clock, time_ordered_ids(clock, Random(SystemRandom().getrandbits(128))), _telling(clock)),
        cell=config.cell if config.beside_others else "",
        limits=_limits(config, database),
        telemetry=telemetry,
    )
    operations = operations_on(around, means)
    noticing, giving = _outbox(config, telemetry, database, clock)
    loops = (LapseLoop(operations.orders.orders, _told), giving)

    async def start() -> None:
        await database.start(schema())
        for loop in loops:
            loop.start()

    async def stop() -> None:
        for loop in loops:
            await loop.stop()
        await operations.stop()
        if around.close is not None:
            await around.close()
        await database.close()

    served = [*_servicers(operations, config.cell), (notice_pb2_grpc.add_NoticeServiceServicer_to_server, noticing)]
    return MemberServer(
        *(MEMBER, config, telemetry, served, start, stop, database.ping), store=database, signer=signer, clock=clock
    )


def operations_on(around: Surroundings, means: Means) -> Operations:
    """The operations over that store and those members, with committers of settlements, trials, booked bills and steps."""
    database, identity, catalogue = around.database, around.identity, around.catalogue
    persons = Persons(identity, BatchBooks(database))
    orders = Orders(OrderBooks(database), means.clock, means.new_id, means.telling)
    lapsing = Lapsing(means.clock, orders)
    together = Together(CareBatches(database), means.new_id, means.since)
    care: Committer[CareWrite, CareOutcome] = Committer(
        "care", together.commit, **means.limits, telemetry=means.telemetry
    )
    writes = Writes(EncounterBooks(database), means.new_id, means.since, lapsing, care.submit)
    encounters, stays = EncounterOperations(writes, persons, catalogue), StayOperations(writes)
    fees = FeeOperations(writes, catalogue, LineMessages())
    preparation = Preparation(BatchBooks(database), identity, catalogue, means.cell)
    settlements = _settlements(database, preparation, stays, lapsing, means)
    settling, reversals = settlements.settling, BookedReversals(settlements.reversing)
    ledgers = Ledgers(SettlementBooks(database), identity, catalogue, means.new_id, lapsing)
    replays, rows = ReplayBooks(database), StatementRows(database)
    return Operations(
        *(encounters, stays, fees, Diagnoses(EncounterBooks(database)), BenefitOperations(persons, catalogue)),
        StayReservations(writes),
        settlements,
        _orders(database, preparation, settlements, orders, means),
        CareBills(CareBooks(database), catalogue),
        *(reversals, BookedReplays(replays, reversals)),
        *(ledgers, Verifying(LedgerChecks(database), catalogue)),
        Replaying(replays, catalogue, settling.scribe, means.new_id, lapsing, means.telling),
        *(Statements(rows), Files(FileBooks(database), rows, means.new_id)),
        *(OwnBooks(OwnBookRows(database), fees, ledgers, unpacked), care),
    )


def bills_elsewhere(operations: Operations, cell: str) -> BillsElsewhere:
    """What the member of that cell says of bills whose ledgers are another cell's."""
    return BillsElsewhere(
        *(operations.care_bills, cell, operations.booked_reversals, operations.stays, operations.booked_replays)
    )


def _configured(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> Surroundings:
    """The store and the members that the configuration names."""
    peers = Peers(MEMBER, config, signer, telemetry)
    return Surroundings(
        Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL")),
        *(IdentityClient(peers), CatalogueClient(peers, time.monotonic)),
        peers.close,
    )


def _servicers(operations: Operations, cell: str) -> list[tuple[AddToServer, Any]]:
    """The servicers of everything but notices."""
    encounters, stays, settlements = operations.encounters, operations.stays, operations.settlements
    care = CareOperations(cell, encounters, stays, settlements.reversing)
    bills = bills_elsewhere(operations, cell)
    return [
        (
            encounter_pb2_grpc.add_EncounterServiceServicer_to_server,
            EncounterServicer(encounters, stays, operations.benefits, operations.diagnoses),
        ),
        (
            care_pb2_grpc.add_CareServiceServicer_to_server,
            CareServicer(care, FiledBills(settlements), bills),
        ),
        (
            settlement_pb2_grpc.add_SettlementServiceServicer_to_server,
            SettlementServicer(settlements, bills.told_beside),
        ),
        (
            stay_reservation_pb2_grpc.add_StayReservationServiceServicer_to_server,
            StayReservationServicer(operations.reservations),
        ),
        (fee_pb2_grpc.add_FeeServiceServicer_to_server, FeeServicer(operations.fees)),
        (
            ledger_pb2_grpc.add_LedgerServiceServicer_to_server,
            LedgerServicer(operations.ledgers, operations.verifying),
        ),
        (own_books_pb2_grpc.add_OwnBooksServiceServicer_to_server, OwnBooksServicer(operations.own_books)),
        (order_pb2_grpc.add_OrderServiceServicer_to_server, OrderServicer(operations.orders)),
        (
            statement_pb2_grpc.add_StatementServiceServicer_to_server,
            StatementServicer(operations.statements, operations.files),
        ),
        (replay_pb2_grpc.add_ReplayServiceServicer_to_server, ReplayServicer(operations.replaying)),
    ]


def _settlements(
    database: Database, preparation: Preparation, stays: StayOperations, lapsing: Lapsing, means: Means
) -> SettlementOperations:
    """The operations on bills, with a committer for settlements and one for trials."""
    books, settlements, scribe = BatchBooks(database), SettlementBooks(database), MessageScribe()
    settling = Settling(preparation, books, scribe, means.new_id, lapsing, means.telling)
    trying = Trying(preparation, books, scribe, lapsing)
    limits, telemetry = means.limits, means.telemetry
    settles: Committer[PreparedBill, BillOutcome] = Committer("settle", settling.commit, **limits, telemetry=telemetry)
    trials: Committer[PreparedBill, Tried] = Committer("trial", trying.run, **limits, telemetry=telemetry)
    reversing = Reversing(OrderBooks(database), scribe, means.new_id, lapsing, means.telling)
    return SettlementOperations(settling, trying, reversing, Queries(settlements), stays, settles, trials)


def _orders(
    database: Database, preparation: Preparation, settlements: SettlementOperations, orders: Orders, means: Means
) -> OrderOperations:
    """The operations on orders: bills are opened in the commits of settlements, those that another cell has decided and
    steps have committers of their own."""
    opens = Opens(preparation, orders.store, orders.clock)
    booking = Booking(BatchBooks(database), means.new_id, settlements.settling.lapsing)
    limits, telemetry = means.limits, means.telemetry
    booked: Committer[BillRequest, BillOutcome] = Committer("book", booking.commit, **limits, telemetry=telemetry)
    steps: Committer[Step, Stepped] = Committer("order", orders.commit, **limits, telemetry=telemetry)
    return OrderOperations(
        *(opens, orders, settlements.trying, settlements.reversing, settlements.settles, booked, settlements.trials),
        steps,
    )


def _telling(clock: Clock) -> NoticeOrigins:
    """When and by which span notices are written: by the current one, which a commit has of its own."""
    return lambda: NoticeOrigin(to_micros(clock()), inject())


def _outbox(
    config: Config, telemetry: Telemetry, database: Database, clock: Clock
) -> tuple[NoticeServicer, NoticeLoop]:
    """The outbox's servicer, and the loop that publishes what waits in it, or counts it where routing pulls it; how many
    that are, others may watch."""
    notices = Notices(Outbox(database), clock)
    told = "Notices of cross-region settlements that have not arrived where they are cleared."
    telemetry.metrics.gauge("yibao_outbox_notices", told, {}, lambda: float(notices.waiting))
    servicer = NoticeServicer(notices)
    if config.text("YIBAO_NOTICES") != "nats":
        return servicer, NoticeLoop(notices.look, _waiting, EVERY_S)
    # Imported here: it brings a client that most meshes never need.
    from services.settlement.servicer.notice_stream import publishing  # noqa: PLC0415

    published = publishing(config, notices)
    return servicer, NoticeLoop(published.step, _waiting, published.every_s, published.close)


def _limits(config: Config, database: Database) -> dict[str, int]:
    """Of every committer."""
    return {
        "max_batch": config.integer("YIBAO_MAX_BATCH"),
        "max_queue": config.integer("YIBAO_MAX_QUEUE"),
        # SQLite has one writer: a second commit would only wait for the first.
        "workers": config.integer("YIBAO_COMMIT_WORKERS") if database.dialect == "postgresql" else 1,
    }


def _waiting(error: BaseException) -> None:
    """Why the loop of the outbox came to nothing: a refusal by its reason, a bug whole."""
    told = {"reason": error.reason} if isinstance(error, Fault) else describe(error)
    write(logging.getLogger(f"yibao.{MEMBER}"), logging.WARNING, "notices wait; trying on", told)


def _told(error: BaseException) -> None:
    """What the loop of lapsed orders could not do: whoever meets such an order ends it, and the next look comes."""
    write(logging.getLogger(f"yibao.{MEMBER}"), logging.ERROR, "lapsed orders wait", describe(error))
