"""A policy turned into look-ups: every table resolved for every case ahead of time, ratios as whole numbers.

Compiling is slow and happens once for each content hash (the caller keeps the result); a compiled policy is immutable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.kernel.errors import Fault
from services.kernel.money import round_half_away
from services.kernel.policy.conditions import missing, refuted
from services.kernel.policy.document import (
    Account,
    Amount,
    Cap,
    CapValue,
    Condition,
    DeductibleValue,
    Indexed,
    Layer,
    Plus,
    Policy,
    RemoteRule,
    Row,
    Sequence,
    Step,
)
from services.kernel.policy.domains import FACTS
from services.kernel.policy.layers import POOL_STAGE, key_facts
from services.kernel.policy.proof import cases, cut_points, names_read
from services.kernel.policy.ratios import after_remote, transformed
from services.settlement.domain.benefits.bands import BandSet, band_set
from services.settlement.domain.benefits.facts import Facts, fact_missing, pick

T = TypeVar("T")
_MISS = object()


@dataclass(frozen=True, slots=True)
class TableIndex(Generic[T]):
    """A table by case: `cuts` turn whole numbers into stretches, `entries` hold every case that was proved, and `solve`
    answers, or refuses, whatever is not among them."""

    names: tuple[str, ...]
    cuts: tuple[tuple[int, ...] | None, ...]
    entries: Mapping[object, T]
    solve: Callable[[Facts], T]


@dataclass(frozen=True, slots=True)
class CapTerm:
    """A ceiling: `base_fen`, and for every unit of the fact `per` another `each_fen`, up to `max_extra_fen`."""

    base_fen: int
    per: str | None = None
    each_fen: int = 0
    max_extra_fen: int = 0


@dataclass(frozen=True, slots=True)
class CompiledCap:
    """`on_fund` tells whether the room counts fund money or in-scope cost above the deductible."""

    on_fund: bool
    key: str
    table: TableIndex[CapTerm | None]


@dataclass(frozen=True, slots=True)
class CompiledLayer:
    """A layer ready to run. `bands` give one band set for each remote rule of the policy, the first one for none."""

    policy: str
    id: str
    stage: int
    fund: str
    when: tuple[Condition, ...]
    base: str
    over_cap_of: str | None
    mode: str
    deductible_key: str | None
    count_key: str | None
    exempt_tag: str | None
    deductible: TableIndex[tuple[int, ...]] | None
    bands: TableIndex[tuple[BandSet, ...]]
    position_key: str | None
    from_deductible: bool
    cumulative: bool
    caps: tuple[CompiledCap, ...]
    where: str

    @property
    def pool(self) -> bool:
        """Whether it belongs to the basic pool."""
        return self.stage == POOL_STAGE


@dataclass(frozen=True, slots=True)
class CompiledRemote:
    """`share` is the advance self-pay as (numerator, denominator); `variant` picks the band sets."""

    variant: int
    method: str
    share: tuple[int, int]


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy by content: `name` is `id@version`, `content_hash` the hash of the document it came from.

    `national_keys` pairs accumulator keys with the national codes that the policy likens them to.
    """

    id: str
    version: str
    name: str
    content_hash: str
    kind: str
    region: str
    insutype: str
    version_on: str
    benefit_year_start: str
    remote: TableIndex[CompiledRemote] | None
    account: Account | None
    layers: tuple[CompiledLayer, ...]
    national_keys: tuple[tuple[str, str], ...] = ()


def look_up(table: TableIndex[T], facts: Facts) -> T:
    """The value of a table for these facts; faults as `pick` raises them."""
    if not table.names:
        key: object = ()
    else:
        values: list[object] = []
        for name, cuts in zip(table.names, table.cuts, strict=True):
            value = facts.get(name)
            if cuts is not None and value is not None:
                value = bisect_right(cuts, int(value))
            values.append(value)
        key = tuple(values)
    found = table.entries.get(key, _MISS)
    return table.solve(facts) if found is _MISS else found  # type: ignore[return-value]  # _MISS is no T


def resolve_key(key: str, facts: Facts, where: str) -> str:
    """An accumulator key with its place holders filled in: `chronic2:{disease}` becomes `chronic2:M03900`."""
    if "{" not in key:
        return key
    for name in key_facts(key):
        if name not in facts:
            raise fact_missing((name,), where)
        key = key.replace("{" + name + "}", str(facts[name]))
    return key


def compile_policy(policy: Policy, content_hash: str) -> CompiledPolicy:
    """The look-ups of a parsed policy. About a millisecond for each layer."""
    return CompiledPolicy(
        id=policy.id,
        version=policy.version,
        name=policy.name,
        content_hash=content_hash,
        kind=policy.kind,
        region=policy.region,
        insutype=policy.insutype,
        version_on=policy.version_on,
        benefit_year_start=policy.benefit_year_start,
        remote=_compile_remote(policy),
        account=policy.account,
        layers=tuple(_compile_layer(policy, layer) for layer in policy.layers),
        national_keys=tuple((each.key, each.national_like) for each in policy.accumulators if each.national_like),
    )


