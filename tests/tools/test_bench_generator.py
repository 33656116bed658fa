"""The load generator against a small server: open loop, closed loop, chains, refusals, lost connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from tools.bench import wire
from tools.bench.generator import generate
from tools.bench.plan import CHAIN, CHAINS, CLOSED, MDTRT_ID_HOLE, OPEN, Load, Plan
from tools.bench.wire import AnswerReader, BrokenAnswer

VISIT = b"17953041289377568914"
GOOD = b'{"infcode":0,"output":{"data":{"mdtrt_id":"' + VISIT + b'"}}}'
REFUSAL = '{"infcode":-1,"err_msg":"[FEE_SUM_MISMATCH] 费用不符"}'.encode()
Answering = Callable[[bytes], bytes | None]


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def serving(respond: Answering, *, closed: Container[int] = ()) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers with `respond`, and closes the connection where that is None; what it was sent.

    Connections of the numbers `closed`, counted from 1 as they come, are closed before they are used.
    """
    seen: list[bytes] = []
    accepted = count(1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_kept = next(accepted) not in closed
        try:
            while is_kept:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                seen.append(body)
                said = respond(body)
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


def prepared(path: Path, bodies: list[bytes]) -> str:
    wire.write_requests(path, (wire.request("127.0.0.1", "/fsi", {"apikey": "k"}, body) for body in bodies))
    return str(path)


async def test_every_arrival_is_sent_once_and_those_after_the_warm_up_are_timed(tmp_path: Path) -> None:
    requests = prepared(tmp_path / "r", [b"%d" % place for place in range(400)])
    async with serving(lambda _body: answer(GOOD)) as (port, seen):
        load = await generate(Plan(OPEN, "127.0.0.1", port, requests, 0.5, 0.2, rate=200, connections=2))
    assert load.failed == {}
    assert len(seen) == len(set(seen)) == load.succeeded
    assert 0 < len(load.latencies_ms) < load.succeeded
    assert load.per_s == len(load.latencies_ms) / 0.5


async def test_a_refusal_is_counted_by_its_reason_and_never_timed(tmp_path: Path) -> None:
    requests = prepared(tmp_path / "r", [b"x"] * 200)
    async with serving(lambda _body: answer(REFUSAL)) as (port, _):
        load = await generate(Plan(OPEN, "127.0.0.1", port, requests, 0.3, 0.0, rate=100, connections=1))
    assert set(load.failed) == {"FEE_SUM_MISMATCH"}
    assert (load.succeeded, load.latencies_ms) == (0, [])
    assert "费用不符" in load.examples["FEE_SUM_MISMATCH"]


async def test_a_lost_connection_is_a_failure_and_others_take_over(tmp_path: Path) -> None:
    requests = prepared(tmp_path / "r", [b"%d" % place for place in range(300)])
    async with serving(lambda body: None if body == b"3" else answer(GOOD)) as (port, seen):
        load = await generate(Plan(OPEN, "127.0.0.1", port, requests, 0.4, 0.0, rate=100, connections=1))
    assert load.failed == {"connection lost": 1}
    assert load.succeeded == len(seen) - 1


async def test_a_connection_that_the_server_closed_while_idle_is_replaced(tmp_path: Path) -> None:
    requests = prepared(tmp_path / "r", [b"%d" % place for place in range(300)])
    async with serving(lambda _body: answer(GOOD), closed={2, 3}) as (port, seen):
        load = await generate(Plan(OPEN, "127.0.0.1", port, requests, 0.3, 0.2, rate=100, connections=3))
    assert load.failed == {}
    assert load.succeeded == len(seen) > 0


async def test_a_closed_loop_keeps_each_connection_busy_until_the_time_is_over(tmp_path: Path) -> None:
    requests = prepared(tmp_path / "r", [b"x"] * 100_000)
    async with serving(lambda _body: answer(GOOD)) as (port, seen):
        load = await generate(Plan(CLOSED, "127.0.0.1", port, requests, 0.3, 0.1, connections=4))
    assert load.failed == {}
    assert load.succeeded == len(seen) < 100_000
    assert load.connections == 4


async def test_a_closed_loop_ends_where_the_requests_do(tmp_path: Path) -> None:
    requests = prepared(tmp_path / "r", [b"x"] * 7)
    async with serving(lambda _body: answer(GOOD)) as (port, seen):
        load = await generate(Plan(CLOSED, "127.0.0.1", port, requests, 30, 0.0, connections=2))
    assert (load.succeeded, len(seen)) == (7, 7)


async def test_a_chain_runs_in_order_and_carries_the_number_of_its_visit(tmp_path: Path) -> None:
    bodies = [b"%s %s" % (infno.encode(), MDTRT_ID_HOLE) for infno in CHAIN] * 3
    async with serving(lambda _body: answer(GOOD)) as (port, seen):
        load = await generate(Plan(CHAINS, "127.0.0.1", port, prepared(tmp_path / "r", bodies), 30, 0.0, connections=1))
    assert [body.split()[0].decode() for body in seen] == list(CHAIN) * 3
    assert all(VISIT in body for body in seen if body[:4] in (b"2203", b"2204", b"2206", b"2207"))
    assert (load.succeeded, len(load.latencies_ms)) == (18, 3)


async def test_a_refused_step_ends_its_chain(tmp_path: Path) -> None:
    bodies = [infno.encode() for infno in CHAIN] * 2
    async with serving(lambda body: answer(REFUSAL if body == b"2203" else GOOD)) as (port, seen):
        load = await generate(Plan(CHAINS, "127.0.0.1", port, prepared(tmp_path / "r", bodies), 30, 0.0, connections=1))
    assert seen == [b"1101", b"2201", b"2203"] * 2
    assert load.latencies_ms == []


async def test_fewer_requests_than_arrivals_are_refused_beforehand(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="only 1 requests"):
        await generate(Plan(OPEN, "127.0.0.1", 1, prepared(tmp_path / "r", [b"x"]), 1, 0.0, rate=100))


def test_requests_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    requests = [b"", b"one", b"\x00\r\n" * 1000]
    assert wire.write_requests(tmp_path / "r", requests) == 3
    assert wire.read_requests(tmp_path / "r") == requests


def test_an_answer_is_whole_only_when_all_of_it_came() -> None:
    reader, whole = AnswerReader(), answer(GOOD)
    for place in range(len(whole) - 1):
        assert reader.feed(whole[place : place + 1]) is None
    assert reader.feed(whole[-1:]) == (200, GOOD)
    assert reader.feed(answer(REFUSAL)) == (200, REFUSAL)


def test_bytes_that_are_no_answer_are_told() -> None:
    with pytest.raises(BrokenAnswer):
        AnswerReader().feed(b"SSH-2.0\r\n\r\n")


def test_plans_and_loads_survive_their_way_between_processes() -> None:
    plan = Plan(OPEN, "127.0.0.1", 1, "r", 5, 1, rate=324, seed=4)
    load = Load([1.5], 3.0, 7, {"X": 1}, {"X": "说明"}, 0.1, 0.2, 64)
    assert Plan.read(plan.text()) == plan
    assert Load.read(load.text()) == load
