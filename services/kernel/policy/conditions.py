"""Reading `when` maps, and deciding them: a condition is sets and ranges over declared facts, never an expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from services.kernel.policy.document import Condition, FactValue, Interval, Row
from services.kernel.policy.domains import FACTS, admits
from services.kernel.policy.reading import Node

T = TypeVar("T")


def read_condition(node: Node | None) -> Condition:
    """A `when` map: `{status: [active], age: {max: 69}}`, or `age_any: [{max: 6}, {min: 70}]`."""
    if node is None:
        return Condition()
    sets: list[tuple[str, frozenset[FactValue]]] = []
    ranges: list[tuple[str, tuple[Interval, ...]]] = []
    for key, value in node.pairs():
        name = key.removesuffix("_any")
        domain = FACTS.get(name)
        if domain is None or (name != key and not domain.numeric):
            value.wrong("unknown_fact", f"unknown fact; known: {', '.join(FACTS)}")
        elif not domain.numeric:
            sets.append((name, _read_set(name, value)))
        elif name == key:
            ranges.append((name, (_read_interval(name, value),)))
        else:
            ranges.append((name, tuple(_read_interval(name, part) for part in value.entries(least=1))))
    names = [name for name, _ in ranges]
    if len(set(names)) != len(names):
        node.wrong("condition", "a fact and its _any form exclude each other")
    return Condition(tuple(sets), tuple(ranges))


def _read_set(name: str, node: Node) -> frozenset[FactValue]:
    values: list[FactValue] = []
    for entry in node.entries(least=1):
        if not isinstance(entry.value, str | bool) or not admits(name, entry.value):
            known = (*FACTS[name].values, *FACTS[name].beside)
            entry.wrong("fact_value", f"{name} is one of {', '.join(map(str, known))}")
        elif entry.value in values:
            entry.wrong("duplicate", "stands twice")
        else:
            values.append(entry.value)
    return frozenset(values)


def _read_interval(name: str, node: Node) -> Interval:
    found = node.fields((), ("min", "max"))
    domain = FACTS[name]
    low = found["min"].integer(domain.low, domain.high) if "min" in found else None
    high = found["max"].integer(domain.low, domain.high) if "max" in found else None
    if low is None and high is None:
        node.wrong("interval", "min or max is required")
    if low is not None and high is not None and low > high:
        node.wrong("interval", "min is above max")
    return Interval(low, high)


def inside(value: int, intervals: tuple[Interval, ...]) -> bool:
    """Whether a number lies in one of the intervals."""
    return any(
        (part.low is None or value >= part.low) and (part.high is None or value <= part.high) for part in intervals
    )


def refuted(condition: Condition, facts: Mapping[str, FactValue]) -> bool:
    """Whether a supplied fact contradicts the condition, whatever the others may be."""
    return any(name in facts and facts[name] not in allowed for name, allowed in condition.sets) or any(
        name in facts and not inside(int(facts[name]), intervals) for name, intervals in condition.ranges
    )


def missing(condition: Condition, facts: Mapping[str, FactValue]) -> tuple[str, ...]:
    """The facts that the condition reads and nobody supplied."""
    return tuple(name for name in condition.names() if name not in facts)


def holds(condition: Condition, facts: Mapping[str, FactValue]) -> bool:
    """Whether the condition is true for certain: nothing missing, nothing contradicted."""
    return not missing(condition, facts) and not refuted(condition, facts)


def hits(rows: tuple[Row[T], ...], facts: Mapping[str, FactValue]) -> list[Row[T]]:
    """The rows that are true for certain."""
    return [row for row in rows if holds(row.when, facts)]
