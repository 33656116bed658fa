"""One benefit layer: base, deductible, bands, ceilings, over-cap part, write-back. One rounding for each layer.

The order and the meaning of every step are those of `hsa.policy/1`; a city differs by its data, never by a branch here.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.kernel.money import round_quotient
from services.kernel.policy.document import FactValue
from services.settlement.domain.benefits.bands import earned, reached_at, uses
from services.settlement.domain.benefits.compile import CapTerm, CompiledCap, CompiledLayer, look_up, resolve_key
from services.settlement.domain.benefits.facts import Facts, fact_missing
from services.settlement.domain.benefits.outcome import FUND_FIELDS, CapUse, LayerOutcome


class Run:
    """The working state of one settlement: what the funds have paid so far and how the accumulators have moved."""

    __slots__ = (
        *("accumulators", "counted", "deductible_fen", "deltas", "exempt_fen", "facts", "first_fen", "funds"),
        *("inscp_fen", "outcomes", "over_fen", "paid_fen", "presel_fen"),
    )

    def __init__(
        self,
        inscp_fen: int,
        presel_fen: int,
        first_fen: int,
        exempt_fen: Mapping[str, int],
        facts: Facts,
        accumulators: Mapping[str, int],
    ) -> None:
        self.inscp_fen = inscp_fen
        self.presel_fen = presel_fen
        self.first_fen = first_fen
        self.exempt_fen = exempt_fen
        self.facts: Mapping[str, FactValue] = facts
        self.accumulators = accumulators
        self.deltas: dict[str, int] = {}
        self.counted: set[str] = set()
        self.funds: dict[str, int] = dict.fromkeys(FUND_FIELDS, 0)
        self.paid_fen = 0
        self.deductible_fen = 0
        self.over_fen: dict[tuple[str, str], int] = {}
        self.outcomes: list[LayerOutcome] = []

    def value(self, key: str) -> int:
        """An accumulator as it stands now, with what earlier layers of this settlement added."""
        return self.accumulators.get(key, 0) + self.deltas.get(key, 0)

    def add(self, key: str, delta: int) -> None:
        """Moves an accumulator."""
        self.deltas[key] = self.deltas.get(key, 0) + delta


def run_layer(run: Run, layer: CompiledLayer, variant: int) -> None:
    """Runs one layer that applies; `variant` chooses the band sets of the policy's remote rule.

    Positions are cost within the bill, or within the year where the tiers say so; `shift` brings them to the band scale
    when bands count from the deductible. Cumulative layers pay the difference of the year's rounded totals, so that the
    year does not depend on how its bills were cut.
    """
    bands = look_up(layer.bands, run.facts)[variant]
    position_key = None if layer.position_key is None else resolve_key(layer.position_key, run.facts, layer.where)
    base = _base(run, layer)
    before = 0 if position_key is None else run.value(position_key)
    standard, deductible = _deductible(run, layer, base, before)
    start, end = before + deductible, before + base
    if layer.cumulative:
        shift, origin = (standard, 0) if layer.from_deductible else (0, standard)
        paid_before = round_quotient(earned(bands, origin, before - shift), bands.denominator)
    else:
        shift = deductible if layer.from_deductible else 0
        origin, paid_before = start - shift, 0
    caps = tuple(use for use in [_cap_use(run, cap, layer) for cap in layer.caps] if use is not None)
    covered_end = min([end, *(start + use.room_fen for use in caps if not use.on_fund)])
    numerator = earned(bands, origin, covered_end - shift)
    paid = round_quotient(numerator, bands.denominator) - paid_before
    for use in caps:
        most = (paid_before + use.room_fen) * bands.denominator
        if use.on_fund and numerator > most:
            paid = min(paid, use.room_fen)
            covered_end = max(start, min(covered_end, shift + reached_at(bands, origin, most)))
    advance = base - deductible if layer.from_deductible and not layer.cumulative else base
    _write_back(run, layer, deductible, covered_end - start, paid)
    if position_key is not None:
        run.add(position_key, advance)
    run.over_fen[layer.policy, layer.id] = end - covered_end
    run.outcomes.append(
        LayerOutcome(
            *(layer.policy, layer.id, layer.stage, layer.fund, layer.base, base, standard, deductible),
            *(covered_end - start, end - covered_end, paid),
            *(uses(bands, start - shift, covered_end - shift), bands.denominator, caps),
        )
    )


def _base(run: Run, layer: CompiledLayer) -> int:
    """The cost that a layer looks at, never below 0."""
    kind = layer.base
    if kind == "inscp":
        return run.inscp_fen
    if kind == "over_cap":
        return run.over_fen.get((layer.policy, layer.over_cap_of or ""), 0)
    if kind == "inscp_after_account_first":
        return run.inscp_fen - run.first_fen
    personal = run.inscp_fen - run.paid_fen
    if kind == "personal_inscp_excl_dedc":
        personal -= run.deductible_fen
    elif kind == "personal_inscp_plus_presel":
        personal += run.presel_fen
    return max(0, personal)


def _deductible(run: Run, layer: CompiledLayer, base: int, before: int) -> tuple[int, int]:
    """The nominal deductible that applies now, and how much of it this bill bears."""
    if layer.deductible is None:
        return 0, 0
    standards = look_up(layer.deductible, run.facts)
    if layer.mode == "annual_threshold":
        return standards[0], min(base, max(0, standards[0] - before))
    if layer.mode == "per_admission":
        standard = _admission_standard(run, layer, standards)
        due = standard
    else:
        standard = standards[0]
        due = standard if layer.mode == "per_visit" else max(0, standard - run.value(_annual_key(run, layer)))
    exempt = 0 if layer.exempt_tag is None else run.exempt_fen.get(layer.exempt_tag, 0)
    return standard, min(max(0, base - exempt), due)


def _annual_key(run: Run, layer: CompiledLayer) -> str:
    return resolve_key(layer.deductible_key or "", run.facts, layer.where)


def _admission_standard(run: Run, layer: CompiledLayer, standards: tuple[int, ...]) -> int:
    """The deductible of this admission by its ordinal in the benefit year; a continued stay owes none and counts none."""
    same_stay = run.facts.get("same_stay")
    if same_stay is None:
        raise fact_missing(("same_stay",), layer.where)
    if same_stay:
        return 0
    key = resolve_key(layer.count_key or "", run.facts, layer.where)
    run.counted.add(key)
    return standards[min(run.accumulators.get(key, 0), len(standards) - 1)]


def _cap_use(run: Run, cap: CompiledCap, layer: CompiledLayer) -> CapUse | None:
    """A ceiling with what is left of it, None where the table says there is none."""
    term = look_up(cap.table, run.facts)
    if term is None:
        return None
    key = resolve_key(cap.key, run.facts, layer.where)
    ceiling = _ceiling(run, term, layer)
    return CapUse(key, cap.on_fund, ceiling, max(0, ceiling - run.value(key)))


def _ceiling(run: Run, term: CapTerm, layer: CompiledLayer) -> int:
    if term.per is None:
        return term.base_fen
    units = run.facts.get(term.per)
    if units is None:
        raise fact_missing((term.per,), layer.where)
    return term.base_fen + min(int(units) * term.each_fen, term.max_extra_fen)


def _write_back(run: Run, layer: CompiledLayer, deductible: int, covered: int, paid: int) -> None:
    """Moves the accumulators: deductible, ceilings (also where there is no ceiling), admissions, fund totals."""
    if layer.deductible_key is not None:
        run.add(_annual_key(run, layer), deductible)
    for cap in layer.caps:
        run.add(resolve_key(cap.key, run.facts, layer.where), paid if cap.on_fund else covered)
    for key in run.counted:
        run.deltas[key] = 1
    if layer.pool:
        run.deductible_fen += deductible
    run.funds[layer.fund] += paid
    run.paid_fen += paid
