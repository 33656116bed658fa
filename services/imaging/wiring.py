"""Puts the member imaging together: store, peers, operations, servicers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from random import SystemRandom
from typing import Any, Final

from services import cells
from services.imaging.domain.dicom_forms import MODALITIES
from services.imaging.domain.fhir.manifest import NEEDED, TOLD
from services.imaging.domain.recognition_tables import RecognitionTables
from services.imaging.loader import SAMPLES, read_folder
from services.imaging.operations.audit_reading import AuditReading
from services.imaging.operations.auditing import AuditBooks, AuditLog, Item
from services.imaging.operations.conflicts import ConflictOperations
from services.imaging.operations.deciding import Deciding, SearchLog
from services.imaging.operations.digests import DigestOperations
from services.imaging.operations.granting import Granting
from services.imaging.operations.kept_decisions import KeptDecisions
from services.imaging.operations.manifests import Manifests
from services.imaging.operations.nodes import NodeOperations
from services.imaging.operations.patients import Patients
from services.imaging.operations.pseudonyms import Pseudonyms
from services.imaging.operations.recognising import Priors, Recognising, RecognitionBooks
from services.imaging.operations.reporting import Reporting
from services.imaging.operations.revocations import EVERY_S, Revocations
from services.imaging.operations.searching import Searching
from services.imaging.operations.sessions import Sessions
from services.imaging.operations.sightings import Sightings
from services.imaging.operations.tickets import KeyRing, Tickets
from services.imaging.operations.uploads import UploadOperations
from services.imaging.operations.watching import Watching
from services.imaging.peers.grant_ends import GrantEnds
from services.imaging.peers.node_metadata import CONNECTIONS, MOST_BYTES, NodeMetadata
from services.imaging.peers.persons import PersonCells, PersonKeys
from services.imaging.servicer.audit import AuditServicer
from services.imaging.servicer.conflicts import ConflictServicer
from services.imaging.servicer.dicomweb import DicomWebServicer
from services.imaging.servicer.digests import DigestServicer
from services.imaging.servicer.fhir import FhirServicer
from services.imaging.servicer.nodes import NodeServicer
from services.imaging.servicer.readers import ReaderServicer, caller_name, is_dated
from services.imaging.servicer.recognition import RecognitionServicer
from services.imaging.servicer.reports import ReportServicer
from services.imaging.servicer.studies import StudyServicer
from services.imaging.servicer.tickets import TicketServicer
from services.imaging.servicer.uploads import UploadServicer
from services.imaging.store.index import StoredIndex
from services.imaging.store.unit import ImagingStore
from services.kernel.clock import Clock
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.blocks import Blocks
from services.runtime.call import Caller, Role
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.identifiers import time_ordered_ids
from services.runtime.jws import JwsKey
from services.runtime.logs import describe, write
from services.runtime.loops import cut_off, repeat
from services.runtime.outbound import Peers
from services.runtime.outgoing import Outgoing
from services.runtime.sealing import SealedSecrets, Sealer
from services.runtime.server import AddToServer, MemberServer, StartError
from services.runtime.telemetry import SpanRef, Telemetry
from yibao.imaging.v1 import (
    audit_pb2_grpc,
    conflict_pb2_grpc,
    dicomweb_pb2_grpc,
    digest_pb2_grpc,
    fhir_pb2_grpc,
    node_pb2_grpc,
    reader_pb2_grpc,
    recognition_pb2_grpc,
    report_pb2_grpc,
    study_pb2_grpc,
    ticket_pb2_grpc,
    upload_pb2_grpc,
)

MEMBER: Final = "imaging"
RECOGNITION_FILES: Final = "YIBAO_RECOGNITION_FILES"
SECRETS: Final = "yibao imaging: secrets of the index"
"""For what the key is derived under which the member's secrets are sealed."""


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = ImagingStore(database)
    peers = Peers(MEMBER, config, signer, telemetry)
    kept = SealedSecrets(store.write, Sealer(lambda: signer.derived(SECRETS), SECRETS, secrets.token_bytes))
    shared = _shared(store, peers, kept, clock, telemetry)
    outgoing = Outgoing(telemetry, connections=CONNECTIONS, most_bytes=MOST_BYTES)
    uploads = UploadServicer(UploadOperations(store, shared.keys, shared.audit.books))
    reading = _reading(config, shared, peers, outgoing)
    revoking, comparing = _Revoking(telemetry, reading.revocations), DigestOperations(store)
    watching = Watching(comparing, clock, partial(_not_counted, logging.getLogger(f"yibao.{MEMBER}")))
    _gauges(telemetry, watching)

    async def start() -> None:
        try:
            await store.start()
        except BaseException:
            await database.close()
            raise
        watching.start()
        revoking.start()

    async def stop() -> None:
        await asyncio.gather(watching.stop(), revoking.stop())
        await shared.audit.committer.stop()
        await outgoing.close()
        await peers.close()
        await database.close()

    return MemberServer(
        MEMBER,
        config,
        telemetry,
        [
            (node_pb2_grpc.add_NodeServiceServicer_to_server, NodeServicer(NodeOperations(store))),
            (upload_pb2_grpc.add_UploadServiceServicer_to_server, uploads),
            *reading.servicers,
            *_looking_after(shared, comparing),
            *_recognition(config, shared),
        ],
        start,
        stop,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
        is_foreign=partial(_is_foreign, frozenset(config.known_cells)),
    )


