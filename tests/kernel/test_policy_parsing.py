"""Reading a policy document: every trap refused with its path, every violation told at once, the model exact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.kernel.policy.document import Amount, Band, Indexed, Policy, Sequence, Step
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.parsing import parse_policy
from services.runtime.documents.files import read_document
from tests.settlement.synthetic import flat, layer, one, policy

SAMPLES = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples" / "policies"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.yaml"))


def sample(name: str) -> dict[str, Any]:
    """A shipped policy as a plain document."""
    found = read_document(SAMPLES / f"{name}.yaml")
    assert isinstance(found, dict)
    return found


def violations(document: Any) -> dict[str, str]:
    """Path and rule of everything wrong with a document."""
    with pytest.raises(Fault) as caught:
        parse_policy(document)
    assert caught.value.reason == "POLICY_INVALID"
    return {violation.path: violation.rule for violation in caught.value.violations}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_is_read_and_named_as_its_file(name: str) -> None:
    assert parse_policy(sample(name)).name == name


def test_thirty_policies_are_shipped_with_their_marks_and_confidence() -> None:
    assert len(NAMES) == 30
    for name in NAMES:
        found = parse_policy(sample(name))
        assert found.figures
        assert all(figure.mark and figure.confidence for figure in found.figures)


def test_the_model_holds_fen_fractions_and_days() -> None:
    found = parse_policy(sample("shenzhen-employee-t1@2023-10-01"))
    assert (found.effective_from, found.effective_to) == (date(2023, 10, 1), None)
    assert found.layers[0].tiers.table[0].value == (Band(None, Fraction(3, 4)),)
    assert found.layers[0].caps[0].table[0].value == Indexed("avg_wage", Fraction(3, 50))
    assert found.indices == (("avg_wage", 17_700_000),)
    chengdu = parse_policy(sample("chengdu-employee@2023-01-01")).layers[1].deductible
    assert chengdu is not None
    assert chengdu.table[3].value == Step(80_000, 10_000, 16_000)
    jinan = parse_policy(sample("jinan-employee@2025-01-01"))
    assert jinan.layers[0].deductible is not None
    assert jinan.layers[0].deductible.ladder
    assert jinan.layers[0].deductible.table[2].value == Amount(80_000)
    assert jinan.layers[1].deductible is not None
    assert jinan.layers[1].deductible.table[2].value == Sequence((100_000, 50_000, 0))


def test_a_plain_invented_policy_is_fine() -> None:
    assert isinstance(parse_policy(policy(layer())), Policy)


def test_all_violations_are_told_at_once() -> None:
    document = policy(layer(fund="hifdm_pay", colour="red"), region="9901")
    del document["title"]
    document["figures"][0]["doc"] = "nowhere"
    assert violations(document) == {
        "title": "required",
        "region": "pattern",
        "figures[0].doc": "unknown_document",
        "layers[0].colour": "unknown_key",
        "layers[0].fund": "choice",
    }


BROKEN: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("effective.from", lambda d: d["effective"].update({"from": date(2025, 1, 1)}), "kind"),
    ("effective.from", lambda d: d["effective"].update({"from": "2025-02-30"}), "date"),
    ("effective.to", lambda d: d["effective"].update({"to": "2024-01-01"}), "effective"),
    ("layers[0].tiers.table[0].value[0].ratio", lambda d: put(d, 0.85), "float"),
    ("layers[0].tiers.table[0].value[0].ratio", lambda d: put(d, "0.85"), "percent"),
    ("layers[0].tiers.table[0].value[0].ratio", lambda d: put(d, 85), "percent"),
    ("layers[0].tiers.table[0].value[0].ratio", lambda d: put(d, "101%"), "percent.range"),
    (
        "layers[0].cap[True]",
        lambda d: d["layers"][0].update(cap={True: "fund_paid", "key": "k", "table": one(1)}),
        "key.text",
    ),
    ("benefit_year.start", lambda d: d.update(benefit_year={"start": "02-30"}), "pattern"),
    ("version", lambda d: d.update(version=2025), "text"),
    ("money", lambda d: d.update(money="fen"), "choice"),
    ("schema", lambda d: d.update(schema="hsa.policy/2"), "choice"),
    ("layers", lambda d: d.update(layers=[]), "list.least"),
    ("figures", lambda d: d.update(figures=[]), "list.least"),
    ("documents[0].mark", lambda d: d["documents"][0].update(mark="guessed"), "choice"),
    ("layers[0].when.shoe", lambda d: d["layers"][0].update(when={"shoe": ["43"]}), "unknown_fact"),
    ("layers[0].when.med_type[0]", lambda d: d["layers"][0].update(when={"med_type": ["hotel"]}), "fact_value"),
    ("layers[0].when.contracted[0]", lambda d: d["layers"][0].update(when={"contracted": [1]}), "fact_value"),
    ("layers[0].when.age", lambda d: d["layers"][0].update(when={"age": {"min": 5, "max": 4}}), "interval"),
    ("layers[0].when.status", lambda d: d["layers"][0].update(when={"status": ["resident"]}), "never"),
    ("layers[0]", lambda d: d["layers"][0].update(when_any=[{}]), "when"),
    ("layers[0].base", lambda d: d["layers"][0].update(base="everything"), "choice"),
    ("layers[0]", lambda d: d["layers"][0].update(base="over_cap:pool"), "over_cap"),
    ("layers[1]", lambda d: d["layers"].append(layer()), "duplicate"),
    ("layers[0].deductible", lambda d: dedc(d, {"mode": "annual", "table": one(1)}), "key"),
    ("layers[0].tiers", lambda d: dedc(d, {"mode": "annual_threshold", "table": one(1)}), "cumulative"),
    ("layers[0].deductible.table[0].value", lambda d: dedc(d, {"mode": "per_visit", "table": one("1.234")}), "money"),
    ("layers[0].deductible.table[0].value", lambda d: dedc(d, {"mode": "per_visit", "table": one(-1)}), "money.least"),
    ("layers[0].deductible.table[0].value", lambda d: dedc(d, {"mode": "per_visit", "table": one(True)}), "money"),
    ("layers[0].undeclared", lambda d: d["layers"][0].update(cap=cap("undeclared")), "accumulator"),
    ("layers[0].cap.key", lambda d: d["layers"][0].update(cap=cap("x:{age}")), "key.fact"),
    ("layers[0].cap2", lambda d: d["layers"][0].update(cap2=cap("k")), "cap2"),
    ("layers[0].tiers.table[0].value[0].upto", lambda d: bands(d, [{"upto": 5, "ratio": "1%"}]), "upto"),
    (
        "layers[0].tiers.table[0].value[1].upto",
        lambda d: bands(d, [{"upto": n, "ratio": "1%"} for n in (5, 5, None)]),
        "upto",
    ),
    ("partial[0]", lambda d: d.update(partial=["nobody"]), "choice"),
    ("remote[0].value", lambda d: d.update(remote=[{"when": {}, "method": "pre_selfpay"}]), "percent"),
    (
        "remote[0].value",
        lambda d: d.update(remote=[{"when": {}, "method": "ratio_points", "value": "5%"}]),
        "percent.range",
    ),
    ("account.order", lambda d: d.update(account={"scope": "none", "order": ["own"]}), "order"),
    (
        "account.held",
        lambda d: d.update(
            account={
                "scope": "all_personal",
                "order": ["own"],
                "held": "bank",
                "first": {"when": {}, "from": "current_year_balance"},
            }
        ),
        "held",
    ),
    ("principles", lambda d: d.update(principles={}), "constraint"),
    ("layers", lambda d: d.update(kind="constraint"), "constraint"),
]


def put(document: dict[str, Any], ratio: object) -> None:
    document["layers"][0]["tiers"]["table"][0]["value"][0]["ratio"] = ratio


def bands(document: dict[str, Any], value: object) -> None:
    document["layers"][0]["tiers"]["table"][0]["value"] = value


def dedc(document: dict[str, Any], value: object) -> None:
    document["layers"][0]["deductible"] = value


def cap(key: str) -> dict[str, Any]:
    return {"measure": "fund_paid", "key": key, "table": one(1)}


@pytest.mark.parametrize(("path", "change", "rule"), BROKEN, ids=[f"{path}-{rule}" for path, _, rule in BROKEN])
def test_one_broken_rule_is_told_with_its_path(
    path: str, change: Callable[[dict[str, Any]], object], rule: str
) -> None:
    document = policy(layer())
    change(document)
    assert violations(document).get(path) == rule


@pytest.mark.parametrize("document", [None, [], "text", 5, {}])
def test_what_is_no_policy_at_all_is_refused_too(document: object) -> None:
    assert violations(document)


def test_an_unknown_index_and_a_money_key_that_counts_are_refused() -> None:
    indexed = {"measure": "fund_paid", "key": "adm", "table": one({"indexed": {"index": "moon", "times": "2"}})}
    counted = {"mode": "per_admission", "count_key": "adm", "table": one(100)}
    found = violations(policy(layer(deductible=counted), layer(id="b", stage=20, cap=indexed), keys=("adm",)))
    assert found == {"layers[1].adm": "count_key", "layers[1].moon": "index"}


def test_the_hash_follows_content_and_not_layout() -> None:
    document = policy(layer())
    turned = dict(reversed(document.items()))
    assert policy_hash(document) == policy_hash(turned)
    assert len(policy_hash(document)) == 64
    assert policy_hash(document) != policy_hash(policy(layer(tiers={"position": "bill", "table": flat("86%")})))
