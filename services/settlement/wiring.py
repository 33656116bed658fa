"""Puts settlement together: one store, peers, operations, two committers (settlements and trials) and four servicers."""

from __future__ import annotations

import time
from random import Random, SystemRandom

from services.kernel.clock import Clock
from services.runtime.auth import TokenSigner
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.identifiers import NewId, time_ordered_ids
from services.runtime.outbound import Peers
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from services.settlement.domain.decision import PreparedBill
from services.settlement.operations.benefits import BenefitOperations
from services.settlement.operations.diagnoses import Diagnoses
from services.settlement.operations.encounters import EncounterOperations
from services.settlement.operations.fees import FeeOperations
from services.settlement.operations.ledger import Ledgers
from services.settlement.operations.own_books import OwnBooks
from services.settlement.operations.persons import Persons
from services.settlement.operations.preparation import Preparation
from services.settlement.operations.queries import Queries
from services.settlement.operations.reverse import Reversing
from services.settlement.operations.settle import Outcome, Settling
from services.settlement.operations.trial import Tried, Trying
from services.settlement.operations.verify import Verifying
from services.settlement.operations.writes import Writes
from services.settlement.peers.catalogue import CatalogueClient
from services.settlement.peers.identity import IdentityClient
from services.settlement.servicer.convert_fees import LineMessages
from services.settlement.servicer.convert_settlement import MessageScribe
from services.settlement.servicer.convert_since import AppendedMessages
from services.settlement.servicer.encounters import EncounterServicer
from services.settlement.servicer.fees import FeeServicer
from services.settlement.servicer.ledger import LedgerServicer
from services.settlement.servicer.own_books import OwnBooksServicer
from services.settlement.servicer.settlements import SettlementOperations, SettlementServicer
from services.settlement.store.fees import EncounterBooks
from services.settlement.store.hot import HotBooks
from services.settlement.store.own_books import OwnBookRows
from services.settlement.store.schema import schema
from services.settlement.store.settlements import SettlementBooks
from services.settlement.store.verify import LedgerChecks
from yibao.settlement.v1 import (
    encounter_pb2_grpc,
    fee_pb2_grpc,
    ledger_pb2_grpc,
    own_books_pb2_grpc,
    settlement_pb2_grpc,
)

MEMBER = "settlement"


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    peers = Peers(MEMBER, config, signer, telemetry)
    identity, catalogue = IdentityClient(peers), CatalogueClient(peers, time.monotonic)
    new_id = time_ordered_ids(clock, Random(SystemRandom().getrandbits(128)))
    persons = Persons(identity, HotBooks(database))
    writes = Writes(EncounterBooks(database), new_id, AppendedMessages())
    encounters = EncounterOperations(writes, persons, catalogue)
    fees = FeeOperations(writes, catalogue, LineMessages())
    preparation = Preparation(HotBooks(database), identity, catalogue)
    settlements = _settlements(config, telemetry, database, preparation, encounters, new_id)
    ledgers = Ledgers(SettlementBooks(database), identity, catalogue, new_id)
    verifying = Verifying(LedgerChecks(database), catalogue)

    async def start() -> None:
        await database.start(schema())

    async def stop() -> None:
        await settlements.settles.stop()
        await settlements.trials.stop()
        await peers.close()
        await database.close()

    return MemberServer(
        MEMBER,
        config,
        telemetry,
        [
            (
                encounter_pb2_grpc.add_EncounterServiceServicer_to_server,
                EncounterServicer(
                    encounters, BenefitOperations(persons, catalogue), Diagnoses(EncounterBooks(database))
                ),
            ),
            (fee_pb2_grpc.add_FeeServiceServicer_to_server, FeeServicer(fees)),
            (settlement_pb2_grpc.add_SettlementServiceServicer_to_server, SettlementServicer(settlements)),
            (ledger_pb2_grpc.add_LedgerServiceServicer_to_server, LedgerServicer(ledgers, verifying)),
            (
                own_books_pb2_grpc.add_OwnBooksServiceServicer_to_server,
                OwnBooksServicer(OwnBooks(OwnBookRows(database), fees, ledgers)),
            ),
        ],
        start,
        stop,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
    )


def _settlements(
    config: Config,
    telemetry: Telemetry,
    database: Database,
    preparation: Preparation,
    encounters: EncounterOperations,
    new_id: NewId,
) -> SettlementOperations:
    """The operations on bills, with a committer for settlements and one for trials."""
    books, settlements, scribe = HotBooks(database), SettlementBooks(database), MessageScribe()
    settling = Settling(preparation, books, scribe, new_id)
    trying = Trying(preparation, books, scribe)
    limits = {
        "max_batch": config.integer("YIBAO_MAX_BATCH"),
        "max_queue": config.integer("YIBAO_MAX_QUEUE"),
        # SQLite has one writer: a second commit would only wait for the first.
        "workers": config.integer("YIBAO_COMMIT_WORKERS") if database.dialect == "postgresql" else 1,
    }
    settles: Committer[PreparedBill, Outcome] = Committer("settle", settling.commit, **limits, telemetry=telemetry)
    trials: Committer[PreparedBill, Tried] = Committer("trial", trying.run, **limits, telemetry=telemetry)
    reversing = Reversing(settlements, scribe, new_id)
    return SettlementOperations(settling, trying, reversing, Queries(settlements), encounters, settles, trials)
