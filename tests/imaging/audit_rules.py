"""What DICOM (PS3.15, A.5.1: the schema of audit messages) and FHIR R4 (AuditEvent) ask of an exported entry, written as rules.

Elements stand in the order of the schema; an attribute of which no pattern is given takes any text that is not empty.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

_ANY: Final = r".+"
_OPTIONAL: Final = "?"


@dataclass(frozen=True, slots=True)
class Rule:
    """Of an element: its attributes by pattern (`?` at the end of a name: may be absent), and its children as a pattern over
    their names, each followed by a blank. `text` says that it holds one."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    children: str = ""
    text: str = ""


_CODED: Final = Rule({"csd-code": _ANY, "codeSystemName": _ANY, "displayName?": _ANY, "originalText": _ANY})
_MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_BASE64: Final = r"[A-Za-z0-9+/]*={0,2}"
RULES: Final[Mapping[str, Rule]] = {
    "AuditMessage": Rule(
        children="EventIdentification (ActiveParticipant )+AuditSourceIdentification (ParticipantObjectIdentification )*"
    ),
    "EventIdentification": Rule(
        {"EventActionCode?": "[CRUDE]", "EventDateTime": _MOMENT, "EventOutcomeIndicator": "0|4|8|12"},
        "EventID (EventTypeCode )*(EventOutcomeDescription )?",
    ),
    "EventID": _CODED,
    "EventTypeCode": _CODED,
    "ActiveParticipant": Rule(
        {
            "UserID": ".*",
            "AlternativeUserID?": ".*",
            "UserName?": ".*",
            "UserIsRequestor": "true|false|0|1",
            "NetworkAccessPointID?": _ANY,
            "NetworkAccessPointTypeCode?": "[1-5]",
        },
        "(RoleIDCode )*(MediaIdentifier )?",
    ),
    "RoleIDCode": _CODED,
    "MediaIdentifier": Rule(children="MediaType "),
    "MediaType": _CODED,
    "AuditSourceIdentification": Rule(
        {"AuditEnterpriseSiteID?": _ANY, "AuditSourceID": _ANY}, "(AuditSourceTypeCode )*"
    ),
    "AuditSourceTypeCode": Rule({"csd-code": "[1-9]"}),
    "ParticipantObjectIdentification": Rule(
        {
            "ParticipantObjectID": _ANY,
            "ParticipantObjectTypeCode?": "[1-4]",
            "ParticipantObjectTypeCodeRole?": "1?[1-9]|10|2[0-6]",
            "ParticipantObjectDataLifeCycle?": "[1-9]|1[0-5]",
            "ParticipantObjectSensitivity?": _ANY,
        },
        "ParticipantObjectIDTypeCode (ParticipantObjectName |ParticipantObjectQuery )(ParticipantObjectDetail )*"
        "(ParticipantObjectDescription )*",
    ),
    "ParticipantObjectIDTypeCode": _CODED,
    "ParticipantObjectName": Rule(text=_ANY),
    "ParticipantObjectQuery": Rule(text=_BASE64),
    "ParticipantObjectDetail": Rule({"type": _ANY, "value": _BASE64}),
}
"""By element; those that are never written are left out, and are refused."""

EVENT_IDS: Final = frozenset(str(code) for code in range(110100, 110115))
"""Context group 400 (PS3.16)."""
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
    """The message, once it keeps to the rules; AssertionError says which it breaks."""
    root = ET.fromstring(message)
    assert root.tag == "AuditMessage"
    for element in root.iter():
        rule = RULES[element.tag]
        known = {name.removesuffix(_OPTIONAL): pattern for name, pattern in rule.attributes.items()}
        assert set(element.attrib) <= set(known), (element.tag, element.attrib)
        for name, pattern in rule.attributes.items():
            plain = name.removesuffix(_OPTIONAL)
            value = element.attrib.get(plain)
            assert value is not None or name.endswith(_OPTIONAL), (element.tag, name)
            assert value is None or re.fullmatch(pattern, value), (element.tag, name, value)
        assert re.fullmatch(rule.children, "".join(f"{child.tag} " for child in element)), element.tag
        assert re.fullmatch(rule.text, element.text or ""), (element.tag, element.text)
    event = root.find("EventIdentification/EventID")
    assert event is not None
    assert event.attrib["csd-code"] in EVENT_IDS
    return root


def check_fhir(text: str) -> Mapping[str, Any]:
    """The resource, once it has what R4 requires and nothing that it does not know."""
    event: dict[str, Any] = json.loads(text)
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
