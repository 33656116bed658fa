"""Puts the catalogue together: store, operations, committer and servicer of one member, and the files it may begin with."""

from __future__ import annotations

from collections.abc import Sequence

from services.catalogue.loader import read_folder
from services.catalogue.operations.lookups import Lookups
from services.catalogue.operations.publish import PublishCommand, Publishing
from services.catalogue.operations.start import publish_first
from services.catalogue.servicer.service import CatalogueServicer
from services.catalogue.store.reading import CatalogueStore
from services.kernel.clock import Clock
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.server import MemberServer, StartError
from services.runtime.telemetry import Telemetry
from services.runtime.texts.table import text
from yibao.catalogue.v1.catalogue_pb2_grpc import add_CatalogueServiceServicer_to_server

MEMBER = "catalogue"
FILES_SETTING = "YIBAO_CATALOGUE_FILES"


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = CatalogueStore(database)
    publishing = Publishing(store)

    async def publish_each(commands: Sequence[PublishCommand]) -> Sequence[bytes | Fault]:
        return [await publishing.publish(command) for command in commands]

    # One at a time: each publication is a transaction of its own, ended whatever becomes of its caller.
    committer = Committer("publish", publish_each, max_batch=1, max_queue=64, telemetry=telemetry)

    async def on_start() -> None:
        await store.start()
        await _begin_with_files(config, store, clock)

    async def on_stop() -> None:
        await committer.stop()
        await database.close()

    return MemberServer(
        MEMBER,
        config,
        telemetry,
        [(add_CatalogueServiceServicer_to_server, CatalogueServicer(committer.submit, Lookups(store)))],
        on_start,
        on_stop,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
    )


async def _begin_with_files(config: Config, store: CatalogueStore, clock: Clock) -> None:
    folder = config.path(FILES_SETTING)
    if folder is None:
        return
    try:
        await publish_first(store, lambda: read_folder(folder), clock)
    except Fault as fault:
        lines = "\n  ".join(f"{each.path}: {each.description}" for each in fault.violations)
        raise StartError(f"{FILES_SETTING}={folder}: {text(fault, 'en')}\n  {lines}") from fault
