"""A JSON name twice in one object is refused with its place, for both values are plausible; nothing else is taken for one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import reading
from gateway.national import envelope as outer
from gateway.reading import Unreadable
from services.kernel.errors import Fault
from tests.gateway.conftest import HOSPITAL, Scene, envelope
from tests.gateway.test_conformance import findings
from tests.gateway.test_national import BILL, settled
from tests.rounds import rounds
from yibao.options.v1 import options_pb2

DECODER = msgspec.json.Decoder(float_hook=str)

# Texts and names that look like the end of a name.
TEXT = st.text(st.sampled_from('ab":\\{} ,\n'), max_size=5)
SPACE = st.sampled_from(["", " ", "\n\t"])


@st.composite
def written(draw: st.DrawFn, depth: int = 2) -> tuple[str, bool]:
    """JSON text of an object, and whether an object in it has a name twice."""
    parts: list[str] = []
    names: list[str] = []
    twice = False
    for name in draw(st.lists(TEXT, max_size=4)):
        value, inner = json.dumps(draw(TEXT)), False
        if depth and draw(st.booleans()):
            value, inner = draw(written(depth - 1))
            value = f"[{value}]" if draw(st.booleans()) else value
        parts.append(f"{json.dumps(name)}{draw(SPACE)}:{draw(SPACE)}{value}")
        twice = twice or inner or name in names
        names.append(name)
    return "{" + f"{draw(SPACE)},".join(parts) + "}", twice


@pytest.mark.parametrize("read", [reading.strictly, reading.leniently])
@rounds(50)
@given(written())
def test_an_object_is_refused_exactly_where_a_name_stands_twice(read: Any, case: tuple[str, bool]) -> None:
    text, twice = case
    if twice:
        with pytest.raises(Unreadable, match=r"body\.twice"):
            read(DECODER, text.encode())
    else:
        assert read(DECODER, text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"infno":"2207","infno":"2208"}', "infno"),
        ('{"a":{"rows":[{"b":1},{"b" : 1, "c":2, "b" : 1}]}}', "a.rows[1].b"),
        ('{"a":"测\t试","b":1,"b":2}', "b"),
        ('{"a":[[{"":1,"":1}]]}', "a[0][0]."),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_the_place_is_told_in_every_charset(body: str, place: str, charset: str) -> None:
    with pytest.raises(Unreadable) as refused:
        reading.leniently(DECODER, body.encode(charset), declared_gbk=charset == "gb18030")
    assert (refused.value.rule, refused.value.place) == ("body.twice", place)


def twice(body: dict[str, Any], name: str) -> bytes:
    """The message with one of its names once more, behind the first."""
    text = json.dumps(body)
    assert text.count(f'"{name}": ') == 1
    return text.replace(f'"{name}": ', f'"{name}": "1", "{name}": ').encode()


class TestMessages:
    BODY = envelope("2207", {"data": BILL})

    @pytest.mark.parametrize(("name", "path"), [("infno", "infno"), ("medfee_sumamt", "data.medfee_sumamt")])
    async def test_a_message_is_refused_by_the_name_and_nothing_is_done(
        self, scene: Scene, name: str, path: str
    ) -> None:
        scene.mesh.answers["Settle"] = settled
        answer = (await scene.client.post("/", content=twice(self.BODY, name))).json()
        assert answer["infcode"] == -1
        assert answer["err_msg"].startswith("[ENVELOPE_INVALID]")
        assert f"：{path} 同一对象中出现两次" in answer["err_msg"]
        assert scene.mesh.asked == []
        (found,) = await findings(scene, twice(self.BODY, name))
        assert (found["level"], found["path"], found["rule"]) == ("WRONG", path, "body.twice")

    async def test_so_is_one_whose_input_is_text(self, scene: Scene) -> None:
        body = self.BODY | {"input": twice({"data": dict(BILL)}, "medfee_sumamt").decode()}
        answer = (await scene.client.post("/", json=body)).json()
        assert "：data.medfee_sumamt 同一对象中出现两次" in answer["err_msg"]

    async def test_so_is_what_comes_to_the_decoder(self, scene: Scene) -> None:
        body = {"orgId": "H99010000001", "transType": "ec.query", "data": '{"ecQrCode":"1","ecQrCode":"2"}'}
        answer = (await scene.client.post("/", json=body)).json()
        assert "ecQrCode 同一对象中出现两次" in answer["err_msg"]
        with pytest.raises(Fault) as refused:
            outer.read_body(outer.decoder(), json.dumps(body).encode(), "")
        assert [each.description for each in refused.value.violations] == ["同一对象中出现两次，无法判断以哪个为准"]

    async def test_so_is_a_body_of_rest(self, scene: Scene) -> None:
        scene.keys["key-1"] = (options_pb2.ROLE_INSTITUTION, HOSPITAL)
        body = b'{"data":{"psnNo":"1","psnNo":"2"}}'
        headers = {"Authorization": "Bearer key-1"}
        answer = await scene.client.post("/v1/settlements", content=body, headers=headers)
        assert answer.status_code == 400
        (broken,) = answer.json()["error"]["details"][1]["fieldViolations"]
        assert (broken["field"], broken["reason"]) == ("data.psnNo", "body.twice")


def test_a_large_body_without_one_is_not_parsed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def loads(*_: Any, **__: Any) -> None:
        raise AssertionError("parsed with care")

    monkeypatch.setattr(json, "loads", loads)
    row = {f"name_{number}": "10:30:00" for number in range(20)}
    body = msgspec.json.encode({"input": {"feedetail": [row] * 2_000}})
    assert len(reading.leniently(DECODER, body)["input"]["feedetail"]) == 2_000
