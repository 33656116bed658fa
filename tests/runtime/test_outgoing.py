"""The client of providers: whole answers however they are framed, kept connections, and what a call that broke says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from services.runtime.config import Config
from services.runtime.outgoing import Outgoing, Unanswered
from services.runtime.telemetry import Telemetry
from tools.running import free_ports

PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-A: 1\r\nx-a: 2\r\n\r\nok"


Send: TypeAlias = Callable[..., Coroutine[Any, Any, tuple[int, dict[str, str], bytes]]]


class Provider:
    """Answers each request with the next text; None leaves it without one and closes the line."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers, self.requests, self.lines = list(answers), list[bytes](), 0
        self.hold = asyncio.Event()
        self.hold.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                self.requests.append(head + await reader.readexactly(length))
                await self.hold.wait()
                answer = self.answers.pop(0)
                if answer is None:
                    return
                # In two pieces, as a network may bring it.
                writer.write(answer[:20])
                await writer.drain()
                writer.write(answer[20:])
                await writer.drain()
                if b"close" in answer.lower() or (b"content-length" not in answer.lower() and b"chunked" not in answer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def calls(most_bytes: int = 1_000) -> Outgoing:
    return Outgoing(
        Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"})), connections=4, most_bytes=most_bytes
    )


@asynccontextmanager
async def at(provider: Provider, most_bytes: int = 1_000) -> AsyncIterator[Send]:
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = calls(most_bytes)

    async def send(
        path: str = "/a?b=1", body: bytes = b"", timeout_s: float = 2.0
    ) -> tuple[int, dict[str, str], bytes]:
        reply = await client.send(
            "twin", "POST" if body else "GET", url + path, headers={"X-Sent": "yes"}, body=body, timeout_s=timeout_s
        )
        return reply.status, dict(reply.headers), reply.body

    try:
        yield send
    finally:
        await client.close()
        server.close()


async def test_answers_are_whole_however_they_are_framed_and_a_connection_is_kept() -> None:
    chunked = b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    until_end = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end"
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + PLAIN
    provider = Provider(PLAIN, chunked, until_end, PLAIN, early)
    async with at(provider) as send:
        assert await send() == (200, {"content-length": "2", "x-a": "1, 2"}, b"ok")
        assert (await send(body=b"{}"))[::2] == (404, b"abcde")
        assert provider.lines == 1
        assert (await send())[2] == b"to the end"
        assert (await send())[2] == b"ok"
        assert provider.lines == 2
    assert provider.requests[0].startswith(b"GET /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-Sent: yes\r\n" in provider.requests[0]
    assert b"content-length: 2\r\n" in provider.requests[1].lower()
    assert provider.requests[1].endswith(b"\r\n\r\n{}")


async def test_a_line_that_the_provider_closed_is_not_used_again() -> None:
    provider = Provider(PLAIN, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\nno", PLAIN)
    async with at(provider) as send:
        for _ in range(3):
            await send()
    assert provider.lines == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "ServerDisconnectedError"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhalf", "ClientPayloadError"),
        (b"SSH-2.0-OpenSSH_9.6 close\r\n\r\n", "ClientResponseError"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5_000, "ANSWER_TOO_LARGE"),
    ],
)
async def test_what_is_no_whole_answer_breaks_the_call_which_may_have_arrived(
    answer: bytes | None, reason: str
) -> None:
    provider = Provider(answer, PLAIN)
    async with at(provider) as send:
        with pytest.raises(Unanswered) as broken:
            await send(body=b"{}")
        assert (broken.value.reason, broken.value.sent) == (reason, True)
        assert (await send())[2] == b"ok"


async def test_one_limit_covers_a_call_and_says_whether_it_can_have_arrived() -> None:
    provider = Provider(PLAIN, PLAIN)
    provider.hold.clear()
    async with at(provider) as send:
        with pytest.raises(Unanswered) as broken:
            await send(timeout_s=0.5)
        assert (broken.value.reason, broken.value.sent) == ("TIMEOUT", True)
        provider.hold.set()
    (port,) = free_ports(1)
    client = calls()
    with pytest.raises(Unanswered) as broken:
        await client.send("twin", "GET", f"http://127.0.0.1:{port}/", headers={}, timeout_s=1.0)
    await client.close()
    assert not broken.value.sent


async def test_who_finds_no_free_connection_in_time_has_sent_nothing() -> None:
    provider = Provider(*[PLAIN] * 5)
    provider.hold.clear()
    async with at(provider) as send:
        waiting = [asyncio.create_task(send()) for _ in range(4)]
        await asyncio.sleep(0.05)
        with pytest.raises(Unanswered) as broken:
            await send(timeout_s=0.05)
        assert not broken.value.sent
        provider.hold.set()
        await asyncio.gather(*waiting)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://example.test/", {}),
        ("http:///x", {}),
        ("http://127.0.0.1:1/", {"X": "a\r\nY: b"}),
        ("http://127.0.0.1:1/", {"X y": "a"}),
    ],
)
async def test_what_cannot_be_written_is_not_sent(url: str, headers: dict[str, str]) -> None:
    client = calls()
    with pytest.raises(Unanswered) as broken:
        await client.send("twin", "GET", url, headers=headers)
    await client.close()
    assert not broken.value.sent


async def test_an_address_is_sent_as_it_was_signed() -> None:
    provider = Provider(PLAIN)
    async with at(provider) as send:
        await send("/v3/bill/a%2Fb/%e8?bill_date=2026-01-01&x=%2B+%20")
    assert provider.requests[0].startswith(b"GET /v3/bill/a%2Fb/%e8?bill_date=2026-01-01&x=%2B+%20 HTTP/1.1\r\n")
