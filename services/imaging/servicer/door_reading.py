"""What arrives at a door of the gateway, read: the session's token, parameters, and where the client reaches us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from services.kernel.errors import Fault, FaultKind, Violation

MOST_PAIRS: Final = 2_000
"""Parameters of one request (our decision): twice the UIDs that one list may have."""

_BEARER: Final = "bearer "
_HOST: Final = re.compile(r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,39}\](:[0-9]{1,5})?")
_SCHEME: Final = re.compile(r"https?")
_BROKEN_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def token_of(headers: Mapping[str, str]) -> str:
    """The token of a session; UNAUTHENTICATED SESSION_UNKNOWN where none is told."""
    said = headers.get("authorization", "")
    if not said.lower().startswith(_BEARER):
        raise Fault(FaultKind.UNAUTHENTICATED, "SESSION_UNKNOWN")
    return said[len(_BEARER) :].strip()


def pairs_of(query: str) -> list[tuple[str, str]]:
    """Names and values, decoded; INVALID_REQUEST where they are too many, or a percent sign or the characters behind it none of
    UTF-8, or NUL."""
    pairs = [each.partition("=") for each in query.split("&") if each]
    if len(pairs) > MOST_PAIRS:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("query", "dicom.long")])
    try:
        found = [(_decoded(name), _decoded(value)) for name, _, value in pairs]
    except ValueError:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("query", "dicom.encoding")]) from None
    # PostgreSQL keeps it in no text, and breaks where it is asked for.
    if "%00" in query or "\0" in query:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("query", "text.nul")])
    return found


def origin_of(headers: Mapping[str, str]) -> str:
    """Where the client reaches the gateway, as the first proxy says, or the client's own request; INVALID_REQUEST."""
    host = headers.get("x-forwarded-host", "").partition(",")[0].strip() or headers.get("host", "")
    scheme = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower() or "http"
    if _HOST.fullmatch(host) is None or _SCHEME.fullmatch(scheme) is None:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("Host", "dicom.host")])
    return f"{scheme}://{host}"


def _decoded(text: str) -> str:
    if _BROKEN_PERCENT.search(text):
        raise ValueError(text)
    return unquote(text.replace("+", " "), errors="strict")
