"""The index is killed with SIGKILL in the middle of uploads, by REST and by stream: what was answered stands, a node that goes on
behind the watermark loses no entry and makes none twice.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import grpc
import pytest
from google.protobuf import json_format

from tests.imaging.conftest import opened
from tests.imaging.entries import HOSPITAL, upsert
from tests.imaging.upload_victim import API_KEY, NODES
from yibao.imaging.v1 import upload_pb2

ENTRIES: Final = 400
BATCH: Final = 20
ROUNDS: Final = 8
_SERVICE: Final = "/yibao.imaging.v1.UploadService"


@dataclass(frozen=True, slots=True)
class Victim:
    """The index's process, and how it is reached."""

    process: subprocess.Popen[str]
    url: str
    address: str
    metadata: dict[str, tuple[tuple[str, str], ...]]

    async def watermark(self, node_no: str) -> int:
        """Where a node goes on."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            call: Any = channel.unary_unary(f"{_SERVICE}/GetWatermark")
            asked = upload_pb2.GetWatermarkRequest(node_no=node_no).SerializeToString()
            told = await call(asked, metadata=self.metadata[node_no], timeout=30)
            return upload_pb2.GetWatermarkResponse.FromString(told).watermark


@contextmanager
def victim(folder: Path, database: str) -> Iterator[Victim]:
    """A running one; killed at the end, if it is not by then."""
    words = [sys.executable, "-m", "tests.imaging.upload_victim", str(folder), database]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            metadata = {node_no: tuple(map(tuple, each)) for node_no, each in told["metadata"].items()}
            yield Victim(process, told["url"], told["address"], metadata)
        finally:
            process.kill()


def batches(node_no: str, watermark: int) -> Iterator[upload_pb2.UploadEntriesRequest]:
    """All entries of a node behind a watermark; no two nodes tell the same study."""
    before = NODES.index(node_no) * ENTRIES
    for first in range(watermark + 1, ENTRIES + 1, BATCH):
        made = [upsert(seq, before + seq) for seq in range(first, min(first + BATCH, ENTRIES + 1))]
        yield upload_pb2.UploadEntriesRequest(node_no=node_no, entries=made)


async def by_rest(at: Victim, node_no: str, watermark: int) -> AsyncIterator[int]:
    """Sends all through the gateway; the watermark of each answer."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for request in batches(node_no, watermark):
            body = json_format.MessageToDict(request)
            async with http.post(f"{at.url}/v1/imaging/entries:upload", json=body) as answer:
                assert answer.status == 200, await answer.text()
                yield int((await answer.json())["watermark"])


async def by_stream(at: Victim, node_no: str, watermark: int) -> AsyncIterator[int]:
    """The same in one stream, all sent ahead."""
    async with grpc.aio.insecure_channel(at.address) as channel:
        call: Any = channel.stream_stream(f"{_SERVICE}/UploadStream")
        sent = iter([each.SerializeToString() for each in batches(node_no, watermark)])
        async for answer in call(sent, metadata=at.metadata[node_no], timeout=60):
            yield upload_pb2.UploadEntriesResponse.FromString(answer).watermark


@dataclass(slots=True)
class Site:
    """A node that goes on behind the watermark until everything is told, whatever happens to the index."""

    node_no: str
    send: Callable[[Victim, str, int], AsyncIterator[int]]
    answered: int = 0

    async def upload(self, at: Victim, kill_after: int = 0, delay_s: float = 0.0) -> None:
        """Uploads; kills the index after so many answers, a little into the next batch."""
        watermark, count = await at.watermark(self.node_no), 0
        assert watermark >= self.answered, "what was answered stands"
        try:
            async for told in self.send(at, self.node_no, watermark):
                assert told > self.answered
                self.answered, count = told, count + 1
                if count == kill_after:
                    await asyncio.sleep(delay_s)
                    at.process.kill()
        except (grpc.aio.AioRpcError, aiohttp.ClientError):
            assert await asyncio.to_thread(at.process.wait, 10) == -9


async def play(folder: Path, database: str, kills: Sequence[tuple[int, float]]) -> None:
    """Two nodes upload, by REST and by stream; the index is killed each time, and at last everything is told."""
    sites = (Site(NODES[0], by_rest), Site(NODES[1], by_stream))
    for number, (kill_after, delay_s) in enumerate(kills):
        with victim(folder, database) as at:
            by, other = sites[number % 2], sites[1 - number % 2]
            await asyncio.gather(by.upload(at, kill_after, delay_s), other.upload(at))
    assert 0 < sum(each.answered for each in sites) < 2 * ENTRIES
    with victim(folder, database) as at:
        await asyncio.gather(*(each.upload(at) for each in sites))
        assert [await at.watermark(each) for each in NODES] == [ENTRIES, ENTRIES]
    await check(database or f"sqlite:///{folder / 'imaging.sqlite'}")


async def check(database: str) -> None:
    """Each entry stands once, with its series, its place in the own list, and its line in the change log."""
    whole = ENTRIES * len(NODES)
    asked = {
        "SELECT count(*), count(DISTINCT uid) FROM imaging_study": [(whole, whole)],
        "SELECT count(*) FROM imaging_series": [(whole,)],
        "SELECT sum(count) FROM imaging_digest": [(whole,)],
        f"SELECT count(*) FROM imaging_own WHERE institution = '{HOSPITAL}'": [(whole,)],
        "SELECT level, sum(count) FROM imaging_own_part GROUP BY level ORDER BY level": [(0, whole), (1, whole)],
        "SELECT count(*), min(seq), max(seq), min(result), max(result) FROM imaging_change": [
            (whole, 1, ENTRIES, 1, 1)
        ],
    }
    async with opened(database) as store, store.read() as work:
        for question, answer in asked.items():
            rows = await work.search._connection.fetch(question)
            assert [tuple(each) for each in rows] == answer, question


async def test_an_index_killed_while_nodes_upload_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    await play(tmp_path, "", [(3, 0.004)])


@pytest.mark.torture
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_it_may_be_killed_at_any_moment(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database = "" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    await play(tmp_path, database, [(1 + number % 2, number * 0.0017) for number in range(ROUNDS)])
