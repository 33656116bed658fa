"""Calls to other members: allowed by the mesh table and within one cell, with a deadline, a caller token, a trace and the
retries of the contract.

A call is repeated only where nothing came through (UNAVAILABLE, unless a peer says to come later) and `effect` says that it is
harmless. A peer's refusal comes back as its Fault; a peer that cannot be reached as PEER_UNAVAILABLE, naming it. Only a national
member says in which cell the member is that it calls.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any, Final, TypeVar

import grpc
from google.rpc.status_pb2 import Status
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_any,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from services import mesh
from services.kernel.errors import Fault, FaultKind
from services.runtime.auth import TokenSigner
from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY, CallContext, Caller, Role, find_call
from services.runtime.circuits import Circuits
from services.runtime.config import Config
from services.runtime.contract import Contract, MethodContract
from services.runtime.forms import Effect
from services.runtime.gathering import Gatherer, Limits
from services.runtime.placement import Metadata
from services.runtime.status import InternalError, from_status
from services.runtime.telemetry import Span, SpanKind, Telemetry, inject
from services.runtime.transport import GrpcTransport, LocalTransport, Transport
from services.runtime.wire import day_message, moment_message
from yibao.common.v1.item_pb2 import ItemContext

Request = TypeVar("Request")
Response = TypeVar("Response")
Stub = TypeVar("Stub")

_REPEATABLE: Final = (Effect.READ, Effect.IDEMPOTENT)
_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 1.0


class PeerMethod:
    """One method of a peer, as a stub's attribute; awaiting its call uses the default time limit."""

    def __init__(self, peers: Peers, member: str, cell: str, contract: MethodContract) -> None:
        self.peers = peers
        self.member = member
        self.cell = cell
        self.contract = contract

    async def __call__(self, request: Any, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109  # the name that generated stubs use
        return await self.peers.invoke(self.contract, request, timeout_s=timeout, member=self.member, cell=self.cell)


class _PeerChannel:
    """What a generated stub takes for a channel: it makes the stub's attributes."""

    def __init__(self, peers: Peers, member: str, cell: str) -> None:
        self._peers = peers
        self._member = member
        self._cell = cell
        self._contracts: dict[str, Contract] = {}

    def stream_stream(self, path: str, *_: Any, **__: Any) -> None:
        """Members call each other by unary methods alone."""

    def unary_unary(self, path: str, *_: Any, **__: Any) -> PeerMethod:
        service = path[1:].partition("/")[0]
        contract = self._contracts.get(service)
        if contract is None:
            contract = self._contracts[service] = Contract.load((service,), partial=True)
        return PeerMethod(self._peers, self._member, self._cell, contract.methods[path])


class Peers:
    """The members that `member_name` may call."""

    def __init__(
        self,
        member_name: str,
        config: Config,
        signer: TokenSigner,
        telemetry: Telemetry,
        edges: frozenset[tuple[str, str]] | None = None,
        circuits: Circuits | None = None,
        circuits_to: frozenset[str] | None = None,
    ) -> None:
        """`circuits` spares callers the wait for one who has not answered before; without them everybody waits himself. Where
        `circuits_to` names members, they are kept for those alone.
        """
        self._name = member_name
        self._config = config
        self._signer = signer
        self._telemetry = telemetry
        self._edges = mesh.edges() if edges is None else edges
        self._self = Caller(Role.SERVICE, member_name, config.sandbox)
        self._timeout_s = config.seconds("YIBAO_PEER_TIMEOUT_S")
        self._attempts = config.integer("YIBAO_PEER_ATTEMPTS")
        self._seats: dict[tuple[str, str], str] = {}
        # One that looks at every cell again and again has connections of its own: in one process, others would else wait out
        # the pause that follows its attempts to reach a cell that is away.
        self._alone = mesh.is_national(member_name)
        self._transports: dict[str, Transport] = {}
        self._circuits = circuits
        self._circuits_to = circuits_to

    def stub(self, stub_class: Callable[[Any], Stub], member: str, cell: str = "") -> Stub:
        """A generated stub of a member, of the own cell or, for a national member, of `cell`; ValueError where the tables do not
        allow the call.
        """
        self._seat(member, cell)
        return stub_class(_PeerChannel(self, member, cell))

    async def call(
        self,
        stub_method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        timeout_s: float | None = None,
        as_caller: Caller | None = None,
        business_date: date | None = None,
    ) -> Response:
        """Calls a method of a stub made by `stub`; see `invoke`."""
        method: Any = stub_method
        if not isinstance(method, PeerMethod):
            raise TypeError("only methods of a stub that Peers made are called")
        response: Response = await self.invoke(
            method.contract,
            request,
            timeout_s=timeout_s,
            as_caller=as_caller,
            business_date=business_date,
            member=method.member,
            cell=method.cell,
        )
        return response

    def gathered(
        self, unary: Any, batch: Any, limits: Limits | None = None, *, in_flight: int | None = None
    ) -> Callable[[Any], Awaitable[Any]]:
        """Calls a method of a stub by its list form, which takes along what comes while a list is under way; see `gathering`. Of
        the limits `in_flight` may be given alone.
        """
        contract, member, cell = batch.contract, batch.member, batch.cell

        async def send(request: Any, timeout_s: float) -> Any:
            return await self.invoke(contract, request, timeout_s=timeout_s, member=member, cell=cell)

        seat = self._seat(member, cell)
        queue = f"{seat} {unary.contract.name}"
        chosen = limits or Limits()
        chosen = chosen if in_flight is None else replace(chosen, in_flight=in_flight)
        gatherer = Gatherer(unary.contract, contract, send, self._telemetry, chosen, queue=queue, member=seat)

        async def call(request: Any) -> Any:
            limit_s = self._limit(find_call(), None)
            return await gatherer.call(request, self.item_context(member, cell=cell), limit_s)

        return call

    async def invoke(
        self,
        method: MethodContract,
        request: Any,
        *,
        timeout_s: float | None = None,
        as_caller: Caller | None = None,
        business_date: date | None = None,
        member: str | None = None,
        cell: str = "",
    ) -> Any:
        """Calls a method by its contract.

        The deadline is `timeout_s` (a setting where None) or what is left of the call being served, whichever is shorter.
        The caller is this member itself unless `as_caller` says otherwise. Raises the peer's Fault.
        """
        name = member or method.member
        callee = self._seat(name, cell)
        transport = self._transports.get(callee) or self._transport(callee, name, cell)
        call = find_call()
        limit_s = self._limit(call, timeout_s)
        metadata = [(CALLER_KEY, self._signer.sign(as_caller or self._self, name, cell=cell))]
        day = business_date or (call.business_date if call else None)
        if day is not None:
            metadata.append((BUSINESS_DATE_KEY, day.isoformat()))
        message = request.SerializeToString()
        with self._telemetry.span(method.full_name, SpanKind.CLIENT) as span:
            if span.recording:
                span.set_attribute("yibao.peer", callee)
            metadata.append(("traceparent", inject(span)))
            send = partial(self._send, method, transport, message, metadata, limit_s)
            circuits = self._circuits if self._circuits_to is None or name in self._circuits_to else None
            if circuits is None:
                answer = await send()
            else:
                if span.recording:
                    span.set_attribute("yibao.circuit", circuits.state(callee))
                answer = await circuits.call(callee, send)
        return method.response_class.FromString(answer)

    def item_context(
        self,
        member: str,
        *,
        cell: str = "",
        span: Span | None = None,
        call: CallContext | None = None,
        as_caller: Caller | None = None,
        deadline: datetime | None = None,
        business_date: date | None = None,
    ) -> ItemContext:
        """The context of an item sent to `member` in a batch RPC: token, deadline, trace and business date.

        `call` and `span` are those of the item (of an `Admitted`), else the current ones.
        """
        own = call or find_call()
        context = ItemContext(
            caller_token=self._signer.sign(as_caller or self._self, member, cell=cell),
            traceparent=inject(span),
        )
        until = deadline or (own.deadline if own else None)
        # A moment says nothing to whom another clock shows it: there the deadline of the list holds.
        if until is not None and not (self._alone or mesh.is_national(member)):
            context.deadline.CopyFrom(moment_message(until))
        day = business_date or (own.business_date if own else None)
        if day is not None:
            context.business_date.CopyFrom(day_message(day))
        return context

    async def close(self) -> None:
        """Closes all channels."""
        for transport in self._transports.values():
            await transport.close()
        self._transports.clear()

    async def _send(
        self,
        method: MethodContract,
        transport: Transport,
        message: bytes,
        metadata: list[tuple[str, str]],
        limit_s: float,
    ) -> bytes:
        until = time.monotonic() + limit_s
        try:
            return await transport.unary(method.path, message, metadata, limit_s)
        except Fault as fault:
            if not _unavailable(fault) or method.effect not in _REPEATABLE:
                raise
            refused: list[Fault] = [fault]
        # Only a call that met trouble pays for the machinery of retries; the attempt made counts as its first.
        async for attempt in self._attempts_until(until):
            with attempt:
                if refused:
                    raise refused.pop()
                return await transport.unary(method.path, message, metadata, max(0.001, until - time.monotonic()))
        raise AssertionError("unreachable: the last attempt raises")

    def _attempts_until(self, until: float) -> AsyncRetrying:
        return AsyncRetrying(
            stop=stop_any(stop_after_attempt(self._attempts), _TooLate(until)),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
            retry=retry_if_exception(_unavailable),
            reraise=True,
        )

    def _limit(self, call: CallContext | None, timeout_s: float | None) -> float:
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        left_s = call.remaining_s() if call else None
        if left_s is not None and left_s < limit_s:
            limit_s = left_s
        if limit_s <= 0:
            raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
        return limit_s

    def _seat(self, member: str, cell: str) -> str:
        """The name of the seat that is called; ValueError where the tables do not allow it."""
        known = self._seats.get((member, cell))
        if known is not None:
            return known
        if (self._name, member) not in self._edges:
            raise ValueError(f"the mesh table does not allow {self._name} to call {member}")
        if mesh.is_national(self._name) and not mesh.is_national(member):
            if cell not in self._config.known_cells:
                raise ValueError(f"YIBAO_CELLS names no cell {cell!r}, in which {self._name} would call {member}")
        elif cell not in ("", self._config.cell):
            raise ValueError(f"{self._name} of {self._config.cell} may not call {member} of another cell, {cell}")
        found = self._seats[member, cell] = mesh.seat_name(member, cell or self._config.cell)
        return found

    def _transport(self, callee: str, member: str, cell: str) -> Transport:
        endpoint = self._config.placement.find(callee) if self._config.local_calls else None
        found: Transport
        if endpoint is not None:
            found = LocalTransport(callee, endpoint)
        else:
            found = GrpcTransport(callee, self._config, partial(self._opening, member, cell), alone=self._alone)
        self._transports[callee] = found
        return found

    def _opening(self, member: str, cell: str) -> Metadata:
        """By what this member opens a trunk: in its own name."""
        return ((CALLER_KEY, self._signer.sign(self._self, member, cell=cell)),)


class _TooLate(stop_base):
    """Stops where the next attempt would begin after the deadline."""

    def __init__(self, until: float) -> None:
        self._until = until

    def __call__(self, retry_state: RetryCallState) -> bool:
        return time.monotonic() + retry_state.upcoming_sleep >= self._until


def fault_of(status: Status, member: str) -> Fault:
    """The refusal of one item of a batch RPC; an internal error there means that the peer did not answer the item."""
    found = from_status(status, member=member)
    return _unanswered(member) if isinstance(found, InternalError) else found


async def answer_of(call: Awaitable[Response], member: str) -> Response:
    """The answer of a call that was `gathered`; an internal error is told as `fault_of` tells it."""
    try:
        return await call
    except InternalError:
        raise _unanswered(member) from None


def _unanswered(member: str) -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": member})


def _unavailable(error: BaseException) -> bool:
    """Whether another attempt at once may help: nothing came through, and nobody said to come again later than that."""
    if not isinstance(error, Fault) or error.kind is not FaultKind.UNAVAILABLE:
        return False
    return error.retry_after_s is None or error.retry_after_s <= _LONGEST_WAIT_S
