"""An insured person and all that hangs on the number: enrolments, special identities, leave to use another's account.

Days are inclusive on both ends; no last day means "while it lasts".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

IDENTITY_CARD = "01"
"""Certificate type of the resident identity card (dictionary psn_cert_type)."""


@dataclass(frozen=True, slots=True)
class Person:
    """An insured person 参保人; empty text where something is not known."""

    psn_no: str
    psn_name: str
    psn_cert_type: str
    certno: str
    gend: str
    naty: str
    brdy: date
    card_no: str
    card_sn: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Enrolment in an insurance type at an insured place 参保地, with the facts that policies read."""

    insutype: str
    insuplc_admdvs: str
    psn_type: str
    psn_insu_stas: str
    status: str
    from_day: date
    to_day: date | None
    insured_since: date | None
    cvlserv_flag: bool
    emp_name: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PersonIdentity:
    """A special identity, such as minimum living security 低保."""

    psn_idet_type: str
    identity: str
    from_day: date
    to_day: date | None
    memo: str
    psn_type_lv: str = ""


@dataclass(frozen=True, slots=True)
class FamilyLink:
    """Leave of an account's owner for the person to use that account 家庭共济; `owner_cell` is the cell that insures the owner,
    "" for this one."""

    owner_psn_no: str
    owner_insutype: str
    from_day: date
    to_day: date | None
    owner_cell: str = ""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person with everything known, in the order of `in_order`."""

    person: Person
    enrolments: tuple[Enrolment, ...] = ()
    identities: tuple[PersonIdentity, ...] = ()
    family_links: tuple[FamilyLink, ...] = ()


def in_order(record: PersonRecord) -> PersonRecord:
    """The record with its lists in one order, so that two records of the same content are equal."""
    return PersonRecord(
        record.person,
        tuple(sorted(record.enrolments, key=lambda e: (e.insutype, e.from_day))),
        tuple(
            sorted(record.identities, key=lambda i: (i.psn_idet_type, i.from_day, i.identity, i.memo, i.psn_type_lv))
        ),
        tuple(sorted(record.family_links, key=lambda f: (f.owner_psn_no, f.owner_insutype, f.from_day))),
    )
