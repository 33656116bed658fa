"""The gateway names no field of a member's message and no transaction: what it must know of one, an option of the contract says.

What it does name is the envelope's own: fields beside `input`, and the node `data` of the credential decoder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor

import gateway
from gateway.national.codec.plan import Kind, fields_of
from gateway.national.transactions import Transactions, known_titles
from services.runtime.contract import Contract, ContractError, MethodContract
from yibao.gateway.v1 import envelope_pb2
from yibao.identity.v1 import partner_pb2

_ROOT = Path(gateway.__file__).parent
# Words that the gateway means otherwise: the decoder's node, parts of a clock in a pattern, whether the sign-in number holds.
_OTHERWISE = frozenset({"data", "year", "sign_in"})


def _methods() -> list[MethodContract]:
    return [method for method in Contract.of_mesh().methods.values() if method.transactions]


def _below(message: Descriptor, found: set[str]) -> set[str]:
    for field in message.fields:
        if field.name not in found:
            found.add(field.name)
            if field.message_type is not None and field.message_type.file.package.startswith("yibao."):
                _below(field.message_type, found)
    return found


def names_of_members() -> frozenset[str]:
    """Fields of all messages that national transactions carry, less those of the envelope."""
    found: set[str] = set()
    for method in _methods():
        for message in (method.request_class, method.response_class):
            descriptor: Any = message.DESCRIPTOR
            _below(descriptor, found)
    envelope: Any = envelope_pb2.Envelope.DESCRIPTOR
    return frozenset(found) - {field.name for field in envelope.fields} - _OTHERWISE


def named_in(source: str, names: frozenset[str], infnos: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Line and word of every field or transaction that the code names, in texts and after a dot."""
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            word = node.value
            if word in infnos or not names.isdisjoint(word.split(".")):
                yield node.lineno, word
        elif isinstance(node, ast.Attribute) and "_" in node.attr and node.attr in names:
            yield node.lineno, node.attr


def test_the_national_face_names_no_field_of_a_member_and_no_transaction() -> None:
    names, infnos = names_of_members(), frozenset(known_titles())
    assert {"psn_no", "endtime", "feedetl_sn"} <= names
    found = {
        f"{path.relative_to(_ROOT)}:{line} {word}"
        for path in sorted(_ROOT.joinpath("national").rglob("*.py"))
        for line, word in named_in(path.read_text(encoding="utf-8"), names, infnos)
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    ['x = plan.field == "endtime"\n', 'get("data.psn_no")\n', 'if infno == "5204":\n    pass\n', "row.psn_no\n"],
)
def test_a_name_that_slips_in_is_found(source: str) -> None:
    assert list(named_in(source, frozenset({"endtime", "psn_no"}), frozenset({"5204"})))


def test_every_transaction_about_a_person_says_which_field_names_the_person() -> None:
    untold = []
    for method in _methods():
        descriptor: Any = method.request_class.DESCRIPTOR
        rows = [plan.row for plan in fields_of(descriptor) if plan.kind is Kind.ROW and plan.row is not None]
        plans = [plan for message in (descriptor, *rows) for plan in fields_of(message)]
        if any(plan.field == "psn_no" for plan in plans) and not any(plan.person for plan in plans):
            untold.append(method.name)
    assert untold == []


@pytest.mark.parametrize("wrong", ["no_such_switch", "charset"])
def test_a_switch_that_no_dialect_has_is_refused_at_start(wrong: str) -> None:
    listed = next(m for m in Contract.of_mesh().methods.values() if any(each.bare_if for each in m.transactions))
    method = replace(listed, transactions=tuple(replace(each, bare_if=wrong) for each in listed.transactions))
    with pytest.raises(ContractError, match=wrong):
        Transactions(Contract({method.path: method}), known_titles())


def test_the_switches_that_options_name_are_switches_of_a_dialect() -> None:
    switches = {each.bare_if for method in Contract.of_mesh().methods.values() for each in method.transactions} - {""}
    assert switches == {"bare_array_5204"}
    assert switches <= set(partner_pb2.Dialect.DESCRIPTOR.fields_by_name)
