"""Encounters, fees and bills behind a real server on loopback with all interceptors; identity and catalogue are small classes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from services.kernel.clock import system_clock
from services.kernel.errors import Fault
from services.runtime import keys
from services.runtime.call import Caller, Role
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.outbound import Peers
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from services.settlement.servicer.convert_since import AppendedMessages
from services.settlement.wiring import Surroundings, build
from tests.settlement.counter import TODAY, Counter
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, Ticking, sqlite_url
from tests.tokens import Tokens
from yibao.settlement.v1 import (
    care_pb2_grpc,
    common_pb2,
    encounter_pb2_grpc,
    fee_pb2_grpc,
    order_pb2_grpc,
    settlement_pb2_grpc,
    stay_reservation_pb2_grpc,
)

HERE = Caller(Role.INSTITUTION, HOSPITAL, sandbox=True)
ELSEWHERE = Caller(Role.INSTITUTION, OTHER_HOSPITAL, sandbox=True)
OPERATOR = Caller(Role.OPERATOR, "OP1", sandbox=True)
ANY_PERSON = Caller(Role.PERSON, "990000000000000001", sandbox=True)

Stub = TypeVar("Stub")


@dataclass(frozen=True, slots=True)
class Reached:
    """The running member, seen from the gateway and from routing."""

    counter: Counter
    server: MemberServer
    peers: Peers
    encounters: encounter_pb2_grpc.EncounterServiceStub
    fees: fee_pb2_grpc.FeeServiceStub
    settlements: settlement_pb2_grpc.SettlementServiceStub
    routing: Peers
    care: care_pb2_grpc.CareServiceStub
    orders: order_pb2_grpc.OrderServiceStub
    reservations: stay_reservation_pb2_grpc.StayReservationServiceStub

    async def call(self, method: Any, request: Any, caller: Caller = HERE, day: date | None = None) -> Any:
        """Calls as that caller, on that business date."""
        return await self.peers.call(method, request, as_caller=caller, business_date=day, timeout_s=10)

    async def routed(self, method: Any, request: Any) -> Any:
        """Calls as routing."""
        return await self.routing.call(method, request, timeout_s=10)

    async def refused(self, method: Any, request: Any) -> Fault:
        """The refusal of a call that routing makes and that must be refused."""
        try:
            await self.routed(method, request)
        except Fault as fault:
            return fault
        raise AssertionError("the call was answered")

    async def fault(self, method: Any, request: Any, caller: Caller = HERE) -> Fault:
        """The refusal of a call that must be refused."""
        try:
            await self.call(method, request, caller)
        except Fault as fault:
            return fault
        raise AssertionError("the call was answered")

    async def reason(self, method: Any, request: Any, caller: Caller = HERE) -> str:
        """The reason of a call that must be refused."""
        return (await self.fault(method, request, caller)).reason


def desk(msgid: str = "1", code: str = HOSPITAL) -> common_pb2.Desk:
    """The counter that a request comes from."""
    return common_pb2.Desk(fixmedins_code=code, msgid=msgid, opter="op1", opter_name="收费员")


@asynccontextmanager
async def member_in(folder: Path) -> AsyncIterator[Reached]:
    """The member on a free port with a store of its own."""
    settings = {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(folder), "YIBAO_TRACE_EXPORTER": "none"}
    config = Config.load({**settings, "YIBAO_SETTLEMENT_ADDRESS": "127.0.0.1:0"})
    tokens = Tokens(keys.load(config), system_clock)
    telemetry = Telemetry("settlement", config)
    clock = Ticking(TODAY)
    database = Database(sqlite_url(folder), clock)
    counter = Counter(database, clock, since=AppendedMessages())
    around = Surroundings(database, counter.identity, counter.catalogue)
    server = await build(config, clock, telemetry, tokens.signer("settlement"), around)
    await server.start()
    reached = replace(config, values={**config.values, "YIBAO_SETTLEMENT_ADDRESS": server.address})
    peers = Peers("gateway", reached, tokens.signer("gateway"), telemetry)
    routing = Peers("routing", reached, tokens.signer("routing"), telemetry)
    try:
        yield Reached(
            counter,
            server,
            peers,
            peers.stub(encounter_pb2_grpc.EncounterServiceStub, "settlement"),
            peers.stub(fee_pb2_grpc.FeeServiceStub, "settlement"),
            peers.stub(settlement_pb2_grpc.SettlementServiceStub, "settlement"),
            routing,
            routing.stub(care_pb2_grpc.CareServiceStub, "settlement", config.cell),
            routing.stub(order_pb2_grpc.OrderServiceStub, "settlement", config.cell),
            routing.stub(stay_reservation_pb2_grpc.StayReservationServiceStub, "settlement", config.cell),
        )
    finally:
        await routing.close()
        await peers.close()
        await server.stop(0)
        telemetry.stop()
