"""Gathering and remembering: full queues, late and absent callers, one question for many askers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from gateway.backend import CallOptions
from gateway.batching import Gatherer
from services.kernel.clock import system_clock
from services.kernel.elsewhere import insured_elsewhere
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import Caller, Role
from services.runtime.config import Config
from services.runtime.contract import Contract, MethodContract
from services.runtime.gathering import Limits
from services.runtime.kept import TimedCache
from services.runtime.outbound import Peers
from services.runtime.status import to_status
from services.runtime.telemetry import Telemetry
from tests.gateway.spans import KeptSpans
from tests.tokens import Tokens
from yibao.settlement.v1 import settlement_pb2

HOSPITAL = Caller(Role.INSTITUTION, "H99010000001", True)


class SlowMember:
    """A member that answers when it is told to."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.batches: list[settlement_pb2.BatchSettleRequest] = []
        self.fails: Exception | None = None

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """Answers each item with its own message number."""
        assert isinstance(request, settlement_pb2.BatchSettleRequest)
        self.batches.append(request)
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        response = settlement_pb2.BatchSettleResponse()
        for item in request.items:
            if item.request.desk.msgid.startswith("elsewhere"):
                gone = to_status(insured_elsewhere("370000"))
                response.outcomes.add(status=gone, told=item.request.desk.msgid.encode())
                continue
            response.outcomes.add().response.setlinfo.medins_setl_id = item.request.desk.msgid
        return response


Made = tuple[SlowMember, Callable[..., asyncio.Task[Any]], KeptSpans, Telemetry]


@pytest.fixture
async def gathered(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Made]:
    """A gatherer with room for four in a batch, one batch under way, six waiting, unless a test says otherwise."""
    limits: Limits = getattr(request, "param", Limits(batch=4, in_flight=1, queue=6))
    given = {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path)}
    config = Config.load({}, given)
    spans = KeptSpans()
    telemetry = Telemetry("gateway", config, spans)
    peers = Peers("gateway", config, Tokens(b"k" * 32, system_clock).signer("gateway"), telemetry)
    contract = Contract.of_mesh()
    unary = contract.method("yibao.settlement.v1.SettlementService.Settle")
    batch = contract.method("yibao.settlement.v1.SettlementService.BatchSettle")
    member = SlowMember()
    gatherer = Gatherer(unary, batch, member, peers, telemetry, limits)

    def settle(msgid: str, timeout_s: float = 5) -> asyncio.Task[Any]:
        request = settlement_pb2.SettleRequest()
        request.desk.msgid = msgid

        async def run() -> Any:
            with telemetry.span(f"request {msgid}"):
                return await gatherer.call(unary, request, CallOptions(HOSPITAL, timeout_s))

        return asyncio.create_task(run())

    yield member, settle, spans, telemetry
    telemetry.stop()


