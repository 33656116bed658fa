"""What is told of a request: one server span and one line in the access log, with business numbers and nothing personal.

Paths and query strings are never written: a route template stands for them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from gateway.http import Request
from services.runtime.logs import ACCESS_LOGGER, write
from services.runtime.metrics import OK
from services.runtime.telemetry import ROOT, Span, SpanKind, Telemetry, extract

_OK: Final = "OK"
_ACCESS: Final = logging.getLogger(ACCESS_LOGGER)
_NUMBERS: Final = ("yibao.infno", "yibao.msgid", "yibao.fixmedins_code", "yibao.error_id")


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """How a request ended: HTTP status, `infcode` of the national face (None elsewhere), code and reason of a failure."""

    status: int
    infcode: int | None = None
    code: str = ""
    reason: str = ""
    error_id: str = ""


class Observed:
    """One request while it is served; `ended` is called once."""

    def __init__(self, span: Span, method: str, route: str, observer: Observer, rpc: str) -> None:
        self._span = span
        self._method = method
        self._route = route
        self._observer = observer
        self._rpc = rpc

    def __enter__(self) -> Observed:
        self._span.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, traceback)

    def ended(
        self,
        outcome: RequestOutcome,
        infno: str = "",
        msgid: str = "",
        fixmedins_code: str = "",
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Counts the request, and writes its outcome and the numbers by which it is found."""
        self._observer.count(self._rpc, infno, outcome.reason, (time.time_ns() - self._span.start_ns) / 1e9)
        if outcome.code:
            self._span.fail(outcome.code, outcome.reason)
        level = logging.WARNING if outcome.code else logging.INFO
        logged = _ACCESS.isEnabledFor(level)
        if not (logged or self._span.recording or outcome.code):
            return
        numbers: dict[str, str | int] = {**(more or {})}
        told = zip(_NUMBERS, (infno, msgid, fixmedins_code, outcome.error_id), strict=True)
        numbers |= {name: value for name, value in told if value}
        if outcome.infcode is not None:
            numbers["yibao.infcode"] = outcome.infcode
        http: dict[str, str | int] = {
            "http.request.method": self._method,
            "http.route": self._route,
            "http.response.status_code": outcome.status,
        }
        self._span.set_attributes(http | numbers)
        if logged:
            ms = (time.time_ns() - self._span.start_ns) // 10_000 / 100
            fields: dict[str, object] = {
                "member": self._observer.member,
                **http,
                "code": outcome.code or _OK,
                **numbers,
                "ms": ms,
            }
            if outcome.reason:
                fields["reason"] = outcome.reason
            write(_ACCESS, level, "request", fields)


class Observer:
    """Makes the span of each request, below the caller's where it brought one, and counts it when it has ended.

    `methods` are the full names of the methods that serve transactions, by number.
    """

    def __init__(self, telemetry: Telemetry, methods: Mapping[str, str]) -> None:
        self._telemetry = telemetry
        self.member = telemetry.seat
        self._methods = methods
        self._ended = telemetry.metrics.ended

    def count(self, rpc: str, infno: str, reason: str, seconds: float) -> None:
        """A request has ended. A number that is not served becomes no label, for a client may have made it up."""
        served = self._methods.get(infno)
        self._ended(rpc or served or "", infno if served else "", reason or OK, seconds)

    def request(self, request: Request, route: str, rpc: str = "") -> Observed:
        """Begins a request on a route template; `rpc` is the full name of the method that serves it, where that is known."""
        parent = extract(request.headers.get("traceparent", "")) or ROOT
        span = self._telemetry.span(f"{request.method} {route}", SpanKind.SERVER, parent=parent)
        return Observed(span, request.method, route, self, rpc)
