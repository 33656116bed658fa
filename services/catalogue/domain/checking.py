"""Whether a record is well formed by itself: forms of codes, ranges of days, values that policies can read.

Every violation is found, with the field's name as its path. What other records say is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

from services.catalogue.domain import standards
from services.catalogue.domain.pricing import NO_CEILING_E6
from services.catalogue.domain.records import (
    Disease,
    Division,
    Institution,
    Item,
    LocalMedType,
    PolicyStack,
    PolicyVersion,
    PriceCeiling,
    Record,
    SelfpayRatio,
    Term,
)
from services.catalogue.domain.standards import Standard, has_form, suggestion
from services.kernel.codes import MED_TYPES
from services.kernel.errors import Violation
from services.kernel.policy.domains import admits
from services.kernel.uscc import uscc_holds

CODE_RULE = "code."
"""Rules about the form of a code begin so."""

_MED_TYPE = re.compile(r"[0-9]{1,6}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\ufeff]")


def check(record: Record) -> Iterator[Violation]:
    """Every violation of one record."""
    if record.to_day is not None and record.to_day < record.from_day:
        yield Violation("validity.to_day", "validity", "ends before it begins")
    yield from _texts(record)
    match record:
        case Item():
            yield from check_item_code(record.med_list_codg, record.list_type)
        case PriceCeiling() | SelfpayRatio():
            yield from _form("med_list_codg", record.med_list_codg, (standards.OPAQUE,))
            yield from _form("admdvs", record.admdvs, (standards.DIVISION,))
            if isinstance(record, PriceCeiling) and record.hosp_bear and record.pric_uplmt_e6 >= NO_CEILING_E6:
                yield Violation("hosp_bear", "hosp_bear", "nothing is over a ceiling of 999999, which means none")
        case Term():
            yield from _check_term(record)
        case Disease():
            yield from _check_disease(record)
        case Institution():
            yield from _check_institution(record)
        case Division():
            yield from _check_division(record)
        case LocalMedType():
            yield from _check_local_med_type(record)
        case PolicyStack():
            yield from _check_stack(record)
        case PolicyVersion():
            pass  # parse_policy has proved it.


def check_item_code(code: str, list_type: str) -> Iterator[Violation]:
    """Whether an item's code has the form of its list type."""
    if not standards.is_test_code(code):
        yield from _form("med_list_codg", code, standards.item_standards(list_type))


def _texts(record: Record) -> Iterator[Violation]:
    """No text holds what nobody can see: control characters, zero-width blanks. Rare characters are welcome."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, str) and field.name != "document_json":
            if _CONTROL.search(value):
                yield Violation(field.name, "text.invisible", "holds a control or zero-width character")
            elif value != value.strip():
                yield Violation(field.name, "text.blank", "begins or ends with a blank")


def _form(path: str, code: str, allowed: tuple[Standard, ...]) -> Iterator[Violation]:
    if has_form(code, allowed):
        return
    expected = " or ".join(standard.form for standard in allowed)
    meant = suggestion(code, allowed)
    told = f"expected: {expected}" + (f"; did you mean {meant}?" if meant else "")
    yield Violation(path, CODE_RULE + allowed[0].name, told, {"guess": meant})


def _check_term(term: Term) -> Iterator[Violation]:
    standard = standards.term_standard(term.standard)
    if standard is None:
        known = ", ".join(each.name for each in standards.TERMS)
        yield Violation("standard", CODE_RULE + "standard", f"one of {known}", {"known": known})
    else:
        yield from _form("code", term.code, (standard,))


def _check_disease(disease: Disease) -> Iterator[Violation]:
    yield from _form("dise_codg", disease.dise_codg, (standards.CHRONIC_DISEASE,))
    yield from _form("admdvs", disease.admdvs, (standards.DIVISION,))
    for name in ("disease", "chronic_class"):
        value = getattr(disease, name)
        if value and not admits(name, value):
            yield Violation(name, "fact", "no value that policies know")


def _check_institution(institution: Institution) -> Iterator[Violation]:
    yield from _form("fixmedins_code", institution.fixmedins_code, (standards.INSTITUTION,))
    yield from _form("admdvs", institution.admdvs, (standards.DIVISION,))
    if institution.uscc and not uscc_holds(institution.uscc):
        yield Violation("uscc", CODE_RULE + standards.USCC.name, standards.USCC.form)


def _check_division(division: Division) -> Iterator[Violation]:
    yield from _form("admdvs", division.admdvs, (standards.DIVISION,))
    if division.parent_admdvs:
        yield from _form("parent_admdvs", division.parent_admdvs, (standards.DIVISION,))


def _check_local_med_type(kind: LocalMedType) -> Iterator[Violation]:
    yield from _form("admdvs", kind.admdvs, (standards.DIVISION,))
    if _MED_TYPE.fullmatch(kind.local_med_type) is None:
        yield Violation("local_med_type", CODE_RULE + "med_type", "one to six digits")
    elif kind.local_med_type in MED_TYPES:
        yield Violation("local_med_type", "med_type.national", "is a national code, whose meaning nobody changes")
    if kind.med_type not in MED_TYPES:
        yield Violation("med_type", CODE_RULE + "med_type", f"one of {' '.join(sorted(MED_TYPES))}")


def _check_stack(stack: PolicyStack) -> Iterator[Violation]:
    yield from _form("admdvs", stack.admdvs, (standards.DIVISION,))
    for place, policy_id in enumerate(stack.policy_ids):
        if policy_id in stack.policy_ids[:place]:
            yield Violation(f"policy_ids[{place}]", "duplicate", f"{policy_id} stands twice")
