"""Single rules of a benefit layer on invented policies: bases, deductibles, positions, ceilings, remote care, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.benefits.outcome import BandUse, fund_shares
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.benefits.stack import compile_stack
from services.settlement.domain.care.lines import MOST_FEN, BillTotals
from tests.settlement.synthetic import FACTS, compiled, flat, layer, one, play, policy

BANDED = [{"when": {}, "value": [{"upto": 1000, "ratio": "50%"}, {"upto": None, "ratio": "80%"}]}]


def dedc(mode: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"mode": mode, "table": one(value), **more}


def cap(value: Any, key: str = "fund", measure: str = "fund_paid") -> dict[str, Any]:
    return {"measure": measure, "key": key, "table": one(value)}


@pytest.mark.parametrize(
    ("method", "value", "paid"),
    [("pre_selfpay", "10%", 1_462_000), ("ratio_points", "-10%", 1_440_000), ("ratio_factor", "90%", 1_468_800)],
)
def test_the_three_remote_methods_are_not_the_same(method: str, value: str, paid: int) -> None:
    document = policy(
        layer(deductible=dedc("per_visit", 800)),
        remote=[
            {"when": {"remote": ["local"]}, "method": "none"},
            {
                "when": {"remote": ["filed_long_term", "transfer", "emergency", "temporary"]},
                "method": method,
                "value": value,
            },
        ],
    )
    answer = play(document, inscp=2_000_000, facts={"remote": "transfer"})
    assert answer.components.hifp_pay_fen == paid
    assert play(document, inscp=2_000_000).components.hifp_pay_fen == 1_632_000


def test_remote_points_touch_the_basic_pool_only() -> None:
    document = policy(
        layer(tiers={"position": "bill", "table": flat("50%")}),
        layer(
            id="aid", stage=60, fund="maf_pay", base="personal_inscp", tiers={"position": "bill", "table": flat("50%")}
        ),
        remote=[{"when": {}, "method": "ratio_points", "value": "-20%"}],
    )
    c = play(document, inscp=10_000).components
    assert (c.hifp_pay_fen, c.maf_pay_fen) == (3_000, 3_500)


def test_a_bonus_past_the_whole_is_clipped_after_the_remote_change() -> None:
    document = policy(
        layer(
            tiers={"position": "bill", "table": flat("98%")},
            ratio_transform=[{"when": {"age": {"min": 70}}, "op": "add", "value": "7%"}],
        ),
        remote=[
            {"when": {"remote": ["local"]}, "method": "none"},
            {
                "when": {"remote": ["filed_long_term", "transfer", "emergency", "temporary"]},
                "method": "ratio_points",
                "value": "-10%",
            },
        ],
    )
    assert play(document, inscp=100, facts={"age": 70}).components.hifp_pay_fen == 100
    assert play(document, inscp=100, facts={"age": 70, "remote": "temporary"}).components.hifp_pay_fen == 95


def test_transforms_run_in_their_order() -> None:
    steps = [{"when": {}, "op": "multiply", "value": "50%"}, {"when": {}, "op": "add", "value": "10%"}]
    assert play(policy(layer(ratio_transform=steps)), inscp=10_000).components.hifp_pay_fen == 5_250
    assert play(policy(layer(ratio_transform=steps[::-1])), inscp=10_000).components.hifp_pay_fen == 4_750


def test_bands_count_the_deductible_in_from_zero_and_not_from_the_deductible() -> None:
    for origin, paid in (("zero", 40_000 + 80_000), ("deductible", 50_000 + 64_000)):
        document = policy(
            layer(
                deductible=dedc("per_visit", 200),
                tiers={"position": "bill", "origin": origin, "table": BANDED},
            )
        )
        assert play(document, inscp=200_000).components.hifp_pay_fen == paid, origin


@pytest.mark.parametrize("origin", ["zero", "deductible"])
def test_annual_bands_do_not_depend_on_how_the_cost_was_cut(origin: str) -> None:
    document = policy(
        layer(
            deductible=dedc("annual", 200, key="dedc"),
            tiers={"position": "annual", "key": "cost", "origin": origin, "table": BANDED},
        ),
        keys=("dedc", "cost"),
    )
    whole = play(document, inscp=300_000).components.hifp_pay_fen
    ledger: dict[str, int] = {}
    paid = 0
    for part in (15_000, 85_000, 40_000, 160_000):
        answer = play(document, inscp=part, before=ledger)
        paid += answer.components.hifp_pay_fen
        for key, delta in answer.accumulator_deltas.items():
            ledger[key] = ledger.get(key, 0) + delta
    assert paid == whole


def test_the_deductible_is_never_more_than_the_base_less_exempt_lines() -> None:
    document = policy(
        layer(deductible=dedc("annual", 600, key="dedc", exempt_lines={"bas_medn_flag": "1"})), keys=("dedc",)
    )
    answer = play(document, inscp=70_000, exempt={"bas_medn_flag=1": 20_000})
    assert answer.components.act_pay_dedc_fen == 50_000
    assert answer.accumulator_deltas == {"dedc": 50_000}


def test_two_layers_that_count_admissions_count_one() -> None:
    admission = dedc("per_admission", {"sequence": [100, 0]}, count_key="adm")
    second = layer(id="extra", stage=40, fund="oth_pay", base="personal_inscp", deductible=admission)
    answer = play(policy(layer(deductible=admission), second, keys=("adm",)), inscp=100_000)
    assert answer.accumulator_deltas == {"adm": 1}
    assert [part.deductible_fen for part in answer.layers] == [10_000, 10_000]
    assert answer.components.act_pay_dedc_fen == 10_000, "only the basic pool's deductible is reported"


def test_a_ceiling_on_the_fund_is_exact_where_the_last_fen_is_rounded() -> None:
    document = policy(layer(tiers={"position": "bill", "table": flat("10%")}, cap=cap(1)), keys=("fund",))
    at, beyond = play(document, inscp=1_000).layers[0], play(document, inscp=1_004).layers[0]
    assert (at.paid_fen, at.over_fen) == (100, 0)
    assert (beyond.paid_fen, beyond.over_fen) == (100, 4), "the exact position counts, though 100.4 rounds to 100"


def test_the_over_cap_part_starts_where_the_room_was_used_up() -> None:
    document = policy(
        layer(deductible=dedc("per_visit", 650), tiers={"position": "bill", "table": flat("85%")}, cap=cap(10_000)),
        layer(id="large", stage=20, fund="hifob_pay", base="over_cap:pool"),
        keys=("fund",),
    )
    answer = play(document, inscp=4_000_000)
    assert answer.layers[0].over_fen == 4_000_000 - 1_241_471
    assert answer.layers[1].base_fen == answer.layers[0].over_fen
    assert answer.components.hifob_pay_fen == 2_344_750


def test_a_ceiling_on_cost_stops_the_cost_and_not_the_fund() -> None:
    document = policy(layer(deductible=dedc("per_visit", 100), cap=cap(1000, "cost", "inscp")), keys=("cost",))
    answer = play(document, inscp=150_000, before={"cost": 40_000})
    part = answer.layers[0]
    assert (part.deductible_fen, part.covered_fen, part.over_fen, part.paid_fen) == (10_000, 60_000, 80_000, 51_000)
    assert answer.accumulator_deltas == {"cost": 60_000}


def test_of_two_ceilings_the_smaller_room_counts_and_both_move() -> None:
    document = policy(
        layer(cap=cap(5000, "chronic:{disease}"), cap2=cap(7000, "all")), keys=("chronic:{disease}", "all")
    )
    answer = play(document, inscp=1_000_000, facts={"disease": "M03900"}, before={"all": 400_000})
    assert answer.components.hifp_pay_fen == 300_000
    assert answer.accumulator_deltas == {"chronic:M03900": 300_000, "all": 300_000}
    assert fund_shares(answer.layers)[0].crt_payb_lmt_fen == 300_000


def test_a_ceiling_that_two_layers_share_is_used_up_once() -> None:
    document = policy(
        layer(tiers={"position": "bill", "table": flat("50%")}, cap=cap(10)),
        layer(id="extra", stage=40, fund="oth_pay", base="personal_inscp", cap=cap(10)),
        keys=("fund",),
    )
    c = play(document, inscp=1_600).components
    assert (c.hifp_pay_fen, c.oth_pay_fen) == (800, 200)


def test_a_row_without_a_ceiling_still_counts_what_was_paid() -> None:
    answer = play(policy(layer(cap=cap(None)), keys=("fund",)), inscp=10_000)
    assert answer.accumulator_deltas == {"fund": 8_500}
    assert answer.layers[0].room_fen is None


def test_a_bonus_ceiling_grows_with_its_units_up_to_the_most() -> None:
    plus = {"plus": {"base": 100, "per": "cii_bonus_units", "each": 30, "max_extra": 60}}
    document = policy(layer(cap=cap(plus)), keys=("fund",))
    for units, paid in ((0, 10_000), (1, 13_000), (5, 16_000)):
        assert play(document, inscp=100_000, facts={"cii_bonus_units": units}).components.hifp_pay_fen == paid


@pytest.mark.parametrize(
    ("base", "paid"),
    [
        ("personal_inscp", 2_900),
        ("personal_inscp_excl_dedc", 900),
        ("personal_inscp_plus_presel", 3_900),
    ],
)
def test_what_the_person_bears_so_far_is_the_base_of_a_later_fund(base: str, paid: int) -> None:
    document = policy(
        layer(deductible=dedc("per_visit", 20), tiers={"position": "bill", "table": flat("90%")}),
        layer(id="rest", stage=50, fund="hifes_pay", base=base, tiers={"position": "bill", "table": flat("100%")}),
    )
    assert play(document, inscp=11_000, presel=1_000).components.hifes_pay_fen == paid


def test_an_explanation_names_band_by_band_what_was_earned() -> None:
    document = policy(layer(deductible=dedc("per_visit", 200), tiers={"position": "bill", "table": BANDED}))
    part = play(document, inscp=200_000).layers[0]
    halves, rest = part.bands
    assert (halves.from_fen, halves.to_fen, rest.from_fen, rest.to_fen) == (20_000, 100_000, 100_000, 200_000)
    earned = sum((use.to_fen - use.from_fen) * use.ratio for use in part.bands)
    assert earned == part.paid_fen == 120_000
    assert isinstance(halves, BandUse)
    assert (part.policy, part.layer, part.standard_fen) == ("invented@2025-01-01", "pool", 20_000)


def test_a_fact_that_a_table_needs_is_named_when_it_is_missing() -> None:
    rows = [
        {"when": {"status": ["active"]}, "value": [{"upto": None, "ratio": "80%"}]},
        {"when": {"status": ["retired"], "age": {"max": 69}}, "value": [{"upto": None, "ratio": "85%"}]},
        {"when": {"status": ["retired"], "age": {"min": 70}}, "value": [{"upto": None, "ratio": "90%"}]},
    ]
    document = policy(layer(tiers={"position": "bill", "table": rows}))
    for gone, told in (("age", "age"), ("status", "status"), ("med_type", "med_type")):
        facts = {name: value for name, value in {**FACTS, "status": "retired"}.items() if name != gone}
        with pytest.raises(Fault) as caught:
            _settle_exactly(document, facts)
        assert caught.value.kind is FaultKind.PRECONDITION
        assert caught.value.reason == "FACT_MISSING"
        assert told in caught.value.metadata["facts"].split(",")


def test_a_fact_that_cannot_matter_any_more_is_not_asked_for() -> None:
    rows = [
        {"when": {"status": ["active"]}, "value": [{"upto": None, "ratio": "80%"}]},
        {"when": {"status": ["retired"], "age": {"max": 69}}, "value": [{"upto": None, "ratio": "85%"}]},
        {"when": {"status": ["retired"], "age": {"min": 70}}, "value": [{"upto": None, "ratio": "90%"}]},
    ]
    document = policy(layer(tiers={"position": "bill", "table": rows}))
    facts = {name: value for name, value in FACTS.items() if name != "age"}
    assert _settle_exactly(document, facts) == 8_000


def _settle_exactly(document: dict[str, Any], facts: dict[str, Any]) -> int:
    """Settles 100 yuan under exactly these facts and answers what the pool paid."""
    stack = compile_stack([compiled(document)])
    return settle(stack, BillTotals(10_000, 0, 0, 0, 10_000), facts, {}).components.hifp_pay_fen


def test_an_admission_needs_to_know_whether_the_stay_continues() -> None:
    document = policy(layer(deductible=dedc("per_admission", 100, count_key="adm")), keys=("adm",))
    with pytest.raises(Fault) as caught:
        _settle_exactly(document, {"med_type": "inpatient"})
    assert caught.value.metadata["facts"] == "same_stay"


def test_the_disease_is_needed_where_it_stands_in_a_key() -> None:
    document = policy(layer(cap=cap(100, "chronic:{disease}")), keys=("chronic:{disease}",))
    with pytest.raises(Fault) as caught:
        play(document, inscp=100)
    assert (caught.value.reason, caught.value.metadata["facts"]) == ("FACT_MISSING", "disease")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"shoe_size": 43}, "FACT_UNKNOWN"),
        ({"med_type": "inpatientt"}, "FACT_OUTSIDE_DOMAIN"),
        ({"same_stay": 0}, "FACT_OUTSIDE_DOMAIN"),
        ({"age": True}, "FACT_OUTSIDE_DOMAIN"),
        ({"age": -1}, "FACT_OUTSIDE_DOMAIN"),
        ({"disease": "a b"}, "FACT_OUTSIDE_DOMAIN"),
    ],
)
def test_a_misspelt_fact_is_refused_and_its_value_is_not_repeated(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(Fault) as caught:
        play(policy(layer()), inscp=100, facts=facts)
    assert caught.value.reason == reason
    assert caught.value.metadata == {"fact": next(iter(facts))}


def test_a_resident_has_no_row_in_an_employees_table() -> None:
    rows = [{"when": {"status": [who]}, "value": [{"upto": None, "ratio": "80%"}]} for who in ("active", "retired")]
    with pytest.raises(Fault, match="FACT_OUTSIDE_DOMAIN"):
        play(policy(layer(tiers={"position": "bill", "table": rows})), inscp=100, facts={"status": "resident"})


def test_a_gap_of_a_partial_layer_is_not_covered_and_nothing_is_guessed() -> None:
    rows = [{"when": {"hosp_lv": ["2"]}, "value": [{"upto": None, "ratio": "65%"}]}]
    document = policy(layer(tiers={"position": "bill", "table": rows}), partial=["pool"])
    assert play(document, inscp=100, facts={"hosp_lv": "2"}).components.hifp_pay_fen == 65
    with pytest.raises(Fault) as caught:
        play(document, inscp=100)
    assert caught.value.reason == "NOT_COVERED_BY_POLICY"
    assert caught.value.metadata["where"] == "invented@2025-01-01/pool.tiers"


def test_a_kind_of_care_that_no_layer_names_is_borne_by_the_person() -> None:
    answer = play(policy(layer()), inscp=100, facts={"med_type": "family_bed"})
    assert answer.layers == ()
    assert (answer.components.psn_part_amt_fen, answer.components.pool_prop_selfpay_e4) == (100, 0)


def test_a_stack_that_would_pay_more_than_the_cost_is_refused() -> None:
    twice = policy(layer(), layer(id="again", stage=11, fund="oth_pay"))
    with pytest.raises(Fault) as caught:
        play(twice, inscp=100)
    assert (caught.value.reason, caught.value.metadata["paid_fen"]) == ("POLICY_OVERPAYS", "170")


def test_what_the_hospital_bears_leaves_the_persons_part() -> None:
    c = play(policy(layer()), inscp=100, hosp_part_fen=5).components
    assert (c.hifp_pay_fen, c.hosp_part_amt_fen, c.psn_part_amt_fen) == (85, 5, 10)
    with pytest.raises(Fault, match="HOSP_PART_TOO_LARGE"):
        play(policy(layer()), inscp=100, hosp_part_fen=16)


def test_a_bill_below_nothing_is_refused() -> None:
    with pytest.raises(Fault, match="BILL_NEGATIVE"):
        play(policy(layer()), inscp=-1)


def test_the_ratio_of_the_pool_is_rounded_half_up_and_its_amount_kept_apart() -> None:
    c = play(policy(layer(tiers={"position": "bill", "table": flat("2.345%")})), inscp=100_000).components
    assert (c.pool_prop_selfpay_e4, c.pool_prop_selfpay_amt_fen) == (235, 97_655)


@pytest.mark.parametrize(
    ("documents", "rule"),
    [
        ([], "required"),
        ([policy(layer()), policy(layer())], "duplicate"),
        ([policy(layer()), policy(layer(), id="other", benefit_year={"start": "07-01"})], "benefit_year"),
        ([policy(kind="constraint")], "constraint"),
    ],
)
def test_policies_that_cannot_pay_together_make_no_stack(documents: list[dict[str, Any]], rule: str) -> None:
    with pytest.raises(Fault) as caught:
        compile_stack([compiled(document) for document in documents])
    assert caught.value.reason == "STACK_INVALID"
    assert [violation.rule for violation in caught.value.violations] == [rule]


def test_a_band_without_end_holds_after_a_thousand_bills_of_the_most_and_a_bill_beyond_is_refused() -> None:
    document = policy(
        layer(tiers={"position": "annual", "key": "cost", "origin": "zero", "table": BANDED}), keys=("cost",)
    )
    assert (
        play(document, inscp=MOST_FEN, before={"cost": 1000 * MOST_FEN}).components.hifp_pay_fen == MOST_FEN * 8 // 10
    )
    with pytest.raises(Fault) as caught:
        play(document, inscp=MOST_FEN - 1, fulamt=2)
    assert (caught.value.kind, caught.value.reason) == (FaultKind.INVALID, "AMOUNT_INVALID")


def test_a_pharmacy_has_no_level_and_a_table_may_name_it() -> None:
    rows = [
        {"when": {"hosp_lv": ["none"]}, "value": [{"upto": None, "ratio": "50%"}]},
        {"when": {"hosp_lv": ["community", "1", "2", "3"]}, "value": [{"upto": None, "ratio": "85%"}]},
    ]
    tiers = {"position": "bill", "origin": "zero", "table": rows}
    named = policy(layer(tiers=tiers))
    assert play(named, inscp=100, facts={"hosp_lv": "none"}).components.hifp_pay_fen == 50
    assert play(named, inscp=100).components.hifp_pay_fen == 85
    silent = policy(layer(tiers={**tiers, "table": rows[1:]}))
    with pytest.raises(Fault, match="NOT_COVERED_BY_POLICY"):
        play(silent, inscp=100, facts={"hosp_lv": "none"})


def test_a_layer_for_pharmacies_must_say_what_they_get() -> None:
    tiers = {
        "position": "bill",
        "origin": "zero",
        "table": [
            {"when": {"hosp_lv": ["community", "1", "2", "3"]}, "value": [{"upto": None, "ratio": "85%"}]},
        ],
    }
    with pytest.raises(Fault, match="POLICY_INVALID") as caught:
        play(policy(layer(when={"hosp_lv": ["none", "3"]}, tiers=tiers)))
    assert ("table.complete", "no row matches hosp_lv=none") in [
        (each.rule, each.description) for each in caught.value.violations
    ]
