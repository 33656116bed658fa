"""Connections that say nothing, too much, or read nothing: each is ended, and others go on being served meanwhile."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway import connections
from gateway.connections import MOST_HEAD_BYTES, affordable
from tests.gateway.conftest import Scene
from tests.said import said

MOST = 8


@pytest.fixture
def settings() -> dict[str, str]:
    return {"YIBAO_MAX_CONNECTIONS": str(MOST), "YIBAO_MAX_MESSAGE_BYTES": "100000"}


class Line:
    """A client that speaks bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def say(self, text: bytes) -> None:
        """Says it, unless the other side has ended the connection."""
        if not self.writer.is_closing():
            self.writer.write(text)

    async def answer(self, limit_s: float = 5.0) -> tuple[int, bytes]:
        """Status and body of the next answer; (0, b"") where the connection ended without one."""
        async with asyncio.timeout(limit_s):
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0, b""
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            return int(head.split()[1]), await self._reader.readexactly(length)

    async def ended(self, limit_s: float = 5.0) -> bool:
        """Whether the other side ends the connection within the time, whatever it still says."""
        try:
            async with asyncio.timeout(limit_s):
                while await self._reader.read(65_536):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def line(scene: Scene, buffer: int | None = None) -> AsyncIterator[Line]:
    opened = socket.create_connection((scene.server.address.rpartition(":")[0], scene.server.port))
    if buffer is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    opened.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=opened, limit=1 << 20)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"


def reason(body: bytes) -> str:
    (info,) = (each for each in json.loads(body)["error"]["details"] if each["@type"].endswith("ErrorInfo"))
    return str(info["reason"])


