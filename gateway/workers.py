"""The processes of the members, as the gateway asks each what it tells of itself (RuntimeService).

Processes of one member share a port, and the kernel chooses which one takes a connection. So a connection of its own is
kept to each: it is made anew until as many processes have answered as the answers speak of. No call here leaves a span.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from services import mesh
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.config import Config
from services.runtime.contract import Contract, MethodContract
from services.runtime.self_report import SERVICE
from services.runtime.status import InternalError
from services.runtime.transport import GrpcTransport
from yibao.runtime.v1 import runtime_pb2

_TIMEOUT_S: Final = 1.0
# A connection meets each of N processes with the same chance: after so many tries for each, one is missed once in thousands.
_TRIES_EACH: Final = 8
# A parent that is not sampled: nobody traces the questions of a monitor.
_UNTRACED: Final = f"00-{1:032x}-{1:016x}-00"


class Workers:
    """Asks the members that the gateway calls."""

    def __init__(self, config: Config, signer: TokenSigner) -> None:
        self._config = config
        self._signer = signer
        self._self = Caller(Role.SERVICE, mesh.GATEWAY, config.sandbox)
        contract = Contract.load((SERVICE,))
        self._status = contract.method(f"{SERVICE}.GetStatus")
        self._metrics = contract.method(f"{SERVICE}.GetMetrics")
        self._links: dict[str, list[GrpcTransport]] = {name: [] for name in mesh.callees_of(mesh.GATEWAY)}
        self._turns = {name: asyncio.Lock() for name in self._links}

    async def statuses(self) -> Mapping[str, Sequence[runtime_pb2.GetStatusResponse]]:
        """What each process of each member says; nothing of a member that does not answer."""
        return await self._all(self._status, runtime_pb2.GetStatusRequest())

    async def metrics(self) -> Mapping[str, Sequence[runtime_pb2.GetMetricsResponse]]:
        """The same of what they have counted."""
        return await self._all(self._metrics, runtime_pb2.GetMetricsRequest())

    async def close(self) -> None:
        """Closes all connections."""
        for links in self._links.values():
            while links:
                await links.pop().close()

    async def _all(self, method: MethodContract, request: Message) -> Mapping[str, Sequence[Any]]:
        answers = await asyncio.gather(*(self._of_member(name, method, request) for name in self._links))
        return dict(zip(self._links, answers, strict=True))

    async def _of_member(self, name: str, method: MethodContract, request: Message) -> Sequence[Any]:
        # One after the other: two at once would each look for the process that the other has just met.
        async with self._turns[name]:
            standing, self._links[name] = self._links[name], []
            found: dict[int, Any] = {}
            try:
                while standing:
                    await self._met(found, name, standing.pop(), method, request)
            finally:
                # Of a question that was cancelled: those that were not asked yet.
                self._links[name] += standing
            tries = 0
            while tries == 0 or tries < _TRIES_EACH * _wanted(found):
                if found and len(found) >= _wanted(found):
                    break
                tries += 1
                link = GrpcTransport(name, self._config, alone=True)
                if not await self._met(found, name, link, method, request) and not found:
                    break
            return [found[process] for process in sorted(found)]

    async def _met(
        self, found: dict[int, Any], name: str, link: GrpcTransport, method: MethodContract, request: Message
    ) -> bool:
        """Whether the process behind a connection answers and was not met before: then it is kept, else closed."""
        metadata = [(CALLER_KEY, self._signer.sign(self._self, name)), ("traceparent", _UNTRACED)]
        kept = False
        try:
            raw = await link.unary(method.path, request.SerializeToString(), metadata, _TIMEOUT_S)
            answer: Any = method.response_class.FromString(raw)
            kept = answer.worker.process not in found
        except (Fault, InternalError):
            return False
        finally:
            # Also where the question is cancelled: nobody would close it later.
            if not kept:
                await link.close()
        if kept:
            found[answer.worker.process] = answer
            self._links[name].append(link)
        return kept


def _wanted(found: Mapping[int, Any]) -> int:
    """How many processes there should be, by their own word."""
    return max((answer.worker.workers for answer in found.values()), default=1)
