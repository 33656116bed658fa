"""Tickets: given to who may see a study now, written to the audit log first, signed by a key that changes each month."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from services.imaging.domain.accesses import of_ticket
from services.imaging.domain.scopes import Copy
from services.imaging.domain.sessions import unknown
from services.imaging.domain.tickets import Ticket, claims, expiry, signing_period, told_periods
from services.imaging.operations.deciding import reader_of
from services.imaging.operations.ports import Log, Secrets
from services.imaging.operations.searching import FoundStudy, Sitting
from services.imaging.store.unit import Unit
from services.kernel.clock import Clock, from_micros, to_micros
from services.kernel.consents import cell_of_grant
from services.kernel.errors import Fault, FaultKind, not_found

SHARED_S: Final = 1.0
"""For so long requests of one session for one study go to the node with one ticket (our decision): a viewer asks for many frames
at once, and a new ticket knows of a revocation after a second anyway.
"""
AWAY_RETRY_S: Final = 30.0
"""A node says that it is there as often."""
SEED_BYTES: Final = 32
_JTI_BYTES: Final = 16
_MOST_SHARED: Final = 10_000
_OWN: Final = "own "


class StudyFinding(Protocol):
    """Searches."""

    async def find(self, sitting: Sitting, study_uid: str) -> FoundStudy | None:
        """A study that the reader may see now; None where it may not, or there is none."""
        ...


class Key(Protocol):
    """A key that signs."""

    def signed(self, claims: Mapping[str, Any]) -> str:
        """The claims as a compact JWS."""
        ...

    def jwk(self) -> Mapping[str, str]:
        """The public half."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """A ticket, where it opens its study, until when, and what was found of the study."""

    url: str
    text: str
    expires_at: datetime
    found: FoundStudy


class KeyRing:
    """Keys that sign tickets, each made from a secret of its own; `made` makes one from a seed of 32 bytes."""

    def __init__(self, secrets: Secrets, made: Callable[[bytes], Key], clock: Clock) -> None:
        self._secrets, self._made, self._clock = secrets, made, clock

    async def signing(self) -> Key:
        """The key of now; SECRETS_SEALED, STORE_UNAVAILABLE."""
        return await self._key(signing_period(self._clock()))

    async def told(self) -> list[Mapping[str, str]]:
        """The public halves of all whose signatures hold now or soon; SECRETS_SEALED, STORE_UNAVAILABLE."""
        return [(await self._key(each)).jwk() for each in told_periods(self._clock())]

    async def _key(self, period: int) -> Key:
        return self._made(await self._secrets.key(f"ticket key {period}", SEED_BYTES))


class Tickets:
    """Gives tickets. `monotonic` is a clock that only goes forward, in seconds."""

    def __init__(
        self,
        finding: StudyFinding,
        log: Log,
        keys: KeyRing,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._finding, self._log, self._keys = finding, log, keys
        self._clock, self._random_bytes, self._monotonic = clock, random_bytes, monotonic
        self._shared: dict[tuple[str, str], tuple[float, str]] = {}

    async def address(self, sitting: Sitting, study_uid: str) -> str:
        """Where a study is fetched, with a ticket that is shared for a second: all of it lies below. As `issue` refuses."""
        begun, key = self._monotonic(), (sitting.session_no, study_uid)
        known = self._shared.get(key)
        if known is not None and begun - known[0] < SHARED_S:
            return known[1]
        url = (await self.issue(sitting, study_uid)).url
        if len(self._shared) >= _MOST_SHARED:
            self._shared = {each: told for each, told in self._shared.items() if begun - told[0] < SHARED_S}
        self._shared[key] = begun, url
        return url

    async def issue(self, sitting: Sitting, study_uid: str) -> Given:
        """A ticket for a study at the place where it is fetched soonest.

        STUDY_NOT_FOUND where there is none or the reader may not see it, after the same work; NODE_AWAY where no place of it
        answers; SESSION_UNKNOWN, AUDIT_UNAVAILABLE, SECRETS_SEALED, CELL_UNAVAILABLE.
        """
        key = await self._keys.signing()
        found = await self._finding.find(sitting, study_uid)
        now = self._clock()
        until = expiry(now, found.until, from_micros(sitting.ends_at)) if found is not None else now
        if found is None or until <= now:
            await self._log.write(of_ticket(reader_of(sitting), sitting.session_no, study_uid))
            raise not_found("STUDY_NOT_FOUND")
        copy = found.copies[0]
        if not copy.place.up:
            raise Fault(FaultKind.UNAVAILABLE, "NODE_AWAY", {"node_no": copy.place.node_no}, retry_after_s=AWAY_RETRY_S)
        ticket = self._ticket(sitting, found, copy, until)
        node_no = copy.place.node_no
        told = claims(
            node_no=node_no,
            organisation=sitting.reader,
            purpose=sitting.purpose,
            ticket=ticket,
            now=now,
        )
        text = key.signed(told)

        async def kept(work: Unit) -> None:
            # Closed while the cell was asked: its tickets are revoked already.
            if not await work.sessions.goes_on(sitting.session_no, to_micros(now)):
                raise unknown()
            await work.tickets.add(ticket)

        patient = found.patient
        whose = (patient.grant_no, patient.person_key) if patient is not None else ()
        await self._log.write(of_ticket(reader_of(sitting), sitting.session_no, study_uid, node_no, *whose), kept)
        return Given(f"{copy.place.root}/t/{text}/studies/{study_uid}", text, until, found)

    def _ticket(self, sitting: Sitting, found: FoundStudy, copy: Copy, until: datetime) -> Ticket:
        jti = urlsafe_b64encode(self._random_bytes(_JTI_BYTES)).rstrip(b"=").decode()
        institutions = " ".join(sorted({each.study.fixmedins_code for each in found.copies}))
        session_no = sitting.session_no
        if found.patient is None:
            return Ticket(jti, "", _OWN + session_no, copy.kept.uid, institutions, session_no, until)
        grant_no = found.patient.grant_no
        return Ticket(jti, cell_of_grant(grant_no) or "", grant_no, copy.kept.uid, institutions, session_no, until)
