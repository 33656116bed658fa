"""The audit log as it is read: listed, given out, verified. That it was used is an entry, written before anything is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from services.imaging.domain.audit import (
    Access,
    AccessOutcome,
    Action,
    AuditFinding,
    Logged,
    Row,
    What,
    as_of,
    end_examined,
    examined,
    read,
    readable,
)
from services.imaging.operations.own_sight import own_grant
from services.imaging.operations.ports import GrantFinding
from services.imaging.operations.uploads import Keys
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.errors import Fault, FaultKind
from services.kernel.pages import Page, page_of

OPERATOR: Final = "operator"
PERSON: Final = "person"
PART: Final = 1_000
"""Entries that are verified in one call (our decision)."""
MOST_NAMED: Final = 2_000
"""Persons whom the entries of one answer name, unless the first entry alone names more (our decision)."""
_KEY: Final = 16
_OF_PERSON: Final = "list of a person"
_BEYOND: Final = (1 << 63) - 1


class AccessWriting(Protocol):
    """Where accesses are written."""

    async def write(self, accesses: Sequence[Access]) -> None:
        """Durable when it returns; AUDIT_UNAVAILABLE."""
        ...


class Sealing(Protocol):
    """Who knows the key of the log's seal."""

    async def key(self) -> bytes:
        """The key."""
        ...


class Naming(Protocol):
    """Pseudonyms."""

    async def ready(self) -> None:
        """To be awaited before names are asked for."""
        ...

    def of_all(self, organisation: str, person_keys: Sequence[bytes]) -> Sequence[str]:
        """Under which an organisation knows persons now, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class ToldAccess:
    """An entry for whoever reads the log, and its persons' pseudonyms there in their order, none where nobody was meant."""

    logged: Logged
    patient_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """A part of the chain: what does not hold, how many entries were computed, where to go on (0 where nothing follows), and the
    last entry where nothing does."""

    findings: Sequence[AuditFinding]
    checked: int
    next: int
    end_seq: int = 0
    end_hash: bytes = b""


