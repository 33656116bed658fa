"""The facts of a person at an institution on a day, in the words of the policies. What nobody told is left out: a policy
that needs it refuses, nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.kernel.clock import age_on, months_between
from services.kernel.codes import identity_class, policy_hosp_lv, policy_med_type, pooling_area
from services.kernel.policy.document import FactValue
from services.kernel.policy.domains import FACTS
from services.settlement.domain.care.catalogue import Disease, Institution
from services.settlement.domain.care.insured import Enrolment, Insured, identities_on

LONG_TERM_FILING = "remote_filing"
"""Enrolment fact: `filed_long_term` where long-term remote care is on file (异地长期居住备案)."""

UNFILED = "temporary"
"""The fact `remote` where nothing was filed and nothing said."""

PHARMACY = "2"
"""Dictionary fixmedins_type: 定点零售药店."""

NO_LEVEL = "none"
"""The fact `hosp_lv` of a pharmacy, which has no level."""

_IDENTITY_ORDER = ("tekun", "dibao", "fanpin", "dibian", "zhichu")
_TRUE, _FALSE = ("1", "true"), ("0", "false")


@dataclass(frozen=True, slots=True)
class Care:
    """What is known of the care itself: the national kind, the disease that it is for, free texts of the institution.

    `filed` is the fact that a filing makes of care elsewhere, empty where none came along.
    """

    med_type: str
    dise_codg: str
    disease: Disease | None
    same_stay: bool = False
    exp_contents: tuple[str, ...] = ()
    filed: str = ""


def facts_of(
    insured: Insured, enrolment: Enrolment, institution: Institution, care: Care, day: date, decided_on: date
) -> dict[str, FactValue]:
    """The facts for the engine on the day of settlement; `decided_on` is the date that the policy's version follows, by
    which ages and months are counted."""
    facts = enrolment_facts(enrolment)
    facts["status"] = enrolment.status
    facts["cvlserv"] = "1" if enrolment.cvlserv_flag else "0"
    facts["identity"] = identity_on(insured, day)
    facts["age"] = age_on(insured.person.brdy, decided_on)
    facts["months_insured"] = months_between(enrolment.insured_since, decided_on)
    facts["remote"] = remote_kind(enrolment, institution, care.exp_contents, care.filed)
    facts["same_stay"] = care.same_stay
    level = institution.policy_hosp_lv or policy_hosp_lv(institution.hosp_lv)
    if not level and institution.fixmedins_type == PHARMACY:
        level = NO_LEVEL
    if level:
        facts["hosp_lv"] = level
    kind = policy_med_type(care.med_type)
    if kind:
        facts["med_type"] = kind
    if not care.dise_codg:
        facts["disease"] = facts["chronic_class"] = "none"
    elif care.disease is not None:
        facts["disease"] = care.disease.disease or "none"
        facts["chronic_class"] = care.disease.chronic_class or "none"
    return facts


def enrolment_facts(enrolment: Enrolment) -> dict[str, FactValue]:
    """The enrolment's own facts that policies know, in the type of their domain; others are not for policies."""
    facts: dict[str, FactValue] = {}
    for name, text in enrolment.facts.items():
        domain = FACTS.get(name)
        if domain is None:
            continue
        if domain.numeric:
            facts[name] = int(text) if text.isascii() and text.isdigit() else text
        elif True in domain.values and type(domain.values[0]) is bool:
            facts[name] = True if text in _TRUE else False if text in _FALSE else text
        else:
            facts[name] = text
    return facts


def identity_on(insured: Insured, day: date) -> str:
    """The identity class of the day; of several the one that is helped most (国办发〔2021〕42号, our order)."""
    if not insured.identities:
        return "normal"
    held = {entry.identity or identity_class(entry.psn_idet_type) for entry in identities_on(insured, day)}
    return next((name for name in _IDENTITY_ORDER if name in held), "normal")


def remote_kind(enrolment: Enrolment, institution: Institution, exp_contents: Iterable[str], filed: str = "") -> str:
    """How care outside the insured pooling area came about.

    In the area `local`; else what the institution says in `exp_content` (OTP_ER_REFL_FLAG of out-patients, IPT_TYPE of
    stays), else the filing that came with the bill, else a long-term filing, else `temporary` (医保发〔2022〕22号; the order
    is our decision).
    """
    if pooling_area(enrolment.insuplc_admdvs) == pooling_area(institution.admdvs):
        return "local"
    for text in exp_contents:
        said = _extension(text)
        referral, stay = str(said.get("OTP_ER_REFL_FLAG", "")), str(said.get("IPT_TYPE", ""))
        if referral in ("1", "3") or stay == "2":
            return "emergency"
        if referral == "2" or stay == "3":
            return "transfer"
    if filed:
        return filed
    if enrolment.facts.get(LONG_TERM_FILING) == "filed_long_term":
        return "filed_long_term"
    return UNFILED


def _extension(text: str) -> dict[str, object]:
    """The object that an `exp_content` holds as JSON text; nothing where it holds something else."""
    if "{" not in text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
