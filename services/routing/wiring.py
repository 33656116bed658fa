"""Puts the member routing together: store, peers, operations, servicers, and the loops that pull the cells' feeds."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import Any, Final

from services import cells
from services.kernel.clock import Clock
from services.kernel.errors import Fault
from services.routing.domain.bills import BegunBill
from services.routing.domain.clearing.terms import DEFAULTS
from services.routing.domain.divisions import Divisions
from services.routing.domain.filing_terms import DEFAULTS as FILING_TERMS
from services.routing.domain.filings import Filing
from services.routing.domain.hashes import Hasher
from services.routing.domain.sagas import Saga, SagaKind
from services.routing.loader import SAMPLES, read_folder
from services.routing.operations.authorisations import Authorisations
from services.routing.operations.bills import Bills
from services.routing.operations.booked_orders import BookedOrders
from services.routing.operations.clearing_institutions import InstitutionClearing
from services.routing.operations.clearing_journals import Collecting
from services.routing.operations.clearing_months import Months
from services.routing.operations.clearing_payments import Payments
from services.routing.operations.clearing_verify import Verifying
from services.routing.operations.clearing_writes import Books
from services.routing.operations.elsewhere import Elsewhere
from services.routing.operations.filings import FilingOperations
from services.routing.operations.forgotten import EVERY_S as FORGOTTEN_EVERY_S
from services.routing.operations.forgotten import Forgotten
from services.routing.operations.held_orders import HeldOrders
from services.routing.operations.notice_stream import BESIDE_S, STREAM_REST_S, Arriving
from services.routing.operations.notices import Noticing
from services.routing.operations.person_access import PersonAccess
from services.routing.operations.person_keys import PersonKeys
from services.routing.operations.pulling import REST_S, Pulled, Pulling, PullLoops
from services.routing.operations.referrals import Referrals
from services.routing.operations.registry import Registry
from services.routing.operations.replays import Replays
from services.routing.operations.reversals import Reversals
from services.routing.operations.saga_loop import End, SagaLoop
from services.routing.operations.sagas import Item, Kept, SagaBooks, Sagas
from services.routing.operations.stays import Stays
from services.routing.operations.visits import Visits
from services.routing.peers.booked_orders import BookedOrderCells
from services.routing.peers.care import CareClient
from services.routing.peers.consents import ConsentClient
from services.routing.peers.encounters import EncounterCells
from services.routing.peers.feed import FeedClient
from services.routing.peers.insured_cells import InsuredCellClient
from services.routing.peers.notices import NoticeClient
from services.routing.peers.people import PeopleClient
from services.routing.peers.replays import ReplayClient
from services.routing.peers.settlements import SettlementCells
from services.routing.servicer.authorisations import PayAuthorisationServicer
from services.routing.servicer.clearing import ClearingServicer
from services.routing.servicer.clearing_institutions import InstitutionClearingServicer
from services.routing.servicer.elsewhere import ElsewhereServicer
from services.routing.servicer.elsewhere_bills import BillOperations
from services.routing.servicer.elsewhere_encounters import EncounterOperations
from services.routing.servicer.elsewhere_orders import ElsewhereOrderServicer
from services.routing.servicer.filings import FilingServicer
from services.routing.servicer.notices import ClearingNoticeServicer
from services.routing.servicer.person_access import PersonAccessServicer
from services.routing.servicer.referrals import ReferralServicer
from services.routing.servicer.registry import RegistryServicer
from services.routing.store.clearing.verify import VerifyRows
from services.routing.store.unit import RoutingStore
from services.runtime.auth import TokenSigner
from services.runtime.circuits import Circuits
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.identifiers import time_ordered_ids
from services.runtime.logs import describe, write
from services.runtime.outbound import Peers
from services.runtime.sealing import SealedSecrets, Sealer
from services.runtime.server import AddToServer, MemberServer, StartError
from services.runtime.telemetry import ROOT, SpanRef, Telemetry, extract
from yibao.routing.v1 import (
    clearing_notice_pb2_grpc,
    clearing_pb2_grpc,
    elsewhere_orders_pb2_grpc,
    elsewhere_pb2_grpc,
    filing_pb2_grpc,
    institution_clearing_pb2_grpc,
    pay_authorisation_pb2_grpc,
    person_access_pb2_grpc,
    referral_pb2_grpc,
    registry_pb2_grpc,
)

MEMBER: Final = "routing"
DIVISION_FILES: Final = "YIBAO_DIVISION_FILES"
PERSONS: Final = "yibao routing: persons"
"""For what the key of persons' hashes is derived; cells do not have it."""
PERSON_KEYS: Final = "yibao routing: key of persons' keys"
"""For what the key is derived under which the key of persons' keys is sealed."""


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = RoutingStore(database)
    peers = Peers(MEMBER, config, signer, telemetry, circuits=Circuits(telemetry.metrics))
    pulling = _pulling(config, store, peers, signer)
    noticing = _noticing(config, clock, telemetry, store, peers)
    replays = Replays(
        ReplayClient(peers, config.known_cells), tuple(config.known_cells), cells.of_division, _told_replay
    )
    arriving, closed = _arriving(config, telemetry, noticing)
    loops = [_loops(telemetry, pulling, "a cell's feed of persons"), *arriving]
    loops.append(_loops(telemetry, replays, "what a cell has replayed"))
    registry = Registry(store, _divisions(config), cells.of_division, pulling, pulling.hashers)
    insured = Elsewhere(registry, InsuredCellClient(peers, config.known_cells))
    places, new_id = CareClient(peers, config.known_cells), partial(time_ordered_ids(clock, SystemRandom()), "")
    filings = FilingOperations(store, registry, places, new_id, FILING_TERMS)
    sagas = _sagas(config, clock, telemetry, store, peers, filings, insured)
    loops.append(_loops(telemetry, sagas.forgotten, "what a cell has pending", FORGOTTEN_EVERY_S))
    servicers: list[tuple[AddToServer, Any]] = [
        *_elsewhere(insured, sagas, Authorisations(store, clock, pulling.hashers)),
        (registry_pb2_grpc.add_RegistryServiceServicer_to_server, RegistryServicer(registry)),
        _person_access(config, store, peers, signer, insured),
        *_filing(config, peers, filings),
        *_clearing(store, database, noticing, replays),
    ]

    async def start() -> None:
        await store.start()
        if database.dialect == "sqlite":
            await sagas.sagas.books.release()
        for each in loops:
            each.start()
        sagas.loop.start()

    async def stop() -> None:
        await asyncio.gather(sagas.stop(), *(each.stop() for each in loops))
        await closed()
        await peers.close()
        await database.close()

    ready = database.ping
    return MemberServer(
        *(MEMBER, config, telemetry, servicers, start, stop, ready), store=database, signer=signer, clock=clock
    )


