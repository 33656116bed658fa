"""A misspelt field of the REST face is refused with its path and with the field that was probably meant, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import spelling
from tests.gateway.conftest import HOSPITAL, Scene
from yibao.options.v1 import options_pb2


@pytest.fixture
def keyed(scene: Scene) -> Scene:
    """A hospital with a key."""
    scene.keys["key-1"] = (options_pb2.ROLE_INSTITUTION, HOSPITAL)
    return scene


async def refused(scene: Scene, path: str, body: Any = None) -> dict[str, Any]:
    """The first broken field of a refusal."""
    verb, headers = ("GET", {}) if body is None else ("POST", {"Authorization": "Bearer key-1"})
    answer = await scene.client.request(verb, path, json=body, headers=headers)
    assert answer.status_code == 400, answer.text
    details = answer.json()["error"]["details"]
    (broken,) = next(each["fieldViolations"] for each in details if each["@type"].endswith("BadRequest"))
    return dict(broken)


@pytest.mark.parametrize(
    ("body", "field", "meant"),
    [
        ({"dsek": {}}, "dsek", "desk"),
        ({"desk": {"fixmedinsCod": HOSPITAL}}, "desk.fixmedinsCod", "fixmedinsCode"),
        ({"data": {"mdtrt_cert_typ": 1}}, "data.mdtrt_cert_typ", "mdtrt_cert_type"),
        ({"data": {"psnname": "x"}}, "data.psnname", "psnName"),
        # In the wrong message.
        ({"psnName": "x"}, "psnName", "data.psnName"),
    ],
)
async def test_the_field_that_was_meant_is_named_as_the_sender_writes(
    keyed: Scene, body: Any, field: str, meant: str
) -> None:
    broken = await refused(keyed, "/v1/insured-info:get", body)
    assert broken["field"] == field
    assert broken["reason"] == "json.similar_field"
    assert broken["description"] == f"no such field; did you mean {meant}?"
    assert broken["localizedMessage"] == {"locale": "zh-CN", "message": f"没有该字段，是否应为{meant}"}


async def test_where_nothing_is_like_it_nothing_is_guessed(keyed: Scene) -> None:
    broken = await refused(keyed, "/v1/insured-info:get", {"weather": "fine"})
    assert (broken["reason"], broken["description"]) == ("json.unknown_field", "no such field")
    assert broken["localizedMessage"]["message"] == "没有该字段"


async def test_a_parameter_of_the_query_is_told_alike(scene: Scene) -> None:
    broken = await refused(scene, "/v1/items/X1?admdv=990100")
    assert (broken["field"], broken["description"]) == ("admdv", "no such field; did you mean admdvs?")


def test_a_name_longer_than_any_is_meant_for_none_and_is_not_kept() -> None:
    kept = spelling._nearest.cache_info().currsize
    assert spelling.nearest("psn_no" * 1000, ("psn_no",)) == ""
    assert spelling._nearest.cache_info().currsize == kept
