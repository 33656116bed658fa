"""The worked cases: every component, line, accumulator, balance and refusal of each file, played through the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from tests.settlement.stacks import CASES, POLICIES
from tools.cli.case import main, play_case
from tools.cli.case_document import read_case

FILES = sorted(CASES.glob("*.json"))
SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_engine_answers_a_worked_case_to_the_fen(path: Path) -> None:
    assert play_case(path, POLICIES).differences == []


def test_all_thirty_cases_are_here() -> None:
    assert len(FILES) == 30
    assert sum(len(read_case(path).operations) for path in FILES) == 44


@pytest.mark.parametrize(("folder", "own"), [("cases", CASES), ("policies", POLICIES)])
def test_the_copies_are_those_of_the_reference_folder(folder: str, own: Path) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip("the reference folder is not beside this clone")
    assert {path.name: path.read_bytes() for path in (SHARED / folder).iterdir()} == {
        path.name: path.read_bytes() for path in own.iterdir()
    }


def edited(tmp_path: Path, number: str, change: Any) -> Path:
    """A copy of a case with one change."""
    case = json.loads((CASES / f"PUB-{number}.json").read_text(encoding="utf-8"))
    change(case)
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case), encoding="utf-8")
    return path


def test_every_difference_is_told_and_the_exit_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(case: Any) -> None:
        case["ops"][0]["expected"]["hifp_pay"] += 1
        case["ops"][0]["expected_lines"][0]["inscp_scp_amt"] -= 1
        case["ops"][0]["accumulators_after"]["adm_count"] = 2

    path = edited(tmp_path, "01", change)
    assert [difference.what for difference in play_case(path, POLICIES).differences] == [
        "accumulators.adm_count",
        "hifp_pay",
        "lines[0].inscp_scp_amt",
    ]
    assert main([path]) == 1
    assert "PUB-01 s1 hifp_pay: expected 739501, got 739500" in capsys.readouterr().out


def test_a_case_that_agrees_exits_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([CASES / "PUB-01.json"]) == 0
    assert "PUB-01.json: agrees" in capsys.readouterr().out


def test_an_unexpected_refusal_is_a_difference(tmp_path: Path) -> None:
    path = edited(tmp_path, "01", lambda case: case["person"].pop("status"))
    assert [(d.what, d.actual) for d in play_case(path, POLICIES).differences][:1] == [("error", "FACT_MISSING")]


def test_a_refusal_that_was_expected_but_did_not_come_is_a_difference(tmp_path: Path) -> None:
    path = edited(tmp_path, "01", lambda case: case["ops"][0].update(expect_error="LATER_SETTLEMENT_EXISTS"))
    assert ("error", None) in [(d.what, d.actual) for d in play_case(path, POLICIES).differences]


def test_a_file_that_is_no_case_names_every_violation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(case: Any) -> None:
        case["ops"][0]["lines"][0]["class"] = "D"
        case["ops"][0]["lines"][0]["colour"] = "red"
        case["person"]["shoe_size"] = 43

    path = edited(tmp_path, "01", change)
    with pytest.raises(Fault) as caught:
        play_case(path, POLICIES)
    assert caught.value.reason == "CASE_INVALID"
    assert {v.path for v in caught.value.violations} == {
        "person.shoe_size",
        "ops[0].lines[0].class",
        "ops[0].lines[0].colour",
    }
    assert main([path]) == 1
    assert "person.shoe_size" in capsys.readouterr().err


def test_a_missing_policy_or_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([CASES / "PUB-01.json", tmp_path / "none.json"], tmp_path) == 1
    told = capsys.readouterr().err
    assert "POLICY_NOT_FOUND" in told
    assert "none.json: No such file" in told


def test_a_case_may_be_written_in_yaml_and_leave_out_what_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        """
case_id: yaml-1
policies: ["hangzhou-employee@2025-01-01"]
person: {age: 45, status: active}
ops:
  - {op: settle, id: s1, setl_date: 2025-04-01, benefit_year: "2025", visit: {med_type: outpatient, hosp_lv: "2"},
     lines: [{amount: 300000, class: A}], expected: {hifp_pay: 192000, acct_pay: 0, psn_cash_pay: 108000}}
  - {op: refund, id: r1, of: s1, benefit_year: Y1, accumulators_after: {op_dedc: 0}}
  - {op: refund, id: r2, of: s1, expect_error: SETTLEMENT_REFUNDED}
