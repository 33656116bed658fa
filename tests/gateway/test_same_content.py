"""The same content is read the same however it is written, and what says two things at once is refused with its path."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.national.codec import scalars
from gateway.national.codec.decode import compile_request
from gateway.national.codec.scalars import Unfit
from services.kernel.errors import Fault
from tests.gateway.conftest import Scene, envelope
from tests.gateway.test_national import BILL, settled
from yibao.settlement.v1 import fee_pb2, settlement_pb2

LITERALS: Final = msgspec.json.Decoder(float_hook=str.encode)
SETTLE: Final[Any] = compile_request(settlement_pb2.SettleRequest)
UPLOAD: Final[Any] = compile_request(fee_pb2.UploadFeesRequest)


def broken(read: Any, outer: dict[str, Any], root: dict[str, Any]) -> list[tuple[str, str]]:
    """Paths and rules of the refusal of a request."""
    with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
        read(outer, root, "2207:1")
    return [(each.path, each.rule) for each in refused.value.violations]


class TestSpellings:
    @pytest.mark.parametrize(
        ("root", "path"),
        [
            ({"data": {"medfee_sumamt": "1", "MEDFEE_SUMAMT": "2"}}, "data.MEDFEE_SUMAMT"),
            ({"data": {"MEDFEE_SUMAMT": "2", "medfee_sumamt": "1"}}, "data.MEDFEE_SUMAMT"),
            ({"data": {"medfeeSumamt": "1", "MEDFEE_SUMAMT": "2"}}, "data.MEDFEE_SUMAMT"),
            ({"data": {"psn_no": "1"}, "DATA": {"psn_no": "2"}}, "DATA"),
            ({"data": {"psn_no": "1"}, "mdtrtinfo": [], "Data": [{"psn_no": "2"}]}, "Data"),
        ],
    )
    def test_a_field_in_two_spellings_has_one_value(self, root: dict[str, Any], path: str) -> None:
        assert broken(SETTLE, {}, root) == [(path, "national.disagrees")]

    @pytest.mark.parametrize(
        "data",
        [
            {"medfee_sumamt": "1", "MEDFEE_SUMAMT": 1.00},
            {"medfee_sumamt": "1", "MEDFEE_SUMAMT": ""},
            {"medfee_sumamt": None, "MEDFEE_SUMAMT": "1.00"},
            {"medfee_sumamt": " 1", "medfeesumamt": {}},
        ],
    )
    def test_one_that_says_the_same_or_nothing_is_no_second_value(self, data: dict[str, Any]) -> None:
        assert SETTLE({}, {"data": LITERALS.decode(json.dumps(data))}, "").data.medfee_sumamt_fen == 100

    def test_a_value_that_is_read_by_a_path_is_compared_in_each_row(self) -> None:
        rows = [{"feedetl_sn": "1", "mdtrt_id": "A"}, {"feedetl_sn": "2", "mdtrt_id": "A", "mdtrtId": "B"}]
        assert broken(UPLOAD, {}, {"feedetail": rows}) == [("feedetail[1].mdtrtId", "national.disagrees")]
        rows[1]["mdtrtId"] = "A "
        assert UPLOAD({}, {"feedetail": rows}, "").mdtrt_id == "A"

    def test_a_field_of_the_envelope_is_compared_too(self) -> None:
        outer = {"insuplc_admdvs": "330100", "INSUPLC_ADMDVS": "110000"}
        assert broken(SETTLE, outer, {"data": {}}) == [("INSUPLC_ADMDVS", "national.disagrees")]

    @pytest.mark.parametrize(
        ("name", "value"), [("MSGID", "M2"), ("Infno", "2206"), ("INPUT", {"data": {}}), ("fixmedinsCode", "H1")]
    )
    async def test_so_is_what_a_message_is_routed_and_told_apart_by(self, scene: Scene, name: str, value: Any) -> None:
        scene.mesh.answers["Settle"] = settled
        body = envelope("2207", {"data": BILL})
        own = next(key for key in body if key.replace("_", "") == name.replace("_", "").lower())
        answer = (await scene.client.post("/", json=body | {name: value})).json()
        assert answer["err_msg"].startswith("[ENVELOPE_INVALID]")
        assert f"{name} 各处取值不一致" in answer["err_msg"]
        assert scene.mesh.asked == []
        same = (await scene.client.post("/", json=body | {name: body[own]})).json()
        assert same["infcode"] == 0


class TestNumbersAsText:
    @pytest.mark.parametrize(
        ("literals", "text"),
        [
            (("0.3", "3e-1", "0.30", "30E-2"), "0.3"),
            (("1", "1.0", "1e0", "0.1e1", "10E-1"), "1"),
            (("0", "0.0", "-0.0", "0e5"), "0"),
            (("-15", "-1.50e1"), "-15"),
            (("100000000000000", "1e14", "1.0E+14"), "100000000000000"),
        ],
    )
    def test_the_same_number_is_the_same_text(self, literals: tuple[str, ...], text: str) -> None:
        assert {scalars.read_text(LITERALS.decode(each)) for each in literals} == {text}

    @given(st.integers(-(10**14), 10**14), st.integers(-20, 12), st.integers(-12, 12))
    def test_so_it_is_however_far_the_point_is_moved(self, digits: int, exponent: int, moved: int) -> None:
        texts: set[str] = set()
        for shift in (0, moved):
            literal = f"{digits * 10 ** max(-shift, 0)}e{exponent + min(shift, 0)}"
            if shift > 0:
                literal = f"{digits}{'.' + '0' * shift}e{exponent}"
            try:
                texts.add(scalars.read_text(LITERALS.decode(literal)))
            except Unfit:
                texts.add("")
        assert len(texts - {""}) <= 1

    @pytest.mark.parametrize("literal", ["1e400", "-1e400", "1e15", "1e99", "1e-400", "1e-99"])
    def test_one_that_nobody_writes_out_is_refused(self, literal: str) -> None:
        root = LITERALS.decode(f'{{"feedetail": [{{"feedetl_sn": {literal}, "mdtrt_id": "A"}}]}}')
        assert broken(UPLOAD, {}, root) == [("feedetail[0].feedetl_sn", "national.text")]

    async def test_a_message_number_is_read_so_too(self, scene: Scene) -> None:
        scene.mesh.answers["Settle"] = settled
        body = json.dumps(envelope("2207", {"data": BILL}) | {"msgid": "?"})
        for literal in ("12.50", "125e-1", "1e400"):
            content = body.replace('"?"', literal).encode()
            answer = (await scene.client.post("/", content=content)).json()
            assert (answer["infcode"] == 0) is (literal != "1e400"), answer
        assert {each.request.request_id for each in scene.mesh.calls("Settle")} == {"2207:12.5"}
