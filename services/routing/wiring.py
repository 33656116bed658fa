"""Puts the member routing together: store, operations, servicer."""

from __future__ import annotations

from typing import Final

from services.kernel.clock import Clock
from services.routing.operations.filings import FilingOperations
from services.routing.servicer.filings import RoutingServicer
from services.routing.store.unit import RoutingStore
from services.runtime.auth import TokenSigner
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from yibao.routing.v1 import routing_pb2_grpc

MEMBER: Final = "routing"


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = RoutingStore(database)
    servicer = RoutingServicer(FilingOperations(store))

    async def start() -> None:
        try:
            await store.start()
        except BaseException:
            await database.close()
            raise

    return MemberServer(
        MEMBER,
        config,
        telemetry,
        [(routing_pb2_grpc.add_RoutingServiceServicer_to_server, servicer)],
        start,
        database.close,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
    )
