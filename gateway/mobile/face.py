"""The mobile face: one request through its envelope, the mesh and back, signed and encrypted for the app that asked.

Every answer to a known app is signed, refusals too. Nothing of a request is believed before its signature is good, and no
envelope is taken twice within its window. HTTP says 200 but where the outcome is not known, as at the national envelope.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message

from gateway.aside import Aside
from gateway.backend import Backend, CallOptions
from gateway.bugs import internal_error
from gateway.failures import Failures
from gateway.http import Request, Response, business_date, network_of
from gateway.mobile.apps import Apps, Registered
from gateway.mobile.routes import MobileRoute, MobileRoutes
from gateway.national.face import TIMEOUT_S
from gateway.national.refusals import outcome_of, refusal
from gateway.nonces import Nonces
from gateway.observing import Observed, Observer, RequestOutcome
from gateway.partners import Partners
from gateway.problems import retry_after
from gateway.shares import Shares
from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.national.envelope import (
    WINDOW,
    OpenedMessage,
    Outer,
    build_answer,
    open_request,
    read_outer,
    write_unsigned,
)
from services.runtime.status import InternalError
from services.runtime.texts.gateway import rule_text

_REFUSED: Final = -1
_AGAIN: Final = "mobile.again"


@dataclass(slots=True)
class _KnownRequest:
    """What is known of a request so far; a refusal is written with whatever that is."""

    route: MobileRoute
    outer: Outer | None = None
    registered: Registered | None = None
    reading: bool = False
    numbers: Mapping[str, str] = field(default_factory=dict)


class MobileFace:
    """Serves the envelope. `new_id` numbers requests that bring no number of their own."""

    def __init__(
        self,
        routes: MobileRoutes,
        apps: Apps,
        partners: Partners,
        shares: Shares,
        aside: Aside,
        backend: Backend,
        observer: Observer,
        clock: Clock,
        new_id: Callable[[str], str],
        sandbox: bool,
        failures: Failures,
    ) -> None:
        self._routes = routes
        self._apps = apps
        self._partners = partners
        self._shares = shares
        self._aside = aside
        self._backend = backend
        self._observer = observer
        self._clock = clock
        self._new_id = new_id
        self._sandbox = sandbox
        self._failures = failures
        self._seen = Nonces(WINDOW.total_seconds())
        self._log = logging.getLogger("yibao.gateway")

    def serves(self, path: str) -> bool:
        """Whether a path is one of the mobile payment centre's."""
        return self._routes.find(path) is not None

    async def handle(self, request: Request) -> Response:
        """The answer to one POST; never raises but when it is cancelled."""
        visit = self._visit(request)
        with self._observed(request, visit) as observed:
            try:
                body = await self._answer(request, visit)
            except (Fault, InternalError) as error:
                return self._refused(visit, error, observed)
            except Exception as error:  # noqa: BLE001  # a bug of ours: told by an id, found in the log
                return self._refused(visit, internal_error(self._log, error, self._sandbox), observed)
            observed.ended(RequestOutcome(200), visit.route.served.infno, "", _code(visit), visit.numbers)
            return Response(200, body)

    def refused(self, request: Request, error: Fault) -> Response:
        """Refuses a request before it is looked at."""
        visit = self._visit(request)
        with self._observed(request, visit) as observed:
            return self._refused(visit, error, observed)

    def _visit(self, request: Request) -> _KnownRequest:
        route = self._routes.find(request.path)
        if route is None:
            raise LookupError(request.path)
        return _KnownRequest(route)

    def _observed(self, request: Request, visit: _KnownRequest) -> Observed:
        return self._observer.request(request, visit.route.path, visit.route.served.method.full_name)

    async def _answer(self, request: Request, visit: _KnownRequest) -> bytes:
        source, size = network_of(request.source), len(request.body)
        request.left_s(TIMEOUT_S)
        visit.outer = outer = await self._aside.read(source, size, lambda: read_outer(request.body))
        try:
            registered = await self._apps.find(outer.app_id)
            # Who is answered is known from here on, and signed for; what was sent is not believed yet.
            visit.registered = registered
            opened = await self._aside.proven(source, size, lambda: open_request(registered.app, outer, self._clock()))
        except Fault as fault:
            raise await self._failures.told(request.source, outer.app_id, fault) from None
        self._admit(opened)
        claimant = self._partners.claimant(registered.profile.caller)
        async with self._shares.place(claimant, request.received):
            answer = await self._asked(request, visit, opened, registered)
            data = visit.route.write(answer)
            return await self._aside.proven(source, 0, lambda: build_answer(registered.app, outer, data, self._clock()))

    def _admit(self, opened: OpenedMessage) -> None:
        """Remembers the envelope by its signature; ENVELOPE_REPLAYED, TIMESTAMP_OUT_OF_WINDOW."""
        app_id, sent = opened.outer.app_id, int(opened.sent.timestamp())
        try:
            self._seen.admit(app_id, opened.signature.hex(), sent, self._clock().timestamp())
        except Fault as fault:
            if fault.reason != "NONCE_USED":
                raise
            again = Violation("signData", _AGAIN, rule_text(_AGAIN, {}, "en"))
            raise Fault(FaultKind.UNAUTHENTICATED, "ENVELOPE_REPLAYED", violations=[again]) from None

    async def _asked(
        self, request: Request, visit: _KnownRequest, opened: OpenedMessage, registered: Registered
    ) -> Message:
        profile, route = registered.profile, visit.route
        day = business_date(request.headers, self._sandbox and profile.sandbox)
        visit.reading = True
        method, size = route.served.method, len(request.body)
        message = await self._aside.read(
            profile.code, size, lambda: route.read(opened.data, profile.code, self._new_id)
        )
        async with self._aside.place(profile.code, method.full_name, size, request.left_s(TIMEOUT_S)):
            options = CallOptions(profile.caller, request.left_s(TIMEOUT_S), day)
            answer: Message = await self._backend.call(method, message, options)
        failure = route.served.notices.failure(answer)
        if failure is not None:
            raise failure
        visit.numbers = {each.attribute: told for each in method.response_numbers if (told := each.get(answer))}
        return answer

    def _refused(self, visit: _KnownRequest, error: Fault | InternalError, observed: Observed) -> Response:
        outcome = outcome_of(error)
        observed.ended(outcome, visit.route.served.infno, "", _code(visit), visit.numbers)
        descriptor: Any = visit.route.served.method.request_class.DESCRIPTOR if visit.reading else None
        said, now = refusal(error, descriptor), self._clock()
        if visit.registered is None or visit.outer is None:
            body = write_unsigned(_REFUSED, said, now)
        else:
            body = build_answer(visit.registered.app, visit.outer, {}, now, code=_REFUSED, message=said)
        return Response(outcome.status, body, headers=retry_after(error))


def _code(visit: _KnownRequest) -> str:
    return visit.registered.profile.code if visit.registered else ""
