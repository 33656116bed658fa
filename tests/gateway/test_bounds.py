"""Requests made to be expensive: a count ends the work before a row is read, on both faces; what is refused is told briefly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.jsoncodec.read import JsonReaders
from gateway.national import envelope as outer
from gateway.national.codec import scalars
from gateway.national.codec.decode import compile_request
from services.kernel.errors import MORE_VIOLATIONS, MOST_VIOLATIONS, Fault, FaultKind, Violation
from services.runtime.bounds import MOST_VALUES, check_json
from tests.gateway.conftest import HOSPITAL, Scene, envelope
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import fee_pb2

LINE = {"feedetl_sn": "1", "mdtrt_id": "M1", "psn_no": "P1", "chrg_bchno": "B1", "cnt": "1", "pric": "1"}


@pytest.fixture
def read_values(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every single value that a reader compiled afterwards has read."""
    seen: list[object] = []
    reader = scalars.reader

    def counting(plan: Any) -> Callable[[Any], Any]:
        read = reader(plan)

        def counted(raw: object) -> Any:
            seen.append(raw)
            return read(raw)

        return counted

    monkeypatch.setattr(scalars, "reader", counting)
    return seen


def refused(read: Callable[[], object]) -> Fault:
    with pytest.raises(Fault) as caught:
        read()
    assert (caught.value.kind, caught.value.reason) == (FaultKind.INVALID, "INVALID_REQUEST")
    return caught.value