def _is_foreign(known: Collection[str], caller: Caller) -> bool:
    """Whether it is an institution by a key that another cell made than its own: whoever runs that one would read in the name of
    an institution which it does not know. Of one whose cell is not in the mesh any cell may make a key (our decision)."""
    if caller.role is not Role.INSTITUTION:
        return False
    own = cells.of_institution(caller.subject)
    return own != cells.SANDBOX and own in known and own != caller.cell


def _recognition(config: Config, shared: _Shared) -> list[tuple[AddToServer, Any]]:
    """The servicers of recognition and of reports."""
    store, tables = shared.store, _recognition_tables(config)
    new_no = partial(time_ordered_ids(shared.clock, SystemRandom()), "A")
    priors = Priors(store, shared.index, tables)
    recognising = Recognising(Granting(shared.cells), priors, shared.audit.log, new_no)
    recognition = RecognitionServicer(recognising, RecognitionBooks(store, tables, MODALITIES))
    reports = ReportServicer(Reporting(store, shared.keys, shared.cells), recognising, tables)
    return [
        (recognition_pb2_grpc.add_RecognitionServiceServicer_to_server, recognition),
        (report_pb2_grpc.add_ReportServiceServicer_to_server, reports),
    ]


def _recognition_tables(config: Config) -> RecognitionTables:
    """The tables of the files that are set, else of the sample; StartError where they cannot be read."""
    try:
        return read_folder(config.path(RECOGNITION_FILES) or SAMPLES)
    except Fault as fault:
        wrong = "; ".join(f"{each.path}: {each.description}" for each in fault.violations)
        raise StartError(f"{RECOGNITION_FILES}: {wrong}") from None
    except OSError as error:
        raise StartError(f"{RECOGNITION_FILES}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class _Auditing:
    """The audit log: its rows, what gathers accesses into few commits, and where they are written."""

    books: AuditBooks
    committer: Committer[Item, None]
    log: AuditLog


def _auditing(store: ImagingStore, kept: SealedSecrets, clock: Clock, telemetry: Telemetry) -> _Auditing:
    books = AuditBooks(store, kept, clock, _told_broken)
    committer: Committer[Item, None] = Committer("access", books.commit, telemetry=telemetry)
    return _Auditing(books, committer, AuditLog(committer.submit))


def _told_broken(what: str) -> None:
    """One line where the end of the log does not hold: somebody had the store in hand, or a backup was put back."""
    log = logging.getLogger(f"yibao.{MEMBER}")
    write(log, logging.ERROR, "the audit log was found broken; run yibao audit verify", {"found": what})


@dataclass(frozen=True, slots=True)
class _Shared:
    """What several of the member's services stand on, one of each."""

    store: ImagingStore
    clock: Clock
    kept: SealedSecrets
    audit: _Auditing
    keys: PersonKeys
    cells: PersonCells
    pseudonyms: Pseudonyms
    sightings: Sightings
    index: StoredIndex


def _shared(store: ImagingStore, peers: Peers, kept: SealedSecrets, clock: Clock, telemetry: Telemetry) -> _Shared:
    sightings = Sightings()
    return _Shared(
        store,
        clock,
        kept,
        _auditing(store, kept, clock, telemetry),
        PersonKeys(peers),
        PersonCells(peers),
        Pseudonyms(kept, Blocks, clock),
        sightings,
        StoredIndex(store, clock, is_silent=sightings.is_silent),
    )


def _looking_after(shared: _Shared, comparing: DigestOperations) -> list[tuple[AddToServer, Any]]:
    """The servicers of the log, of drift and of conflicts."""
    audit = shared.audit
    reading = AuditReading(shared.store, audit.log, audit.books, shared.pseudonyms, shared.keys, shared.cells)
    conflicts = ConflictServicer(ConflictOperations(shared.store))
    return [
        (audit_pb2_grpc.add_AuditServiceServicer_to_server, AuditServicer(reading)),
        (digest_pb2_grpc.add_DigestServiceServicer_to_server, DigestServicer(comparing)),
        (conflict_pb2_grpc.add_ConflictServiceServicer_to_server, conflicts),
    ]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What readers are served by, and the list of what was revoked."""

    servicers: list[tuple[AddToServer, Any]]
    revocations: Revocations


def _reading(config: Config, shared: _Shared, peers: Peers, outgoing: Outgoing) -> _Reading:
    """Sessions, searches and tickets."""
    store, clock, log, kept = shared.store, shared.clock, shared.audit.log, shared.kept
    cells, pseudonyms, sightings = shared.cells, shared.pseudonyms, shared.sightings
    new_no = partial(time_ordered_ids(clock, SystemRandom()), "RS")
    sessions = Sessions(store, log, cells, pseudonyms, clock, secrets.token_bytes, new_no, caller_name)
    decisions = KeptDecisions(cells, clock, is_dated)
    searching = Searching(shared.index, Deciding(decisions), SearchLog(log), pseudonyms)
    # A ticket outlives the question: what it is given under is asked for each.
    finding = replace(searching, deciding=Deciding(cells))
    keys = KeyRing(kept, JwsKey, clock)
    tickets = Tickets(finding, log, keys, clock, secrets.token_bytes)
    revocations = Revocations(store, GrantEnds(peers), decisions, tuple(config.known_cells), clock)
    readers = ReaderServicer(sessions, Patients(sessions, cells, log))
    manifests = Manifests(searching.pseudonym, tickets, NodeMetadata(outgoing, NEEDED, TOLD), NodeOperations(store))
    given = TicketServicer(sessions, tickets, keys, revocations, sightings)
    return _Reading(
        [
            (reader_pb2_grpc.add_ReaderServiceServicer_to_server, readers),
            (study_pb2_grpc.add_StudyServiceServicer_to_server, StudyServicer(sessions, searching)),
            (ticket_pb2_grpc.add_TicketServiceServicer_to_server, given),
            (
                dicomweb_pb2_grpc.add_DicomWebServiceServicer_to_server,
                DicomWebServicer(sessions, searching, tickets),
            ),
            (
                fhir_pb2_grpc.add_FhirServiceServicer_to_server,
                FhirServicer(sessions, searching, manifests, clock),
            ),
        ],
        revocations,
    )


class _Revoking:
    """The loop that makes the list of what was revoked."""

    def __init__(self, telemetry: Telemetry, revocations: Revocations) -> None:
        self._telemetry, self._revocations = telemetry, revocations
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins it."""
        self._task = asyncio.create_task(repeat(self._stopping, self._turn, _told_trouble, EVERY_S))

    async def stop(self) -> None:
        """Ends it, after what is under way."""
        self._stopping.set()
        if self._task is not None:
            await cut_off([self._task], 1.0)

    async def _turn(self) -> bool:
        # Turns of which most find nothing would fill the store of traces.
        bits = SystemRandom().getrandbits
        unseen = SpanRef(bits(128) | 1, bits(64) | 1, sampled=False)
        with self._telemetry.span("imaging revocations", parent=unseen):
            return await self._revocations.turn()


def _told_trouble(error: Exception) -> None:
    """One line where the list is not made: nodes open nothing until it is."""
    write(logging.getLogger("yibao.imaging"), logging.WARNING, "revocations are not listed; trying on", describe(error))


def _gauges(telemetry: Telemetry, watching: Watching) -> None:
    """What an operator is woken for."""
    add = telemetry.metrics.gauge
    add("yibao_imaging_drifting_days", "Days on which a node and the index differ.", {}, lambda: watching.totals.days)
    add("yibao_imaging_nodes_behind", "Nodes whose entries are not all told.", {}, lambda: watching.totals.behind)
    add("yibao_imaging_nodes_silent", "Nodes that compared nothing for 2 days.", {}, lambda: watching.totals.silent)
    add("yibao_imaging_open_conflicts", "Conflicts that wait for a decision.", {}, lambda: watching.waiting.open)
    add("yibao_imaging_held_conflicts", "Conflicts of a node that told too many.", {}, lambda: watching.waiting.held)


def _not_counted(log: logging.Logger, error: Exception) -> None:
    write(log, logging.WARNING, "drift was not counted", {"member": MEMBER, **describe(error, with_text=False)})
