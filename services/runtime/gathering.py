"""Natural batching: requests that arrive while a batch is under way travel together in the next one. There is no timer.

Each item keeps its own caller, deadline, trace and business date, and gets its own outcome. A batch that fails as a whole
fails its items; nothing is tried again here, for retries belong to outbound calls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from services.kernel.errors import Fault, FaultKind
from services.runtime.contract import ContractError, MethodContract
from services.runtime.forms import BatchForm
from services.runtime.status import from_status
from services.runtime.telemetry import ROOT, Span, SpanKind, Telemetry, current_span
from yibao.common.v1.item_pb2 import ItemContext

Send = Callable[[Message, float], Awaitable[Any]]
"""Sends a batch within so many seconds, and gives its answer."""

_RETRY_AFTER_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Items in a batch, batches under way, items that may wait.

    A further batch beside one under way begins only with `second_from` items: a batch costs much before its first item,
    so many small ones at once would keep everybody waiting. One whose items have more than `batch_bytes` together takes no
    further one: a message has a largest size, and whoever reads it holds up the others.
    """

    batch: int = 64
    batch_bytes: int = 262_144
    in_flight: int = 2
    second_from: int = 16
    queue: int = 1024


@dataclass(slots=True, eq=False)
class _Item:
    request: Message
    context: ItemContext
    span: Span | None
    until: float
    outcome: asyncio.Future[Message]


class Gatherer:
    """A list form of a method that a member serves, for calls that come one by one; `queue` names it in metrics."""

    def __init__(
        self,
        unary: MethodContract,
        batch: MethodContract,
        send: Send,
        telemetry: Telemetry,
        limits: Limits,
        *,
        queue: str,
        member: str,
    ) -> None:
        if batch.batch is None:
            raise ContractError(f"{batch.full_name} is no list form")
        self._batch = batch
        self._form: BatchForm = batch.batch
        self._told = unary.elsewhere.told if unary.elsewhere is not None else ""
        self._send_batch = send
        self._telemetry = telemetry
        self._limits = limits
        self._queue = queue
        self._member = member
        self._waiting: deque[_Item] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._unanswered: set[_Item] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._sizes = telemetry.metrics.batches(queue)
        told = "Items that wait, by queue."
        telemetry.metrics.gauge("yibao_queue_items", told, {"queue": queue}, lambda: float(len(self._waiting)))

    async def call(self, request: Message, context: ItemContext, timeout_s: float) -> Message:
        """The item's own outcome; Fault QUEUE_FULL, DEADLINE_EXCEEDED or whatever the member refused."""
        if len(self._waiting) >= self._limits.queue:
            raise Fault(FaultKind.EXHAUSTED, "QUEUE_FULL", {"queue": self._queue}, retry_after_s=_RETRY_AFTER_S)
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Message] = loop.create_future()
        item = _Item(request, context, current_span(), loop.time() + timeout_s, outcome)
        self._waiting.append(item)
        self._begin()
        self._unanswered.add(item)
        if self._alarm is None or item.until < self._alarm.when():
            self._wake_at(item.until)
        try:
            return await outcome
        finally:
            self._unanswered.discard(item)

    def _wake_at(self, until: float) -> None:
        """Sets the one timer for all items: most are answered in time, and a timer for each costs more than a look at all."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(until, self._expire)

    def _expire(self) -> None:
        """Tells those whose time is over, and wakes again for the next."""
        self._alarm = None
        now = asyncio.get_running_loop().time()
        left = [item for item in self._unanswered if not item.outcome.done()]
        for item in left:
            if item.until <= now:
                item.outcome.set_exception(Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"))
        later = [item.until for item in left if item.until > now]
        if later:
            self._wake_at(min(later))

    def _begin(self) -> None:
        """Starts a batch where there is room for one; it takes what is waiting when its task first runs."""
        wanted = self._limits.second_from if self._under_way else 1
        if len(self._waiting) >= wanted and len(self._under_way) < self._limits.in_flight:
            # An empty context: the batch belongs to none of its items.
            task = asyncio.get_running_loop().create_task(self._run(), context=Context())
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._begin()

    async def _run(self) -> None:
        items = self._taken()
        if not items:
            return
        try:
            outcomes = await self._send(items)
        except Exception as error:  # noqa: BLE001  # whatever befell the batch befell each item
            for item in items:
                if not item.outcome.done():
                    item.outcome.set_exception(error)
            return
        for item, outcome in zip(items, outcomes, strict=True):
            if item.outcome.done():
                continue
            if outcome.HasField("status"):
                item.outcome.set_exception(self._refusal(outcome))
            else:
                item.outcome.set_result(outcome.response)

    def _refusal(self, outcome: Any) -> Exception:
        """Why an item was refused, with what is told beside it for whoever is asked next."""
        refused = from_status(outcome.status, member=self._member)
        if self._told and isinstance(refused, Fault):
            refused.told = getattr(outcome, self._told)
        return refused

    def _share(self) -> int:
        """How many go together at most: of many, as many as in each other batch under way. One that took them all would leave
        whoever asks idle while the member works, and the member idle while the answers are told.
        """
        each = -(-len(self._unanswered) // self._limits.in_flight)
        return min(self._limits.batch, max(self._limits.second_from, each))

    def _taken(self) -> list[_Item]:
        """What goes together, in the order in which it came."""
        items: list[_Item] = []
        size, most = 0, self._share()
        while self._waiting and len(items) < most:
            item = self._waiting[0]
            # Whoever left or waited too long is not worth a place.
            if not item.outcome.done():
                size += item.request.ByteSize()
                if items and size > self._limits.batch_bytes:
                    break
                items.append(item)
            self._waiting.popleft()
        return items

    async def _send(self, items: Sequence[_Item]) -> Sequence[Any]:
        batch: Any = self._batch.request_class()
        rows = getattr(batch, self._form.items)
        for item in items:
            # Copied into its place: a message given to a constructor is written and read for that.
            row = rows.add()
            row.context.CopyFrom(item.context)
            row.request.CopyFrom(item.request)
        left_s = max(item.until for item in items) - asyncio.get_running_loop().time()
        links = [item.span for item in items if item.span is not None]
        self._sizes(len(items))
        with self._telemetry.span("gather", SpanKind.INTERNAL, parent=ROOT, links=links) as span:
            if span.recording:
                span.set_attribute("yibao.batch_size", len(items))
            answer = await self._send_batch(batch, max(0.001, left_s))
        outcomes: Sequence[Any] = getattr(answer, self._form.outcomes)
        if len(outcomes) != len(items):
            raise RuntimeError(f"{self._batch.full_name}: {len(outcomes)} outcomes for {len(items)} items")
        return outcomes
