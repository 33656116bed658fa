"""The invariants of a settlement as properties, on random bills over every stack of shipped policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.facts import Facts
from services.settlement.domain.benefits.outcome import FUND_FIELDS, MONEY_FIELDS, Settlement, fund_shares
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.books.answer import derivation, shares
from services.settlement.domain.books.refund import refund, refund_deltas
from tests.rounds import rounds
from tests.settlement.stacks import (
    POLICIES,
    STACKS,
    Line,
    a_class,
    accounts,
    bills,
    document,
    facts_for,
    ledgers,
    stack_of,
    totals,
)

every_stack = pytest.mark.parametrize("names", STACKS, ids="+".join)
few = rounds(3)


class Situation:
    """A person, a visit, a bill and a ledger, drawn for one stack."""

    def __init__(self, names: tuple[str, ...], data: st.DataObject) -> None:
        self.stack = stack_of(*names)
        self.lines: list[Line] = data.draw(bills())
        self.facts: dict[str, Any] = data.draw(facts_for(names))
        self.before: dict[str, int] = data.draw(ledgers(names))
        self.account: AccountState = data.draw(accounts())

    def settle(self, lines: list[Line] | None = None, **facts: Any) -> Settlement:
        """The settlement; a case that a partial file does not cover is no example."""
        try:
            return settle(
                self.stack,
                totals(self.lines if lines is None else lines),
                {**self.facts, **facts},
                self.before,
                self.account,
            )
        except Fault as fault:
            assume(fault.reason != "NOT_COVERED_BY_POLICY")
            raise


@every_stack
@few
@given(data=st.data())
def test_the_parts_of_every_settlement_add_up(names: tuple[str, ...], data: st.DataObject) -> None:
    case = Situation(names, data)
    answer = case.settle()
    c = answer.components
    scope = c.fulamt_ownpay_amt_fen + c.overlmt_selfpay_fen + c.preselfpay_amt_fen + c.inscp_scp_amt_fen
    assert c.medfee_sumamt_fen == scope
    assert c.fund_pay_sumamt_fen == sum(getattr(c, f"{name}_fen") for name in FUND_FIELDS)
    assert c.fund_pay_sumamt_fen == sum(share.fund_payamt_fen for share in fund_shares(answer.layers))
    assert c.medfee_sumamt_fen == c.fund_pay_sumamt_fen + c.psn_part_amt_fen + c.hosp_part_amt_fen
    told = shares(answer, "310", [derivation(layer) for layer in answer.layers])
    assert sum(row.fund_payamt_fen for row in told) == c.fund_pay_sumamt_fen + c.acct_pay_fen + c.hosp_part_amt_fen
    assert c.psn_part_amt_fen == c.acct_pay_fen + c.psn_cash_pay_fen
    assert c.acct_mulaid_pay_fen <= min(c.acct_pay_fen, case.account.mutual_fen)
    assert c.acct_pay_fen - c.acct_mulaid_pay_fen == answer.account.own_fen <= case.account.own_fen
    assert min(getattr(c, name) for name in MONEY_FIELDS) >= 0


@every_stack
@few
@given(data=st.data())
def test_the_funds_pay_no_more_than_the_cost_in_scope(names: tuple[str, ...], data: st.DataObject) -> None:
    c = Situation(names, data).settle().components
    assert c.act_pay_dedc_fen <= c.inscp_scp_amt_fen
    assert c.hifp_pay_fen <= c.inscp_scp_amt_fen - c.act_pay_dedc_fen
    assert c.fund_pay_sumamt_fen <= c.inscp_scp_amt_fen
    outside = c.fulamt_ownpay_amt_fen + c.overlmt_selfpay_fen + c.preselfpay_amt_fen
    assert c.psn_part_amt_fen >= outside - c.hosp_part_amt_fen
    assert 0 <= c.pool_prop_selfpay_e4 <= 10_000


@every_stack
@few
@given(data=st.data())
def test_what_the_hospital_bears_is_taken_off_the_person_and_nobody_else(
    names: tuple[str, ...], data: st.DataObject
) -> None:
    case = Situation(names, data)
    borne = case.settle([replace(line, hosp_bear=True) for line in case.lines]).components
    paid = case.settle([replace(line, hosp_bear=False) for line in case.lines]).components
    assert borne.hosp_part_amt_fen == borne.overlmt_selfpay_fen == paid.overlmt_selfpay_fen
    assert paid.psn_part_amt_fen - borne.psn_part_amt_fen == borne.hosp_part_amt_fen
    for name in (
        "medfee_sumamt_fen",
        "fund_pay_sumamt_fen",
        "inscp_scp_amt_fen",
        "act_pay_dedc_fen",
        "preselfpay_amt_fen",
    ):
        assert getattr(borne, name) == getattr(paid, name)


@every_stack
@few
@given(data=st.data())
def test_a_bill_with_nothing_in_scope_gets_nothing_from_any_fund(names: tuple[str, ...], data: st.DataObject) -> None:
    case = Situation(names, data)
    answer = case.settle([replace(line, chrg_class="C") for line in case.lines])
    assert answer.components.fund_pay_sumamt_fen == 0
    assert answer.components.inscp_scp_amt_fen == 0


@every_stack
@few
@given(data=st.data())
def test_the_order_of_the_lines_does_not_matter(names: tuple[str, ...], data: st.DataObject) -> None:
    case = Situation(names, data)
    assert case.settle(data.draw(st.permutations(case.lines))) == case.settle()


@every_stack
@few
@given(data=st.data(), more=st.integers(1, 50_000))
def test_more_cost_never_lowers_what_the_person_bears(names: tuple[str, ...], data: st.DataObject, more: int) -> None:
    case = Situation(names, data)
    less = case.settle().components
    rise = case.settle([*case.lines, a_class(more)]).components.fund_pay_sumamt_fen - less.fund_pay_sumamt_fen
    assert -1 <= rise <= more + 1, "one fen either way exactly where a ceiling is crossed"


@every_stack
@few
@given(data=st.data(), extra=st.integers(1, 1_000_000))
def test_a_class_c_line_changes_no_fund(names: tuple[str, ...], data: st.DataObject, extra: int) -> None:
    case = Situation(names, data)
    plain, dearer = case.settle(), case.settle([*case.lines, replace(a_class(extra), chrg_class="C")])
    assert [part.paid_fen for part in dearer.layers] == [part.paid_fen for part in plain.layers]
    assert dearer.accumulator_deltas == plain.accumulator_deltas


@every_stack
@few
@given(data=st.data())
def test_local_care_pays_at_least_as_much_as_referred_and_that_as_not_filed(
    names: tuple[str, ...], data: st.DataObject
) -> None:
    case = Situation(names, data)
    local, referred, unfiled = (case.settle(remote=how).components for how in ("local", "transfer", "temporary"))
    assert local.hifp_pay_fen >= referred.hifp_pay_fen >= unfiled.hifp_pay_fen
    assert local.fund_pay_sumamt_fen >= referred.fund_pay_sumamt_fen >= unfiled.fund_pay_sumamt_fen


@every_stack
@few
@given(data=st.data())
def test_accumulators_only_rise_and_stay_within_their_ceilings(names: tuple[str, ...], data: st.DataObject) -> None:
    case = Situation(names, data)
    answer = case.settle()
    assert all(delta > 0 for delta in answer.accumulator_deltas.values())
    for part in answer.layers:
        for cap in part.caps:
            before = case.before.get(cap.key, 0)
            after = before + answer.accumulator_deltas.get(cap.key, 0)
            assert after <= max(before, cap.ceiling_fen)


@every_stack
@few
@given(data=st.data())
def test_deductible_covered_and_over_are_the_base_of_every_layer(names: tuple[str, ...], data: st.DataObject) -> None:
    for part in Situation(names, data).settle().layers:
        assert part.deductible_fen + part.covered_fen + part.over_fen == part.base_fen
        assert min(part.deductible_fen, part.covered_fen, part.over_fen, part.paid_fen) >= 0


@every_stack
@few
@given(data=st.data(), count=st.integers(2, 5))
def test_a_year_never_takes_more_than_one_annual_deductible(
    names: tuple[str, ...], data: st.DataObject, count: int
) -> None:
    case = Situation(names, data)
    case.before = {}
    borne: dict[str, int] = {}
    for _ in range(count):
        answer = case.settle()
        annual = {layer.where: layer.mode == "annual" for _, layer in case.stack.layers}
        for part in answer.layers:
            if annual[f"{part.policy}/{part.layer}"]:
                borne[part.layer] = borne.get(part.layer, 0) + part.deductible_fen
                assert borne[part.layer] <= part.standard_fen
        case.before = _after(case.before, answer)


@every_stack
@few
@given(data=st.data())
def test_a_trial_is_the_settlement_and_changes_nothing(names: tuple[str, ...], data: st.DataObject) -> None:
    case = Situation(names, data)
    ledger, facts = dict(case.before), dict(case.facts)
    assert case.settle() == case.settle()
    assert (case.before, case.facts) == (ledger, facts)


@every_stack
@few
@given(data=st.data())
def test_two_settlements_refunded_last_first_leave_the_ledger_as_it_was(
    names: tuple[str, ...], data: st.DataObject
) -> None:
    case = Situation(names, data)
    opening = dict(case.before)
    first = case.settle()
    case.before = _after(case.before, first)
    second = case.settle()
    ledger = _after(case.before, second)
    for done in (second, first):
        for key, delta in refund_deltas(done.accumulator_deltas).items():
            ledger[key] = ledger.get(key, 0) + delta
        back = refund(done.components)
        assert all(getattr(back, name) == -getattr(done.components, name) for name in MONEY_FIELDS)
        assert all(getattr(back, name) <= 0 for name in MONEY_FIELDS)
        assert back.pool_prop_selfpay_e4 == done.components.pool_prop_selfpay_e4
    assert {key: value for key, value in ledger.items() if value} == {k: v for k, v in opening.items() if v}


@every_stack
@few
@given(data=st.data())
def test_a_continued_stay_owes_no_deductible_and_is_no_admission(names: tuple[str, ...], data: st.DataObject) -> None:
    case = Situation(names, data)
    answer = case.settle(same_stay=True)
    assert "adm_count" not in answer.accumulator_deltas
    by_admission = {layer.where for _, layer in case.stack.layers if layer.mode == "per_admission"}
    assert all(p.deductible_fen == 0 for p in answer.layers if f"{p.policy}/{p.layer}" in by_admission)


@every_stack
def test_no_case_of_any_table_has_a_ratio_outside_nought_and_one(names: tuple[str, ...]) -> None:
    for _, layer in stack_of(*names).layers:
        for variants in layer.bands.entries.values():
            for bands in variants:
                assert all(0 <= numerator <= bands.denominator for _, _, numerator in bands.parts)


CUMULATIVE = (
    "beijing-resident-cii@2019-01-01",
    "shandong-resident-cii@2020-01-01",
    "jiangxi-resident-cii@2025-01-01",
    "national-medical-assistance@2021-11-19",
)


@pytest.mark.parametrize("name", CUMULATIVE)
@rounds(10)
@given(data=st.data())
def test_a_year_of_critical_illness_does_not_depend_on_how_its_cost_was_cut(name: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(1, 20_000_000), min_size=1, max_size=6))
    identity = data.draw(st.sampled_from(("dibao", "tekun", "dibian", "zhichu")))
    facts: Facts = {"med_type": "inpatient", "identity": identity, "cii_bonus_units": 0}
    whole = _year(name, facts, [sum(cuts)])
    assert _year(name, facts, cuts) == whole
    assert _year(name, facts, data.draw(st.permutations(cuts))) == whole


def _year(name: str, facts: Facts, costs: list[int]) -> int:
    ledger: dict[str, int] = {}
    paid = 0
    for cost in costs:
        answer = settle(stack_of(name), totals([a_class(cost)]), facts, ledger)
        ledger = _after(ledger, answer)
        paid += answer.components.fund_pay_sumamt_fen
    return paid


def _after(ledger: dict[str, int], answer: Settlement) -> dict[str, int]:
    moved = dict(ledger)
    for key, delta in answer.accumulator_deltas.items():
        moved[key] = moved.get(key, 0) + delta
    return moved


def test_every_benefit_policy_that_is_shipped_stands_in_a_stack_here() -> None:
    shipped = {path.stem for path in POLICIES.glob("*.yaml") if document(path.stem).get("kind") != "constraint"}
    assert shipped == {name for names in STACKS for name in names}
