"""Files on the national face: taken in as text, as bytes and as a part of a body; handed out as they are (9101, 9102)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from services.kernel.errors import not_found
from tests.gateway.conftest import Scene, envelope
from yibao.settlement.v1 import statement_pb2

FILE = b"S1\tM1\r\n\x00\xff\r\n"
NODE = {"filename": "d.zip", "fixmedins_code": "H1"}


def sent(scene: Scene) -> bytes:
    """The file that settlement was handed."""
    return base64.b64decode(scene.mesh.calls("UploadFile")[-1].request.file.content)


def taken(scene: Scene) -> None:
    scene.mesh.answers["UploadFile"] = statement_pb2.UploadFileResponse(file_qury_no="F1", filename="d.zip")


@pytest.mark.parametrize(
    "held",
    [base64.b64encode(FILE).decode(), list(FILE), [each - 256 if each > 127 else each for each in FILE]],
    ids=["base64", "bytes", "signed bytes"],
)
async def test_a_file_comes_in_the_envelope(scene: Scene, held: Any) -> None:
    taken(scene)
    answer = await scene.send(envelope("9101", {"fsUploadIn": NODE | {"in": held}}))
    assert (answer["infcode"], answer["output"]["file_qury_no"]) == (0, "F1")
    assert sent(scene) == FILE


@pytest.mark.parametrize("end", ["\r\n", "\n"])
async def test_a_file_comes_beside_the_envelope_byte_for_byte(scene: Scene, end: str) -> None:
    taken(scene)
    part = f"--xx{end}Content-Disposition: form-data; name="
    told = json.dumps(envelope("9101", {"fsUploadIn": NODE}))
    body = f'{part}"jsonStr"{end}{end}{told}{end}{part}"file"; filename="d.zip"{end}{end}'.encode()
    body += FILE + f"{end}--xx--{end}".encode()
    answer = await scene.client.post(
        "/fsi/api/x", content=body, headers={"Content-Type": "multipart/form-data; boundary=xx"}
    )
    assert answer.json()["infcode"] == 0, answer.text
    assert sent(scene) == FILE


async def test_without_a_file_the_field_is_named(scene: Scene) -> None:
    answer = await scene.send(envelope("9101", {"fsUploadIn": NODE | {"in": [1, 300]}}))
    assert answer["infcode"] == -1
    assert "fsUploadIn.in" in answer["err_msg"]


async def test_a_file_is_answered_as_it_is_and_a_refusal_in_an_envelope(scene: Scene) -> None:
    asked = envelope("9102", {"fsDownloadIn": {"file_qury_no": "F1", "filename": "d.zip", "fixmedins_code": "plc"}})
    content = base64.b64encode(FILE).decode()
    scene.mesh.answers["DownloadFile"] = statement_pb2.DownloadFileResponse(content=content)
    answer = await scene.client.post("/fsi/api/x", json=asked)
    assert (answer.content, answer.headers["content-type"]) == (FILE, "application/octet-stream")
    scene.mesh.answers["DownloadFile"] = not_found("FILE_NOT_FOUND", file_qury_no="F1")
    refused = await scene.client.post("/fsi/api/x", json=asked)
    assert refused.headers["content-type"].startswith("application/json")
    assert refused.json()["err_msg"].startswith("[FILE_NOT_FOUND] 没有文件F1")
