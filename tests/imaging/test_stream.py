"""The stream form of an upload: admitted once, each batch checked and answered as if it had come alone, and how a stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from services.runtime.status import from_rpc_error
from services.runtime.streams import Streams
from tests.imaging.conftest import OPERATOR, Running
from tests.imaging.entries import upsert
from tests.imaging.test_rpc import OF_NODE, registering
from tests.mesh.harness import started_mesh
from yibao.imaging.v1 import entry_pb2, upload_pb2

PATH = "/yibao.imaging.v1.UploadService/UploadStream"


class Stream:
    """An open stream of a node."""

    def __init__(self, running: Running, caller: Caller = OF_NODE, channel: grpc.aio.Channel | None = None) -> None:
        mesh = running.mesh
        stub = (channel or mesh.channel("imaging")).stream_stream(
            PATH,
            request_serializer=upload_pb2.UploadEntriesRequest.SerializeToString,
            response_deserializer=upload_pb2.UploadEntriesResponse.FromString,
        )
        self.call: Any = stub(metadata=mesh.metadata("imaging", caller))

    async def send(self, *entries: entry_pb2.Entry, node_no: str = "SD01") -> None:
        """A batch."""
        await self.call.write(upload_pb2.UploadEntriesRequest(node_no=node_no, entries=entries))

    async def answer(self) -> Any:
        """The next answer; the Fault with which the stream ended."""
        try:
            return await self.call.read()
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "imaging") from None

    async def reason(self) -> str:
        """Why the stream ended."""
        with pytest.raises(Fault) as ended:
            await self.answer()
        return ended.value.reason


def results(answer: Any) -> Sequence[int]:
    """What became of the entries of an answer."""
    return [each.result for each in answer.outcomes]


async def test_batches_of_a_stream_are_answered_in_their_order_whatever_was_sent_ahead(running: Running) -> None:
    await running.call("NodeService.RegisterNode", registering())
    stream = Stream(running)
    for seq in (1, 3, 5):
        await stream.send(upsert(seq), upsert(seq + 1, study_date="20260231" if seq == 3 else "20260301"))
    told = [await stream.answer() for _ in range(3)]
    assert [each.watermark for each in told] == [2, 4, 6]
    accepted, rejected = entry_pb2.ENTRY_RESULT_ACCEPTED, entry_pb2.ENTRY_RESULT_REJECTED
    assert [results(each) for each in told] == [[accepted] * 2, [accepted, rejected], [accepted] * 2]
    await stream.call.done_writing()
    assert await stream.answer() is grpc.aio.EOF
    assert await stream.call.code() is grpc.StatusCode.OK


async def test_the_first_refusal_ends_the_stream_and_what_came_before_stands(running: Running) -> None:
    await running.call("NodeService.RegisterNode", registering())
    stream = Stream(running)
    await stream.send(upsert(1))
    await stream.send(upsert(3))
    assert (await stream.answer()).watermark == 1
    assert await stream.reason() == "SEQUENCE_GAP"
    again = Stream(running)
    await again.send(upsert(2), upsert(3))
    assert (await again.answer()).watermark == 3


async def test_each_message_is_checked_as_a_call_would_be(running: Running) -> None:
    for caller, node_no, reason in (
        (OPERATOR, "SD01", "ROLE_NOT_ALLOWED"),
        (Caller(Role.NODE, "XX99", sandbox=True), "SD01", "CALLER_NOT_BOUND"),
        (OF_NODE, "no number", "INVALID_REQUEST"),
    ):
        stream = Stream(running, caller)
        await stream.send(upsert(1), node_no=node_no)
        assert await stream.reason() == reason


async def test_a_stream_and_its_messages_are_spans_of_one_trace_and_count_as_calls(running: Running) -> None:
    await running.call("NodeService.RegisterNode", registering())
    stream = Stream(running)
    await stream.send(upsert(1))
    await stream.answer()
    await stream.call.done_writing()
    await stream.answer()
    spans = running.mesh.traces().all_spans()
    (opened,) = (each for each in spans if each.name.endswith(".UploadStream"))
    (message,) = (each for each in spans if each.name.endswith(".UploadEntries"))
    assert (message.trace_id, message.parent_id) == (opened.trace_id, opened.span_id)
    assert opened.attributes["yibao.messages"] == 1
    counted = [
        telemetry.metrics.registry.get_sample_value(
            "yibao_requests_total",
            {"method": f"yibao.imaging.v1.UploadService.{method}", "infno": "", "reason": "OK"},
        )
        for telemetry in running.mesh.telemetries
        for method in ("UploadStream", "UploadEntries")
    ]
    assert [each for each in counted if each] == [1, 1]


async def test_a_member_that_stops_ends_its_open_streams(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        mesh = await stack.enter_async_context(started_mesh(tmp_path, members=("routing", "imaging")))
        running = Running(mesh)
        await running.call("NodeService.RegisterNode", registering())
        channel = grpc.aio.insecure_channel(mesh.config.address("imaging"))
        stream = Stream(running, channel=channel)
        await stream.send(upsert(1))
        assert (await stream.answer()).watermark == 1
        ended = asyncio.create_task(stream.reason())
        await stack.aclose()
        assert await ended == "SHUTTING_DOWN"
        await channel.close()


class Played:
    """A stream whose messages a test sends."""

    def __init__(self, *messages: bytes, open_end: bool = False) -> None:
        self._messages, self._open_end = list(messages), open_end
        self.written: list[bytes] = []

    async def read(self) -> Any:
        """The next one; waits for ever behind the last where the end is open."""
        if self._messages:
            return self._messages.pop(0)
        if self._open_end:
            await asyncio.Event().wait()
        return grpc.aio.EOF

    async def write(self, message: bytes) -> None:
        """An answer."""
        self.written.append(message)


async def echo(message: bytes) -> bytes:
    """Answers with the same."""
    return message


async def test_a_stream_that_says_nothing_is_ended() -> None:
    played = Played(b"1", open_end=True)
    with pytest.raises(Fault, match="STREAM_IDLE") as ended:
        await Streams("imaging", idle_s=0.05).serve(played, echo)
    assert (ended.value.metadata["seconds"], played.written) == ("0.05", [b"1"])


async def test_a_stream_ends_after_its_longest_time() -> None:
    with pytest.raises(Fault, match="SHUTTING_DOWN"):
        await Streams("imaging", longest_s=0.05).serve(Played(open_end=True), echo)


async def test_a_stopping_member_answers_the_message_in_hand_and_opens_no_other_stream() -> None:
    streams, played, going_on = Streams("imaging"), Played(b"1", b"2"), asyncio.Event()

    async def slow(message: bytes) -> bytes:
        await going_on.wait()
        return message

    serving = asyncio.ensure_future(streams.serve(played, slow))
    await asyncio.sleep(0)
    streams.drain()
    going_on.set()
    with pytest.raises(Fault, match="SHUTTING_DOWN"):
        await serving
    assert played.written == [b"1"]
    with pytest.raises(Fault, match="SHUTTING_DOWN"):
        await streams.serve(Played(b"1"), echo)


async def test_so_many_streams_are_open_and_no_more() -> None:
    streams = Streams("imaging", most=1)
    first = asyncio.ensure_future(streams.serve(Played(open_end=True), echo))
    await asyncio.sleep(0)
    with pytest.raises(Fault, match="TOO_MANY_CALLS"):
        await streams.serve(Played(b"1"), echo)
    streams.drain()
    with pytest.raises(Fault, match="SHUTTING_DOWN"):
        await first
    assert await Streams("imaging").serve(Played(b"1", b"2"), echo) == 2
