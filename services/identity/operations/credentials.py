"""The electronic credential: activation, the dynamic code, its decoding, and the check of any visit credential in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.identity.domain.certificates import folded, folded_type
from services.identity.domain.credential import (
    CODE_LIFE,
    KEPT,
    TOKEN_LIFE,
    CodeState,
    Credential,
    EcToken,
    ShownCode,
    check_activation,
    check_decoding,
    check_showing,
    foreign,
)
from services.identity.domain.digests import SEED_BYTES, code_from, derived, digest
from services.identity.domain.enrolment import answered_on
from services.identity.domain.person import Person
from services.identity.domain.verification import CertType, Query, Register, Verified, verify
from services.identity.operations.journal import ActAnswer, answer_once, proven, written
from services.identity.operations.ports import NewId, OwnKeys, RandomBytes
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.clock import beijing_day
from services.kernel.credential_marks import CODE_LENGTH, marked_code, marked_token
from services.kernel.errors import Fault
from services.kernel.persons import name_mismatch, person_not_found, same_name
from services.kernel.requests import RequestStamp

_TOKEN: Final = "ecToken"


@dataclass(frozen=True, slots=True)
class Activation:
    """What a channel asks to activate."""

    channel_code: str
    psn_name: str
    psn_cert_type: str
    certno: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """Whose code was decoded; the token is given apart, for it is not kept."""

    person: Person
    insuplc_admdvs: str
    auth_no: str
    credential_id: str


class CredentialOperations:
    """What CredentialService does in the cell. `keys` gives the member's own, from the first of which tokens are derived."""

    def __init__(
        self, store: IdentityStore, new_id: NewId, random_bytes: RandomBytes, keys: OwnKeys, cell: str
    ) -> None:
        self._store = store
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._keys = keys
        self._cell = cell

    async def activate(
        self, stamp: RequestStamp, asked: Activation, now: datetime, encode: Callable[[Credential], bytes]
    ) -> bytes:
        """Activates; PERSON_NOT_FOUND, NAME_MISMATCH, CREDENTIAL_ACTIVE. The same channel again gets what stands."""

        async def act(work: Unit) -> ActAnswer:
            cert_type = folded_type(asked.psn_cert_type)
            held = [record.person for record in await work.persons.find((), [folded(asked.certno)])]
            person = next((each for each in held if each.psn_cert_type == cert_type), None)
            if person is None:
                raise person_not_found("certno")
            if not same_name(person.psn_name, asked.psn_name):
                raise name_mismatch("psn_name")
            known = await work.credentials.find(person.psn_no)
            check_activation(known, asked.channel_code)
            if known is None:
                known = Credential(self._new_id(""), person.psn_no, asked.channel_code, now)
                await work.credentials.add(known)
            return ActAnswer(encode(known))

        return (await answer_once(self._store, stamp, now, act)).response

    async def show_code(self, psn_no: str, channel_code: str | None, now: datetime) -> tuple[str, datetime]:
        """A fresh code and the moment from which it is dead; CREDENTIAL_NOT_ACTIVE, CREDENTIAL_OTHER_CHANNEL."""
        text = marked_code(code_from(self._random_bytes(CODE_LENGTH)), self._cell)
        code = ShownCode(digest(text), psn_no, CodeState.SHOWN, now + CODE_LIFE)

        async def act(work: Unit) -> None:
            check_showing(await work.credentials.find(psn_no), channel_code)
            await work.credentials.show(code, now, now - KEPT)

        await written(self._store, act)
        return text, code.expires_at

    async def decode(
        self, stamp: RequestStamp, org_id: str, code: str, now: datetime, encode: Callable[[Decoded], bytes]
    ) -> tuple[bytes, str]:
        """The answer without its token, and the token; CREDENTIAL_OF_ANOTHER_CELL, CODE_UNKNOWN, CODE_USED, CODE_EXPIRED.

        A repeat gives the same bytes and the same token, for ever: a dead token is worth nothing (our decision).
        """
        if elsewhere := foreign(code, self._cell):
            raise elsewhere

        async def act(work: Unit) -> ActAnswer:
            shown = check_decoding(await work.credentials.hold_code(digest(code)), now)
            record = (await work.persons.find([shown.psn_no]))[0]
            credential = check_showing(await work.credentials.find(shown.psn_no), None)
            seed = self._random_bytes(SEED_BYTES)
            token_digest = digest(self._token(derived(self._keys()[0], _TOKEN, seed)))
            token = EcToken(token_digest, shown.psn_no, org_id, shown.code_digest, now, now + TOKEN_LIFE)
            await work.credentials.use(token, now - KEPT)
            enrolments = answered_on(record.enrolments, beijing_day(now))
            place = enrolments[0].insuplc_admdvs if enrolments else ""
            decoded = Decoded(record.person, place, self._new_id(""), credential.credential_id)
            return ActAnswer(encode(decoded), seed, token_digest)

        entry = await answer_once(self._store, stamp, now, act)
        return entry.response, proven(self._keys(), _TOKEN, entry, self._token)

    async def verify(self, queries: Sequence[Query]) -> Sequence[Verified | Fault]:
        """Answers all queries with one look-up; a refusal is the outcome of its own query.

        Nothing is looked up for an ecToken of another cell.
        """
        refused = [query.elsewhere(self._cell) for query in queries]
        own = [query for query, elsewhere in zip(queries, refused, strict=True) if elsewhere is None]
        answers = iter(await self._verify_own(own) if own else ())
        return [elsewhere or next(answers) for elsewhere in refused]

    async def _verify_own(self, queries: Sequence[Query]) -> Sequence[Verified | Fault]:
        digests = {query.token_digest for query in queries if query.cert_type is CertType.EC}
        numbers = {query.psn_no for query in queries if query.numbered}
        certnos = {number for query in queries for number in query.certnos}
        cards = {query.card_no for query in queries if query.card_no}
        async with self._store.look() as work:
            tokens, records = await work.persons.held(digests, numbers, certnos, cards)
        register = Register(tokens, records)
        return [verify(query, register) for query in queries]

    def _token(self, random: str) -> str:
        return marked_token(random, self._cell)
