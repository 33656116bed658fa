"""Group commit: what has arrived while the last commit was under way is decided and written together, and answered at once.

Commits run in tasks of their own, so that a caller's cancellation or deadline never lands inside a transaction. There is
no timer: an item that finds the committer idle starts at once. It decides nothing itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from services.kernel.errors import Fault, FaultKind
from services.runtime.call import CallContext, find_call, wire_time
from services.runtime.telemetry import Span, Telemetry, current_span

T = TypeVar("T")
R = TypeVar("R")

_RETRY_AFTER_S = 0.5
_ENOUGH = 16
"""With so many items a commit takes no further list: the callers of one that is answered go on while the next is decided."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T, R]):
    item: T
    answer: asyncio.Future[R]
    deadline: datetime | None
    span: Span | None
    together: object


class Committer(Generic[T, R]):
    """Gathers items and hands them to `run_batch`, which answers each with a result or a Fault, in the same order.

    `workers` is the number of batches under way at the same time. With `telemetry` every commit is one span, linked to the
    spans of all its items.
    """

    def __init__(
        self,
        name: str,
        run_batch: Callable[[Sequence[T]], Awaitable[Sequence[R | Fault]]],
        max_batch: int = 64,
        max_queue: int = 1024,
        workers: int = 1,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.name = name
        self._run_batch = run_batch
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._workers = workers
        self._telemetry = telemetry
        self._queue: deque[_Waiting[T, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._beginning = False
        self._stopping = False
        self._sizes = telemetry.metrics.batches(name) if telemetry is not None else None
        if telemetry is not None:
            told = "Items that wait, by queue."
            telemetry.metrics.gauge("yibao_queue_items", told, {"queue": name}, lambda: float(len(self._queue)))

    def submit(
        self, item: T, call: CallContext | None = None, span: Span | None = None, together: object = None
    ) -> asyncio.Future[R]:
        """Takes an item at once; awaited, it is the item's own answer, or its Fault. It needs no task of its own.

        Fault EXHAUSTED QUEUE_FULL where too many wait, UNAVAILABLE SHUTTING_DOWN after `stop`. The deadline and the span of the
        call travel with the item: of the current one, unless given. Items that came in one list have the same `together`.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        if self._stopping:
            answer.set_exception(Fault(FaultKind.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=_RETRY_AFTER_S))
            return answer
        if len(self._queue) >= self._max_queue:
            told = {"queue": self.name}
            answer.set_exception(Fault(FaultKind.EXHAUSTED, "QUEUE_FULL", told, retry_after_s=_RETRY_AFTER_S))
            return answer
        known = call or find_call()
        deadline = known.deadline if known else None
        self._queue.append(_Waiting(item, answer, deadline, span or current_span(), together))
        self._begin()
        return answer

    async def stop(self) -> None:
        """Refuses new items and waits until all that were accepted are answered."""
        self._stopping = True
        while self._queue or self._running:
            if self._running:
                await asyncio.wait(set(self._running))
            else:
                await asyncio.sleep(0)

    def _begin(self) -> None:
        """Starts a commit where there is room for one. It takes what waits when its task first runs: all that is submitted in the
        same turn of the loop goes into the same commit.
        """
        if self._queue and not self._beginning and len(self._running) < self._workers:
            self._beginning = True
            # A fresh context: nothing of the caller that happened to come first clings to the commit.
            task = asyncio.get_running_loop().create_task(self._run(), context=Context())
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._begin()

    async def _run(self) -> None:
        self._beginning = False
        batch = self._take()
        # For what this commit has no place for.
        self._begin()
        if batch:
            await self._commit(batch)

    def _take(self) -> list[_Waiting[T, R]]:
        """The next items that somebody still waits for; those whose time has passed are answered here."""
        batch: list[_Waiting[T, R]] = []
        now = wire_time()
        while self._queue and len(batch) < self._max_batch:
            waiting = self._queue[0]
            if len(batch) >= _ENOUGH and waiting.together is not batch[-1].together:
                break
            self._queue.popleft()
            if waiting.answer.done():
                continue
            if waiting.deadline is not None and waiting.deadline <= now:
                waiting.answer.set_exception(Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"))
                continue
            batch.append(waiting)
        return batch

    async def _commit(self, batch: list[_Waiting[T, R]]) -> None:
        if self._telemetry is None:
            await self._decide(batch)
            return
        if self._sizes is not None:
            self._sizes(len(batch))
        links = [waiting.span for waiting in batch if waiting.span is not None]
        attributes: dict[str, str | int | bool] = {"yibao.batch_size": len(batch), "yibao.queue": self.name}
        with self._telemetry.span(f"commit {self.name}", attributes=attributes, links=links):
            await self._decide(batch)

    async def _decide(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            answers = await self._answers(batch)
        except Fault as fault:
            # Said of the batch as a whole (the store is out of reach): trying item by item would not help.
            answers = [fault] * len(batch)
        except Exception as error:  # noqa: BLE001  # whatever it is, every waiting caller must be answered
            if len(batch) == 1:
                _answer(batch[0], error)
                return
            # One poisoned item must not fail its neighbours, and nothing of the batch was committed.
            for waiting in batch:
                await self._decide([waiting])
            return
        for waiting, answer in zip(batch, answers, strict=True):
            _answer(waiting, answer)

    async def _answers(self, batch: list[_Waiting[T, R]]) -> Sequence[R | Fault]:
        answers = await self._run_batch([waiting.item for waiting in batch])
        if len(answers) != len(batch):
            raise RuntimeError(f"{self.name}: {len(answers)} answers to {len(batch)} items")
        return answers


def _answer(waiting: _Waiting[T, R], answer: R | Exception) -> None:
    if waiting.answer.done():
        return
    if isinstance(answer, Exception):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