class AuditReading:
    """What AuditService does."""

    def __init__(
        self,
        store: ImagingStore,
        log: AccessWriting,
        sealing: Sealing,
        naming: Naming,
        persons: Keys,
        cells: GrantFinding,
    ) -> None:
        self._store = store
        self._log = log
        self._sealing = sealing
        self._naming = naming
        self._persons = persons
        self._cells = cells

    async def listed(self, opter_no: str, session_no: str, before: int | None, size: int) -> Page[ToldAccess]:
        """Entries before a place, None for the end, the latest first; of one session where it is named."""
        await self._log.write([_used(OPERATOR, opter_no, (session_no and f"list of session {session_no}") or "list")])
        place = _BEYOND if before is None else before
        async with self._store.read() as work:
            if session_no:
                rows = await work.audit.of_session(session_no, place, size + 1)
            else:
                rows = await work.audit.before(place, size + 1)
        found = [readable(each) for each in rows]
        size = _fitting(found[:size])
        return page_of(await self._told(OPERATOR, found[: size + 1]), size, lambda each: (each.logged.seq,))

    async def own(self, psn_no: str, cell: str, before: int | None, size: int) -> Page[ToldAccess]:
        """Entries of a person, the latest first, for the person; `cell` is where the person's key was made. NO_ACCESS,
        CELL_UNAVAILABLE, PEER_UNAVAILABLE."""
        try:
            grant = await own_grant(self._cells, psn_no, cell)
        except Fault as fault:
            if fault.kind is FaultKind.DENIED:
                used = _used(PERSON, "", _OF_PERSON)
                await self._log.write([replace(used, outcome=AccessOutcome.REFUSED)])
            raise
        return await self._of_person(PERSON, "", grant.person_key, before, size)

    async def served(self, psn_no: str, opter_no: str, before: int | None, size: int) -> Page[ToldAccess]:
        """The same for an operator who serves the person; PEER_UNAVAILABLE."""
        (key,) = await self._persons.keys([psn_no])
        return await self._of_person(OPERATOR, opter_no, key, before, size)

    async def _of_person(
        self, organisation: str, opter_no: str, key: bytes, before: int | None, size: int
    ) -> Page[ToldAccess]:
        await self._log.write([replace(_used(organisation, opter_no, _OF_PERSON), person_key=key)])
        async with self._store.read() as work:
            rows = await work.audit.of_person(key, _BEYOND if before is None else before, size + 1)
        found = [as_of(readable(each), key) for each in rows]
        return page_of(await self._told(organisation, found), size, lambda each: (each.logged.seq,))

    async def exported(self, opter_no: str, after: int, most: int, form: str) -> tuple[Sequence[ToldAccess], int]:
        """Entries behind a place in their order, and the place at which to go on. Whoever asks again and again leaves no entry
        where there is nothing new but its own."""
        async with self._store.read() as work:
            found = [readable(each) for each in await work.audit.after(after, most)]
        told = await self._told(OPERATOR, found[: _fitting(found)])
        used = _used(OPERATOR, opter_no, f"export {form}")
        if any(each.logged.access != used for each in told):
            await self._log.write([used])
        return told, told[-1].logged.seq if told else after

    async def verified(self, opter_no: str, after: int, known: tuple[int, str]) -> Verified:
        """A part of the chain behind a place; `known` are place and hash in hex of an entry, 0 for none."""
        key = await self._sealing.key()
        if after == 0:
            await self._log.write([_used(OPERATOR, opter_no, "verify")])
        async with self._store.read() as work:
            rows = await work.audit.after(after, PART)
            ends = len(rows) < PART
            findings = examined(await work.audit.at(after), after, rows) + await _unlisted(work, rows)
            findings.sort(key=lambda each: each.seq)
            end, last = await work.audit.end() if ends else (None, None)
            stood = await work.audit.at(known[0]) if ends and known[0] else None
        if not ends:
            return Verified(findings, len(rows), rows[-1].seq)
        findings += end_examined(key, end, last)
        if known[0] and (stood is None or not _is(stood, known[1])):
            findings.append(AuditFinding(known[0], What.REPLACED))
        if last is None:
            return Verified(findings, len(rows), 0)
        return Verified(findings, len(rows), 0, last.seq, readable(last).hash)

    async def _told(self, organisation: str, found: Sequence[Logged]) -> list[ToldAccess]:
        await self._naming.ready()
        return [ToldAccess(each, _named(self._naming, organisation, each.access)) for each in found]


def _used(organisation: str, reader: str, detail: str) -> Access:
    return Access(Action.LOG_USED, AccessOutcome.SUCCESS, organisation, reader, detail=detail)


def _named(naming: Naming, organisation: str, access: Access) -> tuple[str, ...]:
    keys: list[Any] = [key for _, key in access.persons] or [access.person_key]
    # What somebody has changed may be no key: then nobody is named.
    if any(type(each) is not bytes or len(each) != _KEY for each in keys):
        return ("",) * len(access.persons)
    return tuple(naming.of_all(organisation, keys))


def _fitting(found: Sequence[Logged]) -> int:
    """How many of these entries one answer takes: an entry may name 200 persons."""
    named = 0
    for count, each in enumerate(found):
        named += len(each.access.persons)
        if count and named > MOST_NAMED:
            return count
    return len(found)


async def _unlisted(work: Unit, rows: Sequence[Row]) -> list[AuditFinding]:
    """Entries that somebody whom they name does not find."""
    found = [each for each in map(read, rows) if each is not None]
    named = {(key, each.seq) for each in found for _, key in each.access.persons}
    if not named:
        return []
    listed = await work.audit.listed({key for key, _ in named}, rows[0].seq, rows[-1].seq)
    return [AuditFinding(seq, What.UNLISTED) for seq in sorted({seq for _, seq in named - listed})]


def _is(row: Row, digest: str) -> bool:
    return type(row.hash) is bytes and row.hash.hex() == digest.lower()
