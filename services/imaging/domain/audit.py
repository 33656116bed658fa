"""The audit log: every access is an entry of a chain of hashes, whose end is sealed under a key that the store lacks.

Entries never change. Whoever changes a byte of one breaks the chain; whoever takes the last ones away, or adds some, lacks the
key that seals the end. A whole store that was put back as it stood earlier holds: who fears that keeps the end elsewhere. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import Any, Final

GENESIS: Final = bytes(32)
"""What stands before the first entry."""
MOST_DETAIL: Final = 400
"""Characters of a detail; what is longer is cut (our decision)."""

_VERSION: Final = b"\x01"
_SEVERAL: Final = b"\x02"
"""The same with persons and grants behind it."""
_TEXTS: Final = 7
_HEAD: Final = b"yibao imaging: end of the audit log\0"
_ADVICE: Final = "advice A"
"""What stands before the number of an advice, which is the index's own and is kept, at the beginning of a detail."""
_NUMBER: Final = re.compile(rf"(?<!\d)(?<!\A{_ADVICE})\d{{15,}}[Xx]?|(?<!\d)1[3-9]\d{{9}}(?!\d)")
_LENGTH: Final = 4
_LAST_AT: Final = 253_402_300_799_999_999
_WHOLE: Final = 8


class Action(IntEnum):
    """What was done. Consent is the persons' cells' to log."""

    SESSION_OPENED = 1
    SESSION_CLOSED = 2
    PATIENT_ADDED = 3
    EMERGENCY = 4
    SEARCHED = 5
    TICKET_GIVEN = 6
    # A study's own data were read out of the index: a manifest, a resource.
    READ = 7
    UPLOADED = 8
    WITHDRAWN = 9
    RECOGNITION = 10
    LOG_USED = 11
    # The log itself: its end did not hold when an entry was to be added.
    LOG_BROKEN = 12


class AccessOutcome(IntEnum):
    """How it ended; refused is the same for who does not exist and who did not consent."""

    SUCCESS = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Access:
    """What is logged of an access. `organisation` is the fixmedins_code, `person`, `operator` or `node`; `reader` the doctor's
    dr_codg or the operator, "" for a person. `detail` is what was asked, without anybody's number or name. One that was about
    several `persons` names each by grant and key, and neither `person_key` nor `grant_no` then.
    """

    action: Action
    outcome: AccessOutcome
    organisation: str
    reader: str = ""
    purpose: str = ""
    session_no: str = ""
    person_key: bytes | None = None
    grant_no: str = ""
    study_uid: str = ""
    node_no: str = ""
    detail: str = ""
    persons: tuple[tuple[str, bytes], ...] = ()


_UNREADABLE: Final = Access(Action.LOG_BROKEN, AccessOutcome.REFUSED, "", detail="the entry cannot be read")


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is kept: its place, its moment in microseconds since 1970, whom it is found by, everything else as canonical
    bytes, and the hash of it and of all before it. What somebody has changed may have any type.
    """

    seq: int
    at: Any
    person_key: Any
    session_no: Any
    body: Any
    hash: Any


@dataclass(frozen=True, slots=True)
class End:
    """Where the chain ends: the place and hash of its last entry, and the seal on both."""

    seq: int
    hash: bytes
    seal: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it is read."""

    seq: int
    at: int
    access: Access
    hash: bytes


class What(Enum):
    """What does not hold."""

    # Entries are missing from this place on.
    MISSING = "missing"
    # The entry and the ones before it do not give its hash: a byte of it, or the hash before it, was changed.
    CHANGED = "changed"
    # The chain was longer: its end was cut off from this place on.
    CUT = "cut"
    # Entries from this place on were not added by the member.
    FOREIGN = "foreign"
    # The end bears no seal of the member, or a seal on something else.
    UNSEALED = "unsealed"
    # The member found the end broken when it added this entry: what stands before it may be another's.
    BROKEN = "broken"
    # Another entry, or none, stands at a place that was known.
    REPLACED = "replaced"
    # The entry stands, and a person whom it names does not find it.
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What does not hold, at the place of an entry."""

    seq: int
    what: What


def readable(row: Row) -> Logged:
    """The entry of a row; where it cannot be read, one that says so in its place."""
    return read(row) or Logged(row.seq, 0, _UNREADABLE, b"")


def row_of(access: Access, seq: int, at: int, previous: bytes) -> Row:
    """The entry of an access behind the one whose hash is `previous`."""
    texts = (access.organisation, access.reader, access.purpose, access.grant_no, access.study_uid, access.node_no)
    parts = (*(each.encode() for each in texts), _told(access.detail).encode())
    version = _SEVERAL if access.persons else _VERSION
    persons = b"".join(_measured(grant_no.encode()) + _measured(key) for grant_no, key in access.persons)
    body = version + bytes((access.action, access.outcome)) + b"".join(_measured(each) for each in parts) + persons
    session_no = access.session_no.encode() or None
    digest = _chained(previous, seq, at, access.person_key, session_no, body)
    return Row(seq, at, access.person_key, session_no, body, digest)


def rows_of(accesses: Sequence[Access], end: tuple[int, bytes], at: int) -> list[Row]:
    """The entries of accesses in their order, behind an end of that place and hash."""
    seq, previous = end
    rows = []
    for each in accesses:
        seq += 1
        rows.append(row_of(each, seq, at, previous))
        previous = rows[-1].hash
    return rows


def read(row: Row) -> Logged | None:
    """The entry of a row; None for one that the member cannot have written."""
    if type(row.body) is not bytes or type(row.hash) is not bytes or row.body[:1] not in (_VERSION, _SEVERAL):
        return None
    if type(row.at) is not int or not 0 <= row.at <= _LAST_AT:
        return None
    try:
        action, outcome = Action(row.body[1]), AccessOutcome(row.body[2])
        parts = _parts(row.body[3:])
        texts, persons = [each.decode() for each in parts[:_TEXTS]], _persons(parts[_TEXTS:], row.body[:1] == _SEVERAL)
        organisation, reader, purpose, grant_no, study_uid, node_no, detail = texts
        session_no = (row.session_no or b"").decode()
    except (ValueError, IndexError, AttributeError):
        return None
    access = Access(
        *(action, outcome, organisation, reader, purpose, session_no),
        *(row.person_key, grant_no, study_uid, node_no, detail, persons),
    )
    return Logged(row.seq, row.at, access, row.hash)


def about(accesses: Sequence[Access], rows: Sequence[Row]) -> list[tuple[bytes, int]]:
    """By whom entries are found that are about several persons: keys and places, each once."""
    pairs = [(key, row.seq) for access, row in zip(accesses, rows, strict=True) for _, key in access.persons]
    return list(dict.fromkeys(pairs))


def as_of(logged: Logged, person_key: bytes) -> Logged:
    """An entry as it is told to one of its persons: of the others it says nothing. One that does not name the person, though it
    is found by it, says that it cannot be read."""
    access = logged.access
    if access.person_key == person_key and not access.persons:
        return logged
    grant_no = next((number for number, key in access.persons if key == person_key), None)
    if grant_no is None:
        return replace(logged, access=_UNREADABLE)
    return replace(logged, access=replace(access, person_key=person_key, grant_no=grant_no, persons=()))


def sealed(key: bytes, seq: int, digest: bytes) -> End:
    """An end under the member's key."""
    return End(seq, digest, hmac.digest(key, _HEAD + seq.to_bytes(_WHOLE, "big") + digest, "sha256"))


