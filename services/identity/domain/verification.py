"""Whose a visit credential is, decided for one query from what was loaded for a whole batch.

Looked-up numbers are searched, never validated: strictness belongs to registration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from services.identity.domain.certificates import folded
from services.identity.domain.credential import EcToken, token_fault
from services.identity.domain.digests import digest
from services.identity.domain.enrolment import answered_on
from services.identity.domain.person import (
    IDENTITY_CARD,
    Enrolment,
    FamilyLink,
    Person,
    PersonIdentity,
    PersonRecord,
    holds_on,
)
from services.kernel.errors import Fault, denied, invalid, not_found, precondition


class CertType(Enum):
    """Kind of visit credential (dictionary mdtrt_cert_type); NONE where only the person's number is given."""

    NONE = ""
    EC = "01"
    ID_CARD = "02"
    SOCIAL_SECURITY_CARD = "03"


@dataclass(frozen=True, slots=True)
class Query:
    """One question: the credential, whom it should belong to, where it is used, the day asked about, and now."""

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

    @property
    def token_digest(self) -> str:
        """Digest of the ecToken, empty for other credentials."""
        return digest(self.cert_no) if self.cert_type is CertType.EC else ""

    @property
    def certificates(self) -> tuple[tuple[str, str], ...]:
        """Certificates by which the person may be found, the one shown first."""
        found: list[tuple[str, str]] = []
        if self.cert_type is CertType.ID_CARD and self.cert_no:
            found.append((IDENTITY_CARD, folded(IDENTITY_CARD, self.cert_no)))
        by_number_alone = self.cert_type is CertType.NONE and self.psn_no
        if self.certno and self.cert_type is not CertType.EC and not by_number_alone:
            second = self.psn_cert_type or IDENTITY_CARD
            found.append((second, folded(second, self.certno)))
        return tuple(found)

    @property
    def card_no(self) -> str:
        """Number of the social-security card, empty for other credentials."""
        return self.cert_no if self.cert_type is CertType.SOCIAL_SECURITY_CARD else ""


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose the credential is and what holds on the day."""

    person: Person
    enrolments: tuple[Enrolment, ...]
    identities: tuple[PersonIdentity, ...]
    family_links: tuple[FamilyLink, ...]
    ec_token_digest: str


class Register:
    """What was loaded for a batch: tokens by digest, records by number, certificate and card."""

    __slots__ = ("by_card", "by_certificate", "by_number", "tokens")

    def __init__(self, tokens: Mapping[str, EcToken], records: Iterable[PersonRecord]) -> None:
        self.tokens = tokens
        self.by_number: dict[str, PersonRecord] = {}
        self.by_certificate: dict[tuple[str, str], PersonRecord] = {}
        self.by_card: dict[str, PersonRecord] = {}
        for record in records:
            person = record.person
            self.by_number[person.psn_no] = record
            self.by_certificate[person.psn_cert_type, person.certno] = record
            if person.card_no:
                self.by_card[person.card_no] = record


def verify(query: Query, register: Register) -> Verified | Fault:
    """Answers one query; the refusals are those of the RPC's comment, returned and not raised, for neighbours go on."""
    found = _by_token(query, register) if query.cert_type is CertType.EC else _by_number(query, register)
    if isinstance(found, Fault):
        return found
    day = query.day
    return Verified(
        found.person,
        answered_on(found.enrolments, day, query.insutype),
        tuple(each for each in found.identities if holds_on(day, each.from_day, each.to_day)),
        tuple(each for each in found.family_links if holds_on(day, each.from_day, each.to_day)),
        query.token_digest,
    )


def _by_token(query: Query, register: Register) -> PersonRecord | Fault:
    if not query.cert_no:
        return invalid("mdtrt_cert_no", "required", "the ecToken")
    token = register.tokens.get(query.token_digest)
    fault = token_fault(token, query.fixmedins_code, query.now)
    if fault is not None or token is None:
        return fault or not_found("EC_TOKEN_UNKNOWN")
    if query.psn_no and query.psn_no != token.psn_no:
        return denied("EC_TOKEN_WRONG_PERSON")
    return register.by_number.get(token.psn_no) or not_found("PERSON_NOT_FOUND")


def _by_number(query: Query, register: Register) -> PersonRecord | Fault:
    if query.cert_type is CertType.NONE and query.psn_no:
        return register.by_number.get(query.psn_no) or not_found("PERSON_NOT_FOUND")
    certificates, card_no = query.certificates, query.card_no
    if not certificates and not card_no:
        return invalid("mdtrt_cert_no", "required", "a credential, a certificate or psn_no")
    record = register.by_card.get(card_no) if card_no else None
    if record is not None and _wrong_card_sn(record.person, query.card_sn):
        return precondition("CARD_SN_MISMATCH")
    for certificate in certificates:
        record = record or register.by_certificate.get(certificate)
    if record is None:
        return not_found("PERSON_NOT_FOUND")
    if query.psn_no and query.psn_no != record.person.psn_no:
        return precondition("CERTIFICATE_MISMATCH")
    return record


def _wrong_card_sn(person: Person, card_sn: str) -> bool:
    """Compared only where both sides know one: many readers send none."""
    return bool(card_sn and person.card_sn) and card_sn != person.card_sn
