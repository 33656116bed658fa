"""Serves the list form of a unary method: every item is admitted, dated, traced and answered as if it had come alone.

A denied, broken or failing item gets a status as its own outcome and never fails its neighbours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from services.kernel.elsewhere import INSURED_ELSEWHERE
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import CallContext, current_call, use_call
from services.runtime.contract import MethodContract
from services.runtime.inbound import Inbound, ItemKey, serving
from services.runtime.status import to_status
from services.runtime.telemetry import Span, SpanKind, current_span, extract, use_span


class Admitted(NamedTuple):
    """An item that may go on: its request, its call and its span (child of the span it was sent from)."""

    request: Any
    call: CallContext
    span: Span

    @contextmanager
    def active(self) -> Iterator[CallContext]:
        """Makes the item's call and span the current ones for a block."""
        with use_span(self.span), use_call(self.call) as call:
            yield call


ItemAnswer = Message | bytes | Fault
R = TypeVar("R", bound=Message)
Handle = Callable[[Sequence[Admitted]], Awaitable[Sequence[Any]]]


async def serve_batch(
    request: Any, response: R, *, handle: Handle, unary: MethodContract | None = None, items: str | None = None
) -> R:
    """The response to a batch request, given empty, with the outcomes in the order of the items.

    `handle` is given the admitted items and answers each with a response of the unary method, or its bytes as they are stored, or
    a Fault, in the same order;
    a Fault that it raises becomes the outcome of all of them. Unary method and field are those of the `batch` option
    unless given. A broken batch (too many items) is a Fault of the whole call.
    """
    inbound = serving()
    batch = inbound.contract.methods[current_call().method]
    form = batch.batch
    if form is None:
        raise RuntimeError(f"{batch.full_name} is no list form of another method")
    method = unary or inbound.contract.methods[form.method]
    rows = getattr(request, items or form.items)
    own, by_item = inbound.admission.batch_violations(request, items or form.items)
    if own:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=own)
    above = current_span()
    if above is not None:
        above.set_attribute("yibao.batch_size", len(rows))
    spans = [_item_span(inbound, method, row, above) for row in rows]
    answers: list[Any] = [None] * len(rows)
    admitted: list[Admitted] = []
    contexts: dict[ItemKey, CallContext] = {}
    places: list[int] = []
    for place, (row, span) in enumerate(zip(rows, spans, strict=True)):
        # An item without a request has no field that the rules of the batch could reach.
        violations = by_item.get(place, ()) if row.HasField("request") else by_item.get(place)
        try:
            call = inbound.admit_item(method, row.context, row.request, violations, contexts)
        except Fault as fault:
            answers[place] = fault
        else:
            admitted.append(Admitted(row.request, call, span))
            places.append(place)
    if admitted:
        for place, answer in zip(places, await _handled(handle, admitted), strict=True):
            answers[place] = answer
    outcomes = _Outcomes(inbound, getattr(response, form.outcomes), method)
    for row, span, answer in zip(rows, spans, answers, strict=True):
        outcomes.add(row, span, answer)
    outcomes.write_lines()
    return response


def one_by_one(operation: Callable[[Admitted], Awaitable[Any]]) -> Handle:
    """A handler that runs `operation` for each item at the same time, in the item's own call and span."""

    async def run(item: Admitted) -> Any:
        with item.active():
            return await operation(item)

    async def handle(items: Sequence[Admitted]) -> Sequence[Any]:
        return await asyncio.gather(*(run(item) for item in items), return_exceptions=True)

    return handle


async def _handled(handle: Handle, admitted: Sequence[Admitted]) -> Sequence[Any]:
    try:
        answers = await handle(admitted)
        if len(answers) != len(admitted):
            raise RuntimeError(f"{len(answers)} answers to {len(admitted)} items")
    except Exception as error:  # noqa: BLE001  # a handler's bug is the outcome of its items, told as INTERNAL
        return [error] * len(admitted)
    return answers


def _item_span(inbound: Inbound, method: MethodContract, row: Any, above: Span | None) -> Span:
    parent = extract(row.context.traceparent)
    # Linked where the item came from another trace; without one of its own it hangs below the batch itself.
    links = (above,) if above is not None and parent is not None else ()
    return inbound.telemetry.span(method.full_name, SpanKind.SERVER, parent=parent or above, links=links)


class _Outcomes:
    """The outcomes of one list, written where they are answered, each told to metrics, span and log. Of what goes on elsewhere,
    with all that is asked for next, there is a line of its own.
    """

    def __init__(self, inbound: Inbound, made: Any, method: MethodContract) -> None:
        self._inbound = inbound
        self._made = made
        self._method = method
        self._told = method.elsewhere.told if method.elsewhere is not None else ""
        self._answered = inbound.line(method)
        self._gone_on = inbound.line(method, INSURED_ELSEWHERE)

    def add(self, row: Any, span: Span, answer: Any) -> None:
        """The outcome of an item, whose span ends."""
        inbound, method = self._inbound, self._method
        outcome = self._made.add()
        if not isinstance(answer, BaseException):
            response = outcome.response
            # Put into its place: a message given to a constructor, or a list of them, is written and read for that.
            if isinstance(answer, bytes):
                response.ParseFromString(answer)
                # An answer in which nothing is said is one.
                response.SetInParent()
            else:
                response.CopyFrom(answer)
            inbound.observe_item(span, method, row.request, response, self._answered)
        elif self._told and isinstance(answer, Fault) and answer.told and answer.reason == INSURED_ELSEWHERE:
            outcome.status.CopyFrom(_gone_on(answer.kind, answer.reason, tuple(answer.metadata.items())))
            setattr(outcome, self._told, answer.told)
            inbound.observe_item(span, method, row.request, None, self._gone_on, answer.reason)
        else:
            with use_span(span):
                status = inbound.refuse(answer)
                inbound.observe(span, method, row.request, None, status)
            outcome.status.CopyFrom(status)
        span.end()

    def write_lines(self) -> None:
        """What the log is told of those that are in no line yet."""
        self._answered.write()
        self._gone_on.write()


@lru_cache(maxsize=64)
def _gone_on(kind: FaultKind, reason: str, metadata: tuple[tuple[str, str], ...]) -> Status:
    """The status of a refusal that names nothing but a cell: of these there are few."""
    return to_status(Fault(kind, reason, dict(metadata)))
