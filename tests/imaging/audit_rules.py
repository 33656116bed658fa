"""What DICOM (PS3.15, A.5.1: the schema of audit messages, `dicom_audit.rng`) and FHIR R4 (AuditEvent) ask of an exported
entry."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from fhir.resources.R4B.auditevent import AuditEvent
from lxml import etree

_SCHEMA: Final = Path(__file__).with_name("dicom_audit.rng")
_MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_BASE64: Final = re.compile("[A-Za-z0-9+/]*={0,2}")

EVENT_IDS: Final = frozenset(str(code) for code in range(110100, 110115))
"""Context group 400 (PS3.16)."""
MEDIA: Final = {"110030": "USB Disk Emulation", "110031": "Email", "110032": "CD", "110033": "DVD", "110038": "URI"}
"""Of context group 405 (PS3.16) what a platform can send or take."""
_CODES: Final[Mapping[str, frozenset[str]]] = {
    # FHIR R4: audit-event-action, audit-event-outcome, audit-entity-type, object-role, dicom-audit-lifecycle.
    "action": frozenset("CRUDE"),
    "outcome": frozenset({"0", "4", "8", "12"}),
    "type": frozenset("1234"),
    "role": frozenset(map(str, range(1, 25))),
    "lifecycle": frozenset(map(str, range(1, 16))),
    "source": frozenset("123456789"),
}
# Of v3-ActReason below PurposeOfUse.
_REASONS: Final = frozenset({"TREAT", "ETREAT", "BTG", "PATRQT", "HOPERAT", "HCOMPL", "HPAYMT", "FRAUD"})


def check_dicom(message: str) -> ET.Element:
    """The message, once it keeps to the schema and to context group 400; AssertionError says what it breaks."""
    told = etree.fromstring(message.encode())
    schema = _schema()
    assert schema.validate(told), schema.error_log
    root = ET.fromstring(message)
    event = root.find("EventIdentification/EventID")
    assert event is not None
    assert event.attrib["csd-code"] in EVENT_IDS
    # libxml2 lets any sign stand in base64Binary.
    for text in [each.attrib["value"] for each in root.iter("ParticipantObjectDetail")]:
        assert _BASE64.fullmatch(text), text
    for query in root.iter("ParticipantObjectQuery"):
        assert _BASE64.fullmatch(query.text or ""), query.text
    for each in root.iter("MediaType"):
        assert (MEDIA[each.attrib["csd-code"]], each.attrib["codeSystemName"]) == (each.attrib["displayName"], "DCM")
    for each in root.iter("AuditSourceTypeCode"):
        # Of another code the schema's own remark wants the system.
        assert each.attrib["csd-code"] in _CODES["source"] or "codeSystemName" in each.attrib
    return root


@cache
def _schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(_SCHEMA))


def check_fhir(text: str) -> Mapping[str, Any]:
    """The resource, once it has what R4 requires and nothing that it does not know."""
    event: dict[str, Any] = json.loads(text)
    AuditEvent.model_validate(event)
    known = {"resourceType", "id", "type", "subtype", "action", "recorded", "outcome", "outcomeDesc", "purposeOfEvent"}
    assert set(event) <= known | {"agent", "source", "entity"}
    assert event["resourceType"] == "AuditEvent"
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", event["id"])
    _coding(event["type"])
    assert event["type"]["code"] in EVENT_IDS
    for each in event.get("subtype", ()):
        _coding(each)
    assert event["action"] in _CODES["action"]
    assert event["outcome"] in _CODES["outcome"]
    assert re.fullmatch(_MOMENT, event["recorded"])
    assert datetime.fromisoformat(event["recorded"]).tzinfo is not None
    assert event["agent"]
    for agent in event["agent"]:
        _agent(agent)
    assert set(event["source"]) == {"observer", "type"}
    _reference(event["source"]["observer"])
    for each in event["source"]["type"]:
        _coding(each, "source")
    for entity in event.get("entity", ()):
        _entity(entity)
    return event


def _agent(agent: Mapping[str, Any]) -> None:
    assert set(agent) <= {"type", "who", "requestor", "purposeOfUse"}
    assert type(agent["requestor"]) is bool
    _reference(agent["who"])
    for concept in ([agent["type"]] if "type" in agent else []) + list(agent.get("purposeOfUse", ())):
        for each in concept["coding"]:
            _coding(each)
    for concept in agent.get("purposeOfUse", ()):
        assert concept["coding"][0]["code"] in _REASONS


def _entity(entity: Mapping[str, Any]) -> None:
    assert set(entity) <= {"what", "type", "role", "lifecycle", "name", "query", "detail"}
    _reference(entity["what"])
    for name in ("type", "role", "lifecycle"):
        if name in entity:
            _coding(entity[name], name)
    # Invariant sev-1.
    assert ("name" in entity) != ("query" in entity)
    base64.b64decode(entity.get("query", ""), validate=True)
    for each in entity.get("detail", ()):
        assert set(each) == {"type", "valueString"}
        assert each["type"]
        assert each["valueString"]


def _reference(reference: Mapping[str, Any]) -> None:
    assert set(reference) == {"identifier"}
    assert reference["identifier"]["value"]


def _coding(coding: Mapping[str, str], codes: str = "") -> None:
    assert set(coding) == {"system", "code", "display"}
    assert coding["system"].startswith("http")
    assert all(coding.values())
    assert not codes or coding["code"] in _CODES[codes]
