"""Consent on the way of reading, which routing asks for: presence, emergencies, the decision, and the feed of ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.identity.domain import consent
from services.identity.domain.certificates import folded, folded_type
from services.identity.domain.consent import Decision, End, Grant, Kind, Purpose, Reader, Review
from services.identity.domain.credential import (
    KEPT,
    TOKEN_LIFE,
    EcToken,
    check_decoding,
    check_showing,
    foreign,
    token_fault,
)
from services.identity.domain.digests import digest
from services.identity.operations.journal import ActAnswer, answer_once, written
from services.identity.operations.ports import RandomBytes
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.clock import from_micros
from services.kernel.credential_marks import CODE_LENGTH
from services.kernel.requests import RequestStamp

_UNTOLD: Final = 32
_MADE_FOR_READERS: Final = {Purpose.SELF: Kind.SELF, Purpose.SUPERVISION: Kind.SUPERVISION}


@dataclass(frozen=True, slots=True)
class MeantPerson:
    """Who is meant: by number or, where that is empty, by certificate."""

    psn_no: str
    psn_cert_type: str = ""
    certno: str = ""


@dataclass(frozen=True, slots=True)
class ConsentDesk:
    """What ConsentService does for routing. `new_no` makes the number of a grant."""

    store: IdentityStore
    new_no: Callable[[], str]
    random_bytes: RandomBytes
    cell: str

    async def prove(
        self, stamp: RequestStamp, fixmedins_code: str, shown: str, now: int, encode: Callable[[Grant], bytes]
    ) -> bytes:
        """A grant for 24 hours to the institution at which a code or ecToken was shown; a code is used up by it.

        CREDENTIAL_OF_ANOTHER_CELL, CODE_UNKNOWN, CODE_USED, CODE_EXPIRED, EC_TOKEN_UNKNOWN, EC_TOKEN_WRONG_INSTITUTION,
        EC_TOKEN_EXPIRED.
        """
        if elsewhere := foreign(shown, self.cell):
            raise elsewhere

        async def act(work: Unit) -> ActAnswer:
            psn_no = await self._shown(work, fixmedins_code, shown, now)
            made = self._made(psn_no, Kind.PRESENCE, Reader(Purpose.TREATMENT, fixmedins_code), now, consent.PRESENCE)
            await work.consents.add(made)
            return ActAnswer(encode(made))

        return (await answer_once(self.store, stamp, from_micros(now), act)).response

    async def find(self, person: MeantPerson, reader: Reader, now: int) -> Grant:
        """The grant by which a reader may read of a person now. NO_ACCESS, of nobody as of somebody who granted nothing: both
        are looked for by the same statements."""
        async with self.store.read() as work:
            psn_no, found = await self._best(work, person, reader, now)
        if found is None and psn_no and reader.purpose in _MADE_FOR_READERS:
            found = await written(self.store, lambda work: self._official(work, person, reader, now))
        if found is None:
            raise consent.no_access()
        return found

    async def break_glass(
        self,
        stamp: RequestStamp,
        person: MeantPerson,
        reader: Reader,
        reason: str,
        now: int,
        encode: Callable[[Grant], bytes],
    ) -> bytes:
        """A grant for two hours to a doctor, to be reviewed; NO_ACCESS where there is no such person."""

        async def act(work: Unit) -> ActAnswer:
            psn_no = await _numbered(work, person)
            if not psn_no:
                raise consent.no_access()
            made = self._made(psn_no, Kind.EMERGENCY, reader, now, consent.EMERGENCY)
            review = Review(now + consent.REVIEW_WITHIN)
            made = replace(made, dr_codg=reader.dr_codg, reason=reason, review=review)
            await work.consents.add(made)
            return ActAnswer(encode(made))

        return (await answer_once(self.store, stamp, from_micros(now), act)).response

    async def decide(self, asked: Sequence[tuple[str, Reader]], now: int) -> list[Decision | None]:
        """Whether grants let readers read now, in the order asked: two statements for all."""
        async with self.store.read() as work:
            grants = await work.consents.among({number for number, _ in asked})
            hidden = await work.consents.hidden({each.psn_no for each in grants.values()}) if grants else []
        of_person: dict[str, list[consent.Hidden]] = {}
        for each in hidden:
            of_person.setdefault(each.psn_no, []).append(each)
        found = ((grants.get(number), reader) for number, reader in asked)
        return [
            consent.decide(grant, reader, now, of_person.get(grant.psn_no, ()) if grant else ())
            for grant, reader in found
        ]

    async def ends(self, after: int, limit: int) -> tuple[Sequence[End], int]:
        """Entries of the feed behind a place, and its last place."""
        async with self.store.read() as work:
            return await work.consents.ends(after, limit), await work.consents.last()

    async def _shown(self, work: Unit, fixmedins_code: str, shown: str, now: int) -> str:
        """Whose the code or ecToken is that is shown at an institution."""
        moment = from_micros(now)
        if len(shown) != CODE_LENGTH:
            token = (await work.credentials.tokens([digest(shown)])).get(digest(shown))
            if fault := token_fault(token, fixmedins_code, moment):
                raise fault
            assert token is not None, "a token that is not there is a fault"
            return token.psn_no
        code = check_decoding(await work.credentials.hold_code(digest(shown)), moment)
        check_showing(await work.credentials.find(code.psn_no), None)
        # A code gives one token; nobody is told this one.
        untold = digest(self.random_bytes(_UNTOLD).hex())
        token = EcToken(untold, code.psn_no, fixmedins_code, code.code_digest, moment, moment + TOKEN_LIFE)
        await work.credentials.use(token, moment - KEPT)
        return code.psn_no

    async def _official(self, work: Unit, person: MeantPerson, reader: Reader, now: int) -> Grant | None:
        """The grant that the person's own sight or supervision has without the person's doing: the one that stands, or a new
        one."""
        psn_no, found = await self._best(work, person, reader, now)
        if found is None and psn_no:
            found = self._made(psn_no, _MADE_FOR_READERS[reader.purpose], reader, now, consent.OFFICIAL)
            await work.consents.add(found)
        return found

    async def _best(self, work: Unit, person: MeantPerson, reader: Reader, now: int) -> tuple[str, Grant | None]:
        psn_no = await _numbered(work, person)
        # Of nobody as well: so much work is done in both cases.
        grants = await work.consents.open_of(psn_no or person.psn_no, now)
        return psn_no, consent.best(grants, reader, now)

    def _made(self, psn_no: str, kind: Kind, reader: Reader, now: int, lasts: int) -> Grant:
        code = {Purpose.TREATMENT: reader.fixmedins_code, Purpose.SUPERVISION: reader.opter_no}.get(reader.purpose, "")
        return Grant(
            self.new_no(), psn_no, kind, reader.purpose, code, now, now + lasts, now, kind.value, reason=reader.case_no
        )


async def _numbered(work: Unit, person: MeantPerson) -> str:
    return await work.consents.person(person.psn_no, folded_type(person.psn_cert_type), folded(person.certno))
