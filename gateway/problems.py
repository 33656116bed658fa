"""Problem bodies of the REST face: AIP-193 with its details, texts in Chinese and English, and the HTTP status of a fault."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.http import REQUEST_TIMEOUT, Response, is_late_body
from services.kernel.errors import MORE_VIOLATIONS, Fault, FaultKind, Violation
from services.runtime.status import DOMAIN, INTERNAL_ERROR, InternalError
from services.runtime.texts.gateway import MORE_RULE, next_step, rule_text
from services.runtime.texts.table import text_of

STATUSES: Final[Mapping[FaultKind, int]] = {
    FaultKind.INVALID: 400,
    FaultKind.PRECONDITION: 400,
    FaultKind.UNAUTHENTICATED: 401,
    FaultKind.DENIED: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.CONFLICT: 409,
    FaultKind.EXHAUSTED: 429,
    FaultKind.UNSERVED: 501,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.DEADLINE: 504,
}

# Where HTTP says it more exactly than the kind does.
_REASON_STATUSES: Final[Mapping[str, int]] = {
    "BODY_TOO_LARGE": 413,
    "HEAD_TOO_LARGE": 431,
    "MESSAGE_TOO_LARGE": 413,
    "METHOD_UNSERVED": 404,
}
_TYPE: Final = "type.googleapis.com/google.rpc."


def status_of(error: Fault | InternalError) -> int:
    """HTTP status of an error."""
    if isinstance(error, InternalError):
        return 500
    if is_late_body(error):
        return REQUEST_TIMEOUT
    return _REASON_STATUSES.get(error.reason, STATUSES[error.kind])


def problem(error: Fault | InternalError) -> Response:
    """The answer that tells an error."""
    status = status_of(error)
    headers = retry_after(error)
    if isinstance(error, InternalError):
        body = _body(status, "INTERNAL", INTERNAL_ERROR, error.metadata)
    else:
        body = _body(status, error.kind.value, error.reason, error.metadata, error)
        if error.kind is FaultKind.UNAUTHENTICATED:
            headers["www-authenticate"] = "Bearer"
    return Response(status, msgspec.json.encode(body), headers=headers)


def retry_after(error: Fault | InternalError) -> dict[str, str]:
    """The header that says in how many whole seconds it is worth to ask again; none where waiting does not help."""
    if isinstance(error, InternalError) or error.retry_after_s is None:
        return {}
    return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}


def _body(
    status: int, name: str, reason: str, metadata: Mapping[str, str], fault: Fault | None = None
) -> dict[str, Any]:
    details: list[dict[str, Any]] = [
        {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": DOMAIN, "metadata": dict(metadata)}
    ]
    if fault is not None and fault.violations:
        broken = [_violation(each, metadata) for each in fault.violations]
        if MORE_VIOLATIONS in metadata:
            broken.append(_more(metadata[MORE_VIOLATIONS]))
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": broken})
    if fault is not None and fault.retry_after_s is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{fault.retry_after_s:.3f}s"})
    chinese, english = text_of(reason, metadata, "zh"), text_of(reason, metadata, "en")
    if fault is not None:
        chinese = f"{chinese}。{next_step(fault, 'zh')}。"
        english = f"{english}. {next_step(fault, 'en')}."
    for locale, said in (("zh-CN", chinese), ("en-US", english)):
        details.append({"@type": f"{_TYPE}LocalizedMessage", "locale": locale, "message": said})
    error = {"code": status, "status": name, "message": text_of(reason, metadata, "en"), "details": details}
    return {"error": error}


def _violation(violation: Violation, metadata: Mapping[str, str]) -> dict[str, Any]:
    """One field in both languages, in Chinese where its text names nothing that the fault does not tell."""
    shown: dict[str, Any] = {
        "field": violation.path,
        "description": violation.description or rule_text(violation.rule, {}, "en"),
        "reason": violation.rule,
    }
    try:
        chinese = rule_text(violation.rule, {}, "zh", violation.description).format_map(
            {**metadata, **violation.values}
        )
    except (KeyError, ValueError):
        return shown
    return {**shown, "localizedMessage": {"locale": "zh-CN", "message": chinese}} if chinese else shown


def _more(count: str) -> dict[str, Any]:
    """The entry that stands for the fields that are not named."""
    chinese, english = (rule_text(MORE_RULE, {"more": count}, language) for language in ("zh", "en"))
    return {
        "field": "",
        "description": english,
        "reason": MORE_RULE,
        "localizedMessage": {"locale": "zh-CN", "message": chinese},
    }
