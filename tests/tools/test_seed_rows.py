"""Rows of seed files: a policy is one row, whatever the order of its keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from tools.cli.seed_rows import SeedRows

POLICY = 'id: p\nversion: "1"\nlayers:\n  - {id: a}\n  - {id: b}\nschema: hsa.policy/1\n'
FIRST = "schema: hsa.policy/1\n" + POLICY.replace("schema: hsa.policy/1\n", "")


def rows_of(tmp_path: Path, text: str) -> SeedRows:
    file = tmp_path / "file.yaml"
    file.write_text(text, encoding="utf-8")
    rows = SeedRows()
    rows.add(file)
    return rows


@pytest.mark.parametrize("text", [POLICY, FIRST])
def test_a_policy_is_one_row_wherever_its_schema_stands(tmp_path: Path, text: str) -> None:
    rows = rows_of(tmp_path, text)
    (policy,) = rows.messages("policies", rows.by_kind["policies"])
    wanted = {"schema": "hsa.policy/1", "id": "p", "version": "1", "layers": [{"id": "a"}, {"id": "b"}]}
    assert json.loads(policy.document_json) == wanted
    assert sum(map(len, rows.by_kind.values())) == 1


@pytest.mark.parametrize("text", ["person: []\n", "id: p\nversion: '1'\n", "divisions: []\nschema: hsa.policy/1\n"])
def test_a_file_of_no_kind_that_is_no_policy_is_refused_with_the_names_that_are_known(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(Fault) as refused:
        rows_of(tmp_path, text)
    assert [each.rule for each in refused.value.violations] == ["unknown_key"]
