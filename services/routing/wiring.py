"""Puts the member routing together: store, operations, servicer."""

from __future__ import annotations

from typing import Final

from services.kernel.clock import Clock
from services.routing.domain.clearing.terms import DEFAULTS
from services.routing.operations.clearing_institutions import InstitutionClearing
from services.routing.operations.clearing_journals import Collecting
from services.routing.operations.clearing_months import Months
from services.routing.operations.clearing_payments import Payments
from services.routing.operations.clearing_verify import Verifying
from services.routing.operations.clearing_writes import Books
from services.routing.operations.filings import FilingOperations
from services.routing.servicer.clearing import ClearingServicer
from services.routing.servicer.clearing_institutions import InstitutionClearingServicer
from services.routing.servicer.filings import RoutingServicer
from services.routing.store.clearing.verify import VerifyRows
from services.routing.store.unit import RoutingStore
from services.runtime.auth import TokenSigner
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from yibao.routing.v1 import clearing_pb2_grpc, institution_clearing_pb2_grpc, routing_pb2_grpc

MEMBER: Final = "routing"


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = RoutingStore(database)
    servicer = RoutingServicer(FilingOperations(store))
    books = Books(store)
    clearing = ClearingServicer(
        Collecting(books, DEFAULTS),
        Months(books, DEFAULTS),
        Payments(books, DEFAULTS),
        Verifying(VerifyRows(database)),
    )
    institutions = InstitutionClearingServicer(InstitutionClearing(books))

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
        [
            (routing_pb2_grpc.add_RoutingServiceServicer_to_server, servicer),
            (clearing_pb2_grpc.add_ClearingServiceServicer_to_server, clearing),
            (institution_clearing_pb2_grpc.add_InstitutionClearingServiceServicer_to_server, institutions),
        ],
        start,
        database.close,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
    )