class TestNational:
    def test_no_row_is_read_where_there_are_too_many(self, read_values: list[object]) -> None:
        read = compile_request(fee_pb2.UploadFeesRequest)
        fault = refused(lambda: read({}, {"feedetail": [dict(LINE) for _ in range(501)]}, "2204:1"))
        assert [(each.path, each.rule) for each in fault.violations] == [("feedetail", "national.max_items")]
        assert "500" in fault.violations[0].description
        assert read_values == []

    def test_as_many_as_allowed_are_read(self) -> None:
        read = compile_request(fee_pb2.UploadFeesRequest)
        message: Any = read({}, {"feedetail": [dict(LINE) for _ in range(500)]}, "2204:1")
        assert len(message.feedetail) == 500

    def test_twenty_broken_values_are_named_and_all_are_counted(self) -> None:
        read = compile_request(fee_pb2.UploadFeesRequest)
        fault = refused(lambda: read({}, {"feedetail": [{**LINE, "cnt": "x", "pric": "y"} for _ in range(500)]}, "1"))
        assert len(fault.violations) == MOST_VIOLATIONS
        assert fault.metadata[MORE_VIOLATIONS] == str(1_000 - MOST_VIOLATIONS)

    @pytest.mark.parametrize("place", ["envelope", "input", "row"])
    def test_an_object_with_more_keys_than_any_node_has_is_refused(self, place: str) -> None:
        many = {f"k{number}": 0 for number in range(501)}
        row = {**LINE, **(many if place == "row" else {})}
        nodes = {"feedetail": [row], **(many if place == "input" else {})}
        body = envelope("2204", nodes, **(many if place == "envelope" else {}))

        def read() -> None:
            found = outer.read_body(outer.decoder(), json.dumps(body).encode(), "")
            compile_request(fee_pb2.UploadFeesRequest)(found.row, found.root, "1")

        assert [each.rule for each in refused(read).violations] == ["national.max_keys"]

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(b'{"infno":"2204","input":{"feedetail":[' + b"{}," * 60_000 + b"{}]}}", id="rows"),
            pytest.param(b'{"infno":"2204","input":{"x":[' + b"0," * 100_000 + b"0]}}", id="under a key nobody knows"),
            pytest.param(b'{"infno":"2204","input":' + b"[" * 2_000_000, id="depth"),
            pytest.param(
                json.dumps({"infno": "2204", "input": json.dumps({"x": [0] * 100_001})}).encode(), id="text in the text"
            ),
            pytest.param(b'{"infno":"2204","input":{"x":[' + b'{"":0},' * 60_001 + b"0]}}", id="keys"),
        ],
    )
    def test_a_text_with_too_many_values_is_not_parsed(self, text: bytes) -> None:
        class Unused:
            def decode(self, body: bytes) -> object:
                assert len(body) < len(text), "it was parsed"
                return {"infno": "2204", "input": json.loads(text)["input"] if body == text else {}}

        reader: Any = outer.decoder() if b'\\"' in text else Unused()
        fault = refused(lambda: outer.read_body(reader, text, ""))
        assert [each.rule for each in fault.violations] == ["message.max_values"]

    def test_a_multipart_body_is_taken_apart_into_few_parts(self) -> None:
        with pytest.raises(Fault) as caught:
            outer.read_body(outer.decoder(), b"--a" * 1_000_000, "multipart/form-data; boundary=a")
        assert caught.value.reason == "ENVELOPE_INVALID"

    @pytest.mark.parametrize("quoted", [False, True])
    def test_rows_beyond_their_limit_are_told_as_rows_also_in_a_text_with_too_many_values(self, quoted: bool) -> None:
        row = {f"k{number}": 'a,[{\\"' for number in range(40)}
        nodes: dict[str, Any] = {"data": {"feedetail": "["}, "feedetail": [row] * 3_000}
        body = json.dumps({"infno": "2204", "input": json.dumps(nodes) if quoted else nodes}).encode()
        fault = refused(lambda: outer.read_body(outer.decoder(), body, "", lists={"feedetail": 500}))
        told = [(each.path, each.rule, each.values["most"]) for each in fault.violations]
        assert told == [("feedetail", "national.max_items", "500")]

    @pytest.mark.parametrize("number", ["1e999", "12345678901234567890.1"])
    def test_a_number_that_no_text_is_names_its_field_of_the_envelope(self, number: str) -> None:
        body = f'{{"infno":"2207","fixmedins_code":"H1","mdtrtarea_admvs":{number},"input":{{}}}}'.encode()
        with pytest.raises(Fault, match="ENVELOPE_INVALID") as caught:
            outer.read_body(outer.decoder(), body, "")
        assert [(each.path, each.rule) for each in caught.value.violations] == [("mdtrtarea_admvs", "national.text")]

    def test_a_list_within_its_limit_is_not_blamed(self) -> None:
        body = b'{"feedetail":[' + b"{}," * 499 + b'{}],"other":[' + b"0," * 100_000 + b"0]}"
        fault = refused(lambda: outer.read_body(outer.decoder(), body, "", lists={"feedetail": 500}))
        assert [each.rule for each in fault.violations] == ["message.max_values"]


class TestRest:
    def test_no_element_is_read_where_there_are_too_many(self) -> None:
        read = JsonReaders().message(fee_pb2.UploadFeesRequest)
        fault = refused(lambda: read({"feedetail": [7] * 501}))
        assert [(each.path, each.rule) for each in fault.violations] == [("feedetail", "json.max_items")]
        assert "500" in fault.violations[0].description

    def test_a_map_and_a_list_within_a_list_have_their_own_limit(self) -> None:
        read = JsonReaders().message(person_pb2.RegisterPersonsRequest)
        fault = refused(lambda: read({"persons": [{}, {"enrolments": [7] * 21}]}))
        assert [each.path for each in fault.violations] == ["persons[1].enrolments"]
        facts = {str(number): 7 for number in range(33)}
        fault = refused(lambda: read({"persons": [{"enrolments": [{"facts": facts}]}]}))
        assert [each.path for each in fault.violations] == ["persons[0].enrolments[0].facts"]

    def test_keys_that_nobody_knows_are_counted_and_twenty_are_named(self) -> None:
        read = JsonReaders().message(fee_pb2.UploadFeesRequest)
        fault = refused(lambda: read({f"k{number}": 0 for number in range(10_000)}))
        assert (len(fault.violations), fault.metadata[MORE_VIOLATIONS]) == (MOST_VIOLATIONS, "9980")

    def test_a_text_with_too_many_values_is_refused(self) -> None:
        check_json(b"[" + b"0," * (MOST_VALUES - 1) + b"0]")
        with pytest.raises(Fault):
            check_json(b"[" + b"0," * MOST_VALUES + b"0]")

    @pytest.mark.parametrize("within", ["", "a text"])
    @pytest.mark.parametrize("kind", [str, bytes])
    def test_the_list_that_is_too_long_is_named_in_bytes_and_in_text_alike(self, kind: type, within: str) -> None:
        text = json.dumps({"data": {"feedetail": [{}] * MOST_VALUES}})
        text = json.dumps({"input": text}) if within else text
        with pytest.raises(Fault) as caught:
            check_json(text if kind is str else text.encode(), lists={"feedetail": 500})
        told = [(each.path, each.values) for each in caught.value.violations]
        assert told == [("feedetail", {"most": "500"})]


