"""The proof of tables over all enumerations, and the warnings about what is well formed but surprising."""

from __future__ import annotations

from typing import Any

import pytest

from services.kernel.errors import Fault
from services.kernel.policy.lints import lint_policy
from services.kernel.policy.parsing import parse_policy
from tests.kernel.test_policy_parsing import NAMES, sample, violations
from tests.settlement.synthetic import flat, layer, one, policy

CONSTRAINT = "cross-province@2023-01-01"


def rows(*whens: dict[str, Any]) -> dict[str, Any]:
    """Tiers with one row for each condition."""
    return {"position": "bill", "table": [{**flat("50%")[0], "when": when} for when in whens]}


def test_a_gap_is_told_with_a_case_that_falls_in() -> None:
    document = policy(layer(tiers=rows({"hosp_lv": ["1", "2", "3"]})))
    with pytest.raises(Fault) as caught:
        parse_policy(document)
    (found,) = caught.value.violations
    assert (found.path, found.rule) == ("layers[0].tiers.table", "table.complete")
    assert found.description == "no row matches hosp_lv=community"


def test_an_overlap_is_told_with_its_rows() -> None:
    document = policy(layer(tiers=rows({"age": {"max": 60}}, {"age": {"min": 60}})))
    with pytest.raises(Fault) as caught:
        parse_policy(document)
    assert caught.value.violations[0].description == "rows 0, 1 all match age=60"


def test_numbers_are_proved_at_every_end() -> None:
    fine = rows({"age_any": [{"max": 6}, {"min": 70}]}, {"age": {"min": 7, "max": 69}})
    parse_policy(policy(layer(tiers=fine)))
    gap = rows({"age": {"max": 6}}, {"age": {"min": 8}})
    assert violations(policy(layer(tiers=gap))) == {"layers[0].tiers.table": "table.complete"}


def test_a_table_need_only_cover_what_its_layer_admits() -> None:
    only = {"med_type": ["inpatient"], "hosp_lv": ["3"]}
    parse_policy(policy(layer(when=only, tiers=rows({"hosp_lv": ["3"]}))))
    dead = violations(policy(layer(when=only, tiers=rows({"hosp_lv": ["3"]}, {"hosp_lv": ["2"]}))))
    assert dead == {"layers[0].tiers.table[1]": "table.dead"}


def test_an_employee_table_need_not_know_residents() -> None:
    tiers = rows({"status": ["active"]}, {"status": ["retired"]})
    parse_policy(policy(layer(tiers=tiers)))
    assert violations(policy(layer(tiers=tiers), insutype="ma")) == {"layers[0].tiers.table": "table.complete"}


def test_a_partial_layer_may_have_gaps_and_no_overlap() -> None:
    parse_policy(policy(layer(tiers=rows({"hosp_lv": ["2"]})), partial=["pool"]))
    overlap = rows({"hosp_lv": ["2"]}, {"hosp_lv": ["2", "3"]})
    assert violations(policy(layer(tiers=overlap), partial=["pool"])) == {"layers[0].tiers.table": "table.unique"}


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (
            {"deductible": {"mode": "per_visit", "table": [{"when": {"hosp_lv": ["3"]}, "value": 1}]}},
            "deductible.table",
        ),
        ({"cap": {"measure": "inscp", "key": "k", "table": [{"when": {"hosp_lv": ["3"]}, "value": 1}]}}, "cap.table"),
    ],
)
def test_deductibles_and_ceilings_are_proved_as_well(part: dict[str, Any], path: str) -> None:
    assert violations(policy(layer(**part), keys=("k",))) == {f"layers[0].{path}": "table.complete"}


def test_remote_rules_are_a_table_too() -> None:
    remote = [{"when": {"remote": ["local"]}, "method": "none"}]
    assert violations(policy(layer(), remote=remote)) == {"remote": "table.complete"}


