"""The door on the wire: interim answers, limits, bodies that do not come, preflights, pages; a port that is taken says so."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx
import pytest

from gateway import bodies
from gateway.app import build
from services.kernel.clock import FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY, system_clock
from services.runtime.config import Config, ConfigError
from services.runtime.server import StartError
from services.runtime.telemetry import Telemetry
from services.runtime.texts.gateway import RULES
from tests.gateway.conftest import KEY, Scene, envelope
from tests.tokens import Tokens
from yibao.settlement.v1 import settlement_query_pb2

QUERY = envelope("5203", {"data": {"psn_no": "1", "mdtrt_id": "2"}})


async def talk(scene: Scene, *parts: bytes) -> list[bytes]:
    """Sends bytes on a fresh connection, waits for something after each part, and returns what came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.server.port)
    try:
        heard = []
        for part in parts:
            writer.write(part)
            heard.append(await asyncio.wait_for(reader.read(65536), 5))
        return heard
    finally:
        writer.close()


def head(length: int, *more: str) -> bytes:
    """The head of a POST."""
    lines = [
        "POST /fsi/api/x HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class TestWire:
    async def test_a_client_that_asks_first_is_told_to_go_on_at_once(self, scene: Scene) -> None:
        body = json.dumps(QUERY).encode()
        interim, answer = await talk(scene, head(len(body), "Expect: 100-continue"), body)
        assert interim.startswith(b"HTTP/1.1 100 Continue")
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"infcode":0' in answer

    async def test_headers_may_begin_with_an_underscore(self, scene: Scene) -> None:
        body = json.dumps(envelope("5203", {}, fixmedins_code="H99010000009")).encode()
        (answer,) = await talk(scene, head(len(body), "_api_name: 5203", "_api_signature: x") + body)
        assert "非法用户!".encode() in answer

    async def test_a_body_in_pieces_is_put_together(self, scene: Scene) -> None:
        body = json.dumps(QUERY).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:50], body[50:])) + b"0\r\n\r\n"
        start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        (answer,) = await talk(scene, start + chunks)
        assert b'"infcode":0' in answer

    async def test_one_connection_carries_many_requests(self, scene: Scene) -> None:
        body = json.dumps(QUERY).encode()
        answers = await talk(scene, head(len(body)) + body, head(len(body)) + body)
        assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)


class TestLimits:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"YIBAO_MAX_MESSAGE_BYTES": "20000"}

    async def test_an_envelope_that_is_too_large_is_a_typed_failure(self, scene: Scene) -> None:
        answer = await scene.send(QUERY | {"padding": "x" * 30000})
        assert answer["err_msg"].startswith("[BODY_TOO_LARGE]")

    async def test_a_rest_body_that_is_too_large_is_413(self, scene: Scene) -> None:
        answer = await scene.client.post("/v1/persons:get", content=b"x" * 30000)
        assert answer.status_code == 413

    async def test_a_body_that_grows_beyond_the_limit_is_not_read_on(self, scene: Scene) -> None:
        start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        (answer,) = await talk(scene, start + b"6000\r\n" + b"x" * 0x6000 + b"\r\n")
        assert b"BODY_TOO_LARGE" in answer


@asynccontextmanager
async def headers_only(scene: Scene, start: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which the head of a request has been sent, and nothing else yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.server.port)
    writer.write(start)
    await writer.drain()
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer_of(reader: asyncio.StreamReader) -> tuple[bytes, Any]:
    """Status line and headers, and the JSON, of an answer after which the connection is closed."""
    start, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    return start, json.loads(body)


