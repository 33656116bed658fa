"""What the audit log is told of readers: sessions, their persons, searches, tickets. Never a value that was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from services.imaging.domain.audit import Access, AccessOutcome, Action
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.sessions import PERSONS, Grant, Purpose, Reader, Session

_LEVELS: Final = {Level.STUDY: "studies", Level.SERIES: "series"}


def of_opening(session: Session) -> list[Access]:
    """A session begins; that of a person who looks is about that person."""
    (grant_no, key) = session.patients[0] if session.patients else ("", None)
    return [_access(Action.SESSION_OPENED, session.reader, session.session_no, key, grant_no)]


def of_refused_opening(reader: Reader) -> list[Access]:
    """A session was not opened: nobody is registered under the number of the person who wanted to look."""
    return [_access(Action.SESSION_OPENED, reader, outcome=AccessOutcome.REFUSED)]


def of_closing(session: Session) -> list[Access]:
    """A session is closed."""
    return [_access(Action.SESSION_CLOSED, session.reader, session.session_no)]


def of_adding(session: Session, grant: Grant | None, how: str, *, emergency: bool = False) -> list[Access]:
    """A person was added by a grant; without one somebody was refused, of whom nothing is known. `how` says what named the
    person: code, number, certificate."""
    action = Action.EMERGENCY if emergency else Action.PATIENT_ADDED
    if grant is None:
        return [_access(action, session.reader, session.session_no, detail=how, outcome=AccessOutcome.REFUSED)]
    return [_access(action, session.reader, session.session_no, grant.person_key, grant.grant_no, how)]


def of_search(
    reader: Reader,
    session_no: str,
    asked: Iterable[tuple[str, bytes]],
    level: Level,
    keywords: Sequence[str],
    found: int,
) -> list[Access]:
    """A search: one entry about all persons who were asked about, by grant and key, or about nobody. Of what was asked the names
    of the attributes are told, and how many answers all of it had on its page."""
    detail = " ".join((_LEVELS[level], *keywords, "found", str(found)))
    persons = tuple(asked)
    if len(persons) > 1:
        return [replace(_access(Action.SEARCHED, reader, session_no, detail=detail), persons=persons)]
    (grant_no, key) = persons[0] if persons else ("", None)
    return [_access(Action.SEARCHED, reader, session_no, key, grant_no, detail)]


def of_ticket(
    reader: Reader,
    session_no: str,
    study_uid: str,
    node_no: str = "",
    grant_no: str = "",
    person_key: bytes | None = None,
) -> list[Access]:
    """A ticket was given for a study at a node; without a node nothing was given, and of whose study it is nothing is known."""
    outcome = AccessOutcome.SUCCESS if node_no else AccessOutcome.REFUSED
    access = _access(Action.TICKET_GIVEN, reader, session_no, person_key, grant_no, outcome=outcome)
    return [replace(access, study_uid=study_uid, node_no=node_no)]


def _access(
    action: Action,
    reader: Reader,
    session_no: str = "",
    person_key: bytes | None = None,
    grant_no: str = "",
    detail: str = "",
    outcome: AccessOutcome = AccessOutcome.SUCCESS,
) -> Access:
    number = "" if reader.organisation == PERSONS else reader.reader_no
    case = f" case {reader.case_no}" if reader.purpose is Purpose.SUPERVISION else ""
    return Access(
        *(action, outcome, reader.organisation, number, reader.purpose.value, session_no, person_key, grant_no),
        detail=f"{detail}{case}".strip(),
    )
