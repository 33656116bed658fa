"""Doors: paths at which strangers send what a member takes in as it came: notifies of providers, questions of viewers of images.
The gateway reads nothing of it and believes nothing of it; the member verifies. Which method serves a door, an option of the
contract says.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from gateway.backend import Backend, CallOptions
from gateway.bugs import internal_error
from gateway.http import Request, Response, network_of
from gateway.observing import Observer, RequestOutcome
from gateway.problems import refusal
from gateway.shares import Claimant, Shares
from services.kernel.errors import Fault, FaultKind, denied
from services.runtime.contract import Contract, MethodContract
from services.runtime.forms import DoorForm
from services.runtime.status import InternalError

TIMEOUT_S: Final = 4.5
"""Within which a provider is answered: WeChat waits for 5 s (C§1.4). Others are answered as soon."""
MOST_BYTES: Final = 65_536
_HEADERS: Final = 100
_LONGEST_HEADER: Final = 4_000
_OK: Final = 200


class Doors:
    """Serves the doors of a contract."""

    def __init__(self, contract: Contract, shares: Shares, backend: Backend, observer: Observer, sandbox: bool) -> None:
        self._doors = [(each.door, each) for each in contract.methods.values() if each.door is not None]
        self._paths = tuple(door.path for door, _ in self._doors)
        self._shares = shares
        self._backend = backend
        self._observer = observer
        self._sandbox = sandbox
        self._log = logging.getLogger("yibao.gateway")

    def serves(self, verb: str, path: str) -> bool:
        """Whether a request of this HTTP method at a path is for a door."""
        return self._found(verb, path) is not None

    def has(self, path: str) -> bool:
        """Whether a path is a door's, or lies behind one, by whatever method of HTTP."""
        return f"{path}/".startswith(self._paths)

    async def handle(self, request: Request) -> Response:
        """The answer to one request; never raises but when it is cancelled."""
        door, method = self._door(request)
        with self._observer.request(request, f"{door.path}*", method.full_name) as observed:
            try:
                answer = await self._heard(request, door, method)
            except (Fault, InternalError) as error:
                return refusal(error, observed)
            except Exception as error:  # noqa: BLE001  # a bug of ours: told by an id, found in the log
                return refusal(internal_error(self._log, error, self._sandbox), observed)
            status, headers = _OK, {}
            if door.answers_status:
                status, headers = answer.status or _OK, dict(answer.headers)
            observed.ended(RequestOutcome(status))
            return Response(status, answer.body, answer.content_type, headers)

    def refused(self, request: Request, error: Fault) -> Response:
        """Refuses a request before it is looked at."""
        door, method = self._door(request)
        with self._observer.request(request, f"{door.path}*", method.full_name) as observed:
            return refusal(error, observed)

    async def _heard(self, request: Request, door: DoorForm, method: MethodContract) -> Any:
        if len(request.body) > MOST_BYTES:
            raise Fault(FaultKind.EXHAUSTED, "BODY_TOO_LARGE", {"limit_bytes": str(MOST_BYTES)})
        delivery = method.request_class(
            door_name=request.path.removeprefix(door.path),
            query=request.query,
            headers=_headers(request, door),
            body=request.body,
        )
        # Who comes to a door shares places by where it comes from: nobody else waits for one who sends too much.
        async with self._shares.place(Claimant(f"door {network_of(request.source)}", ()), request.received):
            options = CallOptions(None, request.left_s(TIMEOUT_S))
            return await self._backend.call(method, delivery, options)

    def _door(self, request: Request) -> tuple[DoorForm, MethodContract]:
        found = self._found(request.method, request.path)
        if found is None:
            raise LookupError(request.path)
        return found

    def _found(self, verb: str, path: str) -> tuple[DoorForm, MethodContract] | None:
        # Nearly every path is that of none.
        if not path.startswith(self._paths):
            return None
        asked = _asked(verb)
        return next((each for each in self._doors if path.startswith(each[0].path) and asked in each[0].verbs), None)


def _asked(verb: str) -> str:
    """HEAD is GET whose answer has no body: the HTTP server leaves it away."""
    return "GET" if verb == "HEAD" else verb


def _headers(request: Request, door: DoorForm) -> Mapping[str, str]:
    """The headers that the door hands on; one that is too long is left out where they are named, else the request is refused."""
    if door.headers:
        read = {name: request.headers[name] for name in door.headers if name in request.headers}
        return {name: value for name, value in read.items() if len(value) <= _LONGEST_HEADER}
    headers = {name: value for name, value in request.headers.items() if len(value) <= _LONGEST_HEADER}
    if len(headers) > _HEADERS or len(headers) < len(request.headers):
        raise denied("NOTIFY_FORGED", channel=request.path.removeprefix(door.path)[:20])
    return headers
