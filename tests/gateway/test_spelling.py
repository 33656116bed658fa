"""Every value that is read though the text writes it otherwise is told: generated over the contract, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway import tables
from gateway.national.codec.notes import Notes
from gateway.national.codec.plan import FieldPlan, Kind, Place, fields_of
from gateway.national.codec.tables import dictionaries, dictionary_of, is_division
from gateway.national.envelope import INFNO, decoder, read_body
from gateway.national.transactions import Served
from services.kernel.errors import Violations
from services.runtime.texts.lenient import LENIENT_RULES, LENIENT_STEPS
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from tests.gateway.test_conformance import findings
from tests.gateway.test_lenience import LINE, VISIT, warned
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

REFERENCE: Final = Path(__file__).resolve().parents[3] / "shared" / "reference"
TIMES: Final = ("2026/1/5 9:05:03", "2026-01-05T09:05:03", "20260105090503", "2026-1-5 9:05:03", "0001-01-01 00:00:00")
DAYS: Final = ("2026/1/5", "20260105", "2026-01-05 00:00:00", "2026年1月5日", "1900-01-01")
SERVED: Final = tuple(each for each in tables.transactions().served if each.wrapper == INFNO)


def fields() -> Iterator[tuple[Served, FieldPlan, FieldPlan]]:
    """Each single field of each node of each transaction."""
    for served in SERVED:
        request: Any = served.method.request_class.DESCRIPTOR
        for node in fields_of(request):
            if node.row is not None and node.place is Place.NODE:
                yield from ((served, node, each) for each in fields_of(node.row) if each.row is None and each.names)


def told(served: Served, node: FieldPlan, field: FieldPlan, value: Any) -> set[str]:
    """The rules that are told of one value of a field, where everything is told and where the first of each is."""
    row = {field.name: value}
    body = json.dumps(envelope(served.infno, {node.name: [row] if node.kind is Kind.LIST else row})).encode()
    read = read_body(decoder(), body, "")
    found: list[set[str]] = []
    for broken in (Violations(100), None):
        notes = Notes(broken)
        served.read(read.row, read.root, "key", notes)
        rules = (each for each in notes.each() if each.name == field.name and each.rule != "lenient.required")
        found.append({each.rule for each in rules})
    assert found[0] == found[1]
    return found[0]


CASES: Final = tuple(fields())


def test_digits_that_some_tables_call_a_number_and_others_a_text_are_right_with_quotes_and_without() -> None:
    named = [
        (served, node, field)
        for served, node, field in CASES
        if node.row is not None
        and node.row.fields_by_name[field.field].GetOptions().Extensions[options_pb2.national].digits
    ]
    assert len(named) >= 5
    for served, node, field in named:
        assert [told(served, node, field, value) for value in ("20260105", 20260105)] == [set(), set()], field.name


@pytest.mark.parametrize(
    ("kinds", "values", "rules"),
    [
        ({Kind.TIME}, TIMES, {"lenient.time", "lenient.unset_time"}),
        ({Kind.TIME}, (" 2026-01-05 09:05:03",), {"lenient.padded"}),
        ({Kind.TIME}, ("2026-01-05 09:05:03",), set()),
        ({Kind.DAY}, DAYS, {"lenient.day", "lenient.unset_time"}),
        ({Kind.DAY}, ("2026-01-05",), set()),
        ({Kind.FEN, Kind.NUMBER, Kind.INTEGER}, ("1",), {"lenient.number"}),
        ({Kind.FEN, Kind.NUMBER}, (3.0000000000000004,), {"lenient.binary_tail"}),
        ({Kind.FEN, Kind.NUMBER, Kind.INTEGER}, (1, 2.0), set()),
        ({Kind.FLAG}, (1, True, "true"), {"lenient.flag"}),
        ({Kind.FLAG}, ("1", "0"), set()),
    ],
)
def test_every_field_of_a_kind_is_told_of_each_way_that_it_is_read_and_the_text_has_not(
    kinds: set[Kind], values: tuple[Any, ...], rules: set[str]
) -> None:
    looked = 0
    for served, node, field in CASES:
        if field.kind not in kinds:
            continue
        for value in values:
            found = told(served, node, field, value)
            assert found <= rules, (served.infno, field.name, value, found)
            assert bool(found) is bool(rules), (served.infno, field.name, value)
            looked += 1
    assert looked


def test_every_code_outside_its_dictionary_is_told_and_none_inside() -> None:
    looked = set[str]()
    for served, node, field in CASES:
        dictionary = dictionary_of(field.name) if field.kind is Kind.TEXT else ""
        if dictionary:
            looked.add(dictionary)
            for code in sorted(dictionaries()[dictionary])[:12]:
                assert told(served, node, field, code) == set(), (served.infno, field.name, code)
            for code in ("77", "9x"):
                assert told(served, node, field, code) <= {"lenient.code", "lenient.dictionary"}
                assert told(served, node, field, code), (served.infno, field.name)
    assert looked == dictionaries().keys()


def test_every_code_of_an_enumeration_is_told_as_a_number_and_where_it_is_only_read_as_absent() -> None:
    ignored = 0
    for served, node, field in CASES:
        if field.kind is Kind.CODE:
            code = field.codes[-1][1]
            assert told(served, node, field, code) == set()
            assert told(served, node, field, int(code)) & {"lenient.text", "lenient.code_form"}, field.name
            if field.other_codes:
                assert told(served, node, field, "99") == {"lenient.code"}
                ignored += 1
            if field.other_codes_field:
                assert told(served, node, field, "110104") == {"lenient.local_code"}
    assert ignored


@pytest.mark.parametrize(
    ("code", "known"),
    [("110101", True), ("110000", True), ("320399", True), ("329900", True), ("659001", True), ("669900", True)]
    + [(code, False) for code in ("999999", "123456", "000000", "110", "1101010", "一一〇一〇一", "540")],
)
def test_a_division_is_one_whose_first_four_digits_are(code: str, known: bool) -> None:
    assert is_division(code) is known


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference folder is not beside this clone")
def test_the_dictionaries_are_those_of_the_reference() -> None:
    tables = json.loads((REFERENCE / "nhsa-dicts.json").read_text(encoding="utf-8"))
    for name, codes in dictionaries().items():
        assert codes == set(tables[name]["values"]), name


def test_the_code_of_a_division_that_comes_as_a_number_is_told_and_read() -> None:
    divisions = [each for each in CASES if each[2].name.endswith("admvs") and each[2].kind is Kind.TEXT]
    assert divisions
    for each in divisions:
        assert told(*each, 990100) == {"lenient.text"}


def test_what_is_told_of_a_value_says_what_to_do() -> None:
    for rule in LENIENT_RULES:
        assert rule.startswith("lenient.form.") or rule in LENIENT_STEPS, rule


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "headers", "path", "rule"),
        [
            (json.dumps(envelope("2201", {"data": VISIT}), ensure_ascii=False).encode("gbk"), {}, "body", "gbk"),
            (b"\xef\xbb\xbf" + json.dumps(envelope("2201", {"data": VISIT})).encode(), {}, "body", "bom"),
            (json.dumps(envelope("2201", {"data": VISIT})).encode() + b"\x00", {}, "body", "trailing"),
            (json.dumps(envelope("2201", {"data": VISIT})).replace("S0001", "S\t0001").encode(), {}, "body", "control"),
            (
                json.dumps(envelope("2201", {"data": {**VISIT, "dept_code": "A01\x00"}})).encode(),
                {},
                "data.dept_code",
                "padded",
            ),
            (json.dumps(envelope("2201", {"data": [VISIT]})).encode(), {}, "data", "row"),
            (json.dumps(envelope("2204", {"feedetail": LINE})).encode(), {}, "feedetail", "rows"),
            (json.dumps(envelope("2201", {"mdtrtinfo": VISIT})).encode(), {}, "mdtrtinfo", "renamed"),
            (
                json.dumps(envelope("2201", {"data": VISIT}, mdtrtarea_admvs="999999")).encode(),
                {},
                "mdtrtarea_admvs",
                "division",
            ),
            (
                json.dumps(envelope("2201", {"data": VISIT}, insuplc_admdvs="123456")).encode(),
                {},
                "insuplc_admdvs",
                "division",
            ),
            (json.dumps(envelope("2201", {"data": VISIT}, opter=" 1 ")).encode(), {}, "opter", "padded"),
            (json.dumps(envelope("2201", {"data": VISIT}, opter=1)).encode(), {}, "opter", "text"),
            (json.dumps(envelope("2201", {"data": VISIT}, dev_no="null")).encode(), {}, "dev_no", "null_text"),
        ],
    )
    async def test_what_was_odd_in_a_body_is_told(
        self, scene: Scene, body: bytes, headers: dict[str, str], path: str, rule: str
    ) -> None:
        (found,) = await findings(scene, body, headers=headers)
        assert (found["level"], found["path"], found["rule"]) == ("LENIENT", path, f"lenient.{rule}")


FOREIGN: Final = {**VISIT, "psn_setlway": "01", "insutype": "777"}


class TestAnswers:
    async def test_a_code_that_no_rule_looks_at_is_told(self, scene: Scene) -> None:
        assert "data.insutype 不在规范字典insutype内" in await warned(scene, envelope("2201", {"data": FOREIGN}))
        [sent] = scene.mesh.calls("RegisterVisit")
        assert sent.request.data.insutype == "777"

    async def test_a_strict_profile_refuses_it(self, scene: Scene) -> None:
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(strict=True))
        answer = await scene.send(envelope("2201", {"data": FOREIGN}))
        assert answer["err_msg"].startswith("[NOT_CONFORMING] 报文共")
        assert scene.mesh.calls("RegisterVisit") == []

    async def test_hidden_characters_in_one_field_hide_no_blanks_of_another(self, scene: Scene) -> None:
        line = {**LINE, "bilg_dept_name": "\u200b内科", "bilg_dr_name": " 测试医师"}
        found = {each["path"] for each in await findings(scene, envelope("2204", {"feedetail": [line]}))}
        assert found == {"feedetail[0].bilg_dept_name", "feedetail[0].bilg_dr_name"}

    async def test_a_number_in_quotes_is_told_by_the_check_alone(self, scene: Scene) -> None:
        body = envelope("2204", {"feedetail": [{**LINE, "cnt": "1"}]})
        assert await warned(scene, body) == ""
        (found,) = await findings(scene, body)
        assert (found["path"], found["rule"]) == ("feedetail[0].cnt", "lenient.number")

    async def test_rows_that_write_a_value_in_the_same_odd_way_are_told_once(self, scene: Scene) -> None:
        rows = [{**LINE, "feedetl_sn": str(number), "cnt": 1.0000000000000002} for number in range(20)]
        said = await warned(scene, envelope("2204", {"feedetail": rows}))
        assert said == "[LENIENT] 共1处与规范不符：feedetail[0].cnt 带有浮点误差的尾数，已按4位小数读取"
