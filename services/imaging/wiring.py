"""Puts the member imaging together: store, peers, operations, servicers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import Final

from services.imaging.operations.auditing import AuditBooks, AuditLog, Item
from services.imaging.operations.nodes import NodeOperations
from services.imaging.operations.patients import Patients
from services.imaging.operations.pseudonyms import Pseudonyms
from services.imaging.operations.secrets import Secrets
from services.imaging.operations.sessions import Sessions
from services.imaging.operations.uploads import UploadOperations
from services.imaging.peers.persons import PersonCells, PersonKeys
from services.imaging.servicer.nodes import NodeServicer
from services.imaging.servicer.readers import ReaderServicer, caller_name
from services.imaging.servicer.uploads import UploadServicer
from services.imaging.store.unit import ImagingStore
from services.kernel.clock import Clock
from services.runtime.auth import TokenSigner
from services.runtime.blocks import Blocks
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.identifiers import time_ordered_ids
from services.runtime.outbound import Peers
from services.runtime.sealing import Sealer
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from yibao.imaging.v1 import node_pb2_grpc, reader_pb2_grpc, upload_pb2_grpc

MEMBER: Final = "imaging"
SECRETS: Final = "yibao imaging: secrets of the index"
"""For what the key is derived under which the member's secrets are sealed."""


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = ImagingStore(database)
    peers = Peers(MEMBER, config, signer, telemetry)
    kept = Secrets(store, Sealer(lambda: signer.derived(SECRETS), SECRETS, secrets.token_bytes))
    audit = _auditing(store, kept, clock, telemetry)
    nodes = NodeServicer(NodeOperations(store))
    uploads = UploadServicer(UploadOperations(store, PersonKeys(peers)))
    readers = _readers(store, PersonCells(peers), audit.log, kept, clock)

    async def start() -> None:
        try:
            await store.start()
        except BaseException:
            await database.close()
            raise

    async def stop() -> None:
        await audit.committer.stop()
        await peers.close()
        await database.close()

    return MemberServer(
        MEMBER,
        config,
        telemetry,
        [
            (node_pb2_grpc.add_NodeServiceServicer_to_server, nodes),
            (upload_pb2_grpc.add_UploadServiceServicer_to_server, uploads),
            (reader_pb2_grpc.add_ReaderServiceServicer_to_server, readers),
        ],
        start,
        stop,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class _Auditing:
    """The audit log: its rows, what gathers accesses into few commits, and where they are written."""

    books: AuditBooks
    committer: Committer[Item, None]
    log: AuditLog


def _auditing(store: ImagingStore, kept: Secrets, clock: Clock, telemetry: Telemetry) -> _Auditing:
    books = AuditBooks(store, kept, clock)
    committer: Committer[Item, None] = Committer("access", books.commit, telemetry=telemetry)
    return _Auditing(books, committer, AuditLog(committer.submit))


def _readers(store: ImagingStore, cells: PersonCells, log: AuditLog, kept: Secrets, clock: Clock) -> ReaderServicer:
    """The servicer of sessions."""
    pseudonyms, new_no = Pseudonyms(kept, Blocks, clock), partial(time_ordered_ids(clock, SystemRandom()), "RS")
    sessions = Sessions(store, log, cells, pseudonyms, clock, secrets.token_bytes, new_no, caller_name)
    return ReaderServicer(sessions, Patients(sessions, cells, log))
