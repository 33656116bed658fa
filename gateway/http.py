"""HTTP as the gateway's faces see it: one request, one answer. It knows neither transactions nor routes."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from services import mesh
from services.kernel.clock import business_day, is_business_day
from services.kernel.errors import Fault, FaultKind, Violation, denied
from services.runtime.texts.gateway import rule_text

JSON: Final = "application/json; charset=utf-8"
BUSINESS_DATE_HEADER: Final = "x-yibao-business-date"
TIMEOUT_HEADER: Final = "grpc-timeout"
REQUEST_TIMEOUT: Final = 408

_NETWORK_OF_ONE: Final = 64
_LATE_BODY: Final = "body.late"
_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNIT_S: Final[Mapping[str, float]] = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(frozen=True, slots=True)
class Request:
    """One request whose body has arrived. `path` and `query` are as they came, not decoded; header names in lower case.

    `received` is the moment of the body's arrival by the mesh's clock, `begun` the same in seconds of the monotonic clock.
    `source` is the address that the connection came from, a proxy's where there is one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received: datetime
    begun: float = field(default_factory=time.monotonic)
    source: str = ""

    def left_s(self, limit_s: float) -> float:
        """Seconds that are left of those in which the request must be answered; Fault DEADLINE_EXCEEDED where none are."""
        left_s = self.begun + limit_s - time.monotonic()
        if left_s <= 0:
            raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
        return left_s


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `headers` beside its content type and length."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def network_of(source: str) -> str:
    """Who an address stands for: itself; of version 6 the network, of which one machine has all addresses."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if address.version == 4:
        return source
    return str(ipaddress.ip_network((address, _NETWORK_OF_ONE), strict=False))


def query_values(query: str) -> list[tuple[str, str]]:
    """Name and value of each parameter, decoded."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def business_date(headers: Mapping[str, str], sandbox: bool) -> date | None:
    """The day that a sandbox caller wants its request decided on; a blank header is absent, and outside the sandbox any other is
    refused."""
    text = headers.get(BUSINESS_DATE_HEADER, "").strip()
    if not text:
        return None
    if not sandbox:
        raise denied("SANDBOX_ONLY", what="X-Yibao-Business-Date")
    day = business_day(text)
    if day is None or not is_business_day(day):
        raise _broken_header("X-Yibao-Business-Date", "header.date" if day is None else "header.date_range")
    return day


def asked_timeout_s(headers: Mapping[str, str]) -> float | None:
    """The seconds in which `Grpc-Timeout` (`300S`, `500m`) wants an answer, None without it; Fault INVALID_REQUEST."""
    text = headers.get(TIMEOUT_HEADER)
    if text is None:
        return None
    found = _TIMEOUT.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise _broken_header("Grpc-Timeout", "header.timeout")
    return int(found[1]) * _UNIT_S[found[2]]


def late_head() -> Fault:
    """The refusal of a request whose head did not come in time."""
    return _late("head")


def late_body() -> Fault:
    """The refusal of a request whose body did not come in time: nothing of it was begun."""
    return _late("body")


def busy() -> Fault:
    """The refusal where the gateway has no place for another call or connection: nothing was begun."""
    return Fault(FaultKind.EXHAUSTED, "TOO_MANY_CALLS", {"member": mesh.GATEWAY}, retry_after_s=1.0)


def _late(part: str) -> Fault:
    broken = Violation(part, _LATE_BODY, rule_text(_LATE_BODY, {}, "en"))
    return Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED", violations=[broken])


def is_late_body(fault: Fault) -> bool:
    """Whether a refusal is that of a body that did not come, which HTTP tells as 408."""
    return any(violation.rule == _LATE_BODY for violation in fault.violations)


def _broken_header(name: str, rule: str) -> Fault:
    broken = Violation(name, rule, rule_text(rule, {}, "en"))
    return Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken])


def _decoded(text: str) -> str:
    return unquote(text.replace("+", " "))
