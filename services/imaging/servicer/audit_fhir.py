"""An event of the audit log as an AuditEvent of FHIR R4, in JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.imaging.domain.audit_events import MEMBER, Actor, Code, Event, Kind, Thing

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_HL7: Final = "http://terminology.hl7.org/CodeSystem/"
_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "TREATMENT": ("TREAT", "treatment"),
    "OWN": ("HOPERAT", "healthcare operations"),
    "SELF": ("PATRQT", "patient requested"),
    "SUPERVISION": ("HCOMPL", "health compliance"),
}
_EMERGENCY: Final = ("ETREAT", "Emergency Treatment")
_OVERRIDE: Final = "110127"
_KINDS: Final[Mapping[Kind, tuple[str, str, str, str]]] = {
    # Type of object and its role, each with what it means.
    Kind.PATIENT: ("1", "Person", "1", "Patient"),
    Kind.STUDY: ("2", "System Object", "3", "Report"),
    Kind.QUERY: ("2", "System Object", "24", "Query"),
    Kind.LOG: ("2", "System Object", "13", "Security Resource"),
    Kind.BATCH: ("2", "System Object", "20", "Job"),
    Kind.SESSION: ("2", "System Object", "20", "Job"),
}


def fhir_event(event: Event, at: datetime) -> str:
    """One resource."""
    told: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": event.details[0][1],
        "type": _dicom(event.code),
    }
    if event.sort is not None:
        told["subtype"] = [_dicom(event.sort)]
    told |= {
        "action": event.action,
        "recorded": at.isoformat(),
        "outcome": event.outcome,
        "agent": [_agent(each, event) for each in event.actors],
        "source": {
            "observer": _reference("member", MEMBER),
            "type": [_coding("security-source-type", "4", "Application Server")],
        },
    }
    if event.things:
        told["entity"] = [_entity(each, event, place) for place, each in enumerate(event.things)]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _agent(actor: Actor, event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {} if actor.role is None else {"type": {"coding": [_dicom(actor.role)]}}
    told["who"] = _reference(actor.other or "member", actor.user)
    told["requestor"] = actor.is_requestor
    reason = _EMERGENCY if event.sort is not None and event.sort.code == _OVERRIDE else _REASONS.get(actor.purpose)
    if reason is not None and actor.is_requestor:
        told["purposeOfUse"] = [{"coding": [_coding("v3-ActReason", *reason)]}]
    return told


def _entity(thing: Thing, event: Event, place: int) -> dict[str, Any]:
    kind, kind_meaning, role, role_meaning = _KINDS[thing.kind]
    what = {"system": "urn:dicom:uid", "value": f"urn:oid:{thing.ident}"} if thing.kind is Kind.STUDY else None
    told: dict[str, Any] = {
        "what": {"identifier": what or {"value": thing.ident}},
        "type": _coding("audit-entity-type", kind, kind_meaning),
        "role": _coding("object-role", role, role_meaning),
    }
    if event.action == "D" and thing.kind is Kind.STUDY:
        told["lifecycle"] = _coding("dicom-audit-lifecycle", "14", "Logical deletion")
    if thing.kind is Kind.QUERY:
        told["query"] = b64encode(thing.name.encode()).decode()
    else:
        told["name"] = thing.name
    details = (*(() if place else event.details), *thing.details)
    if details:
        told["detail"] = [{"type": name, "valueString": value} for name, value in details]
    return told


def _reference(whose: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": f"urn:yibao:{whose}", "value": value}}


def _dicom(code: Code) -> dict[str, str]:
    return {"system": _DCM, "code": code.code, "display": code.meaning}


def _coding(listed: str, code: str, display: str) -> dict[str, str]:
    return {"system": f"{_HL7}{listed}", "code": code, "display": display}
