"""Requests of real hospital clients, byte by byte as they were recorded, against a seeded mesh whose clock shows their moment."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from services.kernel.clock import BEIJING
from tests.mesh.hospital import national
from tests.mesh.world import Sandbox, sandbox, small_sandbox
from tools.cli.mesh_client import NationalAnswer
from tools.played.messages import Patient
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

OWN: Final = Path(__file__).resolve().parents[1] / "gateway" / "recordings"
SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "captured"
HOSPITAL: Final = "H99010000001"
NOBODY_IN_PARTICULAR: Final = Patient("99000000000000000001", "测试人员", "990000199001010011")
RECORDED_MDTRT_ID: Final = "990000001"

# What a typed client reads as a date or a time, and fails on when there is none.
DATES: Final = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?")
DATE_FIELDS: Final = ("setl_time", "brdy", "sign_time", "psn_insu_date")
IDS: Final = ("psn_no", "mdtrt_id", "setl_id", "certno", "medins_setl_id", "sign_no", "ipt_otp_no", "feedetl_sn")


@dataclass(frozen=True, slots=True)
class Recording:
    """One request as it came over the wire, and the answer that its client was sent then ({} if none was kept)."""

    name: str
    request_line: str
    headers: Sequence[tuple[str, str]]
    text: str
    accepted: Mapping[str, Any]

    @property
    def infno(self) -> str:
        """The transaction's number, "" for what is no JSON."""
        return "" if self.text.startswith("--") else str(json.loads(self.text)["infno"])

    @property
    def moment(self) -> datetime:
        """When it was sent: the signature's time stamp, else the envelope's."""
        for name, value in self.headers:
            if name == "_api_timestamp":
                return datetime.fromtimestamp(int(value) / 1000, UTC)
        return datetime(2025, 1, 15, 10, 0, tzinfo=BEIJING)

    def replacing(self, old: str, new: str) -> Recording:
        """The same request with a number that a server makes replaced by one just answered."""
        return Recording(self.name, self.request_line, self.headers, self.text.replace(old, new), self.accepted)

    def wire(self, *, expecting: bool = False) -> tuple[bytes, bytes]:
        """Head and body, headers in their order; the length is that of the body, `Expect` is added at the end."""
        body = self.text.encode()
        lines = [
            f"{name}: {len(body) if name.casefold() == 'content-length' else value}" for name, value in self.headers
        ]
        lines += ["Expect: 100-continue"] if expecting else []
        return "\r\n".join([self.request_line, *lines, "", ""]).encode(), body


def load(path: Path) -> Recording:
    """A recording of a file; a multipart body gets its line ends back."""
    record = json.loads(path.read_text(encoding="utf-8"))
    text = record.get("body_text_exact") or record["body_text"]
    if text.startswith("--"):
        text = text.replace("\n", "\r\n")
    headers = [(name, value) for name, value in record["headers_in_order"]]
    return Recording(path.stem, record["request_line"], headers, text, record.get("response_sent_back", {}))


def recording(name: str) -> Recording:
    """One of those that came with the repository."""
    return load(OWN / f"local-{name}.json")


