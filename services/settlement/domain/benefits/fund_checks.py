"""Which funds of a person's stack pay for a kind of care on a day (2001): asked of the policies, never of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.kernel.codes import fund_pay_type
from services.kernel.errors import Fault
from services.kernel.policy.conditions import refuted
from services.kernel.policy.document import FactValue
from services.settlement.domain.benefits.outcome import FUND_FIELDS
from services.settlement.domain.benefits.refusals import not_covered
from services.settlement.domain.benefits.stack import CompiledStack
from services.settlement.domain.benefits.versions import benefit_year
from services.settlement.domain.care.insured import Enrolment
from services.settlement.domain.care.kinds import KindOfCare

BASIC_POOL = "hifp_pay"

NOT_INSURED = ("NOT_ENROLLED", "ENROLMENT_SUSPENDED", "ENROLMENT_ENDED", "STACK_NOT_FOUND", "POLICY_NOT_EFFECTIVE")
"""Refusals that mean that nothing is paid at all."""


@dataclass(frozen=True, slots=True)
class FundCheck:
    """Whether a fund pays, from when to when; `refusal` says why not."""

    fund_pay_type: str
    begin: date
    end: date
    refusal: Fault | None = None


def fund_checks(
    stack: CompiledStack, facts: Mapping[str, FactValue], care: KindOfCare, enrolment: Enrolment, day: date
) -> list[FundCheck]:
    """One row for each fund of the stack, in the order of the national answer.

    A fund pays where one of its layers is not contradicted by what is known; deductibles and caps are not asked. The row
    holds while the enrolment does, at most to the end of the benefit year.
    """
    year = benefit_year(stack.benefit_year_start, day)
    begin = max(enrolment.from_day, year.first)
    end = year.last if enrolment.to_day is None else min(enrolment.to_day, year.last)
    named = {layer.fund for _, layer in stack.layers}
    paying = {
        layer.fund
        for _, layer in stack.layers
        if "med_type" in facts and not all(refuted(condition, facts) for condition in layer.when)
    }
    return [
        FundCheck(
            fund_pay_type(fund, enrolment.insutype),
            begin,
            end,
            None if fund in paying else not_covered(care, enrolment.insuplc_admdvs),
        )
        for fund in FUND_FIELDS
        if fund in named
    ]


def nothing_paid(insutype: str, day: date, refusal: Fault) -> FundCheck:
    """The one row of a person whom no stack covers: the basic pool, refused."""
    return FundCheck(fund_pay_type(BASIC_POOL, insutype), day, day, refusal)
