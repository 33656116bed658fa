"""Whose a visit credential is, decided for one query from what was loaded for a whole batch.

Looked-up numbers are searched, never validated: strictness belongs to registration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final, NamedTuple

from services.identity.domain.certificates import folded, folded_type, is_known_type
from services.identity.domain.credential import EcToken, foreign, token_fault
from services.identity.domain.digests import digest
from services.identity.domain.enrolment import answered_on
from services.identity.domain.person import (
    IDENTITY_CARD,
    Enrolment,
    FamilyLink,
    Person,
    PersonIdentity,
    PersonRecord,
)
from services.kernel.clock import holds_on
from services.kernel.errors import Fault, FaultKind, Violation, denied, invalid, not_found
from services.kernel.persons import person_not_found

# What is wrong with the field that a refusal names.
_RULES: Final[Mapping[str, str]] = {
    "CERTIFICATE_MISMATCH": "person.other",
    "CERTIFICATE_AMBIGUOUS": "person.type_needed",
    "CARD_SN_MISMATCH": "person.card_sn",
}


class CertType(Enum):
    """Kind of visit credential (dictionary mdtrt_cert_type); NONE where it is not told or none of these."""

    NONE = ""
    EC = "01"
    ID_CARD = "02"
    SOCIAL_SECURITY_CARD = "03"


@dataclass(frozen=True, slots=True)
class Query:
    """One question: the credential, whom it should belong to, where it is used, the day asked about, and now.

    `shown` is the number on the credential where that is, or may be, a certificate; `beside` that of the certificate sent beside
    it; `card_no` that of the social-security card; `certnos` are the numbers of certificates that are looked up. Empty where
    there is none. An answer asks for them a dozen times: they are made once.
    """

    cert_type: CertType
    cert_no: str
    card_sn: str
    psn_no: str
    psn_cert_type: str
    certno: str
    fixmedins_code: str
    insutype: str
    day: date
    now: datetime
    shown: str = field(init=False, compare=False)
    beside: str = field(init=False, compare=False)
    card_no: str = field(init=False, compare=False)
    certnos: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        number, beside = folded(self.cert_no), folded(self.certno)
        shown = number if self.cert_type in (CertType.NONE, CertType.ID_CARD) else ""
        object.__setattr__(self, "shown", shown)
        object.__setattr__(self, "beside", beside)
        object.__setattr__(self, "card_no", number if self.cert_type is CertType.SOCIAL_SECURITY_CARD else "")
        object.__setattr__(self, "certnos", tuple(each for each in (shown, beside) if each))

    @property
    def token_digest(self) -> str:
        """Digest of the ecToken, empty for other credentials."""
        return digest(self.cert_no) if self.cert_type is CertType.EC else ""

    def elsewhere(self, own_cell: str) -> Fault | None:
        """CREDENTIAL_OF_ANOTHER_CELL where the ecToken was made in another cell than this."""
        return foreign(self.cert_no, own_cell) if self.cert_type is CertType.EC else None

    @property
    def numbered(self) -> bool:
        """Whether nothing but the person's number says who is meant."""
        return self.cert_type is CertType.NONE and bool(self.psn_no) and not self.certnos


class Verified(NamedTuple):
    """Whose the credential is and what holds on the day."""

    person: Person
    enrolments: tuple[Enrolment, ...]
    identities: tuple[PersonIdentity, ...]
    family_links: tuple[FamilyLink, ...]
    ec_token_digest: str


class Register:
    """What was loaded for a batch: tokens by digest, records by number and card, and by certificate number of any type."""

    __slots__ = ("by_card", "by_certno", "by_number", "tokens")

    def __init__(self, tokens: Mapping[str, EcToken], records: Iterable[PersonRecord]) -> None:
        self.tokens = tokens
        self.by_number: dict[str, PersonRecord] = {}
        self.by_certno: dict[str, list[PersonRecord]] = {}
        self.by_card: dict[str, PersonRecord] = {}
        for record in records:
            person = record.person
            self.by_number[person.psn_no] = record
            self.by_certno.setdefault(person.certno, []).append(record)
            if person.card_no:
                self.by_card[person.card_no] = record


def verify(query: Query, register: Register) -> Verified | Fault:
    """Answers one query; the refusals are those of the RPC's comment, returned and not raised, for neighbours go on."""
    found = _found(query, register)
    if isinstance(found, Fault):
        return found
    if path := _names_another(query, register, found):
        return _mismatch("CERTIFICATE_MISMATCH", path)
    day = query.day
    return Verified(
        found.person,
        answered_on(found.enrolments, day, query.insutype),
        tuple(each for each in found.identities if holds_on(day, each.from_day, each.to_day)),
        tuple(each for each in found.family_links if holds_on(day, each.from_day, each.to_day)),
        query.token_digest,
    )


