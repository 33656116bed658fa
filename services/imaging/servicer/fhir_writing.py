"""Resources as the answers of FHIR's REST: JSON, refusals as OperationOutcome, and the statement of what is served."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.imaging.domain.fhir.asking import PARAMETERS
from services.kernel.errors import Fault, FaultKind
from services.runtime.http_statuses import status_of
from services.runtime.status import LOCALES, localized
from services.runtime.texts.gateway import violation_text

JSON: Final = "application/fhir+json; charset=utf-8"

_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_REASONS: Final = "urn:yibao:reason"
_CODES: Final[Mapping[FaultKind, str]] = {
    FaultKind.INVALID: "invalid",
    FaultKind.PRECONDITION: "business-rule",
    FaultKind.UNAUTHENTICATED: "login",
    FaultKind.DENIED: "forbidden",
    FaultKind.NOT_FOUND: "not-found",
    FaultKind.CONFLICT: "conflict",
    FaultKind.EXHAUSTED: "too-costly",
    FaultKind.UNSERVED: "not-supported",
    FaultKind.UNAVAILABLE: "transient",
    FaultKind.DEADLINE: "timeout",
}
_TOKENS: Final = frozenset(("_id", "identifier", "modality", "status", "patient.identifier"))
_REFERENCES: Final = frozenset(("patient", "subject"))


def written(resource: Mapping[str, Any], *, pretty: bool = False) -> bytes:
    """A resource as bytes."""
    if pretty:
        return json.dumps(resource, ensure_ascii=False, indent=2).encode()
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def outcome(fault: Fault) -> tuple[int, dict[str, Any]]:
    """A refusal: the status and the OperationOutcome, with each broken parameter, in English and Chinese."""
    texts = dict(localized(fault))
    (chinese, _), (english, _) = LOCALES
    issues = [_issue(fault, texts[english], texts[chinese], chinese)]
    for each in fault.violations:
        broken = _issue(fault, violation_text(each, "en"), violation_text(each, "zh"), chinese)
        issues.append({**broken, "expression": [each.path]})
    return status_of(fault), {"resourceType": "OperationOutcome", "issue": issues}


def warned(warnings: Sequence[str]) -> dict[str, Any]:
    """What has to be known of an answer, as it stands in the bundle."""
    issues = [{"severity": "warning", "code": "incomplete", "details": {"text": each}} for each in warnings]
    return {"resourceType": "OperationOutcome", "id": "warnings", "issue": issues}


def capability_statement(base: str, made: str) -> dict[str, Any]:
    """What is served at an address."""
    kinds = dict.fromkeys(_TOKENS, "token") | dict.fromkeys(_REFERENCES, "reference") | {"started": "date"}
    resource = {
        "type": "ImagingStudy",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchInclude": ["ImagingStudy:endpoint", "ImagingStudy:patient"],
        "searchParam": [{"name": name, "type": kinds[name]} for name in PARAMETERS],
        "operation": [
            {
                "name": "manifest",
                "definition": f"{base}/OperationDefinition/manifest",
                "documentation": "GET ImagingStudy/{id}/$manifest: a document bundle after IHE RAD MADO.",
            }
        ],
    }
    security = {
        "cors": True,
        "description": "Authorization: Bearer with the token of a reader's session (POST /v1/imaging/sessions:open).",
    }
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": made,
        "kind": "instance",
        "software": {"name": "yibao"},
        "implementation": {"description": "yibao imaging index", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{"mode": "server", "security": security, "resource": [resource]}],
    }


def _issue(fault: Fault, english: str, chinese: str, locale: str) -> dict[str, Any]:
    translation = {
        "url": _TRANSLATION,
        "extension": [{"url": "lang", "valueCode": locale}, {"url": "content", "valueString": chinese}],
    }
    return {
        "severity": "error",
        "code": _CODES[fault.kind],
        "details": {
            "coding": [{"system": _REASONS, "code": fault.reason}],
            "text": english,
            "_text": {"extension": [translation]},
        },
    }
