"""HTTP as the gateway's faces see it: one request, one answer. It knows neither transactions nor routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from urllib.parse import unquote

from services.kernel.errors import Fault, FaultKind, Violation, denied
from services.runtime.texts.gateway import rule_text

JSON: Final = "application/json; charset=utf-8"
BUSINESS_DATE_HEADER: Final = "x-yibao-business-date"


@dataclass(frozen=True, slots=True)
class Request:
    """One request whose body has arrived. `path` and `query` are as they came, not decoded; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received: datetime


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `headers` beside its content type and length."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def query_values(query: str) -> list[tuple[str, str]]:
    """Name and value of each parameter, decoded."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def business_date(headers: Mapping[str, str], sandbox: bool) -> date | None:
    """The day that a sandbox caller wants its request decided on; outside the sandbox the header is refused."""
    text = headers.get(BUSINESS_DATE_HEADER)
    if text is None:
        return None
    if not sandbox:
        raise denied("SANDBOX_ONLY", what="X-Yibao-Business-Date")
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        broken = Violation("X-Yibao-Business-Date", "header.date", rule_text("header.date", {}, "en"))
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken]) from None


def _decoded(text: str) -> str:
    return unquote(text.replace("+", " "))
