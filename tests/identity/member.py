"""The member identity as a real server on loopback, with callers of every role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from services import cells
from services.identity import wiring
from services.kernel.errors import Fault
from services.runtime import keys
from services.runtime.call import Caller, Role
from services.runtime.config import Config
from services.runtime.outbound import Peers
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from tests.identity.people import Ticking
from tests.tokens import Tokens

HOSPITAL = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
CLINIC = Caller(Role.INSTITUTION, "H99010000002", sandbox=True)
APP = Caller(Role.CHANNEL, "APP", sandbox=True)
BANK = Caller(Role.CHANNEL, "BANK", sandbox=True)
OPERATOR = Caller(Role.OPERATOR, "OP1", sandbox=True)
SETTLEMENT = Caller(Role.SERVICE, "settlement", sandbox=True)
ROUTING = Caller(Role.SERVICE, "routing", sandbox=True)

Stub = TypeVar("Stub")


@dataclass(frozen=True, slots=True)
class Running:
    """The running member, seen from the gateway."""

    server: MemberServer
    peers: Peers
    of_members: Mapping[Caller, Peers]
    tokens: Tokens
    clock: Ticking
    telemetry: Telemetry

    def stub(self, stub_class: Callable[[Any], Stub]) -> Stub:
        """A stub of the member."""
        return self.peers.stub(stub_class, "identity")

    async def call(self, method: Any, request: Any, caller: Caller, day: date | None = None) -> Any:
        """Calls as that caller, on that business date."""
        peers = self.of_members.get(caller, self.peers)
        cell = cells.SANDBOX if caller == ROUTING else ""
        return await peers.invoke(
            method.contract, request, as_caller=caller, business_date=day, timeout_s=10, cell=cell
        )

    async def reason(self, method: Any, request: Any, caller: Caller, day: date | None = None) -> str:
        """The reason with which the call is refused, empty where it is not."""
        try:
            await self.call(method, request, caller, day)
        except Fault as fault:
            return fault.reason
        return ""

    async def stop(self) -> None:
        """Closes everything."""
        await self.peers.close()
        for peers in self.of_members.values():
            await peers.close()
        await self.server.stop(0)
        self.telemetry.stop()


async def start(settings: Mapping[str, str], clock: Ticking) -> Running:
    """Starts the member on a free port."""
    config = Config.load({**settings, "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:0", "YIBAO_TRACE_EXPORTER": "none"})
    tokens = Tokens(keys.load(config), clock)
    telemetry = Telemetry("identity", config)
    server = await wiring.build(config, clock, telemetry, tokens.signer("identity"))
    await server.start()
    reached = replace(config, values={**config.values, "YIBAO_IDENTITY_ADDRESS": server.address})
    gateway, *members = (
        Peers(each, reached, tokens.signer(each), telemetry) for each in ("gateway", "settlement", "routing")
    )
    of_members = dict(zip((SETTLEMENT, ROUTING), members, strict=True))
    return Running(server, gateway, of_members, tokens, clock, telemetry)
