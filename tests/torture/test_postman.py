"""Postman's own converter reads the document: every path, every transaction and every example is in the collection.

As the READMEs tell to import it. Apifox reads the same document; it was not run. The converter is installed for this test
alone, by its lock file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.national.envelope import INFNO
from gateway.national.transactions import Transactions, known_titles
from gateway.openapi import document
from gateway.reference import comments, examples, names
from gateway.reference.envelope import PATHS
from gateway.rest import Routes
from services.runtime.contract import Contract
from tools.tidy import ROOT

pytestmark = pytest.mark.torture

SOURCE = ROOT / "tests" / "torture" / "postman"
BIN = Path(sys.executable).parent
VERBS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    """The document."""
    contract = Contract.of_mesh()
    table = Transactions(contract, known_titles())
    made = document(
        Routes(contract),
        table,
        comments.load(),
        "1",
        examples=examples.load(),
        names=names.load(),
        server="http://127.0.0.1:7400",
    )
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


@pytest.fixture(scope="module")
def requests(api: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The requests of the collection."""
    folder = tmp_path_factory.mktemp("postman")
    for name in ("package.json", "package-lock.json", "convert.mjs"):
        shutil.copy(SOURCE / name, folder)
    path = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, env=path, check=True, timeout=300)
    (folder / "openapi.json").write_text(json.dumps(api), encoding="utf-8")
    made = subprocess.run(
        [BIN / "node", "convert.mjs", "openapi.json"], cwd=folder, capture_output=True, check=True, timeout=120
    )
    return list(found_in(json.loads(made.stdout)["item"]))


def found_in(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The requests in folders of folders."""
    for each in items:
        if "item" in each:
            yield from found_in(each["item"])
        else:
            yield each


def place(request: Mapping[str, Any]) -> tuple[str, str]:
    """Verb and path, as the document has them."""
    steps = [f"{{{each[1:]}}}" if each.startswith(":") else each for each in request["request"]["url"]["path"]]
    return request["request"]["method"].lower(), "/" + "/".join(steps)


def examples_of(content: Mapping[str, Any]) -> list[Any]:
    """The values of a body's examples."""
    told = content.get(JSON, {})
    return [told["example"]] if "example" in told else [each["value"] for each in told.get("examples", {}).values()]


def exchanges(request: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Question and answer of each saved answer that succeeded."""
    saved = [each for each in request["response"] if each.get("code") == 200]
    return [
        (json.loads(each["originalRequest"].get("body", {}).get("raw") or "null"), json.loads(each["body"]))
        for each in saved
    ]


def test_every_operation_is_a_request(api: dict[str, Any], requests: list[dict[str, Any]]) -> None:
    told = {(verb, path) for path, item in api["paths"].items() for verb in VERBS if verb in item}
    assert sorted(map(place, requests)) == sorted(told)


def test_each_transaction_is_shown_by_its_number_with_question_and_answer(
    api: dict[str, Any], requests: list[dict[str, Any]]
) -> None:
    path = PATHS[INFNO]
    (request,) = (each for each in requests if place(each) == ("post", path))
    operation = api["paths"][path]["post"]
    told = operation["requestBody"]["content"][JSON]["examples"]
    assert {each["name"] for each in request["response"]} == {each["summary"] for each in told.values()}
    assert {asked["infno"] for asked, _ in exchanges(request)} == set(operation["x-infno"])
    answers = operation["responses"]["200"]["content"][JSON]["examples"]
    shown = {asked["infno"]: (asked, answered) for asked, answered in exchanges(request)}
    assert shown == {name: (told[name]["value"], answers[name]["value"]) for name in told}


def test_every_other_example_survives_too(api: dict[str, Any], requests: list[dict[str, Any]]) -> None:
    lost = []
    for request in requests:
        verb, path = place(request)
        operation = api["paths"][path][verb]
        asked = examples_of(operation.get("requestBody", {}).get("content", {}))
        answered = examples_of(operation["responses"]["200"].get("content", {}))
        shown = exchanges(request)
        lost += [f"{path}: question" for each in asked if each not in [question for question, _ in shown]]
        lost += [f"{path}: answer" for each in answered if each not in [answer for _, answer in shown]]
    assert lost == []
