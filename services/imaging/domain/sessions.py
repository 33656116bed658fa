"""Sessions of readers: who sits, for what, at whom, and who may go on with one. Pure.

The bounds are our decisions. Moments are microseconds since 1970; a session holds until just before its end.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.imaging.domain.scopes import Scope
from services.kernel.errors import Fault, FaultKind, precondition

_HOUR: Final = 3_600_000_000
LIFE: Final = 12 * _HOUR
KEPT: Final = _HOUR
"""How long the row of one that is over stays, without anybody in it: whoever got no answer to its closing closes it again."""
MOST_PATIENTS: Final = 200
"""Grants that a session has: as many as are decided in one question."""
MOST_OF_READER: Final = 100
"""Sessions of one reader; a further one ends the oldest, which is the one that was forgotten."""
MOST_OF_INSTITUTION: Final = 5_000
"""Sessions of all readers of an institution; a further one is refused, as it would end somebody else's."""
PERSONS: Final = "person"
OPERATORS: Final = "operator"
"""Organisations of readers that are no institution's."""


class Purpose(StrEnum):
    """What for somebody reads. OWN is an institution's list of the studies that it made itself, for which nobody is asked."""

    TREATMENT = "TREATMENT"
    OWN = "OWN"
    SELF = "SELF"
    SUPERVISION = "SUPERVISION"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads and what for. `organisation` is an institution's code, `person` or `operator`; `reader_no` the doctor's or
    operator's number, or the name that a person has here."""

    purpose: Purpose
    organisation: str
    reader_no: str = ""
    case_no: str = ""


@dataclass(frozen=True, slots=True)
class MeantPerson:
    """Who is meant: by number or, where that is empty, by certificate."""

    psn_no: str = ""
    psn_cert_type: str = ""
    certno: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant that lets a reader read of a person, until just before `to_at`."""

    grant_no: str
    person_key: bytes
    to_at: int = 0


@dataclass(frozen=True, slots=True)
class GrantDecision:
    """What the person's cell says of a grant now: no scope where it lets nobody read; `away` where the cell says nothing."""

    scope: Scope | None = None
    person_key: bytes = b""
    to_at: int = 0
    away: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One by its row. `digest` is that of its token, `holder` of token and opener together."""

    session_no: str
    digest: bytes
    holder: bytes
    reader: Reader
    begun_at: int
    ends_at: int
    patients: tuple[tuple[str, bytes], ...] = ()
    """Numbers of grants and keys of persons, in the order in which they were added."""

    def has(self, grant: Grant) -> bool:
        """Whether the person was added by this grant already."""
        return any(number == grant.grant_no for number, _ in self.patients)

    def with_patient(self, grant: Grant) -> Session:
        """The session with one more; SESSION_FULL."""
        if self.has(grant):
            return self
        check_room(self)
        added = (*self.patients, (grant.grant_no, grant.person_key))
        return Session(
            *(self.session_no, self.digest, self.holder, self.reader, self.begun_at, self.ends_at), patients=added
        )


def digest_of(token: str) -> bytes:
    """By what a session is found: the store knows no token."""
    return hashlib.sha256(_bytes(token)).digest()


def holder_of(token: str, opener: str) -> bytes:
    """Who has opened a session, as only the token tells: without it the row says nothing of who that was."""
    return hashlib.sha256(b"holder\0" + _bytes(token) + b"\0" + opener.encode()).digest()


def opened(session: Session | None, token: str, caller: str, now: int) -> Session:
    """The session of a token, for its opener, and for a caller that has no name ("") and so nothing but the token.

    UNAUTHENTICATED SESSION_UNKNOWN alike where there is none, and where it is closed, over or somebody else's.
    """
    found = owned(session, token, caller)
    if found.ends_at <= now:
        raise unknown()
    return found


def owned(session: Session | None, token: str, caller: str) -> Session:
    """The same, also where it is over."""
    if session is None or (caller and session.holder != holder_of(token, caller)):
        raise unknown()
    return session


def unknown() -> Fault:
    """UNAUTHENTICATED SESSION_UNKNOWN."""
    return Fault(FaultKind.UNAUTHENTICATED, "SESSION_UNKNOWN")


def check_room(session: Session) -> None:
    """PRECONDITION SESSION_FULL."""
    if len(session.patients) >= MOST_PATIENTS:
        raise precondition("SESSION_FULL", most=str(MOST_PATIENTS))


def check_adds(session: Session) -> None:
    """PRECONDITION SESSION_OF_OWN_LIST, SESSION_FULL: it takes nobody, or nobody more."""
    if session.reader.purpose is Purpose.OWN:
        raise precondition("SESSION_OF_OWN_LIST")
    check_room(session)


def check_institution(sessions: int) -> None:
    """EXHAUSTED SESSIONS_FULL where an institution has as many as may be."""
    if sessions >= MOST_OF_INSTITUTION:
        raise Fault(FaultKind.EXHAUSTED, "SESSIONS_FULL", {"most": str(MOST_OF_INSTITUTION)})


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "replace")
