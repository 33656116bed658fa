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
        """Certificates that are looked up."""
        return tuple(each for each in (self.shown_card, self.second) if each is not None)

    @property
    def shown_card(self) -> tuple[str, str] | None:
        """The identity card where it is the credential."""
        if self.cert_type is CertType.ID_CARD and self.cert_no:
            return IDENTITY_CARD, folded(IDENTITY_CARD, self.cert_no)
        return None

    @property
    def second(self) -> tuple[str, str] | None:
        """The certificate sent beside the credential; without meaning where the person's number alone is asked about."""
        if not self.certno or (self.cert_type is CertType.NONE and self.psn_no):
            return None
        cert_type = self.psn_cert_type or IDENTITY_CARD
        return cert_type, folded(cert_type, self.certno)

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
    other = register.by_certificate.get(query.second) if query.second else None
    if other is not None and other.person.psn_no != found.person.psn_no:
        return precondition("CERTIFICATE_MISMATCH")
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
    # The second certificate stands in for a credential without a number, never for one that names nobody.
    certificate = query.shown_card or query.second
    if query.card_no:
        record = register.by_card.get(query.card_no)
    elif certificate:
        record = register.by_certificate.get(certificate)
    else:
        return invalid("mdtrt_cert_no", "required", "a credential, a certificate or psn_no")
    if record is None:
        return not_found("PERSON_NOT_FOUND")
    if query.card_no and _wrong_card_sn(record.person, query.card_sn):
        return precondition("CARD_SN_MISMATCH")
    if query.psn_no and query.psn_no != record.person.psn_no:
        return precondition("CERTIFICATE_MISMATCH")
    return record


def _wrong_card_sn(person: Person, card_sn: str) -> bool:
    """Compared only where both sides know one: many readers send none."""
    return bool(card_sn and person.card_sn) and card_sn != person.card_sn