def _found(query: Query, register: Register) -> PersonRecord | Fault:
    if query.cert_type is CertType.EC:
        return _by_token(query, register)
    if query.card_no:
        return _by_card(query, register)
    if query.certnos:
        return _by_certificate(query, register)
    if query.numbered:
        return register.by_number.get(query.psn_no) or person_not_found("psn_no")
    return invalid("mdtrt_cert_no", "required", "a credential, a certificate or psn_no")


def _by_token(query: Query, register: Register) -> PersonRecord | Fault:
    if not query.cert_no:
        return invalid("mdtrt_cert_no", "required", "the ecToken")
    token = register.tokens.get(query.token_digest)
    fault = token_fault(token, query.fixmedins_code, query.now)
    if fault is not None or token is None:
        return fault or not_found("EC_TOKEN_UNKNOWN")
    if query.psn_no and query.psn_no != token.psn_no:
        return denied("EC_TOKEN_WRONG_PERSON")
    return register.by_number.get(token.psn_no) or person_not_found("mdtrt_cert_no")


def _by_card(query: Query, register: Register) -> PersonRecord | Fault:
    record = register.by_card.get(query.card_no)
    if record is None:
        return person_not_found("mdtrt_cert_no")
    if _wrong_card_sn(record.person, query.card_sn):
        return _mismatch("CARD_SN_MISMATCH", "card_sn")
    if query.psn_no and query.psn_no != record.person.psn_no:
        return _mismatch("CERTIFICATE_MISMATCH", "mdtrt_cert_no")
    return record


def _by_certificate(query: Query, register: Register) -> PersonRecord | Fault:
    """Whose certificate it is. One number may stand under several types: the type decides, or psn_no, or nobody is picked.

    A number shown as an identity card (02) is one of the type sent beside it, also where that is a passport's; it is an
    identity card's where no type is told. A second number stands in for a credential without one, and where the kind of
    credential is not known it comes first (our decision).
    """
    first = query.beside if query.cert_type is CertType.NONE and query.beside else query.shown or query.beside
    path = "mdtrt_cert_no" if first == query.shown else "certno"
    held = register.by_certno.get(first, [])
    told = _told_type(query, held) if query.beside in ("", first) else ""
    fitting = [record for record in held if told in ("", record.person.psn_cert_type)]
    if query.psn_no:
        own = [record for record in fitting if record.person.psn_no == query.psn_no]
        if own:
            return own[0]
        return _mismatch("CERTIFICATE_MISMATCH", path) if fitting else person_not_found(path)
    if not told and query.cert_type is CertType.ID_CARD and query.shown:
        fitting = [record for record in fitting if record.person.psn_cert_type == IDENTITY_CARD]
    if len(fitting) > 1:
        return _mismatch("CERTIFICATE_AMBIGUOUS", "psn_cert_type")
    if not fitting and held and query.beside not in ("", first):
        # Somebody has the number that is shown; the certificate beside it is another's, or nobody's.
        anybody = register.by_certno.get(query.beside)
        return _mismatch("CERTIFICATE_MISMATCH", "certno") if anybody else person_not_found("certno")
    return fitting[0] if fitting else person_not_found(path)


def _told_type(query: Query, held: Iterable[PersonRecord]) -> str:
    """The type told of a certificate; a code of no dictionary under which nobody holds the number tells nothing."""
    told = folded_type(query.psn_cert_type)
    if told and (is_known_type(told) or any(record.person.psn_cert_type == told for record in held)):
        return told
    return ""


def _names_another(query: Query, register: Register, found: PersonRecord) -> str:
    """The field whose certificate is another person's and not the found one's; empty where none is."""
    for path, number in (("certno", query.beside), ("mdtrt_cert_no", query.shown)):
        held = register.by_certno.get(number, []) if number else []
        told = _told_type(query, held) if path == "certno" else ""
        fitting = [record.person.psn_no for record in held if told in ("", record.person.psn_cert_type)]
        if fitting and found.person.psn_no not in fitting:
            return path
    return ""


def _wrong_card_sn(person: Person, card_sn: str) -> bool:
    """Compared only where both sides know one: many readers send none."""
    return bool(card_sn and person.card_sn) and folded(card_sn) != folded(person.card_sn)


def _mismatch(reason: str, path: str) -> Fault:
    return Fault(FaultKind.PRECONDITION, reason, violations=[Violation(path, _RULES[reason])])
