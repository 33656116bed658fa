"""The "required" column of the national text as the contract has it, and as the reference has it where that stands by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway import tables
from gateway.national.codec.plan import FieldPlan, Place, fields_of, folded, ignored
from gateway.national.envelope import INFNO
from gateway.national.transactions import Served
from gateway.reference.schemas import is_required
from yibao.gateway.v1 import envelope_pb2
from yibao.options.v1 import options_pb2

REFERENCE: Final = Path(__file__).resolve().parents[3] / "shared" / "reference"
TABLES: Final = REFERENCE / "nhsa-interface.json"
ENVELOPE: Final = envelope_pb2.Envelope.DESCRIPTOR
SECOND_FORMS: Final[Mapping[str, str]] = {"2206A": "2206", "2207A": "2207"}
# Of a province's edition, and one of which only the name is public: the tables of the reference do not have them.
WITHOUT_TABLE: Final = frozenset(("3260", "3261", "3262", "5461"))
# Required by the text, and not looked at: a delivery and a stay are told where they are registered, what has no fixed content is
# nowhere read, a line is of the order's visit and person, and a report is known by its own number.
UNREAD: Final = frozenset(
    {
        ("4501", "examinfo", "mdtrt_sn"),
        *(("6201", "data", name) for name in ("extData", "fetts", "matnType")),
        *(("6201", "feedetailList", name) for name in ("mdtrtId", "medType", "psnNo")),
    }
)
# A payAuthNo stands for the ecToken, and most bills have no disease of a list.
NOT_ALWAYS: Final = frozenset(("FeeUpload.dise_codg", "FeeUpload.ec_token", "OrderRefund.ec_token"))


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the contract under one of its names."""

    field: FieldDescriptor
    plan: FieldPlan


Names = dict[tuple[str, str], Column]

beside = pytest.mark.skipif(not TABLES.exists(), reason="the reference folder is not beside this clone")


def served() -> Iterator[tuple[str, Served]]:
    """Each transaction of the envelope, by the number under which the text describes it."""
    for each in tables.transactions().served:
        if each.wrapper == INFNO and each.infno not in WITHOUT_TABLE:
            yield SECOND_FORMS.get(each.infno, each.infno), each


def columns(each: Served) -> tuple[Names, Mapping[str, frozenset[str]]]:
    """By node and name: the field that is read there. And the names that each node ignores."""
    request: Any = each.method.request_class.DESCRIPTOR
    plans = fields_of(request)
    nodes: dict[str, Descriptor] = {"": request}
    nodes |= {name: plan.row for plan in plans if plan.row and plan.place is Place.NODE for name in plan.names}
    # Lists inside a node stand in the text as nodes of their own.
    inner = [plan for node in list(nodes.values())[1:] for plan in fields_of(node) if plan.row]
    nodes |= {name: plan.row for plan in inner if plan.row for name in plan.names}
    found: Names = {}
    for node, message in nodes.items():
        for plan in fields_of(message):
            column = Column(message.fields_by_name[plan.field], plan)
            if plan.row is None:
                found |= {(node, name): column for name in plan.names}
            for path in plan.paths:
                found.setdefault((path[0], path[1]), column)
    return found, {node: ignored(message) for node, message in nodes.items()}


def text_of(infno: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Node and field of each input field of the text."""
    tables = json.loads(TABLES.read_text(encoding="utf-8"))
    for node, table in tables[infno]["input"].items():
        for field in table["fields"]:
            yield node, field


@cache
def nodes_of(infno: str) -> frozenset[str]:
    """Names of the nodes of a transaction; a list inside a node is one."""
    return frozenset(json.loads(TABLES.read_text(encoding="utf-8"))[infno]["input"])


@beside
def test_every_required_field_of_the_text_is_required_in_the_contract_and_no_other() -> None:
    wrong: list[str] = []
    count = lenient = 0
    for infno, each in served():
        names, _ = columns(each)
        wanted = {(node, field["name"]) for node, field in text_of(infno) if field["required"]}
        wanted = {key for key in wanted if (infno, *key) not in UNREAD and key[1] not in nodes_of(infno)}
        wrong += [f"{infno} {node}.{name}: unknown to the contract" for node, name in wanted - names.keys()]
        wanted_fields = {names[key].field.full_name for key in wanted & names.keys()}
        required = {column.field.full_name for column in names.values() if column.plan.is_required({infno})}
        told = {name.partition(".v1.")[2]: name for name in required ^ wanted_fields}
        wrong += [f"{infno} {told[name]}" for name in told.keys() - NOT_ALWAYS]
        if infno == each.infno:
            count += len(wanted)
            lenient += sum(not is_required(names[key].field) for key in wanted)
    assert wrong == []
    assert count >= 186, count
    assert lenient >= 70


@beside
def test_every_input_field_of_the_text_is_read_or_named_as_ignored() -> None:
    unknown: list[str] = []
    for infno, each in served():
        names, left = columns(each)
        known = {(node, folded(name)) for node, name in names}
        unknown += [
            f"{infno} {node}.{field['name']}"
            for node, field in text_of(infno)
            if (node, folded(field["name"])) not in known
            and field["name"] not in left.get(node, ())
            and field["name"] not in nodes_of(infno)
        ]
    assert unknown == []


@beside
def test_the_envelope_is_that_of_the_text() -> None:
    section = (REFERENCE / "nhsa-interface.md").read_text(encoding="utf-8").split("## 2.")[1].split("## 3.")[0]
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| (Y|cond\.)? *\|", section, re.MULTILINE)
    assert len(rows) == len(ENVELOPE.fields)
    required = {
        plan: field.GetOptions().Extensions[options_pb2.national].required
        for plan, field in ((field.name, field) for field in ENVELOPE.fields)
    }
    assert {name: flag == "Y" for name, flag in rows} == required
    others = re.search(r"More keys seen and to be ignored: (.+)", section)
    assert others is not None
    assert set(re.findall(r"`(\w+)`", others[1])) == ignored(ENVELOPE)


def test_what_a_node_ignores_is_nothing_that_it_reads() -> None:
    for infno, each in served():
        names, left = columns(each)
        assert not {(node, name) for node, found in left.items() for name in found} & names.keys(), infno


@pytest.mark.parametrize(
    ("infno", "node", "name", "required"),
    [
        ("2201", "data", "dept_code", True),
        ("2201", "data", "dr_name", False),
        ("2204", "feedetail", "hosp_appr_flag", True),
        ("2301", "feedetail", "hosp_appr_flag", False),
        ("2204", "feedetail", "mdtrt_id", True),
        ("2207", "data", "inscp_scp_amt", True),
        ("2206", "data", "inscp_scp_amt", False),
        ("2401", "diseinfo", "psn_no", True),
        ("2203", "diseinfo", "psn_no", False),
    ],
)
def test_a_field_may_be_required_in_some_transactions_only(infno: str, node: str, name: str, required: bool) -> None:
    each = dict(served())[infno]
    assert columns(each)[0][node, name].plan.is_required({infno}) is required
