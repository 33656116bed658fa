"""The insured person as identity knows them; enrolment, identities and family account of a day. Never a balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from services.kernel.clock import holds_on
from services.kernel.codes import EC, ID_CARD
from services.kernel.errors import invalid, precondition

IN_FORCE = "1"
SUSPENDED = "2"
ENDED = "4"


class Person(NamedTuple):
    """Who it is; `gend`, `naty` and `psn_cert_type` are codes of their national dictionaries."""

    psn_no: str
    psn_name: str
    psn_cert_type: str
    certno: str
    gend: str
    naty: str
    brdy: date


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An enrolment from a day to a day (None: it lasts). `status` is the class that policies read, `facts` others."""

    insutype: str
    insuplc_admdvs: str
    psn_type: str
    psn_insu_stas: str
    status: str
    from_day: date
    to_day: date | None
    insured_since: date
    cvlserv_flag: bool = False
    emp_name: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """A special identity; `identity` is the class that policies read, empty where none does."""

    psn_idet_type: str
    identity: str
    from_day: date
    to_day: date | None
    memo: str = ""
    psn_type_lv: str = ""


@dataclass(frozen=True, slots=True)
class FamilyLink:
    """Leave to use the owner's personal account (家庭共济), from a day to a day; `owner_cell` is the cell that keeps the account,
    "" for this one."""

    owner_psn_no: str
    owner_insutype: str
    from_day: date
    to_day: date | None
    owner_cell: str = ""


@dataclass(frozen=True, slots=True)
class Insured:
    """All that identity tells of one person. `ec_token_digest` is empty unless the person showed an ecToken."""

    person: Person
    enrolments: tuple[Enrolment, ...] = ()
    identities: tuple[Identity, ...] = ()
    family_links: tuple[FamilyLink, ...] = ()
    ec_token_digest: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """A person with the enrolment that pays for care.

    `cell` is the other cell that insures the person, empty where this one does; `mdtrt_id` the number that it has reserved
    for a stay.
    """

    insured: Insured
    enrolment: Enrolment
    cell: str = ""
    mdtrt_id: str = ""


@dataclass(frozen=True, slots=True)
class CredentialQuery:
    """A credential to check (`mdtrt_cert_type` is the dictionary's code), or without one a person asked by number.

    A `psn_no` beside a credential is whose it must be. `node` is the node of the request that holds the credential's
    fields, under which a refusal names them. `day` is the day of the enrolments and identities;
    `business_date`, in a sandbox, the date on which identity is to believe itself; `traceparent` is the span of the request
    that asks, "" for the current one.
    """

    fixmedins_code: str
    day: date
    mdtrt_cert_type: str = ""
    mdtrt_cert_no: str = ""
    card_sn: str = ""
    psn_no: str = ""
    psn_cert_type: str = ""
    certno: str = ""
    insutype: str = ""
    business_date: date | None = None
    traceparent: str = ""
    node: str = "data"


def with_credential(credential: CredentialQuery) -> CredentialQuery:
    """The same question; INVALID where neither a credential's nor a certificate's number was sent."""
    if not (credential.mdtrt_cert_no.strip() or credential.certno.strip()):
        raise invalid(f"{credential.node}.mdtrt_cert_no", "required", "or psn_cert_type and certno")
    return credential


def shown_cert_type(mdtrt_cert_type: str) -> str:
    """What queries and answers tell of a credential of no known kind: it was a certificate (our decision)."""
    return mdtrt_cert_type or ID_CARD


def asked_by(credential: CredentialQuery) -> CredentialQuery:
    """The question that a credential without a number comes to: the certificate or, where none was sent, `psn_no`.

    INVALID for an ecToken, which says who it is by its number alone (our decision).
    """
    if credential.mdtrt_cert_no:
        return credential
    if credential.mdtrt_cert_type == EC:
        raise invalid(f"{credential.node}.mdtrt_cert_no", "required", "the ecToken of mdtrt_cert_type 01")
    return replace(credential, mdtrt_cert_type="", card_sn="")


def insu_stas_on(enrolment: Enrolment, day: date) -> tuple[str, date | None]:
    """What an enrolment is on a day (dictionary psn_insu_stas), and since when it is suspended or until when it held.

    One in force says no such day, also where its last day is known already: whoever reads one takes it for paused.
    """
    if enrolment.to_day is not None and enrolment.to_day < day and enrolment.psn_insu_stas in (IN_FORCE, SUSPENDED):
        return ENDED, enrolment.to_day
    if enrolment.psn_insu_stas == SUSPENDED:
        return SUSPENDED, enrolment.from_day
    if enrolment.psn_insu_stas == IN_FORCE:
        return IN_FORCE, None
    return enrolment.psn_insu_stas, enrolment.to_day or enrolment.from_day


def enrolment_on(insured: Insured, insutype: str, day: date) -> Enrolment:
    """The enrolment of an insurance type in force on the day.

    PRECONDITION: NOT_ENROLLED where there never was one, ENROLMENT_SUSPENDED, ENROLMENT_ENDED where it is over.
    """
    own = [entry for entry in insured.enrolments if entry.insutype == insutype and entry.from_day <= day]
    if not own:
        raise precondition("NOT_ENROLLED", insutype=insutype, day=day.isoformat())
    latest = max(own, key=lambda entry: entry.from_day)
    if not holds_on(day, latest.from_day, latest.to_day):
        raise precondition("ENROLMENT_ENDED", insutype=insutype, day=day.isoformat())
    if latest.psn_insu_stas == IN_FORCE:
        return latest
    if latest.psn_insu_stas == SUSPENDED:
        raise precondition("ENROLMENT_SUSPENDED", insutype=insutype, day=day.isoformat())
    reason = "ENROLMENT_ENDED" if latest.psn_insu_stas == ENDED else "NOT_ENROLLED"
    raise precondition(reason, insutype=insutype, day=day.isoformat())


def identities_on(insured: Insured, day: date) -> tuple[Identity, ...]:
    """The special identities that hold on the day."""
    return tuple(entry for entry in insured.identities if holds_on(day, entry.from_day, entry.to_day))


def family_link_on(insured: Insured, day: date) -> FamilyLink | None:
    """The family link in force on the day; of several one to an account of this cell, and of those the one that began first
    (our decision).
    """
    links = [entry for entry in insured.family_links if holds_on(day, entry.from_day, entry.to_day)]
    return min(links, key=lambda entry: (entry.owner_cell != "", entry.from_day, entry.owner_psn_no), default=None)
