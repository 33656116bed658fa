"""Trunks: many calls on one stream or socket. What a call in one answers stands in `test_outbound`; here stands what both do, and
what a gRPC stream does; `test_trunk_socket` has what a socket does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import grpc
import pytest

from services.kernel.errors import Fault, FaultKind
from services.runtime import transport, trunk, trunk_served
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.config import Config
from services.runtime.contract import stub_class
from services.runtime.outbound import Peers
from services.runtime.status import from_status
from tests.runtime import desk
from tests.runtime.desk import GATEWAY, INSTITUTION, look
from tests.runtime.test_outbound import fault_of
from yibao.runtime.v1.trunk_pb2 import Answers, Call, Calls


@pytest.fixture(params=["on", "grpc"])
def settings(request: pytest.FixtureRequest, settings: dict[str, str]) -> dict[str, str]:
    """Trunks over a socket of this machine, and over gRPC."""
    return {**settings, "YIBAO_TRUNKS": request.param}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The members to which a trunk was opened since."""
    found: list[str] = []
    begin = trunk.Line.__init__

    def noted(self: trunk.Line, member: str, outbox: trunk.Outbox) -> None:
        found.append(member)
        begin(self, member, outbox)

    monkeypatch.setattr(trunk.Line, "__init__", noted)
    return found


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods that were called by themselves since, and not in a trunk."""
    found: list[str] = []
    send = transport.GrpcTransport._by_itself

    async def noted(self: transport.GrpcTransport, path: str, *rest: Any) -> bytes:
        found.append(path.rpartition("/")[2])
        return await send(self, path, *rest)

    monkeypatch.setattr(transport.GrpcTransport, "_by_itself", noted)
    return found


async def test_calls_to_a_member_share_one_stream(running: desk.Running, opened: list[str], alone: list[str]) -> None:
    answers = await asyncio.gather(*(running.peers.call(running.stub.Look, look(f"n{each}")) for each in range(20)))
    await running.peers.call(running.stub.Look, look())
    assert [answer.said for answer in answers] == [f"n{each}!" for each in range(20)]
    assert (opened, alone) == (["identity"], [])


async def test_an_answer_waits_for_no_other(running: desk.Running) -> None:
    slow = asyncio.create_task(running.peers.call(running.stub.Look, look("slow")))
    await running.servicer.waiting.wait()
    assert (await running.peers.call(running.stub.Look, look("fast"))).said == "fast!"
    assert not slow.done()
    running.servicer.release.set()
    assert (await slow).said == "slow!"


async def test_a_read_is_given_up_with_its_caller_and_the_trunk_stays(running: desk.Running, opened: list[str]) -> None:
    leaving = asyncio.create_task(running.peers.call(running.stub.Look, look("slow")))
    await running.servicer.waiting.wait()
    leaving.cancel()
    await asyncio.wait_for(running.servicer.cancelled.wait(), 5)
    await running.peers.call(running.stub.Look, look())
    assert opened == ["identity"]


async def test_more_calls_than_allowed_are_refused_one_by_one(settings: dict[str, str]) -> None:
    running = await desk.start({**settings, "YIBAO_MAX_CONCURRENT_RPCS": "2"})
    try:
        slow = [asyncio.create_task(running.peers.call(running.stub.Look, look("slow"))) for _ in range(2)]
        await running.servicer.waiting.wait()
        fault = await fault_of(running.peers.call(running.stub.Look, look()))
        assert (fault.kind, fault.reason) == (FaultKind.EXHAUSTED, "TOO_MANY_CALLS")
        running.servicer.release.set()
        assert [each.said for each in await asyncio.gather(*slow)] == ["slow!", "slow!"]
    finally:
        await running.stop()


async def test_a_large_message_holds_up_nobody(running: desk.Running, alone: list[str]) -> None:
    answer = await running.peers.call(running.stub.Look, look("big", setl_id="x" * trunk.LARGE_BYTES))
    assert (answer.said, alone) == ("big!", ["Look"])


async def test_a_member_of_an_earlier_release_is_asked_once(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    monkeypatch.setattr(trunk_served, "SERVICE", "yibao.runtime.v1.Unheard")
    running = await desk.start({**settings, "YIBAO_TRUNKS": "grpc"})
    try:
        answers = await asyncio.gather(*(running.peers.call(running.stub.Look, look(f"n{each}")) for each in range(3)))
        await running.peers.call(running.stub.Look, look())
        assert [answer.said for answer in answers] == ["n0!", "n1!", "n2!"]
        assert opened == ["identity"]
    finally:
        await running.stop()


async def test_where_trunks_are_off_each_call_goes_by_itself(
    settings: dict[str, str], opened: list[str], alone: list[str]
) -> None:
    running = await desk.start({**settings, "YIBAO_TRUNKS": "off"})
    try:
        assert (await running.peers.call(running.stub.Look, look())).said == "hello!"
        assert (opened, alone) == ([], ["Look"])
    finally:
        await running.stop()


async def test_a_member_that_stops_answers_what_it_was_sent(running: desk.Running) -> None:
    slow = asyncio.create_task(running.peers.call(running.stub.Look, look("slow")))
    await running.servicer.waiting.wait()
    stopping = asyncio.create_task(running.server.stop(20))
    await asyncio.sleep(0.1)
    assert not stopping.done()
    running.servicer.release.set()
    assert (await slow).said == "slow!"
    # Nobody keeps it from ending: the trunk is given up by its caller.
    await asyncio.wait_for(stopping, 5)
    fault = await fault_of(running.peers.call(running.stub.Ring, desk.messages().RingRequest()))
    assert (fault.kind, fault.reason) == (FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE")


async def test_a_broken_trunk_fails_its_calls_and_the_next_one_opens_another(
    settings: dict[str, str], opened: list[str]
) -> None:
    running = await desk.start(settings)
    address = running.server.address
    cut = asyncio.create_task(running.peers.call(running.stub.Look, look("slow"), timeout_s=3))
    await running.servicer.waiting.wait()
    await running.server.stop(0)
    assert (await fault_of(cut)).kind in (FaultKind.UNAVAILABLE, FaultKind.DEADLINE)
    again = await desk.start({**settings, "YIBAO_IDENTITY_ADDRESS": address})
    try:
        answer = None
        async with asyncio.timeout(20):
            while answer is None:
                # gRPC waits before it connects anew.
                with suppress(Fault):
                    answer = await running.peers.call(running.stub.Look, look())
        assert answer.said == "hello!"
        assert len(opened) > 1
    finally:
        await again.stop()
        await running.stop()


@pytest.mark.parametrize(
    ("caller", "told"),
    [
        (None, grpc.StatusCode.UNAUTHENTICATED),
        (INSTITUTION, grpc.StatusCode.PERMISSION_DENIED),
        (GATEWAY, grpc.StatusCode.OK),
    ],
)
async def test_only_members_open_trunks(running: desk.Running, caller: Caller | None, told: grpc.StatusCode) -> None:
    metadata = () if caller is None else ((CALLER_KEY, running.tokens.sign(caller, "identity", "gateway")),)
    call: Any = running.channel.stream_stream(trunk.PATH)(metadata=metadata)
    await call.done_writing()
    assert await call.code() is told


async def test_each_call_of_a_trunk_is_admitted_by_its_own_token(running: desk.Running) -> None:
    token = running.tokens.sign(GATEWAY, "identity")
    call: Any = running.channel.stream_stream(trunk.PATH)(metadata=((CALLER_KEY, token),))
    path, message = f"/{desk.SERVICE}/Look", look().SerializeToString()
    for number, own in enumerate(("", token), 1):
        asked = Call(number=number, path=path, message=message, caller_token=own, seconds=5)
        await call.write(Calls(calls=[asked]).SerializeToString())
        (answer,) = Answers.FromString(await call.read()).answers
        reason = getattr(from_status(answer.status), "reason", "") if answer.HasField("status") else ""
        assert (answer.number, reason) == (number, "" if own else "CALLER_TOKEN_MISSING")
    await call.done_writing()


async def test_a_call_that_was_held_up_until_nobody_waits_is_not_run(running: desk.Running) -> None:
    token = running.tokens.sign(GATEWAY, "identity")
    call: Any = running.channel.stream_stream(trunk.PATH)(metadata=((CALLER_KEY, token),))
    # Clocks of two machines begin anywhere; the second call was sent ten seconds before it came.
    for number, (sent_s, reason) in enumerate(((1e6, ""), (1e6 - 10, "DEADLINE_EXCEEDED"), (1e6, "")), 1):
        asked = Call(
            number=number, path=f"/{desk.SERVICE}/Look", message=look().SerializeToString(), caller_token=token
        )
        asked.seconds, asked.sent_s = 5, sent_s
        await call.write(Calls(calls=[asked]).SerializeToString())
        (answer,) = Answers.FromString(await call.read()).answers
        assert (getattr(from_status(answer.status), "reason", "") if answer.HasField("status") else "") == reason
    assert len(running.servicer.calls) == 2
    await call.done_writing()


async def test_an_answer_over_the_limit_is_refused_alone() -> None:
    async def serve(path: str, message: bytes, metadata: Any, timeout_s: float) -> bytes:
        return b"x" * int(path)

    trunks = trunk_served.Trunks(serve, lambda _: Role.SERVICE, 10, 1_000)
    fits, too_large = [await trunks.answer(Call(number=1, path=size, seconds=5)) for size in ("900", "1000")]
    assert len(fits.message) == 900
    fault = from_status(too_large.status)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.metadata) == ("MESSAGE_TOO_LARGE", {"limit_bytes": "1000"})


async def test_a_peer_out_of_reach_is_told_as_such_by_every_call(settings: dict[str, str]) -> None:
    running = await desk.start(settings)
    config = Config.load({**settings, "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:9"})
    peers = Peers("settlement", config, running.tokens.signer("settlement"), running.telemetry)
    stub: Any = peers.stub(stub_class(desk.SERVICE), "identity")
    try:
        calls = (peers.call(stub.Ring, desk.messages().RingRequest(), timeout_s=5) for _ in range(3))
        faults = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(each, "reason", each) for each in faults] == ["PEER_UNAVAILABLE"] * 3
    finally:
        await peers.close()
        await running.stop()
