"""What an entry of the audit log is in the words of DICOM's audit messages (PS3.15, A.5.3), which FHIR's AuditEvent takes over:
the event, who took part and in which role, and what it was about. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.imaging.domain.audit import Access, AccessOutcome, Action, Logged

MEMBER: Final = "yibao-imaging"
"""By what name the index takes part."""
LOG: Final = "/v1/imaging/audit"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of DICOM's own list (DCM) with its meaning."""

    code: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who took part: `other` is the organisation of a reader."""

    user: str
    is_requestor: bool
    role: Code | None = None
    other: str = ""
    purpose: str = ""


class Kind(Enum):
    """What an object is."""

    PATIENT = "patient"
    STUDY = "study"
    QUERY = "query"
    LOG = "log"
    BATCH = "batch"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Thing:
    """What an event was about. Its name is what says nothing of a person; `details` are of it alone."""

    kind: Kind
    ident: str
    name: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """An entry as an event. `action` is C, R, U, D or E; `outcome` 0, 4 or 8; `details` what the entry says besides."""

    code: Code
    sort: Code | None
    action: str
    outcome: str
    actors: tuple[Actor, ...]
    things: tuple[Thing, ...]
    details: tuple[tuple[str, str], ...]


SOURCE: Final = Code("110153", "Source Role ID")
DESTINATION: Final = Code("110152", "Destination Role ID")
SOURCE_MEDIA: Final = Code("110155", "Source Media")

_AUTHENTICATION: Final = Code("110114", "User Authentication")
_ALERT: Final = Code("110113", "Security Alert")
_QUERY: Final = Code("110112", "Query")
_EVENTS: Final[Mapping[Action, tuple[Code, Code | None, str]]] = {
    Action.SESSION_OPENED: (_AUTHENTICATION, Code("110122", "Login"), "E"),
    Action.SESSION_CLOSED: (_AUTHENTICATION, Code("110123", "Logout"), "E"),
    Action.PATIENT_ADDED: (Code("110110", "Patient Record"), None, "R"),
    Action.EMERGENCY: (_ALERT, Code("110127", "Emergency Override Started"), "E"),
    Action.SEARCHED: (_QUERY, None, "E"),
    # A ticket lets a transfer begin; whether it did, the node knows (our decision).
    Action.TICKET_GIVEN: (Code("110102", "Begin Transferring DICOM Instances"), None, "E"),
    Action.READ: (Code("110103", "DICOM Instances Accessed"), None, "R"),
    Action.UPLOADED: (Code("110107", "Import"), None, "C"),
    Action.WITHDRAWN: (Code("110105", "DICOM Study Deleted"), None, "D"),
    Action.RECOGNITION: (_QUERY, None, "E"),
    Action.LOG_USED: (Code("110101", "Audit Log Used"), None, "R"),
    # The seal of its end is the log's security attribute: DICOM has no code of its own for a broken log (our decision).
    Action.LOG_BROKEN: (_ALERT, Code("110135", "Object Security Attributes Changed"), "E"),
}


def event_of(logged: Logged, patient_ids: Sequence[str]) -> Event:
    """The event of an entry; `patient_ids` are the pseudonyms of its persons in their order, none where nobody was meant."""
    access = logged.access
    code, sort, action = _EVENTS[access.action]
    outcome = "0" if access.outcome is AccessOutcome.SUCCESS else "4"
    outcome = "8" if access.action is Action.LOG_BROKEN else outcome
    named = {"session": access.session_no, "grant": access.grant_no, "node": access.node_no, "detail": access.detail}
    details = tuple((name, value) for name, value in named.items() if value)
    return Event(
        *(code, sort, action, outcome, _actors(logged, patient_ids), tuple(_things(logged, patient_ids))),
        (("entry", str(logged.seq)), ("hash", logged.hash.hex()), *details),
    )


def _actors(logged: Logged, patient_ids: Sequence[str]) -> tuple[Actor, ...]:
    """Who asked, first, and the index; of a ticket the node besides, which is where the pictures come from."""
    access = logged.access
    asking, answering = {
        _QUERY: (SOURCE, DESTINATION),
        _EVENTS[Action.TICKET_GIVEN][0]: (DESTINATION, None),
        _EVENTS[Action.UPLOADED][0]: (SOURCE_MEDIA, DESTINATION),
    }.get(_EVENTS[access.action][0], (None, None))
    user = access.reader or access.node_no or access.organisation
    if access.organisation == "person":
        user = patient_ids[0] if patient_ids else access.organisation
    index = Actor(MEMBER, is_requestor=False, role=answering)
    if not access.organisation:
        return (index,)
    reader = Actor(user, is_requestor=True, role=asking, other=access.organisation, purpose=access.purpose)
    if access.action is Action.TICKET_GIVEN and access.node_no:
        return (reader, Actor(access.node_no, is_requestor=False, role=SOURCE), index)
    return (reader, index)


def _things(logged: Logged, patient_ids: Sequence[str]) -> list[Thing]:
    access = logged.access
    things = []
    if access.study_uid:
        things.append(Thing(Kind.STUDY, access.study_uid, "study"))
    if _EVENTS[access.action][0] is _QUERY:
        things.append(Thing(Kind.QUERY, "1.2.840.10008.5.1.4.1.2.2.1", access.detail or "all"))
    if access.action in (Action.LOG_USED, Action.LOG_BROKEN):
        things.append(Thing(Kind.LOG, LOG, "Security Audit Log"))
    if access.action is Action.UPLOADED:
        things.append(Thing(Kind.BATCH, f"/v1/imaging/nodes/{access.node_no}/entries", "entries"))
    things += _patients(access, patient_ids)
    if access.session_no and not things:
        things.append(Thing(Kind.SESSION, f"/v1/imaging/sessions/{access.session_no}", "session"))
    return things


def _patients(access: Access, patient_ids: Sequence[str]) -> list[Thing]:
    """Each person once, of several with the grants by which each was read of."""
    if not access.persons:
        return [Thing(Kind.PATIENT, each, each) for each in patient_ids]
    grants: dict[str, list[tuple[str, str]]] = {}
    for (grant_no, _), name in zip(access.persons, patient_ids, strict=True):
        grants.setdefault(name, []).append(("grant", grant_no))
    return [Thing(Kind.PATIENT, name, name, tuple(told)) for name, told in grants.items()]
