"""What a check of the books may find, and the largest value that policies allow an accumulator to reach."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from services.settlement.domain.benefits.stack import CompiledStack

_FACT = re.compile(r"\{[^}]*\}")


class LedgerGroup(NamedTuple):
    """All ledgers of an insurance type at an insured place in a benefit year."""

    insutype: str
    insuplc_admdvs: str
    benefit_year: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule; `subject` is the number of a settlement, entry or fee batch."""

    rule: str
    subject: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class CeilingCheck:
    """An accumulator and the most it may hold; `%` in the key stands for the value of a fact."""

    group: LedgerGroup
    key: str
    most: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and what was found."""

    settlements: int
    postings: int
    accumulators: int
    findings: tuple[Finding, ...]


def ceilings(group: LedgerGroup, stack: CompiledStack) -> list[CeilingCheck]:
    """The accumulators of a stack whose every case has a ceiling, with the largest of them.

    A key that several layers share is bounded by the largest of their ceilings.
    """
    most: dict[str, int | None] = {}
    for _, layer in stack.layers:
        for cap in layer.caps:
            terms = list(cap.table.entries.values())
            highest = (
                None
                if None in terms or not terms
                else max(term.base_fen + (term.max_extra_fen if term.per else 0) for term in terms if term is not None)
            )
            key = _FACT.sub("%", cap.key)
            known = most.get(key, 0)
            most[key] = None if highest is None or known is None else max(highest, known)
    return [CeilingCheck(group, key, value) for key, value in most.items() if value is not None]