async def exchanged(url: str, request: Recording, *, expecting: bool = False) -> tuple[int, dict[str, str], str]:
    """Sends the exact bytes over a socket of its own: status, headers and body of the answer.

    With `expecting` the body waits, as .NET clients do, for the interim answer.
    """
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head, body = request.wire(expecting=expecting)
    try:
        writer.write(head if expecting else head + body)
        await writer.drain()
        if expecting:
            interim = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            assert interim.startswith(b"HTTP/1.1 100 ")
            writer.write(body)
            await writer.drain()
        raw = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode()
        status, *lines = raw.strip().split("\r\n")
        headers = {name.casefold(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        text = (await asyncio.wait_for(reader.readexactly(int(headers["content-length"])), 20)).decode()
    finally:
        writer.close()
        await writer.wait_closed()
    return int(status.split()[1]), headers, text


async def accepted(town: Sandbox, request: Recording, *, expecting: bool = False) -> NationalAnswer:
    """Plays a recording at its moment; the answer is a success in the form that its client reads."""
    town.clock.set(request.moment)
    status, headers, text = await exchanged(town.mesh.url, request, expecting=expecting)
    assert status == 200
    assert headers["content-type"].startswith("application/json")
    answer = national(text)
    assert type(answer.body["infcode"]) is int, "infcode must be a number"
    assert (answer.body["infcode"], answer.body["err_msg"]) == (0, None), answer.message
    assert re.fullmatch(r"\d{30}", answer.body["inf_refmsgid"])
    assert all(re.fullmatch(r"\d{17}", answer.body[name]) for name in ("refmsg_time", "respond_time"))
    assert unreadable(request.accepted.get("output", {}), json.loads(text)["output"], "output") == []
    return answer


def unreadable(then: Any, now: Any, path: str) -> list[str]:
    """Where a typed client that read `then` would fail on `now`: a name it lacks, another JSON type, nothing, no real date."""
    if isinstance(then, dict):
        if not isinstance(now, dict):
            return [f"{path} is no object"]
        lacking = [f"{path}.{name} is not there" for name in then if name not in now and name != "exp_content"]
        return lacking + [gap for name in now for gap in unreadable(then.get(name), now[name], f"{path}.{name}")]
    if isinstance(then, list):
        if not isinstance(now, list):
            return [f"{path} is no array"]
        return [gap for row in now for gap in unreadable(then[0] if then else {}, row, f"{path}[]")]
    return _odd(then, now, path)


def _odd(then: Any, now: Any, path: str) -> list[str]:
    name = path.rpartition(".")[2]
    if name in DATE_FIELDS:
        return [] if isinstance(now, str) and DATES.fullmatch(now) else [f"{path} is no date: {now!r}"]
    if name in IDS and now is not None:
        return [] if isinstance(now, str) else [f"{path} is no text: {now!r}"]
    if isinstance(then, int | float):
        return [] if isinstance(now, int | float) and not isinstance(now, bool) else [f"{path} is no number: {now!r}"]
    if isinstance(then, str):
        return [] if isinstance(now, str) else [f"{path} is no text: {now!r}"]
    return []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """The sandbox, with the test hospital signing as the recorded clients did."""
    async with sandbox(tmp_path_factory.mktemp("recordings")) as made:
        for code, access_key in (("H99010000002", "another-ak"), (HOSPITAL, "test-ak")):
            partner = partner_pb2.Partner(
                partner_code=code,
                role=options_pb2.ROLE_INSTITUTION,
                auth_style=partner_pb2.AUTH_STYLE_CSB,
                access_key=access_key,
                secret="test-sk",
                sandbox=True,
            )
            request = partner_pb2.RegisterPartnerRequest(request_id=f"signing-{code}", partner=partner)
            await made.mesh.call("yibao.identity.v1.PartnerService.RegisterPartner", request)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unsigned(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """A sandbox whose test hospital proves nothing, as the official Java sample."""
    async with small_sandbox(tmp_path_factory.mktemp("java")) as made:
        yield made


class TestPythonClient:
    """hzg19700304/medical-insurance-interface-SDK, run unchanged."""

    async def test_a_whole_visit_is_understood_from_1101_to_2207(self, town: Sandbox) -> None:
        person = await accepted(town, recording("pysdk-01-1101"))
        assert person.output["baseinfo"]["psn_no"] == NOBODY_IN_PARTICULAR.psn_no
        visit = await accepted(town, recording("pysdk-02-2201"))
        mdtrt_id = visit.output["data"]["mdtrt_id"]
        answers = {}
        for name in ("pysdk-03-2204", "pysdk-04-2206", "pysdk-05-2207"):
            answers[name[-4:]] = await accepted(town, recording(name).replacing(RECORDED_MDTRT_ID, mdtrt_id))
        info = answers["2207"].output["setlinfo"]
        sent = json.loads(recording("pysdk-05-2207").text)
        assert info["medins_setl_id"] == sent["msgid"]
        assert info["medfee_sumamt"] == 10
        assert info["setl_id"]

    async def test_a_request_sent_again_after_a_lost_answer_meets_the_same_output(self, town: Sandbox) -> None:
        request = recording("pysdk-02-2201")
        outputs = {(await accepted(town, request)).output_text for _ in range(4)}
        assert len(outputs) == 1

    async def test_the_client_with_its_own_seed_data_sends_no_regions(self, town: Sandbox) -> None:
        await accepted(town, recording("pysdkdb-01-1101"))
        town.clock.set(recording("pysdkdb-02-2206").moment)
        key = await accepted(town, fresh_visit(town))
        mdtrt_id = key.output["data"]["mdtrt_id"]
        await accepted(town, own_numbers(recording("pysdk-03-2204"), mdtrt_id))
        tried = await accepted(town, recording("pysdkdb-02-2206").replacing(RECORDED_MDTRT_ID, mdtrt_id))
        assert tried.output["setlinfo"]["medfee_sumamt"] == 10

    async def test_a_signature_made_for_another_secret_is_refused_as_the_service_bus_does(self, town: Sandbox) -> None:
        request = recording("pysdk-01-1101")
        headers = [(name, "AAAA" if name == "_api_signature" else value) for name, value in request.headers]
        town.clock.set(request.moment)
        forged = Recording("forged", request.request_line, headers, request.text, {})
        status, _, text = await exchanged(town.mesh.url, forged)
        assert (status, json.loads(text)) == (200, {"code": 401, "message": "签名不一致!"})

    async def test_a_recording_is_worth_nothing_half_an_hour_later(self, town: Sandbox) -> None:
        request = recording("pysdk-01-1101")
        town.clock.set(request.moment)
        town.clock.forward(minutes=31)
        status, _, text = await exchanged(town.mesh.url, request)
        assert (status, json.loads(text)) == (200, {"code": 401, "message": "签名时间戳超时!"})


def fresh_visit(town: Sandbox) -> Recording:
    """The recorded 2201 as another visit: other numbers, the same headers."""
    return (
        recording("pysdk-02-2201")
        .replacing("OPT0001", "OPT0002")
        .replacing("6C14D595EE25409DA993BAF880EC99", "6C14D595EE25409DA993BAF880EC90")
    )


def own_numbers(request: Recording, mdtrt_id: str) -> Recording:
    """The recorded 2204 for another visit."""
    msgid = json.loads(request.text)["msgid"]
    return request.replacing(RECORDED_MDTRT_ID, mdtrt_id).replacing(msgid, msgid[:-1] + "0")


class TestDotNetClient:
    """idoku-test/HN-YBJ-SDK, compiled with Mono; .NET itself adds `Expect: 100-continue`."""

    @pytest.mark.parametrize("expecting", [False, True])
    async def test_a_sign_in_is_answered_with_a_number(self, town: Sandbox, expecting: bool) -> None:
        answer = await accepted(town, recording("hncs-01-9001"), expecting=expecting)
        assert answer.output["signinoutb"]["sign_no"]

    async def test_a_body_that_waits_for_leave_is_let_in_at_once_on_every_transaction(self, town: Sandbox) -> None:
        await accepted(town, recording("pysdk-01-1101"), expecting=True)


class TestJavaSample:
    """Appendix A of the specification, built unchanged: text/plain without charset, no authentication."""

    async def test_a_certificate_that_nobody_has_is_a_business_failure(self, unsigned: Sandbox) -> None:
        request = recording("java-01-1101-callService")
        unsigned.clock.set(request.moment)
        status, _, text = await exchanged(unsigned.mesh.url, request)
        answer = json.loads(text)
        assert (status, answer["infcode"], answer["output"]) == (200, -1, None)
        assert answer["err_msg"].startswith("[PERSON_NOT_FOUND] ")

    @pytest.mark.parametrize("expecting", [False, True])
    async def test_an_upload_is_taken_in_and_handed_out_byte_for_byte(self, unsigned: Sandbox, expecting: bool) -> None:
        request = recording("java-02-9101-multipart")
        unsigned.clock.set(request.moment)
        status, _, text = await exchanged(unsigned.mesh.url, request, expecting=expecting)
        answer = json.loads(text)
        assert (status, answer["infcode"]) == (200, 0), answer
        kept = answer["output"]
        assert (kept["filename"], kept["fixmedins_code"]) == ("testUpload.txt", "H99010000001")
        asked = {"file_qury_no": kept["file_qury_no"], "filename": kept["filename"], "fixmedins_code": "plc"}
        envelope = {"infno": "9102", "msgid": "", "fixmedins_code": "H99010000001", "input": {"fsDownloadIn": asked}}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{unsigned.mesh.url}/fsi/api", json=envelope)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.content == b"a\tb\tc\r\n"


def test_every_recording_of_the_repository_is_played_here() -> None:
    played = Path(__file__).read_text(encoding="utf-8")
    names = [path.stem.removeprefix("local-") for path in OWN.glob("local-*.json")]
    assert len(names) >= 10
    assert [name for name in names if f'"{name}"' not in played] == []


def published() -> list[Path]:
    """Requests that others published; they are not part of the repository."""
    return sorted(SHARED.glob("public-*-request.json"))


@pytest.mark.skipif(not published(), reason="the folder of published examples is not beside this clone")
class TestPublishedRequests:
    async def test_the_published_1101_finds_the_person_though_its_words_are_null(self, unsigned: Sandbox) -> None:
        (path,) = (path for path in published() if "hunan-1101" in path.name)
        body = json.loads(path.read_text(encoding="utf-8"))["body_json"]
        who = await unsigned.newcomers.one()
        body["input"]["data"]["mdtrt_cert_no"] = who.certno
        answer = national((await unsigned.hospital.post(body, "/CSB/hsa-fsi-1101")).text)
        assert answer.succeeded, answer.message
        assert answer.output["baseinfo"]["psn_no"] == who.psn_no

    async def test_published_requests_of_other_transactions_are_refused_by_name(self, unsigned: Sandbox) -> None:
        others = [path for path in published() if "1101" not in path.name]
        for path in others:
            record = json.loads(path.read_text(encoding="utf-8"))
            response = await unsigned.hospital.post(record["body_json"])
            answer = national(response.text)
            assert (response.status_code, answer.body["infcode"]) == (200, -1)
            assert answer.message.startswith(f"[INFNO_NOT_SERVED] 交易{record['infno']}")
        assert others
