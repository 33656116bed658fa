"""Requests of real hospital clients, as recorded: each is understood and answered in a form that its client reads."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import tables
from gateway.national.envelope import decoder, read_body
from services.kernel.clock import BEIJING
from tests.gateway.conftest import HOSPITAL, Scene, hospital
from yibao.identity.v1 import partner_pb2

OWN = Path(__file__).parent / "recordings"
SHARED = Path(__file__).parents[3] / "shared" / "captured"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded request: path, headers, the exact body, and the answer that its client accepted ({} if none)."""

    name: str
    path: str
    headers: dict[str, str]
    body: bytes
    accepted: dict[str, Any]

    @property
    def multipart(self) -> bool:
        """Whether the body is a file upload."""
        return self.body.startswith(b"--")

    @property
    def moment(self) -> datetime:
        """When it was sent."""
        stamp = self.headers.get("_api_timestamp")
        if stamp:
            return datetime.fromtimestamp(int(stamp) / 1000, UTC)
        return datetime(2025, 1, 15, 10, 0, tzinfo=BEIJING)


def load(path: Path) -> Recording:
    """A recording of a file."""
    record = json.loads(path.read_text(encoding="utf-8"))
    text = record.get("body_text_exact") or record["body_text"]
    if text.startswith("--"):
        text = text.replace("\n", "\r\n")
    headers = {name.lower(): value for name, value in record["headers_in_order"]}
    for hop in ("content-length", "host", "connection", "accept-encoding"):
        headers.pop(hop, None)
    return Recording(
        path.stem, record["request_line"].split()[1], headers, text.encode(), record.get("response_sent_back", {})
    )


def recordings() -> list[Any]:
    """Every recording that came with the repository."""
    return [pytest.param(load(path), id=path.stem) for path in sorted(OWN.glob("local-*.json"))]


def published(kind: str) -> list[Any]:
    """Published examples of a kind; none where their folder is not beside this clone."""
    found = sorted(SHARED.glob(f"public-*-{kind}.json"))
    return [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in found]


def shape(value: Any) -> str:
    """The JSON type of a value as a typed client sees it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """What a client that read `wanted` would miss in `found`: keys, or values of another type."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [f"{path}: no object"]
        lacking = [f"{path}.{key}" for key in wanted if key not in found and key != "exp_content"]
        return lacking + [
            m for key in wanted if key in found for m in missing(wanted[key], found[key], f"{path}.{key}")
        ]
    if isinstance(wanted, list):
        return [] if isinstance(found, list) else [f"{path}: no array"]
    if wanted is None or found is None:
        return []
    return [] if shape(wanted) == shape(found) else [f"{path}: {shape(found)} instead of {shape(wanted)}"]


@pytest.mark.parametrize("recording", recordings())
async def test_a_recorded_client_is_understood_and_answered(scene: Scene, recording: Recording) -> None:
    signed = "_api_signature" in recording.headers
    scene.clock.moment = recording.moment
    style = partner_pb2.AUTH_STYLE_CSB if signed else partner_pb2.AUTH_STYLE_NONE
    scene.partners[HOSPITAL] = hospital(auth_style=style, access_key="test-ak", secret="test-sk")
    answer = await scene.client.post(recording.path, content=recording.body, headers=recording.headers)
    assert answer.status_code == 200
    found = answer.json()
    if recording.multipart:
        assert scene.mesh.asked[-1].request.file.content == base64.b64encode(b"a\tb\tc\r\n").decode()
    assert found["infcode"] == 0, found
    assert missing({key: value for key, value in recording.accepted.items() if key != "output"}, found) == []
    assert [each.caller.subject for each in scene.mesh.asked if each.method != "ResolvePartner"][-1] == HOSPITAL


@pytest.mark.parametrize("recording", [each for each in recordings() if "local-pysdk" in each.id or "hncs" in each.id])
def test_an_answer_has_every_field_that_the_recorded_one_had(recording: Recording) -> None:
    table = tables.transactions()
    sent = json.loads(recording.body)
    served = table.find(sent["infno"], "INFNO")
    nodes = recording.accepted["output"]
    response = served.method.response_class()
    for field in response.DESCRIPTOR.fields:
        rows = getattr(response, field.name)
        if field.is_repeated:
            rows.add()
        elif field.message_type is not None:
            rows.SetInParent()
    written = json.loads(served.answer.output(response))
    for node, content in nodes.items():
        assert isinstance(written[node], list) == isinstance(content, list)
        for row in content if isinstance(content, list) else [content]:
            mine = written[node][0] if isinstance(content, list) else written[node]
            assert missing(row, mine, node) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of published examples is not beside this clone")
class TestPublishedExamples:
    @pytest.mark.parametrize("record", published("request"))
    async def test_a_published_request_is_read_and_routed(self, scene: Scene, record: dict[str, Any]) -> None:
        body = json.dumps(record["body_json"], ensure_ascii=False).encode()
        read = read_body(decoder(), body, "text/plain")
        assert (read.infno, read.fixmedins_code) == (record["infno"], "H99010000001")
        answer = await scene.client.post("/CSB", content=body)
        assert answer.status_code == 200
        assert answer.json()["infcode"] in (0, -1)

    @pytest.mark.parametrize("infno", ["1101", "2201", "2204", "2206", "2207", "2208", "2301", "2303", "2304", "2305"])
    def test_what_published_answers_hold_of_national_fields_has_the_same_types_here(self, infno: str) -> None:
        record = json.loads((SHARED / f"public-openhis-{infno}-response.json").read_text(encoding="utf-8"))
        output = record["body_json"]["output"]
        served = tables.transactions().find(infno, "INFNO")
        response = served.method.response_class()
        for field in response.DESCRIPTOR.fields:
            rows = getattr(response, field.name)
            if field.is_repeated:
                rows.add()
            elif field.message_type is not None:
                rows.SetInParent()
        written = json.loads(served.answer.output(response))
        assert output
        for node in written.keys() & output.keys():
            theirs, ours = output[node], written[node]
            assert isinstance(theirs, list) == isinstance(ours, list)
            for row in theirs if isinstance(theirs, list) else [theirs]:
                mine = ours[0] if isinstance(ours, list) else ours
                shared = {key: row[key] for key in row.keys() & mine.keys()}
                assert missing(shared, mine, node) == []
