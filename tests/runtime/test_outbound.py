"""Calls from member to member, over loopback and inside one process: the same answers, the same refusals."""

from __future__ import annotations

import asyncio
import time
from datetime import date, timedelta
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from services.kernel.errors import Fault, FaultKind
from services.runtime.call import CallContext, use_call, wire_time
from services.runtime.config import Config
from services.runtime.contract import stub_class
from services.runtime.outbound import Peers
from services.runtime.status import InternalError
from services.runtime.telemetry import Telemetry
from tests.runtime import desk
from tests.runtime.desk import INSTITUTION, SETTLEMENT, look


async def fault_of(call: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        await call
    return caught.value


def serving(left_s: float, day: date | None = None) -> CallContext:
    return CallContext(INSTITUTION, "/x/Y", wire_time() + timedelta(seconds=left_s), day, desk.NOON)


async def test_a_member_calls_in_its_own_name(placed: desk.Running) -> None:
    answer = await placed.peers.call(placed.stub.Look, look("hello"))
    assert answer.said == "hello!"
    assert placed.servicer.calls[0].caller == SETTLEMENT


async def test_the_gateway_calls_in_the_name_of_its_caller(placed: desk.Running) -> None:
    async with placed.seen_from("gateway") as gateway:
        await gateway.call(gateway.stub(stub_class(desk.SERVICE), "identity").Look, look(), as_caller=INSTITUTION)
    assert (placed.servicer.calls[0].caller, placed.servicer.calls[0].caller.via) == (INSTITUTION, "gateway")


async def test_a_member_that_authenticates_nobody_calls_in_no_other_name(placed: desk.Running) -> None:
    with pytest.raises(ValueError, match="may not speak for another") as caught:
        await placed.peers.call(placed.stub.Look, look(), as_caller=INSTITUTION)
    assert INSTITUTION.subject not in str(caught.value)


async def test_a_peers_refusal_is_a_fault_again(placed: desk.Running) -> None:
    fault = await fault_of(placed.peers.call(placed.stub.Look, look("absent")))
    assert (fault.kind, fault.reason, fault.metadata) == (FaultKind.NOT_FOUND, "NOTE_NOT_FOUND", {"note": "absent"})
    broken = await fault_of(placed.peers.call(placed.stub.Look, look("")))
    assert [each.path for each in broken.violations] == ["note"]


async def test_a_peers_bug_keeps_its_error_id(placed: desk.Running) -> None:
    with pytest.raises(InternalError) as caught:
        await placed.peers.call(placed.stub.Look, look("bug"))
    assert len(caught.value.error_id) == 16


async def test_the_callee_gets_what_is_left_of_the_deadline(placed: desk.Running) -> None:
    with use_call(serving(2.0)):
        await placed.peers.call(placed.stub.Look, look(), timeout_s=60)
    deadline = placed.servicer.calls[0].deadline
    assert deadline is not None
    assert deadline - wire_time() < timedelta(seconds=2.1)


async def test_a_call_ends_with_its_time(placed: desk.Running) -> None:
    began = time.monotonic()
    fault = await fault_of(placed.peers.call(placed.stub.Look, look("slow"), timeout_s=0.5))
    assert (fault.kind, fault.reason) == (FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
    assert time.monotonic() - began < 4
    await asyncio.wait_for(placed.servicer.cancelled.wait(), 20)


async def test_nothing_is_sent_when_no_time_is_left(placed: desk.Running) -> None:
    with use_call(serving(-1.0)):
        fault = await fault_of(placed.peers.call(placed.stub.Look, look()))
    assert fault.reason == "DEADLINE_EXCEEDED"
    assert placed.servicer.calls == []


async def test_the_business_date_travels_on(placed: desk.Running) -> None:
    with use_call(serving(5.0, date(2025, 6, 1))):
        await placed.peers.call(placed.stub.Look, look())
    assert placed.servicer.calls[0].business_date == date(2025, 6, 1)


async def test_a_call_that_may_be_repeated_is_repeated_while_the_peer_is_away(placed: desk.Running) -> None:
    for method, request in ((placed.stub.Write, desk.messages().WriteRequest()), (placed.stub.Look, look())):
        placed.servicer.calls.clear()
        placed.servicer.away = 2
        await placed.peers.call(method, request)
        assert len(placed.servicer.calls) == 3


async def test_repeats_end_with_the_time_of_the_call(placed: desk.Running) -> None:
    # Of so many attempts as would take minutes.
    placed.peers._attempts = placed.servicer.away = 1_000
    await asyncio.wait_for(
        fault_of(placed.peers.call(placed.stub.Write, desk.messages().WriteRequest(), timeout_s=0.05)), 20
    )
    assert len(placed.servicer.calls) < 100


async def test_no_repeat_is_waited_for_that_would_begin_after_the_time_of_the_call(
    placed: desk.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_FIRST_WAIT_S", "_LONGEST_WAIT_S"):
        monkeypatch.setattr(f"services.runtime.outbound.{name}", 60.0)
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda least, most: most)
    placed.servicer.away = 1
    asked = placed.peers.call(placed.stub.Write, desk.messages().WriteRequest(), timeout_s=5)
    fault = await fault_of(asyncio.wait_for(asked, 2))
    assert fault.reason == "STORE_UNAVAILABLE"
    assert len(placed.servicer.calls) == 1


async def test_a_repeat_has_the_rest_of_the_time_and_not_all_of_it_again(
    placed: desk.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.outbound._FIRST_WAIT_S", 0.4)
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda least, most: most)
    placed.servicer.away = 1
    await placed.peers.call(placed.stub.Write, desk.messages().WriteRequest(), timeout_s=5)
    first, second = (each.deadline for each in placed.servicer.calls)
    assert first is not None
    assert second is not None
    assert abs((second - first).total_seconds()) < 0.3


async def test_a_call_with_an_effect_of_its_own_is_never_repeated(placed: desk.Running) -> None:
    placed.servicer.away = 1
    fault = await fault_of(placed.peers.call(placed.stub.Ring, desk.messages().RingRequest()))
    assert (fault.reason, fault.retry_after_s) == ("STORE_UNAVAILABLE", 1.0)
    assert len(placed.servicer.calls) == 1


async def test_calls_that_come_together_go_by_the_list_form_and_each_gets_its_own_outcome(
    running: desk.Running,
) -> None:
    look_at = running.peers.gathered(running.stub.Look, running.stub.BatchLook)
    with use_call(serving(3.0, date(2025, 6, 1))):
        first = asyncio.ensure_future(look_at(look("one")))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(look_at(look(note))) for note in ("two", "absent", "")]
    found = await asyncio.gather(first, *others, return_exceptions=True)
    assert [getattr(each, "said", getattr(each, "reason", "")) for each in found] == [
        "one!",
        "two!",
        "NOTE_NOT_FOUND",
        "INVALID_REQUEST",
    ]
    assert {(call.caller, call.method, call.business_date) for call in running.servicer.calls} == {
        (SETTLEMENT, "/runtimetest.v1.DeskService/Look", date(2025, 6, 1))
    }
    assert all(call.deadline and call.deadline - wire_time() < timedelta(seconds=3) for call in running.servicer.calls)
    lists = [span for span in running.desk_spans("BatchLook") if span.attributes]
    assert sorted(int(str((span.attributes or {})["yibao.batch_size"])) for span in lists) == [1, 3]


async def test_whoever_waits_for_a_list_too_long_is_told_alone(running: desk.Running) -> None:
    look_at = running.peers.gathered(running.stub.Look, running.stub.BatchLook)
    with use_call(serving(0.2)):
        hurried = asyncio.ensure_future(look_at(look("slow")))
        await asyncio.sleep(0)
    patient = asyncio.ensure_future(look_at(look("two")))
    assert (await fault_of(hurried)).reason == "DEADLINE_EXCEEDED"
    assert (await patient).said == "two!"


async def test_a_refusal_is_never_repeated(placed: desk.Running) -> None:
    await fault_of(placed.peers.call(placed.stub.Look, look("absent")))
    assert len(placed.servicer.calls) == 1


async def test_a_peer_that_says_to_come_later_is_not_asked_again_at_once(placed: desk.Running) -> None:
    placed.servicer.away, placed.servicer.later_s = 1, 5.0
    fault = await fault_of(placed.peers.call(placed.stub.Look, look()))
    assert (fault.reason, fault.retry_after_s) == ("STORE_UNAVAILABLE", 5.0)
    assert len(placed.servicer.calls) == 1


async def test_repeats_are_few(placed: desk.Running) -> None:
    placed.servicer.away = 99
    fault = await fault_of(placed.peers.call(placed.stub.Write, desk.messages().WriteRequest()))
    assert fault.reason == "STORE_UNAVAILABLE"
    assert len(placed.servicer.calls) == 3


async def test_a_message_over_the_limit_is_refused(settings: dict[str, str]) -> None:
    for placement in ("grpc", "local"):
        running = await desk.start({**settings, "YIBAO_PLACEMENT": placement, "YIBAO_MAX_MESSAGE_BYTES": "2000"})
        try:
            fault = await fault_of(running.peers.call(running.stub.Look, look("n", setl_id="x" * 3000)))
            assert (fault.kind, fault.reason) == (FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE")
            assert fault.metadata == {"limit_bytes": "2000"}
        finally:
            await running.stop()


async def test_a_peer_out_of_reach_is_named(settings: dict[str, str]) -> None:
    config = Config.load({**settings, "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:9", "YIBAO_TRACE_EXPORTER": "none"})
    running = await desk.start(settings)
    peers = Peers("settlement", config, running.tokens.signer("settlement"), Telemetry("settlement", config))
    try:
        stub: Any = peers.stub(stub_class(desk.SERVICE), "identity")
        fault = await fault_of(peers.call(stub.Look, look(), timeout_s=2))
        assert (fault.kind, fault.reason, fault.metadata) == (
            FaultKind.UNAVAILABLE,
            "PEER_UNAVAILABLE",
            {"member": "identity"},
        )
    finally:
        await peers.close()
        await running.stop()


async def test_the_mesh_table_says_who_may_be_called(running: desk.Running) -> None:
    peers = Peers("catalogue", running.config, running.tokens.signer("catalogue"), running.telemetry)
    with pytest.raises(ValueError, match="does not allow catalogue to call identity"):
        peers.stub(stub_class(desk.SERVICE), "identity")


async def test_only_stubs_of_these_peers_are_called(running: desk.Running) -> None:
    foreign = stub_class(desk.SERVICE)(running.channel)
    with pytest.raises(TypeError):
        await running.peers.call(foreign.Look, look())


async def test_client_and_server_span_make_one_trace(placed: desk.Running) -> None:
    with placed.telemetry.span("work"):
        await placed.peers.call(placed.stub.Look, look())
    sent, work = placed.caller_spans()
    (served,) = placed.desk_spans("Look")
    assert sent.kind is SpanKind.CLIENT
    assert sent.context is not None
    assert served.context is not None
    assert work.context is not None
    assert (served.parent and served.parent.span_id) == sent.context.span_id
    assert (sent.parent and sent.parent.span_id) == work.context.span_id
    assert served.context.trace_id == sent.context.trace_id == work.context.trace_id
    assert served.resource.attributes["service.name"] == "identity"
    assert sent.resource.attributes["service.name"] == "settlement"


async def test_a_failed_call_is_red_on_both_sides(placed: desk.Running) -> None:
    await fault_of(placed.peers.call(placed.stub.Look, look("absent")))
    for span in (*placed.caller_spans(), *placed.desk_spans("Look")):
        assert span.status.status_code is StatusCode.ERROR
        assert (span.attributes or {})["yibao.reason"] == "NOTE_NOT_FOUND"


async def test_the_callee_sees_nothing_of_its_callers_call(placed: desk.Running) -> None:
    with use_call(serving(5.0)) as outer:
        await placed.peers.call(placed.stub.Look, look())
        inner = placed.servicer.calls[0]
        assert (inner.caller, inner.method) != (outer.caller, outer.method)


async def test_an_item_context_carries_token_deadline_date_and_trace(running: desk.Running) -> None:
    call = serving(5.0, date(2025, 6, 1))
    with use_call(call), running.telemetry.span("work") as work:
        context = running.peers.item_context("identity")
    assert running.tokens.verify(context.caller_token) == SETTLEMENT
    assert context.deadline.ToDatetime(tzinfo=desk.NOON.tzinfo) == call.deadline
    assert (context.business_date.year, context.business_date.month, context.business_date.day) == (2025, 6, 1)
    assert f"{work.trace_id:032x}-{work.span_id:016x}" in context.traceparent


@pytest.mark.parametrize(("caller", "callee", "sent"), [("gateway", "identity", True), ("gateway", "routing", False)])
async def test_to_whom_another_clock_shows_it_no_moment_is_sent_as_a_deadline(
    running: desk.Running, caller: str, callee: str, sent: bool
) -> None:
    peers = Peers(caller, running.config, running.tokens.signer(caller), Telemetry(caller, running.config))
    with use_call(serving(5.0)):
        assert peers.item_context(callee).HasField("deadline") == sent
    routing = Peers("routing", running.config, running.tokens.signer("routing"), Telemetry("routing", running.config))
    with use_call(serving(5.0)):
        assert not routing.item_context("settlement").HasField("deadline")
