"""Doors: paths at which providers send what a member takes in as it came. The gateway reads nothing of it and believes nothing of
it; the member verifies. Which method serves a door, an option of the contract says.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from gateway.backend import Backend, CallOptions
from gateway.bugs import internal_error
from gateway.http import Request, Response, network_of
from gateway.observing import Observer, Outcome
from gateway.problems import refusal
from gateway.shares import Claimant, Shares
from services.kernel.errors import Fault, FaultKind, denied
from services.runtime.contract import Contract, MethodContract
from services.runtime.status import InternalError

TIMEOUT_S: Final = 4.5
"""Within which a provider is answered: WeChat waits for 5 s (C§1.4)."""
MOST_BYTES: Final = 65_536
_HEADERS: Final = 100
_LONGEST_HEADER: Final = 4_000


class Doors:
    """Serves the doors of a contract."""

    def __init__(self, contract: Contract, shares: Shares, backend: Backend, observer: Observer, sandbox: bool) -> None:
        self._doors = {each.door: each for each in contract.methods.values() if each.door}
        self._shares = shares
        self._backend = backend
        self._observer = observer
        self._sandbox = sandbox
        self._log = logging.getLogger("yibao.gateway")

    def serves(self, path: str) -> bool:
        """Whether a path leads to a door."""
        return self._found(path) is not None

    async def handle(self, request: Request) -> Response:
        """The answer to one POST; never raises but when it is cancelled."""
        door, method = self._door(request)
        with self._observer.request(request, f"{door}*", method.full_name) as observed:
            try:
                answer = await self._heard(request, door, method)
            except (Fault, InternalError) as error:
                return refusal(error, observed)
            except Exception as error:  # noqa: BLE001  # a bug of ours: told by an id, found in the log
                return refusal(internal_error(self._log, error, self._sandbox), observed)
            observed.ended(Outcome(200))
            return Response(200, answer.body, answer.content_type)

    def refused(self, request: Request, error: Fault) -> Response:
        """Refuses a request before it is looked at."""
        door, method = self._door(request)
        with self._observer.request(request, f"{door}*", method.full_name) as observed:
            return refusal(error, observed)

    async def _heard(self, request: Request, door: str, method: MethodContract) -> Any:
        if len(request.body) > MOST_BYTES:
            raise Fault(FaultKind.EXHAUSTED, "BODY_TOO_LARGE", {"limit_bytes": str(MOST_BYTES)})
        headers = {name: value for name, value in request.headers.items() if len(value) <= _LONGEST_HEADER}
        if len(headers) > _HEADERS or len(headers) < len(request.headers):
            raise denied("NOTIFY_FORGED", channel=request.path.removeprefix(door)[:20])
        delivery = method.request_class(
            door_name=request.path.removeprefix(door), query=request.query, headers=headers, body=request.body
        )
        # Providers share places by where they come from: nobody else waits for one who sends too much.
        async with self._shares.place(Claimant(f"door {network_of(request.source)}", ()), request.received):
            options = CallOptions(None, request.left_s(TIMEOUT_S))
            return await self._backend.call(method, delivery, options)

    def _door(self, request: Request) -> tuple[str, MethodContract]:
        found = self._found(request.path)
        if found is None:
            raise LookupError(request.path)
        return found

    def _found(self, path: str) -> tuple[str, MethodContract] | None:
        return next(((door, method) for door, method in self._doors.items() if path.startswith(door)), None)