class TestBodiesThatDoNotCome:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"YIBAO_MAX_CONCURRENT_RPCS": "3"}

    async def test_heads_without_bodies_keep_nobody_out_and_the_oldest_leave(self, scene: Scene) -> None:
        async with AsyncExitStack() as opened:
            waiting = [await opened.enter_async_context(headers_only(scene, head(100))) for _ in range(8)]
            await asyncio.sleep(0.2)
            assert (await scene.send(QUERY))["infcode"] == 0
            body = json.dumps(QUERY).encode()
            async with headers_only(scene, head(len(body))) as (reader, writer):
                await asyncio.sleep(0.2)
                writer.write(body)
                assert b'"infcode":0' in await asyncio.wait_for(reader.read(65536), 5)
            for reader, _ in waiting[:5]:
                start, told = await answer_of(reader)
                assert start.startswith(b"HTTP/1.1 408")
                assert told["infcode"] == -1

    async def test_a_body_that_never_comes_is_told_with_a_span_and_the_connection_is_closed(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bodies, "LIMIT_S", 0.2)
        body = json.dumps(QUERY).encode()
        for part in (b"", body[:20]):
            async with headers_only(scene, head(len(body)) + part) as (reader, _):
                start, told = await answer_of(reader)
            assert start.startswith(b"HTTP/1.1 408")
            assert b"connection: close" in start
            assert told["err_msg"] == "[DEADLINE_EXCEEDED] 处理超时：body 未及时收齐。未受理，请以相同msgid重发"
        scene.telemetry.flush()
        spans = [dict(span.attributes or {}) for span in scene.spans.named("POST /*")]
        assert [each["http.response.status_code"] for each in spans] == [408, 408]

    async def test_a_rest_client_is_told_in_its_own_form(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "LIMIT_S", 0.2)
        start = head(100).replace(b"/fsi/api/x", b"/v1/persons:get")
        async with headers_only(scene, start) as (reader, _):
            start, told = await answer_of(reader)
        assert start.startswith(b"HTTP/1.1 408")
        error = told["error"]
        assert (error["code"], error["status"]) == (408, "DEADLINE_EXCEEDED")
        (broken,) = [each["fieldViolations"] for each in error["details"] if each["@type"].endswith("BadRequest")]
        assert [each["field"] for each in broken] == ["body"]

    async def test_who_leaves_before_the_body_is_forgotten(self, scene: Scene) -> None:
        async with headers_only(scene, head(100)):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        assert (await scene.send(QUERY))["infcode"] == 0

    async def test_more_than_may_be_served_at_a_time_are_refused(self, scene: Scene) -> None:
        gate, begun = asyncio.Event(), asyncio.Semaphore(0)

        async def slow(request: object) -> settlement_query_pb2.GetSettlementResponse:
            begun.release()
            await gate.wait()
            return settlement_query_pb2.GetSettlementResponse()

        scene.mesh.answers["GetSettlement"] = slow
        served = [asyncio.create_task(scene.send(QUERY)) for _ in range(3)]
        for _ in served:
            await begun.acquire()
        assert (await scene.send(QUERY))["err_msg"].startswith("[TOO_MANY_CALLS] ")
        assert (await scene.client.get("/v1/catalogue/head")).status_code == 429
        gate.set()
        assert [each["infcode"] for each in await asyncio.gather(*served)] == [0, 0, 0]


def allowed(answer: httpx.Response) -> str | None:
    """The origin that may read the answer; a star never stands there."""
    origin: str | None = answer.headers.get("access-control-allow-origin")
    assert origin != "*"
    assert ("access-control-allow-methods" in answer.headers) <= (origin is not None)
    return origin


class TestBrowsersAtASandbox:
    HERE: Final = ("http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080")
    ELSEWHERE: Final = (
        *("http://his.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80"),
        *("http://localhost:3000/path", "http://evil.example#localhost", "file://"),
    )

    @pytest.mark.parametrize("origin", HERE)
    async def test_pages_of_this_machine_may_send_and_read(self, scene: Scene, origin: str) -> None:
        asks = {"access-control-request-method": "POST", "access-control-request-headers": "x-tif-nonce,content-type"}
        before = await scene.client.options("/ebus/any", headers={"origin": origin} | asks)
        assert (before.status_code, allowed(before)) == (204, origin)
        assert "POST" in before.headers["access-control-allow-methods"]
        assert before.headers["access-control-allow-headers"] == "x-tif-nonce,content-type"
        answer = await scene.client.post("/", json=QUERY, headers={"origin": origin})
        assert (allowed(answer), answer.headers["access-control-expose-headers"]) == (origin, "retry-after, warning")

    @pytest.mark.parametrize("origin", ELSEWHERE)
    async def test_pages_from_elsewhere_may_not(self, scene: Scene, origin: str) -> None:
        before = await scene.client.options("/ebus/any", headers={"origin": origin})
        assert (before.status_code, allowed(before)) == (204, None)
        for path in ("/healthz", "/v1/catalogue/head"):
            assert allowed(await scene.client.get(path, headers={"origin": origin})) is None

    async def test_caches_are_told_that_answers_differ_by_origin(self, scene: Scene) -> None:
        for headers in ({}, {"origin": self.HERE[0]}, {"origin": self.ELSEWHERE[0]}):
            assert (await scene.client.get("/healthz", headers=headers)).headers["vary"] == "origin"
        assert allowed(await scene.client.post("/", json=QUERY)) is None


