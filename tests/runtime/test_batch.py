"""A batch of items: each is admitted, dated, traced and answered as if it had come alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.batch import Admitted, serve_batch
from services.runtime.call import Caller, wire_time
from services.runtime.status import InternalError, from_status
from services.runtime.telemetry import extract
from tests.runtime import desk
from tests.runtime.desk import GATEWAY, INSTITUTION, INTERNAL, OPERATOR, SETTLEMENT, look


def item(running: desk.Running, request: Any, caller: Any = INSTITUTION, via: str = "", **context: Any) -> Any:
    made = desk.messages().BatchLookItem(request=request)
    made.context.caller_token = running.tokens.sign(caller, "identity", via) if caller else ""
    for name, value in context.items():
        field = getattr(made.context, name)
        if isinstance(value, str):
            setattr(made.context, name, value)
        elif isinstance(value, datetime):
            field.FromDatetime(value)
        else:
            field.CopyFrom(value)
    return made


async def outcomes(running: desk.Running, *items: Any, sender: Caller = GATEWAY) -> list[Any]:
    answer = await running.raw("BatchLook", desk.messages().BatchLookRequest(items=items), sender)
    return list(desk.messages().BatchLookResponse.FromString(answer).outcomes)


def fault_of(outcome: Any) -> Fault:
    assert outcome.WhichOneof("result") == "status"
    fault = from_status(outcome.status)
    assert isinstance(fault, Fault)
    return fault


async def test_every_item_gets_its_own_outcome_in_the_order_asked(running: desk.Running) -> None:
    good, denied, absent, broken = await outcomes(
        running,
        item(running, look("one")),
        item(running, look(institution="H99010000002")),
        item(running, look("absent")),
        item(running, look(note="far too long", lines=[desk.messages().Line()])),
    )
    assert good.response.said == "one!"
    assert fault_of(denied).reason == "CALLER_NOT_BOUND"
    assert fault_of(absent).reason == "NOTE_NOT_FOUND"
    assert {each.path for each in fault_of(broken).violations} == {"note", "lines[0].cnt"}


async def test_an_item_is_admitted_by_the_rules_of_the_unary_method(running: desk.Running) -> None:
    wrong_role, no_token, no_request = await outcomes(
        running,
        item(running, look(), OPERATOR),
        item(running, look(), None),
        desk.messages().BatchLookItem(context={"caller_token": running.tokens.sign(GATEWAY, "identity")}),
    )
    assert fault_of(wrong_role).reason == "ROLE_NOT_ALLOWED"
    assert fault_of(no_token).reason == "CALLER_TOKEN_MISSING"
    assert fault_of(no_request).violations == (
        Violation("note", "string.min_len", fault_of(no_request).violations[0].description),
    )


async def test_the_batch_itself_admits_members_only(running: desk.Running) -> None:
    request = desk.messages().BatchLookRequest(items=[item(running, look())])
    with pytest.raises(Fault) as caught:
        await running.raw("BatchLook", request, INSTITUTION)
    assert caught.value.reason == "ROLE_NOT_ALLOWED"


async def test_an_item_whose_token_another_member_made_fails_alone(running: desk.Running) -> None:
    taken, good = await outcomes(running, item(running, look(), SETTLEMENT), item(running, look("two")))
    assert (fault_of(taken).kind, fault_of(taken).reason) == (FaultKind.DENIED, "CALLER_TOKEN_FORWARDED")
    assert fault_of(taken).metadata == {"caller": "settlement", "sender": "gateway"}
    assert good.response.said == "two!"


async def test_an_item_of_a_member_for_which_the_unary_method_is_not_fails_alone(running: desk.Running) -> None:
    own, carried = await outcomes(
        running,
        item(running, look("one"), INTERNAL),
        item(running, look("two"), via="internal"),
        sender=INTERNAL,
    )
    assert (fault_of(own).kind, fault_of(own).reason) == (FaultKind.DENIED, "CALLER_NOT_ALLOWED")
    assert carried.response.said == "two!"


@pytest.mark.parametrize("size", [0, 5])
async def test_a_batch_of_a_forbidden_size_is_refused_whole(running: desk.Running, size: int) -> None:
    with pytest.raises(Fault) as caught:
        await outcomes(running, *(item(running, look()) for _ in range(size)))
    assert [each.path for each in caught.value.violations] == ["items"]
    assert running.servicer.calls == []


async def test_a_bug_in_one_item_leaves_its_neighbours_alone(running: desk.Running) -> None:
    bug, good = await outcomes(running, item(running, look("bug")), item(running, look("two")))
    error = from_status(bug.status)
    assert isinstance(error, InternalError)
    assert len(error.error_id) == 16
    assert desk.SECRET_TEXT not in str(bug)
    assert good.response.said == "two!"


async def test_an_item_whose_time_has_passed_is_not_begun(running: desk.Running) -> None:
    late, early = await outcomes(
        running,
        item(running, look(), deadline=wire_time() - timedelta(seconds=1)),
        item(running, look(), deadline=wire_time() + timedelta(seconds=60)),
    )
    assert (fault_of(late).kind, fault_of(late).reason) == (FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
    assert early.HasField("response")
    assert len(running.servicer.calls) == 1


async def test_an_item_without_a_time_of_its_own_has_that_of_the_list(running: desk.Running) -> None:
    (answered,) = await outcomes(running, item(running, look()))
    assert answered.HasField("response")
    (call,) = running.servicer.calls
    left_s = call.remaining_s()
    assert left_s is not None
    # The wire tells a time in rounded units, and the two sides look at their clocks one after the other.
    assert 0 < left_s <= 5.1


async def test_an_item_is_decided_on_its_own_business_date(running: desk.Running) -> None:
    await outcomes(
        running,
        item(running, look(), business_date=Date(year=2025, month=2, day=28)),
        item(running, look()),
    )
    first, second = running.servicer.calls
    assert (first.business_date, first.now) == (date(2025, 2, 28), datetime(2025, 2, 28, 4, 0, tzinfo=UTC))
    assert (second.business_date, second.now) == (None, desk.NOON)
    assert first.caller == INSTITUTION


async def test_an_item_whose_deadline_or_day_does_not_exist_fails_alone(running: desk.Running) -> None:
    never = [Timestamp(seconds=10**15), Timestamp(seconds=-(10**15)), Timestamp(nanos=-1), Timestamp(nanos=2**31 - 1)]
    for bad in never:
        late, good = await outcomes(running, item(running, look(), deadline=bad), item(running, look("two")))
        assert (fault_of(late).kind, fault_of(late).reason) == (FaultKind.INVALID, "INVALID_REQUEST")
        assert [each.path for each in fault_of(late).violations] == ["context.deadline"]
        assert good.response.said == "two!"
    edges = [Date(year=1, month=1, day=1), Date(year=9999, month=12, day=31)]
    nowhere = [Date(year=2025, month=13, day=1), Date(), Date(year=-5, month=1, day=1), Date(year=2**31 - 1)]
    for day in (*edges, *nowhere):
        wrong, good = await outcomes(running, item(running, look(), business_date=day), item(running, look("two")))
        assert (fault_of(wrong).kind, fault_of(wrong).reason) == (FaultKind.INVALID, "INVALID_REQUEST")
        assert good.response.said == "two!"


async def test_an_item_with_the_character_nul_in_a_text_fails_alone(running: desk.Running) -> None:
    bad, good = await outcomes(running, item(running, look("a\0b")), item(running, look("two")))
    assert [(each.path, each.rule) for each in fault_of(bad).violations] == [("note", "text.nul")]
    assert good.response.said == "two!"


async def test_an_item_span_is_a_child_of_its_sender_and_linked_to_the_batch(running: desk.Running) -> None:
    sender = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    await outcomes(running, item(running, look("one"), traceparent=sender), item(running, look("absent")))
    spans = running.desk_spans()
    (batch,) = [span for span in spans if span.name.endswith("BatchLook")]
    first, second = sorted((span for span in spans if span.name.endswith(".Look")), key=lambda each: len(each.links))[
        ::-1
    ]
    parent = extract(sender)
    assert parent is not None
    assert batch.context is not None
    assert (batch.attributes or {})["yibao.batch_size"] == 2
    assert first.parent is not None
    assert (first.parent.trace_id, first.parent.span_id) == (parent.trace_id, parent.span_id)
    assert [link.context.span_id for link in first.links] == [batch.context.span_id]
    assert second.parent is not None
    assert second.parent.span_id == batch.context.span_id
    assert (second.attributes or {})["yibao.reason"] == "NOTE_NOT_FOUND"
    assert not batch.status.description


async def test_a_handler_that_refuses_as_a_whole_refuses_every_admitted_item(running: desk.Running) -> None:
    async def refuse(items: Sequence[Admitted]) -> Sequence[Any]:
        raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")

    async def forget(items: Sequence[Admitted]) -> Sequence[Any]:
        return []

    for handle, kind in ((refuse, Fault), (forget, InternalError)):

        async def batch_look(request: Any, context: object, handle: Any = handle) -> Any:
            return await serve_batch(request, desk.messages().BatchLookResponse(), handle=handle)

        path = f"/{desk.SERVICE}/BatchLook"
        running.server.inbound.add(path, batch_look)
        message = desk.messages().BatchLookRequest(items=[item(running, look()), item(running, look(), OPERATOR)])
        metadata = [("yibao-caller", running.tokens.sign(GATEWAY, "identity"))]
        raw = await running.server.inbound.serve(path, message.SerializeToString(), metadata, 5)
        first, second = desk.messages().BatchLookResponse.FromString(raw).outcomes
        assert isinstance(from_status(first.status), kind)
        assert fault_of(second).reason == "ROLE_NOT_ALLOWED"


async def test_items_that_are_answered_stand_in_one_line_each_with_its_trace_and_its_numbers(
    running: desk.Running, log_lines: Any
) -> None:
    traces = [f"{place:032x}" for place in (1, 2, 3)]
    asked = [
        item(
            running,
            look("absent" if place == 1 else "one", mdtrt_id=f"M{place}"),
            traceparent=f"00-{trace}-{7:016x}-01",
        )
        for place, trace in enumerate(traces)
    ]
    await outcomes(running, *asked)
    refused, told = (each for each in log_lines() if each.get("method") == "runtimetest.v1.DeskService.Look")
    assert (refused["message"], refused["reason"], refused["trace_id"]) == ("call", "NOTE_NOT_FOUND", traces[1])
    assert (told["message"], told["items"], told["trace_ids"]) == ("calls", 2, [traces[0], traces[2]])
    assert told["yibao.mdtrt_id"] == ["M0", "M2"]
    assert told["yibao.setl_id"] == ["S1", "S1"]


async def test_an_item_that_came_alone_has_a_line_as_a_call_has(running: desk.Running, log_lines: Any) -> None:
    trace = f"{5:032x}"
    await outcomes(running, item(running, look(mdtrt_id="M1"), traceparent=f"00-{trace}-{7:016x}-01"))
    (told,) = (each for each in log_lines() if each.get("method") == "runtimetest.v1.DeskService.Look")
    assert (told["message"], told["trace_id"], told["yibao.mdtrt_id"]) == ("call", trace, "M1")
