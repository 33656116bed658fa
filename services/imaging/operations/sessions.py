"""Sessions of readers: opened, found again by their token, closed. Whoever opens one is told its token, and the store is not."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.imaging.domain.accesses import of_closing, of_opening, of_refused_opening
from services.imaging.domain.sessions import (
    KEPT,
    LIFE,
    MOST_OF_INSTITUTION,
    MOST_OF_READER,
    OPERATORS,
    PERSONS,
    Purpose,
    Reader,
    Session,
    check_institution,
    digest_of,
    holder_of,
    opened,
    owned,
)
from services.imaging.operations.own_sight import LOOKING, own_grant
from services.imaging.operations.ports import GrantFinding, Log
from services.imaging.operations.pseudonyms import Pseudonyms
from services.imaging.operations.searching import Patient, Sitting
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.clock import Clock, from_micros, to_micros
from services.kernel.errors import Fault, FaultKind

_TOKEN_BYTES: Final = 32
_SWEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Sessions:
    """What becomes of sessions. `caller` tells who calls, by role and number, "" for one that has no key and so nothing but a
    session's token; `new_no` makes the number of a session. A session lives by `clock`, on whichever day a call is decided.
    """

    store: ImagingStore
    log: Log
    cells: GrantFinding
    pseudonyms: Pseudonyms
    clock: Clock
    random_bytes: Callable[[int], bytes]
    new_no: Callable[[], str]
    caller: Callable[[], str]

    async def sitting(self, token: str) -> Sitting:
        """The session of a token, for searches and tickets. UNAUTHENTICATED SESSION_UNKNOWN where there is none or it is closed,
        over, or was opened by somebody else than who calls."""
        return await self.sitting_of(await self.find(token))

    async def sitting_of(self, session: Session) -> Sitting:
        """The same of a session that was found."""
        await self.pseudonyms.ready()
        reader, keys = session.reader, [key for _, key in session.patients]
        ids = self.pseudonyms.of_all(reader.organisation, keys)
        former = self.pseudonyms.of_all(reader.organisation, keys, periods_ago=1)
        patients = tuple(
            Patient(number, key, now, before)
            for (number, key), now, before in zip(session.patients, ids, former, strict=True)
        )
        is_operator = reader.purpose is Purpose.SUPERVISION
        return Sitting(
            session.session_no,
            reader.purpose.value,
            reader.organisation,
            patients,
            own_institution=reader.organisation if reader.purpose is Purpose.OWN else "",
            dr_codg="" if is_operator or reader.purpose is Purpose.SELF else reader.reader_no,
            opter_no=reader.reader_no if is_operator else "",
            case_no=reader.case_no,
            ends_at=session.ends_at,
        )

    async def find(self, token: str) -> Session:
        """The session of a token; SESSION_UNKNOWN."""
        async with self.store.read() as work:
            session = await work.sessions.find(digest_of(token))
        return opened(session, token, self.caller(), self.now())

    def now(self) -> int:
        """The moment by which sessions live."""
        return to_micros(self.clock())

    async def open(self, reader: Reader) -> tuple[Session, str]:
        """A session, and its token; SESSIONS_FULL."""
        return await self._opened(reader, ())

    async def open_own(self, psn_no: str, cell: str) -> tuple[Session, str]:
        """The session of a person who looks, with that person in it. `cell` is where the person's key was made. NO_ACCESS,
        CELL_UNAVAILABLE."""
        try:
            grant = await own_grant(self.cells, psn_no, cell)
        except Fault as fault:
            if fault.kind is FaultKind.DENIED:
                await self.log.write(of_refused_opening(LOOKING))
            raise
        # The person's name here tells nobody who it is, and no number has to be kept.
        reader = Reader(Purpose.SELF, PERSONS, grant.person_key.hex())
        return await self._opened(reader, ((grant.grant_no, grant.person_key),))

    async def close(self, token: str) -> None:
        """Ends one and its tickets; one that was ended a while ago stays so. SESSION_UNKNOWN where there is none, or it is
        somebody else's."""
        now, digest = self.now(), digest_of(token)
        async with self.store.read() as work:
            session = owned(await work.sessions.find(digest), token, self.caller())
        if session.ends_at <= now:
            return

        async def act(work: Unit) -> None:
            await work.sessions.end(digest, now)
            await work.tickets.end_sessions([session.session_no], from_micros(now))

        await self.log.write(of_closing(session), act)

    async def _opened(self, reader: Reader, patients: tuple[tuple[str, bytes], ...]) -> tuple[Session, str]:
        token, now = urlsafe_b64encode(self.random_bytes(_TOKEN_BYTES)).rstrip(b"=").decode(), self.now()
        holder = holder_of(token, self.caller())
        session = Session(self.new_no(), digest_of(token), holder, reader, now, now + LIFE, patients)
        if reader.organisation not in (PERSONS, OPERATORS):
            async with self.store.read() as work:
                check_institution(await work.sessions.count(reader.organisation, now, MOST_OF_INSTITUTION))

        async def act(work: Unit) -> None:
            await work.sessions.sweep(now - KEPT, _SWEPT)
            ended = await work.sessions.end_oldest(reader, MOST_OF_READER - 1)
            await work.tickets.end_sessions(ended, from_micros(now))
            await work.sessions.add(session)

        await self.log.write(of_opening(session), act)
        return session, token
