"""The reference: made from the descriptors, whole, and pointing nowhere that does not exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.national.transactions import Transactions, known_titles
from gateway.openapi import document
from gateway.reference import comments
from gateway.rest import Routes
from services.runtime.call import Role
from services.runtime.contract import Contract
from tools import gen_comments


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    """The document."""
    contract = Contract.of_mesh()
    made = document(Routes(contract), Transactions(contract, known_titles()), comments.load(), "1")
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def references(value: Any) -> Iterator[str]:
    """Every `$ref` below a value."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_comments_are_those_of_the_protos() -> None:
    assert gen_comments.TARGET.read_text(encoding="utf-8") == gen_comments.text()


def test_every_reference_leads_somewhere(api: dict[str, Any]) -> None:
    for reference in references(api):
        place: Any = api
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place, reference


def test_every_rpc_that_is_not_for_members_only_is_described_with_comment_and_roles(api: dict[str, Any]) -> None:
    described = {each["operationId"] for verbs in api["paths"].values() for each in verbs.values()}
    for method in Contract.of_mesh().methods.values():
        name = f"{method.service.rpartition('.')[2]}_{method.name}"
        assert (name in described) == (method.roles != {Role.SERVICE}), name
    for verbs in api["paths"].values():
        for operation in verbs.values():
            assert operation["description"]
            assert operation["x-roles"]


def test_every_operation_tells_how_long_a_caller_may_wait(api: dict[str, Any]) -> None:
    wanted = {"$ref": "#/components/parameters/GrpcTimeout"}
    assert all(wanted in each["parameters"] for verbs in api["paths"].values() for each in verbs.values())
    said = api["components"]["parameters"]["GrpcTimeout"]["description"]
    assert "10 s" in said
    assert "600 s" in said


def test_constraints_and_data_classes_are_told(api: dict[str, Any]) -> None:
    bill = api["components"]["schemas"]["settlement.v1.Bill"]
    assert bill["properties"]["psnNo"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 30,
        "x-data-class": "IDENTITY",
    }
    assert bill["properties"]["medfeeSumamtFen"]["format"] == "int64"
    assert bill["properties"]["medType"]["x-national-codes"]["MED_TYPE_OUTPATIENT"] == "11"
    assert "medType" in bill["required"]
    assert "invono" not in bill["required"]


def test_errors_come_from_the_comments_and_follow_those_of(api: dict[str, Any]) -> None:
    settle = api["paths"]["/v1/settlements"]["post"]
    assert {"SPLIT_CHANGED", "EC_TOKEN_EXPIRED", "FEE_SUM_MISMATCH", "REQUEST_ID_REUSED"} <= set(settle["x-errors"])
    assert settle["x-infno"] == ["2207", "2207A"]
    for verbs in api["paths"].values():
        for operation in verbs.values():
            assert set(operation["x-errors"]) <= api["x-error-reasons"].keys()


def test_the_national_table_shows_nodes_fields_and_codes(api: dict[str, Any]) -> None:
    (bill,) = [each for each in api["x-national-transactions"] if each["infno"] == "2207"]
    (node,) = bill["input"]
    assert (node["node"], node["also"], node["list"]) == ("data", ["mdtrtinfo"], False)
    fields = {each["name"]: each for each in node["fields"]}
    assert fields["medfee_sumamt"]["type"] == "yuan, 2 decimals"
    assert fields["med_type"]["codes"]["11"] == "普通门诊"
    assert fields["psn_no"]["required"]
    assert [each["node"] for each in bill["output"]] == ["setlinfo", "setldetail"]
    assert "trial_hash" not in json.dumps(bill)


def test_what_is_not_served_is_listed_by_name(api: dict[str, Any]) -> None:
    assert api["x-national-not-served"]["3101"] == "明细审核分析服务"
    assert "2207" not in api["x-national-not-served"]


def test_the_page_reads_only_what_the_document_has(api: dict[str, Any]) -> None:
    page = (Path(gen_comments.TARGET).parent / "page.html").read_text(encoding="utf-8")
    for key in ("x-national-transactions", "x-national-not-served", "x-error-reasons"):
        assert key in api
        assert key in page