@dataclass(frozen=True, slots=True)
class _Sagas:
    """What is done in two cells; `looks` are those for filings."""

    sagas: Sagas
    committer: Committer[Item, Kept]
    looks: Committer[BegunBill, Filing | None]
    bills: Bills
    held: HeldOrders
    booked: BookedOrders
    reversals: Reversals
    encounters: EncounterOperations
    loop: SagaLoop
    forgotten: Forgotten

    async def stop(self) -> None:
        """Writes what has ended; the rest is taken up again at the next start."""
        await self.loop.stop()
        await self.sagas.idle()
        await self.looks.stop()
        await self.committer.stop()


def _sagas(
    config: Config,
    clock: Clock,
    telemetry: Telemetry,
    store: RoutingStore,
    peers: Peers,
    filings: FilingOperations,
    insured: Elsewhere,
) -> _Sagas:
    """Sagas with their committer, what begins them and the loop that ends them."""
    books, new_id = SagaBooks(store, clock), time_ordered_ids(clock, SystemRandom())
    committer: Committer[Item, Kept] = Committer("saga", books.commit, telemetry=telemetry)
    sagas = Sagas(books, committer.submit, partial(new_id, "R"), _told_unwritten)
    settlements = SettlementCells(peers, config.known_cells)
    encounters = EncounterCells(peers, config.known_cells)
    visits, stays = Visits(insured, encounters), Stays(insured, encounters, sagas, partial(new_id, ""))
    looks: Committer[BegunBill, Filing | None] = Committer("filing", filings.of_bills, telemetry=telemetry)
    bills, reversals = Bills(sagas, settlements, looks.submit), Reversals(sagas, settlements, stays.take_back)
    held = HeldOrders(bills, settlements)
    ends: dict[SagaKind, End] = {
        SagaKind.SETTLE: bills.end,
        SagaKind.REVERSE: reversals.end,
        SagaKind.ADMIT: stays.end_admission,
        SagaKind.CHANGE_STAY: stays.end_change,
        SagaKind.PAY: held.end,
    }
    loop = SagaLoop(sagas, ends, partial(_saga_span, telemetry), _told_stuck)
    forgotten = Forgotten(sagas, settlements, bills.end_again, tuple(config.known_cells))
    encounter_operations = EncounterOperations(visits, stays)
    booked = BookedOrders(books, BookedOrderCells(peers, config.known_cells))
    return _Sagas(sagas, committer, looks, bills, held, booked, reversals, encounter_operations, loop, forgotten)