class TestAtTheDoor:
    async def test_too_many_rows_are_told_as_what_they_are(self, scene: Scene) -> None:
        answer = await scene.send(envelope("2204", {"feedetail": [{} for _ in range(40_000)]}))
        assert answer["infcode"] == -1
        assert answer["err_msg"].startswith("[INVALID_REQUEST]")
        assert "feedetail" in answer["err_msg"]
        assert "500" in answer["err_msg"]
        assert scene.mesh.calls("UploadFees") == []

    async def test_the_fields_that_are_not_named_are_counted_in_both_languages(self, scene: Scene) -> None:
        scene.keys["key of an institution"] = (scene.partners[HOSPITAL].role, HOSPITAL)
        body = {f"k{number}": 0 for number in range(30)}
        key = {"Authorization": "Bearer key of an institution"}
        answer = await scene.client.post("/v1/visits/fees:upload", json=body, headers=key)
        (broken,) = (each for each in answer.json()["error"]["details"] if "fieldViolations" in each)
        last = broken["fieldViolations"][-1]
        assert len(broken["fieldViolations"]) == MOST_VIOLATIONS + 1
        assert (last["description"], last["localizedMessage"]["message"]) == ("and 10 more", "另有10处")
        national = await scene.send(envelope("2204", {"feedetail": [{**LINE, "cnt": "x"} for _ in range(30)]}))
        assert "等30处" in national["err_msg"]

    async def test_where_counting_stopped_the_number_is_told_as_the_least(self, scene: Scene) -> None:
        scene.keys["key of an institution"] = (scene.partners[HOSPITAL].role, HOSPITAL)
        broken = [Violation(f"feedetail[{row}].cnt", "string.min_len") for row in range(MOST_VIOLATIONS)]
        scene.mesh.answers["UploadFees"] = Fault(
            FaultKind.INVALID, "INVALID_REQUEST", {MORE_VIOLATIONS: "237+"}, violations=broken
        )
        key = {"Authorization": "Bearer key of an institution"}
        answer = await scene.client.post("/v1/visits/fees:upload", json={}, headers=key)
        (told,) = (each for each in answer.json()["error"]["details"] if "fieldViolations" in each)
        last = told["fieldViolations"][-1]
        assert (last["description"], last["localizedMessage"]["message"]) == ("and at least 237 more", "另有至少237处")
        assert last["reason"] == "violations.more"
        assert "等至少257处" in (await scene.send(envelope("2204", {"feedetail": [LINE]})))["err_msg"]

    async def test_names_too_long_to_be_anybodys_are_not_remembered(self, scene: Scene) -> None:
        answer = await scene.send(envelope("1101", {"data": {}}, fixmedins_code="H" * 100_000))
        assert answer["err_msg"].startswith("[PARTNER_NOT_FOUND]")
        assert scene.mesh.calls("ResolvePartner") == []

    async def test_a_key_of_another_partner_is_never_a_longer_text(self, scene: Scene) -> None:
        answer = await scene.send(envelope("1101", {"data": {}}, sign_no="S" * 100_000))
        assert scene.mesh.calls("CheckSignNo") == []
        assert msgspec.json.encode(answer)
