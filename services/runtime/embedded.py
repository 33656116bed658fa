"""Several members in one process and on one loop: started in order of need, stopped in reverse.

It knows members by the mesh table only.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services import mesh
from services.kernel.clock import Clock, system_clock
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.config import Config
from services.runtime.server import StartError
from services.runtime.telemetry import Telemetry
from services.runtime.texts.table import text


class Startable(Protocol):
    """What a member's `build` gives: a server that is not yet running."""

    @property
    def address(self) -> str:
        """Where it listens once started."""

    async def start(self) -> None:
        """Opens it."""

    async def stop(self, grace_s: float) -> None:
        """Closes it."""


Build = Callable[[Config, Clock, Telemetry, TokenSigner], Startable | Awaitable[Startable]]


@dataclass(frozen=True, slots=True)
class _Started:
    name: str
    server: Startable
    telemetry: Telemetry


class EmbeddedMesh:
    """The members named, or all of them, in this process."""

    def __init__(
        self,
        config: Config,
        names: Sequence[str] = (),
        clock: Clock = system_clock,
        build_of: Callable[[mesh.Member], Build] | None = None,
    ) -> None:
        self.config = config
        self._names = frozenset(names or mesh.names())
        self._clock = clock
        self._build_of = build_of or imported_build
        self._started: list[_Started] = []
        self.signer = TokenSigner(config.mesh_key(), clock)

    @property
    def addresses(self) -> dict[str, str]:
        """Where each running member listens."""
        return {each.name: each.server.address for each in self._started}

    async def start(self) -> None:
        """Starts every member after those that it calls; StartError says which one cannot, and nothing is left running."""
        try:
            for member in mesh.start_order():
                if member.name in self._names:
                    await self._start(member)
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, grace_s: float | None = None) -> None:
        """Stops in reverse order: the gateway accepts nothing more, then its members, each with a grace."""
        limit_s = self.config.seconds("YIBAO_STOP_GRACE_S") if grace_s is None else grace_s
        while self._started:
            last = self._started.pop()
            await last.server.stop(limit_s)
            last.telemetry.stop()

    async def _start(self, member: mesh.Member) -> None:
        telemetry = Telemetry(member.name, self.config)
        try:
            made: Any = self._build_of(member)(self.config, self._clock, telemetry, self.signer)
            server: Startable = await made if inspect.isawaitable(made) else made
            await server.start()
        except Fault as fault:
            telemetry.stop()
            setting = f"YIBAO_{member.name.upper()}_DATABASE_URL"
            raise StartError(f"{member.name} cannot start: {text(fault, 'en')} ({setting})") from fault
        except BaseException:
            telemetry.stop()
            raise
        self._started.append(_Started(member.name, server, telemetry))


def imported_build(member: mesh.Member) -> Build:
    """The member's own `build`, imported only now: a process loads no member that it does not run."""
    place = "gateway.app" if member.name == mesh.GATEWAY else f"services.{member.name}.wiring"
    build: Build = importlib.import_module(place).build
    return build