def test_alternatives_of_a_layer_widen_what_must_be_covered() -> None:
    part = layer(
        when_any=[{"med_type": ["inpatient"]}, {"med_type": ["outpatient_chronic"], "chronic_class": ["I"]}],
        tiers=rows({"med_type": ["inpatient"]}),
    )
    del part["when"]
    assert violations(policy(part)) == {"layers[0].tiers.table": "table.complete"}


def test_the_two_partial_files_have_gaps_and_no_other_does() -> None:
    partial = {name for name in NAMES if parse_policy(sample(name)).partial}
    assert partial == {"tianjin-employee-op@2023-01-01", "chongqing-resident@2024-01-01"}
    for name in partial:
        document = {key: value for key, value in sample(name).items() if key != "partial"}
        assert "table.complete" in violations(document).values()


def test_the_reduction_for_remote_care_is_held_against_the_national_limit() -> None:
    constraint = parse_policy(sample(CONSTRAINT))
    warned: dict[str, list[tuple[str, str]]] = {}
    for name in NAMES:
        for lint in lint_policy(parse_policy(sample(name)), constraint):
            warned.setdefault(name, []).append((lint.rule, lint.text))
    assert warned["guangzhou-employee@2023-01-01"] == [
        (
            "remote.limit",
            "temporary: 27.9% points off (ratio_factor 70% at 93% in ip_pool), at most 20% are allowed",
        )
    ]
    assert "beijing-employee@2023-01-01" not in warned, "20 points are the limit, not above it"
    assert "nanchang-employee@2025-01-01" not in warned, "20 % of at most 100 % are 20 points"
    assert len(warned) == 11


def level_rows(*ratios: str) -> dict[str, Any]:
    levels = ("community", "1", "2", "3")
    table = [
        {"when": {"hosp_lv": [level]}, "value": [{"upto": None, "ratio": ratio}]}
        for level, ratio in zip(levels, ratios, strict=True)
    ]
    return {"position": "bill", "table": table}


def test_a_ratio_that_rises_with_the_hospital_level_is_warned_about() -> None:
    lints = lint_policy(parse_policy(policy(layer(tiers=level_rows("90%", "80%", "85%", "70%")))))
    assert [(lint.path, lint.rule) for lint in lints] == [("layers[0].tiers", "ratio.level")]
    assert lints[0].text == "1: 80% < 2: 85% from position 0 fen"


def test_retired_people_who_get_less_are_warned_about() -> None:
    tiers = rows({"status": ["active"]}, {"status": ["retired"]})
    tiers["table"][1]["value"] = [{"upto": None, "ratio": "49.5%"}]
    lints = lint_policy(parse_policy(policy(layer(tiers=tiers))))
    assert [(lint.rule, lint.text) for lint in lints] == [
        ("ratio.retired", "retired: 49.5% < active: 50% from position 0 fen")
    ]


def test_a_deductible_that_falls_with_the_level_and_an_idle_key_are_warned_about() -> None:
    table = [{"when": {"hosp_lv": ["3"]}, "value": 100}, {"when": {"hosp_lv": ["community", "1", "2"]}, "value": 200}]
    document = policy(layer(deductible={"mode": "per_visit", "table": table}), keys=("idle",))
    assert [lint.rule for lint in lint_policy(parse_policy(document))] == ["deductible.level", "accumulator.unused"]


def test_a_table_over_too_many_cases_is_refused() -> None:
    every = {name: ["0", "1"] for name in ("cvlserv", "ent_flag")}
    wide = {
        **every,
        "hosp_lv": ["community", "1", "2", "3"],
        "remote": ["local", "filed_long_term", "transfer", "emergency", "temporary"],
        "identity": ["normal", "dibao", "tekun", "dibian", "zhichu", "fanpin"],
        "status": ["active", "retired"],
        "contracted": [False, True],
        "chronic_class": ["none", "I", "II"],
        "ma_category": ["none", "ordinary", "major"],
        "cvl_rank": ["section", "county", "department"],
    }
    document = policy(layer(deductible={"mode": "per_visit", "table": [{**one(1)[0], "when": wide}]}))
    assert violations(document) == {"layers[0].deductible.table": "cases"}