def _index(
    when: tuple[Condition, ...], read: Iterable[Condition], insutype: str, solve: Callable[[Facts], T]
) -> TableIndex[T]:
    """Solves every case ahead; a gap of a partial layer stays out and is refused when it is met."""
    reading = tuple(read)
    names = names_read(reading)
    cuts = tuple(cut_points(name, (*reading, *when)) if FACTS[name].numeric else None for name in names)
    entries: dict[object, T] = {}
    for facts in cases(when, reading, insutype):
        key = tuple(
            facts[name] if cut is None else bisect_right(cut, int(facts[name]))
            for name, cut in zip(names, cuts, strict=True)
        )
        try:
            entries[key] = solve(facts)
        except Fault as fault:
            if fault.reason != "NOT_COVERED_BY_POLICY":
                raise
    return TableIndex(names, cuts, entries, solve)


def _table(policy: Policy, when: tuple[Condition, ...], rows: tuple[Row[T], ...], where: str) -> TableIndex[T]:
    def solve(facts: Facts) -> T:
        return pick(rows, facts, where, policy.insutype)

    return _index(when, (row.when for row in rows), policy.insutype, solve)


def _compile_remote(policy: Policy) -> TableIndex[CompiledRemote] | None:
    if not policy.remote:
        return None
    rows = tuple(
        Row(rule.when, CompiledRemote(place + 1, rule.method, (rule.value.numerator, rule.value.denominator)))
        for place, rule in enumerate(policy.remote)
    )
    return _table(policy, (Condition(),), rows, f"{policy.name}/remote")


def _compile_layer(policy: Policy, layer: Layer) -> CompiledLayer:
    where = f"{policy.name}/{layer.id}"
    deductible = layer.deductible
    table = None
    if deductible is not None:
        rows = tuple(Row(row.when, _standards(policy, row.value)) for row in deductible.table)
        table = _table(policy, layer.when, rows, f"{where}.deductible")
    return CompiledLayer(
        policy=policy.name,
        id=layer.id,
        stage=layer.stage,
        fund=layer.fund,
        when=layer.when,
        base=layer.base,
        over_cap_of=layer.over_cap_of,
        mode="none" if deductible is None else deductible.mode,
        deductible_key=deductible.key if deductible is not None else None,
        count_key=deductible.count_key if deductible is not None else None,
        exempt_tag="=".join(deductible.exempt) if deductible is not None and deductible.exempt else None,
        deductible=table,
        bands=_compile_bands(policy, layer, where),
        position_key=layer.tiers.key,
        from_deductible=layer.tiers.origin == "deductible",
        cumulative=layer.tiers.cumulative,
        caps=tuple(_compile_cap(policy, layer, cap, f"{where}.cap") for cap in layer.caps),
        where=where,
    )


def _compile_bands(policy: Policy, layer: Layer, where: str) -> TableIndex[tuple[BandSet, ...]]:
    rules: tuple[RemoteRule | None, ...] = (None, *policy.remote)

    def solve(facts: Facts) -> tuple[BandSet, ...]:
        bands = pick(layer.tiers.table, facts, f"{where}.tiers", policy.insutype)
        unknown = _undecided(layer, facts)
        if unknown:
            raise fact_missing(unknown, f"{where}.ratio_transform")
        changed = transformed(bands, layer.transforms, facts)
        return tuple(band_set(after_remote(changed, layer, rule)) for rule in rules)

    read = (*(row.when for row in layer.tiers.table), *(change.when for change in layer.transforms))
    return _index(layer.when, read, policy.insutype, solve)


def _undecided(layer: Layer, facts: Facts) -> tuple[str, ...]:
    """The missing facts that could still decide whether a transform holds."""
    from_conditions: list[str] = []
    for change in layer.transforms:
        if not refuted(change.when, facts):
            from_conditions.extend(missing(change.when, facts))
    return tuple(from_conditions)


def _compile_cap(policy: Policy, layer: Layer, cap: Cap, where: str) -> CompiledCap:
    rows = tuple(Row(row.when, _cap_term(policy, row.value)) for row in cap.table)
    return CompiledCap(cap.measure == "fund_paid", cap.key, _table(policy, layer.when, rows, where))


def _indexed_fen(policy: Policy, value: Indexed) -> int:
    """An index times a factor; one of the places where money is rounded."""
    return round_half_away(dict(policy.indices)[value.index] * value.times)


def _standards(policy: Policy, value: DeductibleValue) -> tuple[int, ...]:
    """The deductible by ordinal of admission; a single one for the other modes."""
    match value:
        case Amount(fen):
            return (fen,)
        case Indexed():
            return (_indexed_fen(policy, value),)
        case Sequence(fen):
            return fen
        case Step(first, minus, floor):
            return (*range(first, floor, -minus), floor)


def _cap_term(policy: Policy, value: CapValue) -> CapTerm | None:
    match value:
        case None:
            return None
        case Amount(fen):
            return CapTerm(fen)
        case Indexed():
            return CapTerm(_indexed_fen(policy, value))
        case Plus(base, per, each, most):
            return CapTerm(base, per, each, most)
