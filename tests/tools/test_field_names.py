"""The committed Chinese names of fields are those of the facts, where the reference folder stands beside the clone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.reference import names
from tools import field_names

FACTS: Final = Path(__file__).resolve().parents[3] / "shared" / "reference" / "nhsa-interface.json"


def facts(*fields: tuple[str, str, str]) -> dict[str, Any]:
    """An interface of transactions with one field each: number, name, Chinese name."""
    return {
        infno: {"input": {"data": {"fields": [{"name": name, "label": label}]}}, "output": None}
        for infno, name, label in fields
    }


def test_a_name_is_what_most_transactions_call_it_and_one_may_differ() -> None:
    given = facts(("1101", "psn_no", "人员编号"), ("2001", "psn_no", "人员编号"), ("2207", "psn_no", "参保人编号"))
    made = json.loads(field_names.text(given))
    assert made["names"]["psn_no"] == "人员编号"
    assert made["apart"] == {"2207": {"psn_no": "参保人编号"}}
    known = names.FieldNames(made["names"], made["apart"])
    assert known.of("2207", ["data.psn_no"]) == "参保人编号"
    assert known.of("1101", ["other", "psn_no"]) == "人员编号"
    assert known.of("1101", ["other"]) == ""


@pytest.mark.skipif(not FACTS.exists(), reason="the reference folder is not beside this clone")
def test_the_committed_names_are_those_of_the_facts() -> None:
    assert field_names.TARGET.read_text(encoding="utf-8") == field_names.text(json.loads(FACTS.read_text("utf-8")))
