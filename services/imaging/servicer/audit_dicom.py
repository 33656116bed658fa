"""An event of the audit log as an audit message of DICOM (PS3.15, A.5), in XML, in the order of its schema."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from services.imaging.domain.audit_events import MEMBER, SOURCE_MEDIA, Actor, Code, Event, Kind, Thing

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SERVER: Final = '<AuditSourceTypeCode csd-code="4"/>'
_DCM: Final = "DCM"
_RFC: Final = "RFC-3881"
_URI: Final = Code("110038", "URI")
_KINDS: Final[Mapping[Kind, tuple[str, str, str, str, str]]] = {
    # Type of object, its role, and the code of its identifier: value, list, meaning.
    Kind.PATIENT: ("1", "1", "2", _RFC, "Patient Number"),
    Kind.STUDY: ("2", "3", "110180", _DCM, "Study Instance UID"),
    Kind.QUERY: ("2", "3", "110181", _DCM, "SOP Class UID"),
    Kind.LOG: ("2", "13", "12", _RFC, "URI"),
    Kind.BATCH: ("2", "20", "12", _RFC, "URI"),
    Kind.SESSION: ("2", "20", "12", _RFC, "URI"),
}


def dicom_message(event: Event, at: datetime) -> str:
    """One message."""
    head = _attributes(EventActionCode=event.action, EventDateTime=at.isoformat(), EventOutcomeIndicator=event.outcome)
    sort = "" if event.sort is None else _coded("EventTypeCode", event.sort)
    parts = [
        f"<EventIdentification{head}>{_coded('EventID', event.code)}{sort}</EventIdentification>",
        *map(_participant, event.actors),
        f"<AuditSourceIdentification{_attributes(AuditSourceID=MEMBER)}>{_SERVER}</AuditSourceIdentification>",
        *_objects(event),
    ]
    return f'<?xml version="1.0" encoding="UTF-8"?><AuditMessage>{"".join(parts)}</AuditMessage>'


def _participant(actor: Actor) -> str:
    told = {"UserID": actor.user, "UserIsRequestor": "true" if actor.is_requestor else "false"}
    if actor.other:
        told["AlternativeUserID"] = actor.other
    inside = "" if actor.role is None else _coded("RoleIDCode", actor.role)
    if actor.role is SOURCE_MEDIA:
        inside += f"<MediaIdentifier>{_coded('MediaType', _URI)}</MediaIdentifier>"
    return f"<ActiveParticipant{_attributes(**told)}>{inside}</ActiveParticipant>"


def _objects(event: Event) -> Iterator[str]:
    """The objects; what else the entry says is told of the first, beside what is of an object alone."""
    for place, thing in enumerate(event.things):
        kind, role, code, listed, meaning = _KINDS[thing.kind]
        told = {
            "ParticipantObjectID": thing.ident,
            "ParticipantObjectTypeCode": kind,
            "ParticipantObjectTypeCodeRole": role,
        }
        if event.action == "D" and thing.kind is Kind.STUDY:
            told["ParticipantObjectDataLifeCycle"] = "14"
        told_of = (*(() if place else event.details), *thing.details)
        details = "".join(_detail(*each) for each in told_of)
        coded = _coded("ParticipantObjectIDTypeCode", Code(code, meaning), listed)
        inside = f"{coded}{_named(thing)}{details}"
        yield f"<ParticipantObjectIdentification{_attributes(**told)}>{inside}</ParticipantObjectIdentification>"


def _named(thing: Thing) -> str:
    if thing.kind is Kind.QUERY:
        return f"<ParticipantObjectQuery>{_base64(thing.name)}</ParticipantObjectQuery>"
    return f"<ParticipantObjectName>{escape(thing.name)}</ParticipantObjectName>"


def _detail(name: str, value: str) -> str:
    return f"<ParticipantObjectDetail{_attributes(type=name, value=_base64(value))}/>"


def _coded(element: str, code: Code, listed: str = _DCM) -> str:
    told = {"csd-code": code.code, "codeSystemName": listed, "displayName": code.meaning, "originalText": code.meaning}
    return f"<{element}{_attributes(**told)}/>"


def _attributes(**told: str) -> str:
    return "".join(f" {name}={quoteattr(_NO_XML.sub('?', value))}" for name, value in told.items())


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
