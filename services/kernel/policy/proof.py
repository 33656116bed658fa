"""The proof that a policy's tables are unique and complete, by walking over every case that can meet them.

A case is one value for each fact that a table reads, within what the layer's own `when` admits; whole numbers are walked
at the ends of the intervals that the table names, which is exhaustive because nothing changes between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import TypeVar

from services.kernel.policy.conditions import hits, refuted
from services.kernel.policy.document import Condition, FactValue, Indexed, Layer, Policy, Row
from services.kernel.policy.domains import FACTS, domain_values
from services.kernel.policy.reading import Findings

T = TypeVar("T")
MAX_CASES = 50_000


def cut_points(name: str, conditions: Iterable[Condition]) -> tuple[int, ...]:
    """The smallest number of each stretch on which no condition changes, from the fact's lower bound on."""
    domain = FACTS[name]
    cuts = {domain.low}
    for condition in conditions:
        for fact, intervals in condition.ranges:
            if fact == name:
                cuts.update(part.low for part in intervals if part.low is not None)
                cuts.update(part.high + 1 for part in intervals if part.high is not None)
    return tuple(sorted(cut for cut in cuts if domain.low <= cut <= domain.high))


def names_read(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """The facts that conditions read, each once, in order."""
    return tuple(dict.fromkeys(name for condition in conditions for name in condition.names()))


def _values(name: str, conditions: tuple[Condition, ...], insutype: str) -> list[FactValue]:
    if FACTS[name].numeric:
        return list(cut_points(name, conditions))
    named = {value for condition in conditions for fact, allowed in condition.sets if fact == name for value in allowed}
    return [*domain_values(name, insutype), *(value for value in FACTS[name].beside if value in named)]


def cases(
    when: tuple[Condition, ...], conditions: Iterable[Condition], insutype: str
) -> Iterator[dict[str, FactValue]]:
    """Every case of the facts that `conditions` read, within one of the alternatives of `when`."""
    reading = tuple(conditions)
    names = names_read(reading)
    columns = [_values(name, (*reading, *when), insutype) for name in names]
    for combination in product(*columns):
        facts = dict(zip(names, combination, strict=True))
        if any(not refuted(alternative, facts) for alternative in when):
            yield facts


def case_count(when: tuple[Condition, ...], conditions: Iterable[Condition], insutype: str) -> int:
    """An upper bound of how many cases there are."""
    reading = tuple(conditions)
    return prod(len(_values(name, (*reading, *when), insutype)) for name in names_read(reading))


def prove(policy: Policy, findings: Findings) -> None:
    """Records overlaps, gaps and dangling names of a policy that was read without a finding."""
    every = (Condition(),)
    _prove_table(policy, every, tuple(Row(rule.when, rule) for rule in policy.remote), "remote", findings, gaps=True)
    limits = tuple(Row(limit.when, limit) for limit in policy.remote_limits)
    _prove_table(policy, every, limits, "remote_limits", findings, gaps=False)
    for place, layer in enumerate(policy.layers):
        _prove_layer(policy, layer, f"layers[{place}]", findings)
    _prove_keys(policy, findings)


def _prove_layer(policy: Policy, layer: Layer, path: str, findings: Findings) -> None:
    gaps = layer.id not in policy.partial
    for condition in layer.when:
        for name, allowed in condition.sets:
            if not FACTS[name].open and not allowed & {*domain_values(name, policy.insutype), *FACTS[name].beside}:
                findings.add(f"{path}.when.{name}", "never", f"nobody of insurance type {policy.insutype} has it")
    if layer.deductible is not None:
        rows = layer.deductible.table
        _prove_table(policy, layer.when, rows, f"{path}.deductible.table", findings, gaps=gaps)
    _prove_table(policy, layer.when, layer.tiers.table, f"{path}.tiers.table", findings, gaps=gaps)
    for cap, name in zip(layer.caps, ("cap", "cap2"), strict=False):
        _prove_table(policy, layer.when, cap.table, f"{path}.{name}.table", findings, gaps=gaps)
    banded = (*(row.when for row in layer.tiers.table), *(change.when for change in layer.transforms))
    if case_count(layer.when, banded, policy.insutype) > MAX_CASES:
        findings.add(f"{path}.ratio_transform", "cases", f"more than {MAX_CASES} combinations of facts")


def _prove_table(
    policy: Policy,
    when: tuple[Condition, ...],
    rows: tuple[Row[T], ...],
    path: str,
    findings: Findings,
    *,
    gaps: bool,
) -> None:
    if not rows:
        return
    conditions = tuple(row.when for row in rows)
    if case_count(when, conditions, policy.insutype) > MAX_CASES:
        findings.add(path, "cases", f"more than {MAX_CASES} combinations of facts")
        return
    used: set[int] = set()
    for facts in cases(when, conditions, policy.insutype):
        matching = [place for place, row in enumerate(rows) if hits((row,), facts)]
        used.update(matching)
        if len(matching) > 1:
            told = ", ".join(str(place) for place in matching)
            case = told_of(facts)
            findings.add(path, "table.unique", f"rows {told} all match {case}", rows=told, case=case)
        elif not matching and gaps:
            case = told_of(facts)
            findings.add(path, "table.complete", f"no row matches {case}", case=case)
    for place in range(len(rows)):
        if place not in used:
            findings.add(f"{path}[{place}]", "table.dead", "no case within this layer can ever match this row")


def told_of(facts: Mapping[str, FactValue]) -> str:
    """A case in words, for a violation."""
    return ", ".join(f"{name}={value}" for name, value in facts.items()) or "any case"


def _prove_keys(policy: Policy, findings: Findings) -> None:
    declared = [accumulator.key for accumulator in policy.accumulators]
    for place, key in enumerate(declared):
        if key in declared[:place]:
            findings.add(f"accumulators[{place}].key", "duplicate", "declared twice")
    counts = {layer.deductible.count_key for layer in policy.layers if layer.deductible is not None}
    indices = {name for name, _ in policy.indices}
    for place, layer in enumerate(policy.layers):
        path = f"layers[{place}]"
        for key in layer_keys(layer):
            if key not in declared:
                findings.add(f"{path}.{key}", "accumulator", f"the key {key} is not declared under accumulators")
            elif key in counts and (layer.deductible is None or key != layer.deductible.count_key):
                findings.add(f"{path}.{key}", "count_key", f"the key {key} counts admissions and can hold no money")
        for value in _values_of(layer):
            if isinstance(value, Indexed) and value.index not in indices:
                findings.add(f"{path}.{value.index}", "index", f"the index {value.index} stands nowhere under indices")


def _values_of(layer: Layer) -> Iterator[object]:
    if layer.deductible is not None:
        yield from (row.value for row in layer.deductible.table)
    for cap in layer.caps:
        yield from (row.value for row in cap.table)


def layer_keys(layer: Layer) -> tuple[str, ...]:
    """The accumulator keys (templates) that a layer reads and writes."""
    keys = [layer.deductible.key, layer.deductible.count_key] if layer.deductible is not None else []
    return tuple(dict.fromkeys(key for key in (*keys, layer.tiers.key, *(cap.key for cap in layer.caps)) if key))