def _elsewhere(insured: Elsewhere, sagas: _Sagas, authorisations: Authorisations) -> list[tuple[AddToServer, Any]]:
    """The servicers for persons of other cells."""
    unary = ElsewhereServicer(insured, sagas.encounters, BillOperations(sagas.bills, sagas.reversals))
    orders = ElsewhereOrderServicer(sagas.held, sagas.reversals, sagas.booked)
    return [
        (elsewhere_pb2_grpc.add_ElsewhereServiceServicer_to_server, unary),
        (elsewhere_orders_pb2_grpc.add_ElsewhereOrderServiceServicer_to_server, orders),
        (
            pay_authorisation_pb2_grpc.add_PayAuthorisationServiceServicer_to_server,
            PayAuthorisationServicer(authorisations),
        ),
    ]


def _person_access(
    config: Config, store: RoutingStore, peers: Peers, signer: TokenSigner, insured: Elsewhere
) -> tuple[AddToServer, Any]:
    """The servicer of keys and consent."""
    sealer = Sealer(lambda: signer.derived(PERSON_KEYS), PERSON_KEYS, secrets.token_bytes)
    keys = PersonKeys(SealedSecrets(store.write, sealer, "PERSON_KEYS_SEALED"))
    operations = PersonAccess(insured, ConsentClient(peers, config.known_cells), keys)
    return person_access_pb2_grpc.add_PersonAccessServiceServicer_to_server, PersonAccessServicer(operations)


def _filing(config: Config, peers: Peers, filings: FilingOperations) -> list[tuple[AddToServer, Any]]:
    """The servicers of filings and referrals."""
    people = PeopleClient(peers, config.known_cells)
    referrals = ReferralServicer(filings, Referrals(filings, people))
    return [
        (filing_pb2_grpc.add_FilingServiceServicer_to_server, FilingServicer(filings)),
        (referral_pb2_grpc.add_ReferralServiceServicer_to_server, referrals),
    ]


def _noticing(config: Config, clock: Clock, telemetry: Telemetry, store: RoutingStore, peers: Peers) -> Noticing:
    """What takes in the notices of all cells, in spans that are linked to those that booked."""

    def traced(traceparents: Sequence[str]) -> AbstractContextManager[object]:
        links = [link for each in dict.fromkeys(traceparents) if (link := extract(each)) is not None]
        if not links:
            return nullcontext()
        return telemetry.span("routing notices", parent=ROOT, links=links)

    known = config.known_cells
    acks = config.text("YIBAO_NOTICES") != "nats"
    return Noticing(Books(store), NoticeClient(peers, known), known, clock, traced, _told_trouble, acks)


def _arriving(
    config: Config, telemetry: Telemetry, noticing: Noticing
) -> tuple[list[PullLoops], Callable[[], Awaitable[None]]]:
    """The loops by which notices come, out of the cells' outboxes or out of a stream, and what ends the stream. Beside a stream
    outboxes are looked at too, seldom: what it has lost, and this store where it is an older one."""
    if config.text("YIBAO_NOTICES") != "nats":
        return [_loops(telemetry, noticing, "a cell's outbox")], _nothing
    # Imported here: it brings a client that most meshes never need.
    from services.routing.peers.notice_stream import NoticeStreamClient  # noqa: PLC0415
    from services.runtime.stream import NOTICES, Stream  # noqa: PLC0415

    stream = Stream(config, NOTICES)
    arriving = Arriving(noticing, NoticeStreamClient(stream, config.known_cells))
    loops = [
        _loops(telemetry, arriving, "the stream of notices", rest_s=STREAM_REST_S),
        _loops(telemetry, noticing, "a cell's outbox", rest_s=BESIDE_S),
    ]
    return loops, stream.close


