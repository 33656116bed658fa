"""Problem bodies of the REST face: AIP-193 with its details, texts in Chinese and English, and the HTTP status of a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.http import REQUEST_TIMEOUT, Response, is_late_body
from gateway.observing import Observed, RequestOutcome
from services.kernel.errors import MORE_VIOLATIONS, Fault, FaultKind, Violation
from services.runtime import http_statuses
from services.runtime.status import (
    CHINESE,
    DOMAIN,
    INTERNAL_ERROR,
    LOCALES,
    InternalError,
    internal_text,
    localized,
    more_violations,
)
from services.runtime.texts.gateway import violation_text
from services.runtime.texts.table import text_of

_NUMBER: Final = "requestId"
_TYPE: Final = "type.googleapis.com/google.rpc."


def status_of(error: Fault | InternalError) -> int:
    """HTTP status of an error."""
    if isinstance(error, InternalError):
        return 500
    if is_late_body(error):
        return REQUEST_TIMEOUT
    return http_statuses.status_of(error)


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
    return {} if isinstance(error, InternalError) else http_statuses.retry_after(error)


def _body(
    status: int, name: str, reason: str, metadata: Mapping[str, str], fault: Fault | None = None
) -> dict[str, Any]:
    details: list[dict[str, Any]] = [
        {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": DOMAIN, "metadata": dict(metadata)}
    ]
    if fault is not None and fault.violations:
        broken = [_violation(each) for each in fault.violations]
        if MORE_VIOLATIONS in metadata:
            broken.append(_violation(more_violations(metadata[MORE_VIOLATIONS])))
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": broken})
    if fault is not None and fault.retry_after_s is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{fault.retry_after_s:.3f}s"})
    plain = ((locale, internal_text(metadata, lang, _NUMBER)) for locale, lang in LOCALES)
    for locale, said in plain if fault is None else localized(fault, _NUMBER):
        details.append({"@type": f"{_TYPE}LocalizedMessage", "locale": locale, "message": said})
    message = text_of(reason, metadata, "en") if fault is not None else internal_text(metadata, "en", _NUMBER)
    error = {"code": status, "status": name, "message": message, "details": details}
    return {"error": error}


def _violation(violation: Violation) -> dict[str, Any]:
    """One field in both languages."""
    return {
        "field": violation.path,
        "description": violation_text(violation, "en"),
        "reason": violation.rule,
        "localizedMessage": {"locale": CHINESE, "message": violation_text(violation, "zh")},
    }


def refusal(error: Fault | InternalError, observed: Observed) -> Response:
    """The answer to a request that is refused, which ends so."""
    if isinstance(error, InternalError):
        observed.ended(RequestOutcome(500, None, "INTERNAL", "INTERNAL_ERROR", error.error_id))
    else:
        observed.ended(RequestOutcome(status_of(error), None, error.kind.value, error.reason))
    return problem(error)