async def turn() -> None:
    """Lets everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_does_not_wait_and_the_others_go_together(gathered: Made) -> None:
    member, settle, _, _ = gathered
    tasks = [settle("0")]
    await turn()
    tasks += [settle(str(number)) for number in range(1, 6)]
    await turn()
    member.gate.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.setlinfo.medins_setl_id for answer in answers] == ["0", "1", "2", "3", "4", "5"]
    assert [len(batch.items) for batch in member.batches] == [1, 4, 1]


@pytest.mark.parametrize("gathered", [Limits(in_flight=1, batch_bytes=100)], indirect=True)
async def test_what_is_large_goes_with_few_others_or_alone(gathered: Made) -> None:
    member, settle, _, _ = gathered
    tasks = [settle("0")]
    await turn()
    tasks += [settle(name) for name in ("a" * 40, "b" * 40, "c" * 40, "d" * 300, "e")]
    await turn()
    member.gate.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.setlinfo.medins_setl_id[0] for answer in answers] == ["0", "a", "b", "c", "d", "e"]
    assert [len(batch.items) for batch in member.batches] == [1, 2, 1, 1, 1]


@pytest.mark.parametrize("gathered", [Limits(batch=4, in_flight=2, second_from=3)], indirect=True)
async def test_a_second_batch_begins_beside_the_first_only_when_enough_wait(gathered: Made) -> None:
    member, settle, _, _ = gathered
    tasks = [settle("0")]
    await turn()
    tasks += [settle("1"), settle("2")]
    await turn()
    assert [len(batch.items) for batch in member.batches] == [1]
    tasks.append(settle("3"))
    await turn()
    assert [len(batch.items) for batch in member.batches] == [1, 3]
    tasks += [settle(str(number)) for number in range(4, 8)]
    await turn()
    assert len(member.batches) == 2
    member.gate.set()
    assert len(await asyncio.gather(*tasks)) == 8


@pytest.mark.parametrize("gathered", [Limits(batch=8, in_flight=2, second_from=2)], indirect=True)
async def test_many_are_shared_out_evenly_so_that_member_and_gateway_work_at_the_same_time(gathered: Made) -> None:
    member, settle, _, _ = gathered
    tasks = [settle("0")]
    await turn()
    tasks += [settle(str(number)) for number in range(1, 10)]
    await turn()
    assert [len(batch.items) for batch in member.batches] == [1, 5]
    member.gate.set()
    assert len(await asyncio.gather(*tasks)) == 10


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(gathered: Made) -> None:
    member, settle, _, _ = gathered
    first = settle("0")
    await turn()
    waiting = [settle(str(number)) for number in range(1, 7)]
    await turn()
    with pytest.raises(Fault) as caught:
        await settle("7")
    assert caught.value.reason == "QUEUE_FULL"
    assert caught.value.retry_after_s
    member.gate.set()
    assert len(await asyncio.gather(first, *waiting)) == 7


async def test_who_waited_too_long_is_told_and_not_sent(gathered: Made) -> None:
    member, settle, _, _ = gathered
    first = settle("0")
    await turn()
    late = settle("1", timeout_s=0.05)
    with pytest.raises(Fault) as caught:
        await late
    assert caught.value.kind is FaultKind.DEADLINE
    member.gate.set()
    await first
    await turn()
    assert [item.request.desk.msgid for batch in member.batches for item in batch.items] == ["0"]


async def test_who_left_is_not_sent_and_harms_nobody(gathered: Made) -> None:
    member, settle, _, _ = gathered
    first = settle("0")
    await turn()
    gone, stays = settle("1"), settle("2")
    await turn()
    gone.cancel()
    member.gate.set()
    assert (await stays).setlinfo.medins_setl_id == "2"
    await first
    assert [item.request.desk.msgid for batch in member.batches for item in batch.items] == ["0", "2"]


async def test_a_batch_that_fails_fails_its_items_and_the_next_one_goes_on(gathered: Made) -> None:
    member, settle, _, _ = gathered
    member.gate.set()
    member.fails = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "settlement"})
    failed = await asyncio.gather(settle("0"), settle("1"), return_exceptions=True)
    assert [each.reason for each in failed if isinstance(each, Fault)] == ["PEER_UNAVAILABLE"] * 2
    member.fails = None
    assert (await settle("2")).setlinfo.medins_setl_id == "2"


async def test_a_refusal_brings_along_what_was_told_beside_it(gathered: Made) -> None:
    member, settle, _, _ = gathered
    member.gate.set()
    tasks = [settle("elsewhere 1"), settle("here"), settle("elsewhere 2")]
    found: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    first, here, second = found
    assert here.setlinfo.medins_setl_id == "here"
    assert [(each.reason, each.told) for each in (first, second)] == [
        ("INSURED_ELSEWHERE", b"elsewhere 1"),
        ("INSURED_ELSEWHERE", b"elsewhere 2"),
    ]


async def test_who_has_less_time_than_the_list_is_told_in_time(gathered: Made) -> None:
    member, settle, _, _ = gathered
    patient, hurried = settle("0", 5), settle("1", 0.05)
    with pytest.raises(Fault, match="DEADLINE_EXCEEDED"):
        await hurried
    member.gate.set()
    assert (await patient).setlinfo.medins_setl_id == "0"


async def test_each_item_carries_its_own_caller_deadline_and_trace(gathered: Made) -> None:
    member, settle, spans, telemetry = gathered
    member.gate.set()
    await asyncio.gather(settle("0"), settle("1"))
    contexts = [item.context for batch in member.batches for item in batch.items]
    assert all(context.caller_token and context.HasField("deadline") for context in contexts)
    assert len({context.traceparent[3:35] for context in contexts}) == 2
    telemetry.flush()
    links = [f"{link.context.span_id:016x}" for span in spans.named("gather") for link in span.links]
    assert sorted(links) == sorted(context.traceparent[36:52] for context in contexts)


class TestCache:
    async def test_many_askers_are_one_question(self) -> None:
        cache: TimedCache[str, str] = TimedCache(4, lambda: 0.0)
        asked = 0

        async def load() -> tuple[str, float]:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0)
            return "v", 60.0

        assert await asyncio.gather(*(cache.get("k", load) for _ in range(9))) == ["v"] * 9
        assert asked == 1

    async def test_a_value_is_forgotten_after_its_time(self) -> None:
        now = 0.0
        cache: TimedCache[str, int] = TimedCache(4, lambda: now)
        values = iter((1, 2))

        async def load() -> tuple[int, float]:
            return next(values), 60.0

        assert await cache.get("k", load) == 1
        now = 59.9
        assert await cache.get("k", load) == 1
        now = 60.0
        assert await cache.get("k", load) == 2

    async def test_a_failure_is_not_kept(self) -> None:
        cache: TimedCache[str, int] = TimedCache(4, lambda: 0.0)
        failures = [Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE")]

        async def load() -> tuple[int, float]:
            if failures:
                raise failures.pop()
            return 7, 1.0

        with pytest.raises(Fault):
            await cache.get("k", load)
        assert await cache.get("k", load) == 7

    async def test_it_never_holds_more_than_its_size(self) -> None:
        cache: TimedCache[int, int] = TimedCache(3, lambda: 0.0)
        for number in range(10):

            async def load(value: int = number) -> tuple[int, float]:
                return value, 60.0

            await cache.get(number, load)
        assert [cache.peek(number) for number in range(10)] == [None] * 7 + [7, 8, 9]
