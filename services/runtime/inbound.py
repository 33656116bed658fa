"""The chain that every call of a member passes: trace, access log, fault to status, deadline, caller and access, field rules.

It wraps each method once, when its servicer is added; on a call nothing is looked up, copied or described again. The same
chain serves gRPC and co-located callers: both hand over bytes and metadata and get bytes or a status.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import uuid4

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status

from services.kernel.clock import Clock
from services.kernel.elsewhere import CELL_UNAVAILABLE, INSURED_ELSEWHERE, ROUTING_UNAVAILABLE
from services.kernel.errors import Fault, FaultKind
from services.runtime.admission import Admission
from services.runtime.auth import TokenSigner
from services.runtime.bounds import LARGE_BYTES, Shape, shape_of
from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY, CallContext, Caller, current_call, use_call, wire_time
from services.runtime.config import Config
from services.runtime.contract import Contract, MethodContract
from services.runtime.forms import Effect, Number
from services.runtime.logs import ACCESS_LOGGER, ListLine, describe, write
from services.runtime.metrics import OK
from services.runtime.placement import Metadata
from services.runtime.status import (
    InternalError,
    RpcRefusal,
    code_name,
    internal_status,
    reason_of,
    to_rpc_error,
    to_status,
)
from services.runtime.streams import MESSAGE_S, Streams
from services.runtime.telemetry import ROOT, Span, SpanKind, SpanRef, Telemetry, extract
from services.runtime.wire import sent_moment
from services.runtime.writes import Lasting
from yibao.common.v1.item_pb2 import ItemContext

ItemKey: TypeAlias = tuple[str, str, tuple[int, int] | None]
"""Caller token, business date and deadline of an item."""
Behaviour = Callable[[Any, Any], Awaitable[Message]]

_OTHERS_AWAY: Final = (CELL_UNAVAILABLE, ROUTING_UNAVAILABLE, "PEER_UNAVAILABLE")
"""Reasons that tell of another member than the one that answers."""
_EARLY_S: Final = 0.002
"""So much before its time a timer may end: uvloop counts in whole milliseconds, from when it last looked at the clock."""
_SERVING: ContextVar[Inbound] = ContextVar("yibao_serving")


def serving() -> Inbound:
    """The chain through which the current call came; LookupError outside one."""
    return _SERVING.get()


@dataclass(frozen=True, slots=True)
class Served:
    """One method with what answers it."""

    contract: MethodContract
    behaviour: Behaviour
    parse: Callable[[bytes], Any]
    shape: Shape
    rpc: Mapping[str, str]


class Sent(NamedTuple):
    """What a call brings beside its message; texts are empty where it does not."""

    traceparent: str = ""
    token: str = ""
    day: str = ""

    @staticmethod
    def of(metadata: Iterable[Any]) -> Sent:
        """Read from the metadata of a call."""
        traceparent = token = day = ""
        for key, value in metadata:
            if key == "traceparent":
                traceparent = value
            elif key == CALLER_KEY:
                token = value
            elif key == BUSINESS_DATE_KEY:
                day = value
        return Sent(traceparent, token, day)


class Terms(NamedTuple):
    """How one message is taken in: who is looked at before a large one is read, what admits it, below which span, and how many
    seconds are left."""

    known: Callable[[], None]
    admit: Callable[[Any], CallContext]
    parent: Span | SpanRef
    remaining_s: float | None


class Inbound:
    """The chain of one member, and its endpoint for callers in the same process."""

    def __init__(
        self,
        member: str,
        contract: Contract,
        config: Config,
        telemetry: Telemetry,
        signer: TokenSigner,
        clock: Clock,
        is_foreign: Callable[[Caller], bool] = lambda caller: False,
    ) -> None:
        self.member = member
        self.contract = contract
        self.telemetry = telemetry
        self.admission = Admission(signer, clock, config.sandbox, is_foreign)
        self._sandbox = config.sandbox
        self._limit_bytes = config.integer("YIBAO_MAX_MESSAGE_BYTES")
        self._served: dict[str, Served] = {}
        self._ended_call = telemetry.metrics.ended
        self.lasting = Lasting()
        self.streams = Streams(member)
        self._access = logging.getLogger(ACCESS_LOGGER)
        self._log = logging.getLogger(f"yibao.{member}")

    def add(self, path: str, behaviour: Behaviour) -> None:
        """A servicer answers this method; KeyError for a method that the member's contract lacks."""
        contract = self.contract.methods[path]
        request: Any = contract.request_class
        shape = shape_of(request.DESCRIPTOR)
        self._served[path] = Served(contract, behaviour, request.FromString, shape, _attributes(contract))

    def handlers(self) -> Mapping[str, Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]]:
        """Service → method → handler on bytes, to be registered at a gRPC server."""
        tables: dict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = {}
        for served in self._served.values():
            table = tables.setdefault(served.contract.service, {})
            table[served.contract.name] = grpc.unary_unary_rpc_method_handler(self._grpc_behaviour(served))
        for stream in self.contract.methods.values():
            unary = self._served.get(stream.stream_of)
            if unary is not None:
                handler: Any = grpc.stream_stream_rpc_method_handler(self._stream_behaviour(stream, unary))
                tables[stream.service][stream.name] = handler
        return tables

    async def serve(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """Answers a caller in the same process as the wire would: within the time given, or RpcRefusal."""
        served = self._served.get(path)
        if served is None:
            raise RpcRefusal(to_status(Fault(FaultKind.UNSERVED, "METHOD_UNSERVED", {"member": self.member})))
        if len(message) > self._limit_bytes:
            limit = {"limit_bytes": str(self._limit_bytes)}
            raise RpcRefusal(to_status(Fault(FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE", limit)))
        try:
            async with asyncio.timeout(timeout_s):
                return await self._run(served, message, metadata, timeout_s)
        except TimeoutError:
            raise RpcRefusal(to_status(Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"))) from None

    def admit_item(
        self,
        unary: MethodContract,
        context: ItemContext,
        request: Any,
        violations: Sequence[Any] | None = None,
        known: dict[ItemKey, CallContext] | None = None,
    ) -> CallContext:
        """Admits one item of a batch as if it had come alone, with the list's deadline if it has none; raises its Fault.

        `known` is kept for a list: its items of one caller, day and deadline share what is said of these.
        """
        sent = context.HasField("deadline")
        key = context.caller_token, _day(context), (context.deadline.seconds, context.deadline.nanos) if sent else None
        call = None if known is None else known.get(key)
        if call is None:
            listed = current_call()
            deadline = sent_moment(context.deadline, "context.deadline") if sent else listed.deadline
            call = self.admission.context(unary, context.caller_token, key[1], deadline, listed.caller)
            if known is not None:
                known[key] = call
        broken = self.admission.violations(request) if violations is None else violations
        self.admission.check(unary, call.caller, request, broken)
        return call

    def refuse(self, error: BaseException) -> Status:
        """The status of whatever a handler raised. What is no Fault is a bug: logged here under a fresh id, told as INTERNAL."""
        if isinstance(error, Fault):
            return to_status(error)
        if isinstance(error, InternalError) and error.error_id:
            return internal_status(error.error_id, error.metadata.get("member", ""))
        error_id = uuid4().hex[:16]
        fields = {"member": self.member, "error_id": error_id, **describe(error, with_text=self._sandbox)}
        write(self._log, logging.ERROR, "internal error", fields)
        return internal_status(error_id, self.member)

    def observe(self, span: Span, unary: MethodContract, request: Any, response: Any, status: Status | None) -> None:
        """Counts an ended call, and writes what is known of it to its span and to the access log."""
        reason = OK if status is None else reason_of(status)
        self._ended_call(unary.full_name, "", reason, (time.time_ns() - span.start_ns) / 1e9)
        # What is not this member's goes on elsewhere: it is no trouble, and no reason to keep a span.
        trouble = reason not in (OK, INSURED_ELSEWHERE)
        if reason == INSURED_ELSEWHERE and not span.recording:
            span.end()  # Before the refusal leaves its block, which would mark it failed.
        level = logging.WARNING if trouble else logging.INFO
        logged = self._access.isEnabledFor(level)
        if not (logged or span.recording or trouble):
            return
        numbers = _numbers(unary.request_numbers, request)
        numbers |= _numbers(unary.response_numbers, response)
        span.set_attributes(numbers)
        fields: dict[str, object] = {"member": self.member, "method": unary.full_name, "code": "OK", **numbers}
        if status is not None:
            fields["code"], fields["reason"] = code_name(status), reason
            if trouble or span.recording:
                span.fail(str(fields["code"]), reason)
        if logged:
            fields["ms"] = (time.time_ns() - span.start_ns) // 10_000 / 100
            write(self._access, level, "call", fields)

    def line(self, unary: MethodContract, reason: str = OK) -> ListLine:
        """The line of a list's items that are answered, or of those that go on elsewhere for that reason."""
        return ListLine(self._access, self.member, unary.full_name, reason if reason != OK else "")

    def observe_item(
        self, span: Span, unary: MethodContract, request: Any, response: Any, line: ListLine, reason: str = OK
    ) -> None:
        """`observe` for an item that is answered, or that goes on elsewhere for a reason: it stands in the line of its list."""
        took_s = (time.time_ns() - span.start_ns) / 1e9
        self._ended_call(unary.full_name, "", reason, took_s)
        if not (line.wanted or span.recording):
            return
        numbers = _numbers(unary.request_numbers, request) | _numbers(unary.response_numbers, response)
        if span.recording:
            span.set_attributes(numbers)
            if reason != OK:
                span.fail(FaultKind.PRECONDITION.value, reason)
        line.add(span.trace_id, numbers, took_s)

    def _grpc_behaviour(self, served: Served) -> Callable[[bytes, Any], Awaitable[bytes]]:
        async def answer(message: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            try:
                return await self._run(served, message, context.invocation_metadata() or (), context.time_remaining())
            except RpcRefusal as refused:
                refusal = RpcRefusal(refused.status)
            # gRPC keeps what `abort` raises until garbage is looked for, with all that its traceback and its context hold: a
            # message of megabytes would stay as long.
            del message
            await context.abort(*to_rpc_error(refusal.status))
            raise refusal

        return answer

    def _stream_behaviour(self, stream: MethodContract, unary: Served) -> Callable[[Any, Any], Awaitable[None]]:
        """Opens a stream: its caller is admitted once, and each message answered as one of the unary method."""

        async def answer(_: Any, context: Any) -> None:
            sent = Sent.of(context.invocation_metadata() or ())
            span = self.telemetry.span(stream.full_name, SpanKind.SERVER, parent=extract(sent.traceparent) or ROOT)
            with span:
                try:
                    opened = self.admission.context(stream, sent.token, sent.day)
                    taken = await self.streams.serve(
                        context, lambda message: self._in_stream(unary, message, opened, span)
                    )
                    span.set_attribute("yibao.messages", taken)
                    status = None
                except asyncio.CancelledError:
                    self.observe(span, stream, None, None, cancelled(None, span))
                    raise
                except Exception as error:  # noqa: BLE001  # as of a call
                    status = error.status if isinstance(error, RpcRefusal) else self.refuse(error)
                self.observe(span, stream, None, None, status)
            if status is not None:
                await context.abort(*to_rpc_error(status))

        return answer

    async def _in_stream(self, unary: Served, message: bytes, opened: CallContext, span: Span) -> bytes:
        def admit(request: Any) -> CallContext:
            self.admission.check(unary.contract, opened.caller, request, self.admission.violations(request))
            return self.admission.renewed(opened, unary.contract, MESSAGE_S)

        return await self.answered(unary, message, Terms(_nobody_else, admit, span, MESSAGE_S))

    async def _run(self, served: Served, message: bytes, metadata: Iterable[Any], remaining_s: float | None) -> bytes:
        sent = Sent.of(metadata)
        contract = served.contract

        def known() -> None:
            self.admission.caller(contract, sent.token)

        def admit(request: Any) -> CallContext:
            deadline = None if remaining_s is None else wire_time() + timedelta(seconds=remaining_s)
            # The rules of a batch's items are checked item by item: a bad one must not fail its neighbours.
            checked = () if contract.batch else None
            return self.admission.admit(
                contract, request, token=sent.token, day=sent.day, deadline=deadline, violations=checked
            )

        parent = extract(sent.traceparent) or ROOT
        return await self.answered(served, message, Terms(known, admit, parent, remaining_s))

    async def answered(self, served: Served, message: bytes, terms: Terms) -> bytes:
        """The answer to one message, observed as a call of its method; RpcRefusal."""
        contract = served.contract
        span = self.telemetry.span(contract.full_name, SpanKind.SERVER, parent=terms.parent)
        request: Any = None
        with span:
            if span.recording:
                span.set_attributes(served.rpc)
            try:
                if len(message) > LARGE_BYTES:
                    # Whoever may not call is told so, and too many rows are refused, before a message costs anything.
                    terms.known()
                    served.shape.check_wire(message)
                request = _parsed(served, message)
                work = self._answer(served, request, terms.admit(request))
                # A read is given up with its caller.
                response = await (work if contract.effect is Effect.READ else self.lasting.run(work))
            except asyncio.CancelledError:
                self.observe(span, contract, request, None, cancelled(terms.remaining_s, span))
                raise
            except Exception as error:  # noqa: BLE001  # the one place where a bug becomes a status
                status = too_late(error, terms.remaining_s, span) or self.refuse(error)
                self.observe(span, contract, request, None, status)
                raise RpcRefusal(status) from None
            self.observe(span, contract, request, response, None)
            return response.SerializeToString()

    async def _answer(self, served: Served, request: Any, call: CallContext) -> Message:
        with use_call(call):
            if served.contract.batch is None:
                return await served.behaviour(request, None)
            token = _SERVING.set(self)
            try:
                return await served.behaviour(request, None)
            finally:
                _SERVING.reset(token)


def admit_item(unary: MethodContract, context: ItemContext, request: Any) -> CallContext:
    """Admits an item of the batch that is being served: the same checks as for a call of `unary`; raises its Fault."""
    return serving().admit_item(unary, context, request)


def _day(context: ItemContext) -> str:
    """The business date that an item names, "" for none."""
    if not context.HasField("business_date"):
        return ""
    day = context.business_date
    return f"{day.year:04}-{day.month:02}-{day.day:02}"


def _parsed(served: Served, message: bytes) -> Any:
    try:
        return served.parse(message)
    except DecodeError:
        raise Fault(FaultKind.INVALID, "REQUEST_UNREADABLE") from None


def _numbers(places: Sequence[Number], message: Any) -> dict[str, Any]:
    if message is None:
        return {}
    return {place.attribute: value for place in places if (value := place.get(message))}


def _attributes(contract: MethodContract) -> Mapping[str, str]:
    return {"rpc.system": "grpc", "rpc.service": contract.service, "rpc.method": contract.name}


def _nobody_else() -> None:
    """Whoever opened the stream was admitted."""


def cancelled(remaining_s: float | None, span: Span) -> Status:
    """A call that was taken away: its time was up, or its caller left."""
    if _time_is_up(remaining_s, span):
        return to_status(Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"))
    return Status(code=grpc.StatusCode.CANCELLED.value[0])


def too_late(error: BaseException, remaining_s: float | None, span: Span) -> Status | None:
    """The status of a call whose time ended while another member was asked: that one was given no more time, and is not away."""
    if isinstance(error, Fault) and error.reason in _OTHERS_AWAY and _time_is_up(remaining_s, span):
        return to_status(Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"))
    return None


def _time_is_up(remaining_s: float | None, span: Span) -> bool:
    elapsed_s = (time.time_ns() - span.start_ns) / 1e9
    return remaining_s is not None and elapsed_s >= remaining_s - max(remaining_s * 0.01, _EARLY_S)