def holds(key: bytes, end: End) -> bool:
    """Whether the member has sealed this end."""
    if (type(end.seq), type(end.hash), type(end.seal)) != (int, bytes, bytes) or end.seq < 0:
        return False
    return hmac.compare_digest(sealed(key, end.seq, end.hash).seal, end.seal)


def examined(previous: Row | None, after: int, rows: Sequence[Row]) -> list[AuditFinding]:
    """What does not hold of entries behind the place `after`, whose own row is `previous` (None for the beginning, or where it is
    gone). A gap and a changed hash break the entry behind them too: the first of neighbouring findings is the place."""
    found = []
    before = GENESIS if previous is None else previous.hash
    place = after
    for row in rows:
        if row.seq != place + 1:
            found.append(AuditFinding(place + 1, What.MISSING))
        if not _follows(before, row):
            found.append(AuditFinding(row.seq, What.CHANGED))
        if (logged := read(row)) is not None and logged.access.action is Action.LOG_BROKEN:
            found.append(AuditFinding(row.seq, What.BROKEN))
        place, before = row.seq, row.hash
    return found


def end_examined(key: bytes, end: End | None, last: Row | None) -> list[AuditFinding]:
    """What does not hold of the end, beside the last entry there is."""
    seq = 0 if last is None else last.seq
    if end is None:
        return [] if last is None else [AuditFinding(seq, What.UNSEALED)]
    if not holds(key, end):
        return [AuditFinding(seq, What.UNSEALED)]
    if seq < end.seq:
        return [AuditFinding(seq + 1, What.CUT)]
    if seq > end.seq:
        return [AuditFinding(end.seq + 1, What.FOREIGN)]
    if last is not None and last.hash != end.hash:
        return [AuditFinding(seq, What.CHANGED)]
    return []


def _follows(before: Any, row: Row) -> bool:
    try:
        return bool(_chained(before, row.seq, row.at, row.person_key, row.session_no, row.body) == row.hash)
    except (TypeError, OverflowError, AttributeError):
        return False


def _chained(
    previous: bytes, seq: int, at: int, person_key: bytes | None, session_no: bytes | None, body: bytes
) -> bytes:
    """SHA-256 of the hash before and of all columns, each with its length before it: no two entries have the same bytes."""
    whole = (seq.to_bytes(_WHOLE, "big"), at.to_bytes(_WHOLE, "big", signed=True))
    found_by = b"".join(b"\0" if each is None else b"\1" + _measured(each) for each in (person_key, session_no))
    return hashlib.sha256(previous + b"".join(whole) + found_by + _measured(body)).digest()


def _measured(part: bytes) -> bytes:
    return len(part).to_bytes(_LENGTH, "big") + part


def _parts(data: bytes) -> list[bytes]:
    parts = []
    while data:
        size = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
        if len(data) < size:
            raise ValueError("a part is shorter than its length")
        parts.append(data[_LENGTH:size])
        data = data[size:]
    return parts


def _persons(parts: Sequence[bytes], several: bool) -> tuple[tuple[str, bytes], ...]:
    if several != bool(parts) or len(parts) % 2:
        raise ValueError("grants and persons are expected in pairs")
    return tuple((parts[place].decode(), parts[place + 1]) for place in range(0, len(parts), 2))


def _told(detail: str) -> str:
    """A detail that fits. What has the form of a number of a person, a card or a telephone goes; that of a case stays,
    and that of an advice, by which its decision is found."""
    return _NUMBER.sub("#", detail)[:MOST_DETAIL]
