"""Facts of a person and a visit, checked and decided: what is missing is named, never guessed.

A table row or a layer is decided by the facts supplied, whatever their order: one that a known fact contradicts is out,
one whose facts are all known and fit is in, anything else is FACT_MISSING.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from services.kernel.errors import Fault, invalid, precondition
from services.kernel.policy.conditions import inside, missing, refuted
from services.kernel.policy.document import Condition, FactValue, Row
from services.kernel.policy.domains import FACTS, admits, domain_values

Facts = Mapping[str, FactValue]
T = TypeVar("T")


def check_facts(facts: Facts) -> None:
    """Refuses a fact that no policy could read (FACT_UNKNOWN) or a value outside its domain (FACT_OUTSIDE_DOMAIN).

    A misspelt kind of care would otherwise meet no layer and be paid by nobody, in silence.
    """
    for name, value in facts.items():
        if name not in FACTS:
            raise invalid(f"facts.{name[:40]}", "unknown_fact", reason="FACT_UNKNOWN", fact=name[:40])
        if not admits(name, value):
            raise outside_domain(name)


def outside_domain(name: str) -> Fault:
    """The fault for a value that the fact may not have; the value itself may be clinical and is not told."""
    return invalid(f"facts.{name}", "fact_value", reason="FACT_OUTSIDE_DOMAIN", fact=name)


def fact_missing(names: tuple[str, ...], where: str) -> Fault:
    """PRECONDITION (FACT_MISSING): these facts, comma separated, are needed there."""
    return precondition("FACT_MISSING", facts=",".join(dict.fromkeys(names)), where=where)


def applies(when: tuple[Condition, ...], facts: Facts, where: str) -> bool:
    """Whether one of a layer's alternatives holds; FACT_MISSING where that cannot be told."""
    undecided = False
    for condition in when:
        state = True
        known = True
        for name, allowed in condition.sets:
            value = facts.get(name)
            if value is None:
                known = False
            elif value not in allowed:
                state = False
                break
        if state and condition.ranges:
            for name, intervals in condition.ranges:
                value = facts.get(name)
                if value is None:
                    known = False
                elif not inside(int(value), intervals):
                    state = False
                    break
        if state and known:
            return True
        undecided = undecided or state
    if undecided:
        open_ones = (condition for condition in when if not refuted(condition, facts))
        raise fact_missing(tuple(name for condition in open_ones for name in missing(condition, facts)), where)
    return False


def pick(rows: tuple[Row[T], ...], facts: Facts, where: str, insutype: str) -> T:
    """The one row of a proved table that fits.

    Raises FACT_MISSING naming every fact that could still decide, FACT_OUTSIDE_DOMAIN for a value this insurance type or
    table does not know, NOT_COVERED_BY_POLICY for a gap of a partial layer.
    """
    open_names: list[str] = []
    for row in rows:
        if not refuted(row.when, facts):
            unknown = missing(row.when, facts)
            if not unknown:
                return row.value
            open_names.extend(unknown)
    if open_names:
        raise fact_missing(tuple(open_names), where)
    for row in rows:
        for name, _ in row.when.sets:
            if facts[name] not in known_values(rows, name, insutype):
                raise outside_domain(name)
    raise precondition("NOT_COVERED_BY_POLICY", where=where)


def known_values(rows: tuple[Row[T], ...], name: str, insutype: str) -> set[FactValue]:
    """The values of a fact that this table was proved over, and those that it need not know."""
    named = {value for row in rows for fact, allowed in row.when.sets if fact == name for value in allowed}
    return named | {*domain_values(name, insutype), *FACTS[name].beside}