async def test_no_line_of_the_log_tells_an_address(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    async with line(scene) as client:
        client.say(b"GET /dicom-web/studies?PatientID=PSEUDONYM1 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await client.answer())[0] != 0
    assert caplog.records
    assert "PSEUDONYM1" not in "".join(each.getMessage() for each in caplog.records)


class TestHeads:
    async def test_who_says_nothing_is_left(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "HEAD_S", 0.05)
        async with line(scene) as silent:
            assert await silent.answer() == (0, b"")

    async def test_a_head_that_comes_in_drops_is_refused(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "HEAD_S", 0.1)
        async with line(scene) as slow:
            for byte in GET[:-2]:
                slow.say(bytes([byte]))
                await asyncio.sleep(0.01)
            status, body = await slow.answer()
            assert (status, reason(body)) == (408, "DEADLINE_EXCEEDED")
            assert await slow.ended(2.0)

    async def test_the_drops_of_a_further_head_have_the_same_time(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with line(scene) as kept:
            kept.say(GET)
            assert (await kept.answer())[0] == 200
            monkeypatch.setattr(connections, "HEAD_S", 0.05)
            kept.say(GET[:5])
            assert (await kept.answer())[0] == 408

    async def test_who_was_refused_sees_at_once_that_nothing_more_comes(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "HEAD_S", 0.1)
        monkeypatch.setattr(connections, "LINGER_S", 60.0)
        async with line(scene) as slow:
            slow.say(GET[:-2])
            assert (await slow.answer())[0] == 408
            assert await slow.ended(5.0)

    async def test_a_body_within_its_limit_may_come_in_many_pieces(self, scene: Scene) -> None:
        # What lies behind a request is counted, and its own body is not: see the limit of messages in `settings`.
        async with line(scene) as slow:
            slow.say(b"POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 99000\r\n\r\n")
            for _ in range(11):
                await asyncio.sleep(0.005)
                slow.say(b" " * 9_000)
            assert (await slow.answer())[0] not in (0, 413)
            slow.say(GET)
            assert (await slow.answer())[0] == 200

    async def test_blank_lines_keep_no_connection_open(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        async with line(scene) as blank:
            blank.say(GET)
            assert (await blank.answer())[0] == 200
            monkeypatch.setattr(connections, "HEAD_S", 0.1)
            for _ in range(3):
                blank.say(b"\r\n")
                await asyncio.sleep(0.01)
            assert await blank.ended(2.0)

    async def test_who_was_refused_and_goes_on_talking_is_cut(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "HEAD_S", 0.1)
        monkeypatch.setattr(connections, "LINGER_S", 0.1)
        async with line(scene) as slow, asyncio.timeout(10):
            slow.say(GET[:-2])
            assert (await slow.answer())[0] == 408
            while not slow.writer.is_closing():
                slow.say(b"x")
                await asyncio.sleep(0.02)

    @pytest.mark.parametrize("size", [MOST_HEAD_BYTES + 100, 1_000_000])
    @pytest.mark.parametrize("kind", [b"X-Long: %s", b"%s: x", b"/%s"])
    async def test_a_head_that_is_too_large_is_refused_with_its_limit(
        self, scene: Scene, size: int, kind: bytes
    ) -> None:
        async with line(scene) as large:
            part = kind % (b"a" * size)
            head = b"GET %s HTTP/1.1\r\nHost: h\r\n" % (part if part.startswith(b"/") else b"/healthz")
            large.say(head + (b"" if part.startswith(b"/") else part + b"\r\n"))
            # The end comes when the rest has arrived, so that all ways of counting are met.
            await asyncio.sleep(0.01)
            if not large.writer.is_closing():
                large.say(b"\r\n")
            status, body = await large.answer()
            assert (status, reason(body)) == (431, "HEAD_TOO_LARGE")
            assert str(MOST_HEAD_BYTES) in body.decode()

    async def test_a_head_just_within_the_limit_is_served(self, scene: Scene) -> None:
        async with line(scene) as large:
            large.say(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: " + b"a" * (MOST_HEAD_BYTES - 100) + b"\r\n\r\n")
            assert (await large.answer())[0] == 200

    async def test_headers_behind_a_body_have_their_limit_too(self, scene: Scene) -> None:
        async with line(scene) as trailing:
            trailing.say(b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nX: ")
            for _ in range(20):
                trailing.say(b"a" * 100_000)
                await asyncio.sleep(0.005)
            assert await trailing.ended()

    async def test_requests_are_not_hoarded(self, scene: Scene) -> None:
        async with line(scene) as eager:
            eager.say(GET * 500)
            assert await eager.ended()


class TestReaders:
    async def test_who_reads_no_answer_is_left(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "READ_S", 0.1)
        async with line(scene, buffer=4_096) as deaf:
            deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
            for _ in range(40):
                deaf.say(b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n")
                await asyncio.sleep(0.005)
            for _ in range(250):
                await asyncio.sleep(0.02)
                if not scene.server.connections.count:
                    break
            assert scene.server.connections.count == 0

    async def test_who_pauses_and_reads_on_stays(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "READ_S", 2.0)
        async with line(scene, buffer=65_536) as slow:
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
            for _ in range(8):
                slow.say(b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n")
                await asyncio.sleep(0.005)
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(8):
                assert (await slow.answer())[0] == 200
            await asyncio.sleep(2.2)
            slow.say(GET)
            assert (await slow.answer())[0] == 200


class TestNumber:
    async def test_half_open_ones_never_keep_others_out(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "yibao.gateway"):
            silent = [line(scene) for _ in range(5 * MOST)]
            opened = [await each.__aenter__() for each in silent]
            for _ in range(3):
                async with line(scene) as other:
                    other.say(GET)
                    assert (await other.answer())[0] == 200
            assert scene.server.connections.count <= MOST
        assert sum([await each.ended(0.01) for each in opened]) >= 4 * MOST
        assert [each.message for each in said(caplog, "yibao.gateway")].count("too many connections") == 1
        for each in silent:
            await each.__aexit__(None, None, None)

    async def test_one_that_never_sent_a_request_leaves_before_one_that_did(self, scene: Scene) -> None:
        async with line(scene) as kept:
            kept.say(GET)
            assert (await kept.answer())[0] == 200
            silent = [line(scene) for _ in range(2 * MOST)]
            for each in silent:
                await each.__aenter__()
            kept.say(GET)
            assert (await kept.answer())[0] == 200
            for each in silent:
                await each.__aexit__(None, None, None)

    async def test_where_all_have_a_request_the_next_is_told_to_come_later(self, scene: Scene) -> None:
        under_way = [line(scene) for _ in range(MOST)]
        for each in under_way:
            (await each.__aenter__()).say(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
        await asyncio.sleep(0.05)
        async with line(scene) as late:
            status, body = await late.answer()
            assert (status, reason(body)) == (503, "TOO_MANY_CALLS")
        for each in under_way:
            await each.__aexit__(None, None, None)


class TestDescriptors:
    @pytest.fixture
    def limits(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
        held = {"is": (1_024, 1_048_576)}
        monkeypatch.setattr(resource, "getrlimit", lambda which: held["is"])
        monkeypatch.setattr(resource, "setrlimit", lambda which, limits: held.update({"is": limits}))
        return held

    def test_the_limit_of_the_process_is_raised(self, limits: dict[str, tuple[int, int]]) -> None:
        assert affordable(4_096) == 4_096
        assert limits["is"][0] > 4_096

    @pytest.mark.parametrize(("hard", "most"), [(4_096, 3_840), (1_024, 768), (300, 150)])
    def test_where_it_cannot_be_raised_fewer_are_taken(
        self, limits: dict[str, tuple[int, int]], hard: int, most: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        limits["is"] = (min(1_024, hard), hard)
        with caplog.at_level(logging.WARNING, "yibao.gateway"):
            assert affordable(4_096) == most
        assert [each.getMessage() for each in said(caplog, "yibao.gateway")] == ["fewer connections than set"]

    def test_without_any_limit_all_are_taken(self, limits: dict[str, tuple[int, int]]) -> None:
        limits["is"] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        assert affordable(4_096) == 4_096