async def _nothing() -> None:
    """Nothing is to be ended."""


def _clearing(
    store: RoutingStore, database: Database, noticing: Noticing, replays: Replays
) -> list[tuple[AddToServer, Any]]:
    """The servicers of clearing."""
    books = Books(store)
    clearing = ClearingServicer(
        Collecting(books, DEFAULTS),
        Months(books, DEFAULTS),
        Payments(books, DEFAULTS),
        Verifying(VerifyRows(database)),
    )
    institutions = InstitutionClearingServicer(InstitutionClearing(books))
    return [
        (clearing_pb2_grpc.add_ClearingServiceServicer_to_server, clearing),
        (institution_clearing_pb2_grpc.add_InstitutionClearingServiceServicer_to_server, institutions),
        (
            clearing_notice_pb2_grpc.add_ClearingNoticeServiceServicer_to_server,
            ClearingNoticeServicer(noticing, replays),
        ),
    ]


def _divisions(config: Config) -> Divisions:
    """The divisions of the files that are set, else of the sample; StartError where they cannot be read."""
    try:
        return read_folder(config.path(DIVISION_FILES) or SAMPLES)
    except Fault as fault:
        wrong = "; ".join(f"{each.path}: {each.description}" for each in fault.violations)
        raise StartError(f"{DIVISION_FILES}: {wrong}") from None
    except OSError as error:
        raise StartError(f"{DIVISION_FILES}: {error.strerror}") from None


def _pulling(config: Config, store: RoutingStore, peers: Peers, signer: TokenSigner) -> Pulling:
    cells = config.known_cells
    feed = FeedClient(peers, cells)
    return Pulling(store, feed, cells, lambda: tuple(Hasher(key) for key in signer.derived(PERSONS)))


def _loops(telemetry: Telemetry, pulled: Pulled, what: str, rest_s: float = REST_S) -> PullLoops:
    """The loops that read this of every cell."""
    log = logging.getLogger("yibao.routing")

    def away(cell: str, error: BaseException) -> None:
        # A refusal says why, and a bug what it was.
        reason = getattr(error, "reason", type(error).__name__)
        write(log, logging.WARNING, f"{what} is not read; trying on", {"cell": cell, "reason": reason})

    def back(cell: str) -> None:
        write(log, logging.INFO, f"{what} is read again", {"cell": cell})

    return PullLoops(pulled, away, back, lambda: _unseen(telemetry), rest_s)


def _unseen(telemetry: Telemetry) -> AbstractContextManager[object]:
    """A block below a span that is not kept: looks that find nothing would fill the store of traces."""
    bits = SystemRandom().getrandbits
    return telemetry.span("routing pull", parent=SpanRef(bits(128) | 1, bits(64) | 1, sampled=False))


def _saga_span(telemetry: Telemetry, saga: Saga) -> AbstractContextManager[object]:
    """A span of its own for what is done when nobody waits any more, found by the saga's number."""
    return telemetry.span(f"saga {saga.kind.value}", attributes={"yibao.order_no": saga.order_no}, parent=ROOT)


def _told_unwritten(error: BaseException) -> None:
    """A line where the end of a saga is not written: the loop finds out again how it ended."""
    write(logging.getLogger("yibao.routing"), logging.WARNING, "the end of a saga is not written", describe(error))


def _told_stuck(error: BaseException, order_no: str) -> None:
    """A line where a saga cannot be ended, though its cells answer; it is tried again for ever."""
    told = {"order_no": order_no, **describe(error)}
    write(logging.getLogger("yibao.routing"), logging.ERROR, "a saga cannot be ended; trying on", told)


def _told_trouble(cell: str, reason: str, count: int) -> None:
    """One line where notices of a cell are refused, or are not to be had any more."""
    told = {"cell": cell, "reason": reason, "count": count}
    write(logging.getLogger("yibao.routing"), logging.WARNING, "notices of a cell are not taken", told)


def _told_replay(cell: str, reason: str, count: int) -> None:
    """One line where a place of care has not booked what a replay changed; it comes again."""
    told = {"cell": cell, "reason": reason, "count": count}
    write(
        logging.getLogger("yibao.routing"), logging.WARNING, "a place of care has not booked a replay; trying on", told
    )
