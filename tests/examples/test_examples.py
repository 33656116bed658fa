"""The examples of the reference are still what the contract asks for and answers; `python -m tests.examples` plays them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from gateway.http import Request
from gateway.jsoncodec.read import JsonReaders
from gateway.national.conformance import Conformance
from gateway.national.transactions import Transactions, known_titles
from gateway.reference import examples, national
from gateway.rest import Routes
from gateway.tables import ENVELOPE_SERVICE
from services.runtime.admission import Admission
from services.runtime.contract import Contract
from tests.examples.play import CHECK, is_hidden, public_methods, texts_below
from tests.tokens import Tokens

PLAYED: Final = examples.load()
CONTRACT: Final = Contract.of_mesh()
ROUTES: Final = Routes(Contract({**CONTRACT.methods, **Contract.load((ENVELOPE_SERVICE,)).methods}))
TABLE: Final = Transactions(CONTRACT, known_titles())
AGAIN: Final = "play them again: python -m tests.examples"
NOW: Final = datetime(2026, 6, 10, 4, 0, tzinfo=UTC)
ADMISSION: Final = Admission(Tokens("k" * 32, lambda: NOW).signer("gateway"), lambda: NOW, sandbox=True)
READERS: Final = JsonReaders()
# Around the node of the credential decoder.
HEAD: Final = {"code", "message", "orgId", "data"}


FILES = frozenset(each.infno for each in TABLE.served if each.file)
"""Of these the answer is a file, and a refusal is shown."""


def names_below(value: Any, closed: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every name in a value, however deep, but not below these."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in closed:
                yield from names_below(inner, closed)
    elif isinstance(value, list):
        for each in value:
            yield from names_below(each, closed)


def test_everything_that_is_served_was_played_and_nothing_else_is_shown() -> None:
    assert PLAYED.national.keys() == {each.infno for each in TABLE.served}, AGAIN
    assert PLAYED.rest.keys() == {each.full_name for each in public_methods(CONTRACT)} | {CHECK}, AGAIN


@pytest.mark.parametrize("infno", PLAYED.national)
def test_a_played_message_conforms_to_the_text(infno: str) -> None:
    body = json.dumps(PLAYED.national[infno]["request"]).encode()
    request = Request("POST", "/", "", {"content-type": "application/json"}, body, NOW)
    checked = Conformance(TABLE, ADMISSION).check(request)
    assert not checked.findings, f"{checked}; {AGAIN}"


def test_played_answers_of_the_national_interface_have_the_fields_that_are_answered_today() -> None:
    shown = {each["infno"]: each["output"] for each in national.transactions(TABLE, {})}
    for infno, pair in PLAYED.national.items():
        answer = pair["answer"]
        if infno in FILES:
            assert answer["err_msg"].startswith("[FILE_NOT_FOUND]")
            continue
        assert answer.get("infcode", answer.get("code")) == 0
        output = answer["output"] if "output" in answer else {"data": answer["data"]}
        nodes = {name for node in shown[infno] for name in (node["node"], *node["also"])}
        fields = {
            name
            for node in shown[infno]
            for field in node["fields"]
            for name in (field["name"], *field.get("also", ()))
        }
        known = nodes | {step for name in fields for step in name.split(".")}
        # Of a row inside a node the page tells its name alone.
        rows = frozenset(field["name"] for node in shown[infno] for field in node["fields"] if field["type"] == "row")
        assert set(names_below(output, rows)) - known <= (HEAD if "code" in answer else set()), f"{infno}: {AGAIN}"
        filled = [node for node in shown[infno] if output.get(node["node"])]
        wanted = {field["name"].rpartition(".")[2] for node in filled for field in node["fields"]}
        assert wanted <= set(names_below(output)), f"{infno}: {AGAIN}"


@pytest.mark.parametrize("name", PLAYED.rest)
def test_a_played_call_is_read_and_allowed_by_the_contract(name: str) -> None:
    pair = PLAYED.rest[name]
    (route,) = [each for each in ROUTES.all if each.method.full_name == name]
    found, _ = ROUTES.find(route.http.verb, pair["path"].partition("?")[0])
    assert found is route, AGAIN
    if route.http.body == "*":
        assert not ADMISSION.violations(route.read(pair["request"])), AGAIN
    # A name that the answer no longer has is refused by its path.
    READERS.message(route.method.response_class)(pair["answer"])


def test_no_secret_and_nobody_real_is_shown() -> None:
    text = json.dumps([PLAYED.national, PLAYED.rest])
    for name, value in texts_below([PLAYED.national, PLAYED.rest]):
        if is_hidden(name):
            assert value == "" or value.startswith("sample-"), name
    # Division 990000 exists on no map.
    people = set(re.findall(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{5}[\dX](?!\d)", text))
    assert people
    assert {each[:6] for each in people} == {"990000"}