""",
        encoding="utf-8",
    )
    assert play_case(path, POLICIES).differences == []


def test_where_no_case_is_played_the_exit_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert "no case was played" in capsys.readouterr().err


def test_a_policy_of_ones_own_is_taken_from_the_folder_named(tmp_path: Path) -> None:
    text = (POLICIES / "beijing-employee@2023-01-01.yaml").read_text(encoding="utf-8")
    own = text.replace("id: beijing-employee\n", "id: own-city\n").replace("sequence: [1300, 650]", "sequence: [1000]")
    (tmp_path / "own-city@2023-01-01.yaml").write_text(own, encoding="utf-8")
    path = edited(tmp_path, "01", lambda case: case.update(policies=["own-city@2023-01-01"]))
    dedc = [difference for difference in play_case(path, tmp_path).differences if difference.what == "act_pay_dedc"]
    assert [(each.expected, each.actual) for each in dedc] == [(130_000, 100_000)]


VISIT: dict[str, Any] = {
    "visit": {"med_type": "outpatient", "hosp_lv": "3"},
    "lines": [{"amount": 200_000, "class": "A"}],
}
STAY: dict[str, Any] = VISIT | {"visit": {"med_type": "inpatient", "hosp_lv": "3"}}


def told(
    tmp_path: Path, policy: str, *operations: Mapping[str, object], **more: object
) -> list[tuple[str, str, object]]:
    """The differences of a case of an employee, each as operation, what and actual value."""
    person = {"age": 45, "status": "active"}
    case = {"case_id": "told", "policies": [policy], "person": person, "ops": operations} | more
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case), encoding="utf-8")
    return [(gap.operation, gap.what, gap.actual) for gap in play_case(path, POLICIES).differences]


def test_y1_is_the_benefit_year_of_the_day(tmp_path: Path) -> None:
    settled = {"op": "settle", "id": "s1", "setl_date": "2025-12-30", "benefit_year": "Y1", **VISIT}
    late = {"op": "refund", "id": "r1", "of": "s1", "setl_date": "2026-01-05", "benefit_year": "Y1"}
    assert told(tmp_path, "beijing-employee@2023-01-01", settled, late) == [("r1", "benefit_year", "2025")]


def test_y1_of_a_refund_without_a_day_is_the_year_of_what_it_takes_back(tmp_path: Path) -> None:
    first = {"op": "settle", "id": "s1", "setl_date": "2025-12-30", **VISIT}
    second = {"op": "settle", "id": "s2", "setl_date": "2026-01-05", **VISIT}
    refund = {"op": "refund", "id": "r1", "of": "s1", "benefit_year": "Y1", "accumulators_after": {"op_dedc": 0}}
    assert told(tmp_path, "beijing-employee@2023-01-01", first, second, refund) == []


def test_y1_follows_the_beginning_of_the_policys_year(tmp_path: Path) -> None:
    settled = {"op": "settle", "id": "s1", "setl_date": "2026-03-01", "benefit_year": "Y1", **STAY}
    assert told(tmp_path, "shanghai-employee@2025-07-01", settled) == []
    assert told(tmp_path, "shanghai-employee@2025-07-01", settled | {"benefit_year": "2026"}) == [
        ("s1", "benefit_year", "2025")
    ]


def test_a_refund_of_what_was_never_settled_is_refused(tmp_path: Path) -> None:
    tried = {"op": "presettle", "id": "p1", "setl_date": "2025-03-01", **VISIT}
    refunds = [
        {"op": "refund", "id": f"r{number}", "of": of, "benefit_year": "Y1", "expect_error": "SETTLEMENT_NOT_FOUND"}
        for number, of in enumerate(("p1", "nothing"))
    ]
    assert told(tmp_path, "beijing-employee@2023-01-01", tried, *refunds) == []


def test_the_current_years_account_money_becomes_the_pasts_with_the_year(tmp_path: Path) -> None:
    account = {"balance": 500_000, "current_year_balance": 300_000, "use": True}
    first = {"op": "settle", "id": "s1", "setl_date": "2025-12-30", **VISIT}
    second = {"op": "settle", "id": "s2", "setl_date": "2026-01-05", **VISIT}
    left = {"balance": 314_000, "current_year_balance": 114_000}
    last = {"balance": 128_000, "current_year_balance": 0}
    bills = (first | {"account_after": left}, second | {"account_after": last})
    assert told(tmp_path, "beijing-employee@2023-01-01", *bills, account_before=account) == []


def test_a_stay_is_taken_back_from_its_end_also_across_the_year(tmp_path: Path) -> None:
    first = {"op": "settle", "id": "s1", "setl_date": "2025-12-31", **STAY}
    rest = {"op": "settle", "id": "s2", "setl_date": "2026-01-05", **STAY, "visit": STAY["visit"] | {"same_stay": True}}
    early = {"op": "refund", "id": "r0", "of": "s1", "expect_error": "LATER_SETTLEMENT_EXISTS"}
    in_turn = [{"op": "refund", "id": "r2", "of": "s2"}, {"op": "refund", "id": "r1", "of": "s1"}]
    assert told(tmp_path, "beijing-employee@2023-01-01", first, rest, early, *in_turn) == []
