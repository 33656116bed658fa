"""Persons of a session: added by a code, by number or in an emergency, each with a grant of the person's own cell, and listed.

Nobody is told whether there is such a person: a refusal is the same for nobody, for somebody who granted nothing and for somebody
whom another cell insures, leaves the same entry in the log, and is answered at an even time, which does not tell how far away the
cell was that was asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from services.imaging.domain.accesses import of_adding
from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import (
    Grant,
    GrantDecision,
    MeantPerson,
    Purpose,
    Reader,
    Session,
    check_adds,
    digest_of,
    opened,
)
from services.imaging.operations.ports import GrantDeciding, GrantFinding, Log
from services.imaging.operations.sessions import Sessions
from services.imaging.store.unit import Unit
from services.kernel.clock import from_micros
from services.kernel.errors import Fault, FaultKind, invalid
from services.kernel.requests import Entry, RequestStamp, repeated

EVEN_S: Final = 0.05
"""A refusal is answered so many seconds after the question, or a multiple of that (our decision): longer than a cell takes."""
_UNDECIDED: Final = (FaultKind.UNAVAILABLE, FaultKind.DEADLINE, FaultKind.EXHAUSTED)
"""Kinds of faults by which nobody was refused anything: it can be asked again."""


@dataclass(frozen=True, slots=True)
class AddedPerson:
    """A person of a session, as the reader is told: the pseudonym, the grant, and what the person's cell says of it now."""

    patient_id: str
    grant_no: str
    decision: GrantDecision


class ProvingCells(GrantFinding, GrantDeciding, Protocol):
    """The persons' cells, reached through routing; each raises its refusal."""

    async def proved(self, request_id: str, fixmedins_code: str, shown: str) -> Grant:
        """The grant that a code or ecToken gives the institution where it is shown."""
        ...

    async def broken(self, request_id: str, reader: Reader, person: MeantPerson, reason: str) -> Grant:
        """The grant of an emergency."""
        ...


@dataclass(frozen=True, slots=True)
class Patients:
    """What becomes of the persons of sessions."""

    sessions: Sessions
    cells: ProvingCells
    log: Log

    async def add(self, token: str, shown: str, person: MeantPerson) -> AddedPerson:
        """Adds a person, by what is shown at the desk or, where that is empty, by number or certificate.

        SESSION_UNKNOWN, SESSION_OF_OWN_LIST, SESSION_FULL, NO_ACCESS, CELL_UNAVAILABLE, and what identity says of codes. The
        same code shown once more in a session gives the same grant, so that whoever got no answer asks again.
        """
        session = await self.sessions.find(token)
        check_adds(session)
        reader = session.reader
        if shown and reader.purpose is not Purpose.TREATMENT:
            raise invalid("ec_token", "session.code", "an operator names the person by number or certificate")
        if not (shown or person.psn_no or person.certno):
            raise invalid("psn_no", "consent.person", "the person's number, or a certificate's")
        how, began = "code" if shown else "number" if person.psn_no else "certificate", time.monotonic()
        try:
            if shown:
                grant = await self.cells.proved(_request_id(session, shown), reader.organisation, shown)
            else:
                grant = await self.cells.found(reader, person)
        except Fault as fault:
            await self._refused(session, fault, how, began)
            raise
        await self.log.write(of_adding(session, grant, how), lambda work: self._keep(work, token, grant))
        return await self._added(session, grant, again=session.has(grant))

    async def break_glass(
        self, stamp: RequestStamp, token: str, person: MeantPerson, reason: str, encode: Callable[[AddedPerson], bytes]
    ) -> bytes:
        """Adds a person in an emergency, for two hours, to be reviewed in the person's cell. SESSION_UNKNOWN,
        SESSION_OF_OWN_LIST, SESSION_FULL, NO_ACCESS, CELL_UNAVAILABLE, REQUEST_ID_REUSED."""
        session = await self.sessions.find(token)
        async with self.sessions.store.read() as work:
            standing = repeated(stamp, await work.journal.find(stamp))
        if standing is not None:
            return standing.response
        check_adds(session)
        if not (person.psn_no or person.certno):
            raise invalid("psn_no", "consent.person", "the person's number, or a certificate's")
        how, began = "number" if person.psn_no else "certificate", time.monotonic()
        try:
            name = _request_id(session, stamp.request_id)
            grant = await self.cells.broken(name, session.reader, person, reason)
        except Fault as fault:
            await self._refused(session, fault, how, began, emergency=True)
            raise
        response = encode(await self._added(session, grant, again=False))

        async def act(work: Unit) -> None:
            # Somebody sent it at the same moment: the person's cell has given both the same grant.
            if repeated(stamp, await work.journal.find(stamp)) is None:
                await self._keep(work, token, grant)
                await work.journal.add(Entry(stamp, response, from_micros(self.sessions.now())))

        await self.log.write(of_adding(session, grant, how, emergency=True), act)
        return response

    async def listed(self, token: str) -> list[AddedPerson]:
        """The persons of a session, and what their cells say of them now, in one question; SESSION_UNKNOWN."""
        session = await self.sessions.find(token)
        patients = (await self.sessions.sitting_of(session)).patients
        if not patients:
            return []
        said = await self.cells.decided(session.reader, [each.grant_no for each in patients])
        return [AddedPerson(each.patient_id, each.grant_no, told) for each, told in zip(patients, said, strict=True)]

    async def _added(self, session: Session, grant: Grant, *, again: bool) -> AddedPerson:
        """The person as the reader is told. A grant that was just made or found lets the reader read; of one that was asked for
        once more, as by a code shown twice, the cell says whether it still does."""
        said = GrantDecision(Scope(), grant.person_key, grant.to_at)
        if again:
            (said,) = await self.cells.decided(session.reader, [grant.grant_no])
        pseudonyms = self.sessions.pseudonyms
        await pseudonyms.ready()
        return AddedPerson(pseudonyms(session.reader.organisation, grant.person_key), grant.grant_no, said)

    async def _keep(self, work: Unit, token: str, grant: Grant) -> None:
        """Writes the person to the session, which may have been closed meanwhile. Whose it is was looked at before: the log
        writes for several callers at once."""
        held = opened(await work.sessions.hold(digest_of(token)), token, "", self.sessions.now())
        kept = held.with_patient(grant)
        if kept is not held:
            await work.sessions.keep_patients(kept)

    async def _refused(
        self, session: Session, fault: Fault, how: str, began: float, *, emergency: bool = False
    ) -> None:
        if fault.kind in _UNDECIDED:
            return
        await self.log.write(of_adding(session, None, how, emergency=emergency))
        if fault.kind is FaultKind.DENIED:
            await asyncio.sleep((began - time.monotonic()) % EVEN_S)


def _request_id(session: Session, told: str) -> str:
    """By which the person's cell knows a question again: the same within a session, and no other session's."""
    return hashlib.sha256(f"{session.session_no}\0{told}".encode("utf-8", "replace")).hexdigest()[:32]
