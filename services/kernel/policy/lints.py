"""Warnings about a policy that is well formed but surprising; they never refuse it.

The order of hospital levels and of retired before active is what the regulations lead one to expect; the limits on the
reduction for remote care come from the national constraint file (医保发〔2022〕22号).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from services.kernel.money import round_half_away, scaled_text
from services.kernel.policy.conditions import hits, refuted
from services.kernel.policy.document import Amount, Band, FactValue, Indexed, Layer, Policy, RemoteRule, Sequence, Step
from services.kernel.policy.domains import FACTS
from services.kernel.policy.layers import POOL_STAGE
from services.kernel.policy.proof import cases, layer_keys
from services.kernel.policy.ratios import after_remote, ratio_at, transformed

Case = dict[str, FactValue]
LEVELS = ("community", "1", "2", "3")


@dataclass(frozen=True, slots=True)
class Lint:
    """A warning: where, which rule, and the figures it is about."""

    path: str
    rule: str
    text: str


def lint_policy(policy: Policy, constraint: Policy | None = None) -> tuple[Lint, ...]:
    """All warnings about a policy; those about remote care need the constraint file."""
    found = [
        lint for place, layer in enumerate(policy.layers) for lint in _lint_layer(policy, layer, f"layers[{place}]")
    ]
    used = {key for layer in policy.layers for key in layer_keys(layer)}
    for place, accumulator in enumerate(policy.accumulators):
        if accumulator.key not in used:
            found.append(Lint(f"accumulators[{place}]", "accumulator.unused", f"no layer uses {accumulator.key}"))
    if constraint is not None:
        found.extend(lint_remote(policy, constraint))
    return tuple(found)


def _ratio_cases(policy: Policy, layer: Layer) -> Iterator[tuple[Case, tuple[Band, ...]]]:
    """Every case of the layer with its bands before the remote change."""
    read = (*(row.when for row in layer.tiers.table), *(change.when for change in layer.transforms))
    for facts in cases(layer.when, read, policy.insutype):
        found = hits(layer.tiers.table, facts)
        if found:
            yield facts, transformed(found[0].value, layer.transforms, facts)


def _lint_layer(policy: Policy, layer: Layer, path: str) -> list[Lint]:
    clipped = [(facts, after_remote(bands, layer, None)) for facts, bands in _ratio_cases(policy, layer)]
    worst: dict[str, str] = {}
    for facts, bands in clipped:
        for other, theirs in clipped:
            rule = _expected_order(facts, other)
            if rule is None:
                continue
            place = _first_below(bands, theirs)
            if place is not None:
                text = f"{_told(facts)}: {_percent(ratio_at(bands, place))} < {_told(other)}: {_percent(ratio_at(theirs, place))}"
                worst.setdefault(rule, f"{text} from position {place} fen")
    found = [Lint(f"{path}.tiers", rule, text) for rule, text in worst.items()]
    text = _deductible_falls(policy, layer)
    if text:
        found.append(Lint(f"{path}.deductible", "deductible.level", text))
    return found


def _expected_order(facts: Case, other: Case) -> str | None:
    """The rule by which `facts` should get at least the ratio of `other`, when they differ in one fact only."""
    different = [name for name in facts if facts[name] != other[name]]
    if different == ["hosp_lv"]:
        # A pharmacy stands in no order with hospitals.
        level, higher = str(facts["hosp_lv"]), str(other["hosp_lv"])
        ordered = level in LEVELS and higher in LEVELS and LEVELS.index(level) < LEVELS.index(higher)
        return "ratio.level" if ordered else None
    if different == ["status"] and (facts["status"], other["status"]) == ("retired", "active"):
        return "ratio.retired"
    return None


def _first_below(bands: tuple[Band, ...], theirs: tuple[Band, ...]) -> int | None:
    places = sorted({0, *(band.upto_fen for band in (*bands, *theirs) if band.upto_fen is not None)})
    return next((place for place in places if ratio_at(bands, place) < ratio_at(theirs, place)), None)


def _deductible_falls(policy: Policy, layer: Layer) -> str:
    if layer.deductible is None:
        return ""
    rows = layer.deductible.table
    standards = []
    for facts in cases(layer.when, (row.when for row in rows), policy.insutype):
        found = hits(rows, facts)
        if found:
            standards.append((facts, _first_standard(policy, found[0].value)))
    for facts, standard in standards:
        for other, theirs in standards:
            if _expected_order(facts, other) == "ratio.level" and standard > theirs:
                return f"{_told(facts)}: {standard} fen > {_told(other)}: {theirs} fen"
    return ""


def _first_standard(policy: Policy, value: Amount | Indexed | Sequence | Step) -> Fraction:
    if isinstance(value, Amount):
        return Fraction(value.fen)
    if isinstance(value, Indexed):
        return dict(policy.indices)[value.index] * value.times
    return Fraction(value.fen[0] if isinstance(value, Sequence) else value.first_fen)


def lint_remote(policy: Policy, constraint: Policy) -> tuple[Lint, ...]:
    """Warnings where a remote rule takes more ratio points off the basic pool than the constraint file allows."""
    found = []
    for place, rule in enumerate(policy.remote):
        for name in FACTS["remote"].values:
            facts: Case = {"remote": name}
            limits = [limit for limit in constraint.remote_limits if not refuted(limit.when, facts)]
            if refuted(rule.when, facts) or not limits:
                continue
            allowed = min(limit.max_reduction for limit in limits)
            taken, text = _largest_reduction(policy, rule)
            if taken > allowed:
                text = f"{name}: {_percent(taken)} points off ({text}), at most {_percent(allowed)} are allowed"
                found.append(Lint(f"remote[{place}]", "remote.limit", text))
    return tuple(found)


def _largest_reduction(policy: Policy, rule: RemoteRule) -> tuple[Fraction, str]:
    """The most ratio points that a rule takes off, with the layer and base it happens at.

    For the advance self-pay the share of the cost before it counts: 10 % off an 85 % ratio are 8.5 points.
    """
    worst, text = Fraction(0), ""
    for layer in policy.layers:
        if layer.stage != POOL_STAGE or rule.method == "none":
            continue
        for _, bands in _ratio_cases(policy, layer):
            before, after = after_remote(bands, layer, None), after_remote(bands, layer, rule)
            for here, there in zip(before, after, strict=True):
                taken = here.ratio * rule.value if rule.method == "pre_selfpay" else here.ratio - there.ratio
                if taken > worst:
                    worst, text = taken, f"{rule.method} {_percent(rule.value)} at {_percent(here.ratio)} in {layer.id}"
    return worst, text


def _told(facts: Case) -> str:
    return " ".join(str(value) for value in facts.values())


def _percent(ratio: Fraction) -> str:
    return scaled_text(round_half_away(ratio * 10_000), 2).removesuffix("0").removesuffix(".0") + "%"
