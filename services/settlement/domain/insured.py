"""The insured person as identity knows them; enrolment, identities and family account of a day. Never a balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from services.kernel.codes import EC
from services.kernel.errors import invalid, precondition

IN_FORCE = "1"
SUSPENDED = "2"


@dataclass(frozen=True, slots=True)
class Person:
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


@dataclass(frozen=True, slots=True)
class FamilyLink:
    """Leave to use the owner's personal account (家庭共济), from a day to a day."""

    owner_psn_no: str
    owner_insutype: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class Insured:
    """All that identity tells of one person. `ec_token_digest` is empty unless the person showed an ecToken."""

    person: Person
    enrolments: tuple[Enrolment, ...] = ()
    identities: tuple[Identity, ...] = ()
    family_links: tuple[FamilyLink, ...] = ()
    ec_token_digest: str = ""


@dataclass(frozen=True, slots=True)
class CredentialQuery:
    """A credential to check (`mdtrt_cert_type` is the dictionary's code), or without one a person asked by number.

    A `psn_no` beside a credential is whose it must be. `day` is the day of the enrolments and identities;
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


def asked_by(credential: CredentialQuery, path: str) -> CredentialQuery:
    """The question that a credential without a number comes to: none was shown, the person is asked by `psn_no`.

    INVALID naming `path` for an ecToken, which says who it is by its number alone (our decision).
    """
    if credential.mdtrt_cert_no:
        return credential
    if credential.mdtrt_cert_type == EC:
        raise invalid(path, "required", "the ecToken of mdtrt_cert_type 01")
    return replace(credential, mdtrt_cert_type="", card_sn="")


def holds_on(from_day: date, to_day: date | None, day: date) -> bool:
    """Whether a range of days, both ends included, holds a day."""
    return from_day <= day and (to_day is None or day <= to_day)


def enrolment_on(insured: Insured, insutype: str, day: date) -> Enrolment:
    """The enrolment of an insurance type in force on the day.

    PRECONDITION: NOT_ENROLLED where there never was one, ENROLMENT_SUSPENDED, ENROLMENT_ENDED where it is over.
    """
    own = [entry for entry in insured.enrolments if entry.insutype == insutype and entry.from_day <= day]
    if not own:
        raise precondition("NOT_ENROLLED", insutype=insutype, day=day.isoformat())
    latest = max(own, key=lambda entry: entry.from_day)
    if not holds_on(latest.from_day, latest.to_day, day):
        raise precondition("ENROLMENT_ENDED", insutype=insutype, day=day.isoformat())
    if latest.psn_insu_stas == IN_FORCE:
        return latest
    if latest.psn_insu_stas == SUSPENDED:
        raise precondition("ENROLMENT_SUSPENDED", insutype=insutype, day=day.isoformat())
    reason = "ENROLMENT_ENDED" if latest.psn_insu_stas == "4" else "NOT_ENROLLED"
    raise precondition(reason, insutype=insutype, day=day.isoformat())


def identities_on(insured: Insured, day: date) -> tuple[Identity, ...]:
    """The special identities that hold on the day."""
    return tuple(entry for entry in insured.identities if holds_on(entry.from_day, entry.to_day, day))


def family_link_on(insured: Insured, day: date) -> FamilyLink | None:
    """The family link in force on the day; of several the one that began first (our decision)."""
    links = [entry for entry in insured.family_links if holds_on(entry.from_day, entry.to_day, day)]
    return min(links, key=lambda entry: (entry.from_day, entry.owner_psn_no), default=None)
