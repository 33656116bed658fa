"""What every call of every member passes before and after its servicer, over a real channel."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.trace import StatusCode

from services.kernel.clock import FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY
from services.kernel.errors import Fault, FaultKind
from services.runtime import inbound
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.status import InternalError, RpcRefusal, reason_of
from tests.runtime import desk
from tests.runtime.desk import INSTITUTION, INTERNAL, OPERATOR, SETTLEMENT, look
from tests.tokens import Tokens


async def fault_of(call: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        await call
    return caught.value


async def test_an_institution_that_names_itself_is_answered(running: desk.Running) -> None:
    answer = await running.raw("Look", look("hello"), INSTITUTION)
    assert desk.messages().LookResponse.FromString(answer).said == "hello!"
    assert running.servicer.calls[0].caller == INSTITUTION
    assert running.servicer.calls[0].method == "/runtimetest.v1.DeskService/Look"


async def test_an_institution_may_only_send_its_own_code(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", look(institution="H99010000002"), INSTITUTION))
    assert (fault.kind, fault.reason) == (FaultKind.DENIED, "CALLER_NOT_BOUND")
    assert fault.metadata == {"field": "desk.fixmedins_code"}
    assert running.servicer.calls == []


async def test_a_role_without_a_binding_may_name_any_institution(running: desk.Running) -> None:
    await running.raw("Look", look(institution="H99010000002"), SETTLEMENT)
    assert len(running.servicer.calls) == 1


async def test_a_role_that_is_not_listed_is_denied_before_its_message_is_looked_at(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", look(note=""), OPERATOR))
    assert (fault.kind, fault.reason) == (FaultKind.DENIED, "ROLE_NOT_ALLOWED")
    assert fault.metadata == {"role": "operator", "method": "runtimetest.v1.DeskService.Look"}


async def test_a_member_for_which_the_method_is_not_is_denied_and_may_carry_the_call_of_another_role(
    running: desk.Running,
) -> None:
    fault = await fault_of(running.raw("Look", look(note=""), INTERNAL))
    assert (fault.kind, fault.reason) == (FaultKind.DENIED, "CALLER_NOT_ALLOWED")
    assert fault.metadata == {"caller": "internal", "method": "runtimetest.v1.DeskService.Look"}
    await running.raw("Look", look(), INSTITUTION, via="internal")
    await running.raw("Write", desk.messages().WriteRequest(request_id="1"), INTERNAL)
    assert [call.caller for call in running.servicer.calls] == [INSTITUTION, INTERNAL]


async def test_a_call_without_a_token_is_unauthenticated(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", look()))
    assert (fault.kind, fault.reason) == (FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_MISSING")


async def test_a_token_of_another_mesh_is_not_believed(running: desk.Running) -> None:
    foreign = Tokens("another key of another mesh, 32 b", desk.clock).sign(INSTITUTION, "identity")
    fault = await fault_of(running.raw("Look", look(), yibao_caller=foreign))
    assert (fault.kind, fault.reason) == (FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_INVALID")


async def test_a_public_method_needs_no_token_and_turns_away_nobody(running: desk.Running) -> None:
    request = desk.messages().RingRequest()
    await running.raw("Ring", request)
    await running.raw("Ring", request, INSTITUTION)
    assert [call.caller.role for call in running.servicer.calls] == [Role.PUBLIC, Role.INSTITUTION]
    assert running.servicer.calls[0].caller.sandbox


async def test_every_broken_field_is_named_by_its_path(running: desk.Running) -> None:
    request = look(note="far too long", lines=[desk.messages().Line(cnt=1), desk.messages().Line(cnt=0)])
    fault = await fault_of(running.raw("Look", request, INSTITUTION))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "INVALID_REQUEST")
    assert {(each.path, each.rule) for each in fault.violations} == {
        ("note", "string.max_len"),
        ("lines[1].cnt", "int64.gt"),
    }


async def test_a_broken_field_is_told_even_where_it_hides_who_calls(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", look(note="", institution=""), INSTITUTION))
    assert [each.path for each in fault.violations] == ["note"]


async def test_a_text_with_the_character_nul_is_broken_and_a_zero_elsewhere_is_not(running: desk.Running) -> None:
    request = look("a\0b", setl_id="\0")
    request.desk.opter_name = "x\0"
    fault = await fault_of(running.raw("Look", request, INSTITUTION))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "INVALID_REQUEST")
    assert [(each.path, each.rule) for each in fault.violations] == [
        ("desk.opter_name", "text.nul"),
        ("note", "text.nul"),
        ("setl_id", "text.nul"),
    ]
    fault = await fault_of(running.raw("Look", look("hello", lines=[desk.messages().Line()]), INSTITUTION))
    assert [(each.path, each.rule) for each in fault.violations] == [("lines[0].cnt", "int64.gt")]


async def test_a_request_id_of_blanks_is_none(running: desk.Running) -> None:
    write = desk.messages().WriteRequest
    fault = await fault_of(running.raw("Write", write(request_id=" \u3000"), INSTITUTION))
    assert [(each.path, each.rule) for each in fault.violations] == [("request_id", "required")]


async def test_bytes_that_are_no_message_are_refused_as_unreadable(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", b"\xff\xff\xff", INSTITUTION))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "REQUEST_UNREADABLE")


async def test_a_refusal_arrives_with_reason_and_metadata(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", look("absent"), INSTITUTION))
    assert (fault.kind, fault.reason, fault.metadata) == (FaultKind.NOT_FOUND, "NOTE_NOT_FOUND", {"note": "absent"})


async def test_a_bug_arrives_as_an_error_id_and_nothing_else(running: desk.Running) -> None:
    with pytest.raises(InternalError) as caught:
        await running.raw("Look", look("bug"), INSTITUTION)
    assert len(caught.value.error_id) == 16
    assert caught.value.metadata == {"error_id": caught.value.error_id, "member": "identity"}
    assert desk.SECRET_TEXT not in str(caught.value)


async def test_a_method_that_the_servicer_leaves_out_is_unserved(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Forgotten", desk.messages().RingRequest()))
    assert (fault.kind, fault.reason, fault.metadata) == (
        FaultKind.UNSERVED,
        "METHOD_UNSERVED",
        {"member": "identity"},
    )


async def test_work_that_nobody_waits_for_any_more_is_cancelled(running: desk.Running) -> None:
    fault = await fault_of(running.raw("Look", look("slow"), INSTITUTION, timeout_s=0.5))
    assert (fault.kind, fault.reason) == (FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
    await asyncio.wait_for(running.servicer.cancelled.wait(), 20)
    deadline = running.servicer.calls[0].deadline
    assert deadline is not None
    assert abs(deadline - datetime.now(UTC)) < timedelta(seconds=4)


@pytest.mark.parametrize(
    ("remaining_s", "said"), [(0.001, "DEADLINE_EXCEEDED"), (0.05, "DEADLINE_EXCEEDED"), (30.0, "CELL_UNAVAILABLE")]
)
async def test_a_member_that_was_given_no_time_is_not_told_as_away(
    running: desk.Running, remaining_s: float, said: str
) -> None:
    token = running.tokens.sign(INSTITUTION, "identity")
    answering = running.server.inbound
    served = answering._served[f"/{desk.SERVICE}/Look"]
    with pytest.raises(RpcRefusal) as refused:
        await answering._run(served, look("cut").SerializeToString(), [(CALLER_KEY, token)], remaining_s)
    assert reason_of(refused.value.status) == said


async def test_the_business_date_moves_the_day_and_keeps_the_hour_in_beijing(running: desk.Running) -> None:
    await running.raw("Look", look(), INSTITUTION, yibao_business_date="2025-12-31")
    call = running.servicer.calls[0]
    assert call.business_date == date(2025, 12, 31)
    assert call.now == datetime(2025, 12, 31, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "rule"),
    [
        ("31/12/2025", "header.date"),
        ("20251231", "header.date"),
        ("2025-W01-1", "header.date"),
        ("2025-02-30", "header.date"),
        ("0000-01-01", "header.date"),
        ("0001-01-01", "header.date_range"),
        ("1989-12-31", "header.date_range"),
        ("2100-01-01", "header.date_range"),
        ("9999-12-31", "header.date_range"),
    ],
)
async def test_a_business_date_that_is_no_day_of_business_is_invalid(
    running: desk.Running, day: str, rule: str
) -> None:
    fault = await fault_of(running.raw("Look", look(), INSTITUTION, yibao_business_date=day))
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "INVALID_REQUEST")
    assert [(each.path, each.rule) for each in fault.violations] == [("yibao-business-date", rule)]
    assert running.servicer.calls == []


@pytest.mark.parametrize("day", [FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY])
async def test_the_first_and_the_last_business_date_are_served(running: desk.Running, day: date) -> None:
    await running.raw("Look", look(), INSTITUTION, yibao_business_date=day.isoformat())
    assert running.servicer.calls[0].business_date == day


async def test_a_partner_outside_the_sandbox_has_no_business_date(running: desk.Running) -> None:
    partner = Caller(Role.INSTITUTION, INSTITUTION.subject, sandbox=False)
    fault = await fault_of(running.raw("Look", look(), partner, yibao_business_date="2025-12-31"))
    assert (fault.kind, fault.reason) == (FaultKind.DENIED, "SANDBOX_ONLY")


async def test_sandbox_methods_and_dates_do_not_exist_in_production(settings: dict[str, str]) -> None:
    production = {**settings, "YIBAO_SANDBOX": "off", "YIBAO_MESH_KEY": "k" * 32, "YIBAO_TRACE_EXPORTER": "none"}
    running = await desk.start(production)
    try:
        planted = await fault_of(running.raw("Plant", desk.messages().PlantRequest(), OPERATOR))
        dated = await fault_of(running.raw("Look", look(), INSTITUTION, yibao_business_date="2025-12-31"))
        assert planted.metadata == {"what": "runtimetest.v1.DeskService.Plant"}
        assert (planted.reason, dated.reason) == ("SANDBOX_ONLY", "SANDBOX_ONLY")
        assert running.servicer.calls == []
        await running.raw("Ring", desk.messages().RingRequest())
        assert not running.servicer.calls[0].caller.sandbox
    finally:
        await running.stop()


async def test_a_caller_outside_the_sandbox_has_none_of_its_methods(running: desk.Running) -> None:
    real = Caller(Role.OPERATOR, OPERATOR.subject, sandbox=False)
    fault = await fault_of(running.raw("Plant", desk.messages().PlantRequest(), real))
    assert (fault.kind, fault.reason) == (FaultKind.DENIED, "SANDBOX_ONLY")
    assert running.servicer.calls == []


async def test_a_sandbox_method_serves_the_sandbox(running: desk.Running) -> None:
    await running.raw("Plant", desk.messages().PlantRequest(), OPERATOR)
    assert running.servicer.calls[0].caller == OPERATOR


async def test_more_calls_than_allowed_are_refused(settings: dict[str, str]) -> None:
    running = await desk.start({**settings, "YIBAO_MAX_CONCURRENT_RPCS": "1"})
    try:
        first = asyncio.create_task(running.raw("Look", look("slow"), INSTITUTION, timeout_s=1))
        await running.servicer.waiting.wait()
        fault = await fault_of(running.raw("Look", look(), INSTITUTION))
        assert (fault.kind, fault.reason) == (FaultKind.EXHAUSTED, "TOO_MANY_CALLS")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    finally:
        await running.stop()


async def test_the_server_span_carries_code_reason_and_business_numbers(running: desk.Running) -> None:
    traceparent = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    await running.raw("Look", look(mdtrt_id="M1", setl_id="hidden"), INSTITUTION, traceparent=traceparent)
    await fault_of(running.raw("Look", look("absent"), INSTITUTION))
    good, bad = running.desk_spans("Look")
    assert good.context is not None
    assert (f"{good.context.trace_id:x}", f"{good.parent and good.parent.span_id:x}") == ("ab" * 16, "cd" * 8)
    assert dict(good.attributes or {}) == {
        "rpc.system": "grpc",
        "rpc.service": "runtimetest.v1.DeskService",
        "rpc.method": "Look",
        "yibao.fixmedins_code": INSTITUTION.subject,
        "yibao.mdtrt_id": "M1",
        "yibao.setl_id": "S1",
    }
    assert bad.status.status_code is StatusCode.ERROR
    assert (bad.attributes or {})["yibao.code"] == "NOT_FOUND"
    assert (bad.attributes or {})["yibao.reason"] == "NOTE_NOT_FOUND"


async def test_unsampled_calls_leave_nothing_but_their_failures(settings: dict[str, str]) -> None:
    running = await desk.start({**settings, "YIBAO_TRACE_RATIO": "0"})
    try:
        await running.raw("Look", look(), INSTITUTION)
        await fault_of(running.raw("Look", look("absent", mdtrt_id="M2"), INSTITUTION))
        (kept,) = running.desk_spans()
        assert (kept.attributes or {})["yibao.mdtrt_id"] == "M2"
        assert (kept.attributes or {})["yibao.reason"] == "NOTE_NOT_FOUND"
    finally:
        await running.stop()


async def test_what_goes_on_elsewhere_is_no_trouble(
    running: desk.Running, monkeypatch: pytest.MonkeyPatch, log_lines: Any
) -> None:
    monkeypatch.setattr(inbound, "INSURED_ELSEWHERE", "NOTE_NOT_FOUND")
    unsampled = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-00"
    await fault_of(running.raw("Look", look("absent"), INSTITUTION, traceparent=unsampled))
    assert running.desk_spans() == []
    (line,) = [each for each in log_lines() if each.get("reason") == "NOTE_NOT_FOUND"]
    assert (line["level"], line["code"]) == ("info", "NOT_FOUND")
    await fault_of(running.raw("Look", look("absent"), INSTITUTION))
    (kept,) = running.desk_spans()
    assert (kept.attributes or {})["yibao.reason"] == "NOTE_NOT_FOUND"


async def test_the_access_line_tells_method_code_time_and_public_numbers_only(
    running: desk.Running, log_lines: Any
) -> None:
    request = look(mdtrt_id="M1", setl_id="hidden")
    request.desk.opter_name = desk.SECRET_TEXT
    await running.raw("Look", request, INSTITUTION)
    (line,) = [each for each in log_lines() if each["logger"] == "yibao.access"]
    assert line["ms"] >= 0
    assert len(line["trace_id"]) == 32
    assert {key: line[key] for key in line.keys() - {"time", "ms", "trace_id"}} == {
        "level": "info",
        "logger": "yibao.access",
        "message": "call",
        "member": "identity",
        "method": "runtimetest.v1.DeskService.Look",
        "code": "OK",
        "yibao.fixmedins_code": INSTITUTION.subject,
        "yibao.mdtrt_id": "M1",
        "yibao.setl_id": "S1",
    }


async def test_a_bug_is_logged_under_its_id_and_outside_the_sandbox_without_its_text(
    settings: dict[str, str], log_lines: Any, tmp_path: Path
) -> None:
    production = {**settings, "YIBAO_SANDBOX": "off", "YIBAO_MESH_KEY": "k" * 32, "YIBAO_DATA_DIR": str(tmp_path)}
    running = await desk.start(production)
    try:
        with pytest.raises(InternalError) as caught:
            await running.raw("Look", look("bug"), INSTITUTION)
    finally:
        await running.stop()
    (line,) = [each for each in log_lines() if each["message"] == "internal error"]
    assert (line["error_id"], line["error"]) == (caught.value.error_id, "KeyError")
    assert any("desk.py" in frame for frame in line["frames"])
    assert desk.SECRET_TEXT not in json.dumps(line)


async def test_health_and_reflection_answer_without_a_token(running: desk.Running) -> None:
    channel: Any = running.channel
    health: Any = health_pb2_grpc.HealthStub(channel)
    state = await health.Check(health_pb2.HealthCheckRequest(service=desk.SERVICE))
    assert state.status == health_pb2.HealthCheckResponse.SERVING
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request_class: Any = reflection_pb2.ServerReflectionRequest
    stream = reflection.ServerReflectionInfo(iter([request_class(list_services="")]))
    answer = await anext(aiter(stream))
    assert desk.SERVICE in {each.name for each in answer.list_services_response.service}
    stream.cancel()


async def test_grpc_itself_answers_for_a_service_that_nobody_serves(running: desk.Running) -> None:
    call: Any = running.channel.unary_unary("/nobody.v1.Nothing/Do")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_what_grpc_keeps_of_a_refusal_holds_nothing_of_its_message(running: desk.Running) -> None:
    """gRPC keeps the error by which a call was ended until somebody looks for garbage."""
    kept: list[Exception] = []

    class Context:
        """That of a call which is refused."""

        def invocation_metadata(self) -> tuple[()]:
            """None: nobody says who calls."""
            return ()

        def time_remaining(self) -> float:
            """Enough."""
            return 5.0

        async def abort(self, *told: object) -> None:
            """Ends the call as gRPC does."""
            try:
                raise grpc.aio.AbortError(*told)
            except grpc.aio.AbortError as error:
                kept.append(error)
                raise

    message, context = look("n" * 100_000).SerializeToString(), Context()
    behaviour: Any = running.server.inbound.handlers()[desk.SERVICE]["Look"].unary_unary
    with pytest.raises(grpc.aio.AbortError):
        await behaviour(message, context)
    (error,) = kept
    held = []
    frame = error.__traceback__
    while frame is not None:
        held += [value for value in frame.tb_frame.f_locals.values() if value is message]
        frame = frame.tb_next
    # The first frame is this test's own.
    assert len(held) == 1
    assert error.__context__ is None