class TestBrowsersElsewhere:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"YIBAO_SANDBOX": "off"}

    async def test_no_page_may_call_a_mesh_that_names_no_origin(self, scene: Scene) -> None:
        for answer in (
            await scene.client.options("/", headers={"origin": "http://localhost:3000"}),
            await scene.client.get("/healthz", headers={"origin": "http://localhost:3000"}),
        ):
            assert allowed(answer) is None
            assert "vary" not in answer.headers


class TestBrowsersOfNamedOrigins:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"YIBAO_ALLOWED_ORIGINS": "https://His.example:443/, http://10.0.0.7:8080"}

    @pytest.mark.parametrize("origin", ["https://his.example", "http://10.0.0.7:8080"])
    async def test_pages_of_the_origins_named_may(self, scene: Scene, origin: str) -> None:
        assert allowed(await scene.client.options("/", headers={"origin": origin})) == origin
        assert allowed(await scene.client.get("/healthz", headers={"origin": origin})) == origin

    @pytest.mark.parametrize("origin", ["http://his.example", "http://10.0.0.7", "http://localhost:3000"])
    async def test_all_others_may_not_even_those_of_this_machine(self, scene: Scene, origin: str) -> None:
        assert allowed(await scene.client.options("/", headers={"origin": origin})) is None

    @pytest.mark.parametrize("named", ["*", "null", "his.example", "https://his.example/path", "https://*.example"])
    def test_what_is_no_origin_is_refused_at_the_start(self, named: str) -> None:
        with pytest.raises(ConfigError, match="YIBAO_ALLOWED_ORIGINS"):
            Config.load({"YIBAO_ALLOWED_ORIGINS": named})


class TestPages:
    async def test_the_reference_needs_no_network(self, scene: Scene) -> None:
        for path in ("/", "/docs"):
            page = await scene.client.get(path)
            assert page.status_code == 200
            assert page.headers["content-type"].startswith("text/html")
            named = re.findall(r'(?:src|href)="([^"]*)"', page.text)
            own = [each for each in named if each.startswith("/")]
            assert all(each.startswith(("/", "#", "data:,")) and not each.startswith("//") for each in named)
            # What it is made of is served here, too, and imports nothing from elsewhere.
            for each in own:
                part = await scene.client.get(each)
                assert part.status_code == 200
                kind = part.headers["content-type"].partition(";")[0]
                assert (
                    kind
                    == {"css": "text/css", "js": "text/javascript", "json": "application/json"}[each.rpartition(".")[2]]
                )
                assert kind == "application/json" or not re.search(r"https?://|url\(|from \"(?!/docs/)", part.text)

    async def test_health_is_told(self, scene: Scene) -> None:
        assert (await scene.client.get("/healthz")).json() == {"status": "SERVING"}

    async def test_a_page_is_only_read(self, scene: Scene) -> None:
        assert (await scene.client.delete("/healthz")).status_code == 404


def test_the_text_about_days_names_those_that_the_mesh_reckons_with() -> None:
    for said in RULES["header.date_range"]:
        assert str(FIRST_BUSINESS_DAY) in said
        assert str(LAST_BUSINESS_DAY) in said


class TestStart:
    async def test_a_port_that_is_taken_is_named_with_its_setting(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            ports = {"YIBAO_GATEWAY_PORT": str(port), "YIBAO_OPERATIONS_PORT": "0"}
            given = ports | {"YIBAO_MESH_KEY": KEY, "YIBAO_TRACE_EXPORTER": "none"}
            config = Config.load({}, given)
            telemetry = Telemetry("gateway", config)
            server = await build(config, system_clock, telemetry, Tokens(KEY, system_clock).signer("gateway"))
            with pytest.raises(StartError, match=f"{port}.*YIBAO_GATEWAY_PORT"):
                await server.start()

    async def test_without_members_the_gateway_stands_and_says_who_is_away(self, scene: Scene) -> None:
        await scene.mesh.stop()
        assert (await scene.client.get("/healthz")).status_code == 200
        answer = await scene.client.post("/", json=QUERY)
        assert answer.status_code == 503
        assert answer.json()["err_msg"].startswith("[PEER_UNAVAILABLE] 服务“参保身份”暂不可用")
