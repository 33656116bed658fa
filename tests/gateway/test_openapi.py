"""The reference: made from the descriptors, whole, and pointing nowhere that does not exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.national.transactions import Transactions, known_titles
from gateway.openapi import document
from gateway.reference import comments, examples, names
from gateway.reference.pages import server_of
from gateway.rest import Routes
from services.runtime.call import Role
from services.runtime.contract import Contract
from tools import gen_comments

CALL_SERVICE = "/fsi/api/rsfComIfsService/callService"


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    """The document."""
    contract = Contract.of_mesh()
    made = document(
        Routes(contract),
        Transactions(contract, known_titles()),
        comments.load(),
        "1",
        examples=examples.load(),
        names=names.load(),
        server="http://127.0.0.1:7400",
    )
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
    methods = Contract.of_mesh().methods.values()
    # These are reached by the RPC that they serve elsewhere.
    behind = {method.elsewhere.method for method in methods if method.elsewhere is not None}
    assert len(behind) >= 3
    for method in methods:
        name = f"{method.service.rpartition('.')[2]}_{method.name}"
        # A stream has no REST form: the description of the unary method names it.
        open_to_others = method.roles != {Role.SERVICE} and method.path not in behind and not method.stream_of
        assert (name in described) == open_to_others, name
    for verbs in api["paths"].values():
        for operation in verbs.values():
            assert operation["description"]
            assert operation["x-roles"]


def test_every_operation_tells_how_long_a_caller_may_wait(api: dict[str, Any]) -> None:
    wanted = {"$ref": "#/components/parameters/GrpcTimeout"}
    # The national interface has one limit, whatever a caller asks for.
    by_rest = [verbs for path, verbs in api["paths"].items() if path.startswith("/v1/")]
    assert all(wanted in each["parameters"] for verbs in by_rest for each in verbs.values())
    assert "7.5 s" in api["paths"][CALL_SERVICE]["post"]["description"]
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
    scripts = sorted(Path(gen_comments.TARGET).parent.glob("*.js"))
    page = "".join(script.read_text(encoding="utf-8") for script in scripts)
    for key in ("x-national-transactions", "x-national-not-served", "x-error-reasons", "x-field-names-zh"):
        assert key in api
        assert key in page


def operations(api: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and operation of everything that can be called."""
    for path, verbs in api["paths"].items():
        yield from ((path, each) for each in verbs.values())


UNPLAYED = frozenset(
    {
        "/v1/bureau/insured-parts:settle",
        "/v1/held-payments:decide",
        "/v1/imaging/conflicts:decide",
        "/v1/reconciliations/differences:resolve",
    }
)
"""About an order that waits at a channel, or for people, or a study in conflict, of which the generated cases have none."""


def test_every_operation_shows_a_played_question_and_answer(api: dict[str, Any]) -> None:
    for path, operation in operations(api):
        if path in UNPLAYED:
            continue
        answer = operation["responses"]["200"]["content"]["application/json"]
        assert "example" in answer or "examples" in answer, path
        if "requestBody" in operation:
            asked = operation["requestBody"]["content"]["application/json"]
            assert "example" in asked or "examples" in asked, path
        for each in operation["parameters"]:
            assert each.get("in") != "path" or each["example"], path


def test_the_envelope_is_a_path_with_one_example_for_each_transaction(api: dict[str, Any]) -> None:
    shown: dict[str, Any] = {}
    for path, operation in operations(api):
        if path.startswith("/v1/"):
            continue
        asked = operation["requestBody"]["content"]["application/json"]["examples"]
        answered = operation["responses"]["200"]["content"]["application/json"]["examples"]
        assert asked.keys() == answered.keys()
        shown |= asked
    assert list(shown) == [each["infno"] for each in api["x-national-transactions"]]
    assert shown["2207"]["summary"].startswith("2207 门诊结算")
    for infno, example in shown.items():
        assert infno in (example["value"].get("infno"), example["value"].get("transType"))
    assert {"infno", "msgid", "input"} <= set(api["components"]["schemas"]["gateway.v1.Envelope"]["required"])


def test_an_importer_learns_where_to_send(api: dict[str, Any]) -> None:
    assert [each["url"] for each in api["servers"]] == ["http://127.0.0.1:7400", "/"]
    assert "X-Yibao-Business-Date" in api["info"]["description"]
    assert server_of("0.0.0.0:7400") == "http://127.0.0.1:7400"
    assert server_of("::1:7400") == "http://[::1]:7400"


def test_fields_have_their_chinese_names(api: dict[str, Any]) -> None:
    fields = [
        (one["infno"], field["name"], field["zh"])
        for one in api["x-national-transactions"]
        for node in (*one["input"], *one["output"])
        for field in node["fields"]
    ]
    # A field of ours or of one province may be in no text of the nation.
    unnamed = {name for _, name, chinese in fields if not chinese}
    assert len(unnamed) * 50 < len({name for _, name, _ in fields}), unnamed
    assert ("2207", "medfee_sumamt", "医疗费总额") in fields
    names = api["x-field-names-zh"]
    assert names["medfee_sumamt"] == "医疗费总额"
    for schema in ("Envelope", "EnvelopeAnswer"):
        assert api["components"]["schemas"][f"gateway.v1.{schema}"]["properties"].keys() <= names.keys()
