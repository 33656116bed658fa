"""Group commit: what waits together is decided together, and nobody suffers for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kernel.errors import Fault, FaultKind
from services.runtime.call import CallContext, Caller, Role, find_call, use_call, wire_time
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.telemetry import Telemetry
from tests.runtime import desk


class Book:
    """Writes down batches; a gate keeps the first one under way."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.running = 0
        self.most = 0
        self.finished: list[str] = []

    async def write(self, items: Sequence[str]) -> Sequence[str | Fault]:
        """Answers in capitals; "refuse" is refused, "poison" breaks the batch, "down" is a store out of reach."""
        self.batches.append(list(items))
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.set()
        try:
            await self.gate.wait()
            if "poison" in items:
                raise RuntimeError("poison")
            if "down" in items:
                raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")
            if "short" in items:
                return []
            self.finished += items
            return [Fault(FaultKind.CONFLICT, "REFUSED") if each == "refuse" else each.upper() for each in items]
        finally:
            self.running -= 1


@asynccontextmanager
async def under_way(book: Book, committer: Committer[str, str]) -> AsyncIterator[asyncio.Future[str]]:
    """A commit of one item that is held until the block ends."""
    book.gate.clear()
    first = asyncio.ensure_future(committer.submit("first"))
    await book.begun.wait()
    yield first
    book.gate.set()


async def together(committer: Committer[str, str], *items: str) -> list[str | BaseException]:
    return await asyncio.gather(*(committer.submit(each) for each in items), return_exceptions=True)


async def test_an_item_that_finds_the_committer_idle_starts_at_once() -> None:
    book = Book()
    assert await Committer("book", book.write).submit("a") == "A"
    assert book.batches == [["a"]]


async def test_items_submitted_together_share_a_commit() -> None:
    book = Book()
    assert await together(Committer("book", book.write), "a", "b", "c") == ["A", "B", "C"]
    assert book.batches == [["a", "b", "c"]]


async def test_what_arrives_during_a_commit_goes_into_the_next_one_in_order_and_bounded() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write, max_batch=2)
    async with under_way(book, committer):
        rest = asyncio.create_task(together(committer, "a", "b", "c"))
        await asyncio.sleep(0.01)
    assert await rest == ["A", "B", "C"]
    assert book.batches == [["first"], ["a", "b"], ["c"]]
    assert book.most == 1


@pytest.mark.parametrize(("first", "commits"), [(14, [16, 1]), (15, [16, 2]), (16, [16, 3])])
async def test_a_commit_that_has_enough_takes_no_further_list(first: int, commits: list[int]) -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write)
    async with under_way(book, committer):
        lists = [["a"] * first, ["b"], ["c"]]
        waiting = [committer.submit(each, together=items) for items in lists for each in items]
        waiting.append(committer.submit("d"))
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in book.batches[1:]] == commits


async def test_a_list_that_was_begun_is_committed_whole() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write)
    async with under_way(book, committer):
        items = ["a"] * 20
        waiting = [committer.submit(each, together=items) for each in items]
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in book.batches] == [1, 20]


async def test_workers_commit_at_the_same_time() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write, workers=2)
    async with under_way(book, committer):
        second = asyncio.ensure_future(committer.submit("a"))
        await asyncio.sleep(0.01)
    assert (await second, book.most) == ("A", 2)


async def test_a_refused_item_raises_its_own_fault() -> None:
    book = Book()
    answers = await together(Committer("book", book.write), "a", "refuse", "b")
    assert [answers[0], answers[2]] == ["A", "B"]
    assert isinstance(answers[1], Fault)
    assert answers[1].reason == "REFUSED"


async def test_a_poisoned_item_fails_alone() -> None:
    book = Book()
    answers = await together(Committer("book", book.write), "a", "poison", "b")
    assert [answers[0], answers[2]] == ["A", "B"]
    assert isinstance(answers[1], RuntimeError)
    assert book.batches == [["a", "poison", "b"], ["a"], ["poison"], ["b"]]


async def test_a_store_out_of_reach_is_told_to_all_without_trying_each() -> None:
    book = Book()
    answers = await together(Committer("book", book.write), "a", "down")
    assert [getattr(each, "reason", None) for each in answers] == ["STORE_UNAVAILABLE"] * 2
    assert len(book.batches) == 1


async def test_a_batch_with_too_few_answers_is_a_bug_of_every_item() -> None:
    book = Book()
    with pytest.raises(RuntimeError, match="0 answers to 1 items"):
        await Committer("book", book.write).submit("short")


async def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write, max_queue=1)
    async with under_way(book, committer):
        waiting = asyncio.ensure_future(committer.submit("a"))
        await asyncio.sleep(0.01)
        with pytest.raises(Fault) as caught:
            await committer.submit("b")
    assert (caught.value.kind, caught.value.reason) == (FaultKind.EXHAUSTED, "QUEUE_FULL")
    assert caught.value.metadata == {"queue": "book"}
    assert caught.value.retry_after_s
    assert await waiting == "A"


async def test_a_caller_that_leaves_does_not_disturb_a_commit_under_way() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write)
    async with under_way(book, committer) as first:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    await committer.stop()
    assert book.finished == ["first"]


async def test_an_item_whose_caller_left_before_it_began_is_dropped() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write)
    async with under_way(book, committer):
        left = asyncio.ensure_future(committer.submit("left"))
        await asyncio.sleep(0.01)
        left.cancel()
        stays = asyncio.ensure_future(committer.submit("stays"))
        await asyncio.sleep(0.01)
    assert await stays == "STAYS"
    assert book.batches == [["first"], ["stays"]]


async def test_an_item_whose_time_passed_in_the_queue_is_not_begun() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write)
    soon = wire_time() + timedelta(seconds=0.02)
    async with under_way(book, committer):
        with use_call(CallContext(Caller(Role.SERVICE, "x"), "/a/B", soon, None, desk.NOON)):
            late = asyncio.ensure_future(committer.submit("late"))
        await asyncio.sleep(0.05)
    with pytest.raises(Fault) as caught:
        await late
    assert (caught.value.kind, caught.value.reason) == (FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
    assert book.batches == [["first"]]


async def test_stopping_answers_everything_accepted_and_refuses_the_rest() -> None:
    book = Book()
    committer: Committer[str, str] = Committer("book", book.write, max_batch=1)
    async with under_way(book, committer) as first:
        waiting = asyncio.create_task(together(committer, "a", "b"))
        await asyncio.sleep(0.01)
        stopping = asyncio.create_task(committer.stop())
        await asyncio.sleep(0.01)
        with pytest.raises(Fault) as caught:
            await committer.submit("late")
    await stopping
    assert caught.value.reason == "SHUTTING_DOWN"
    assert (await first, await waiting) == ("FIRST", ["A", "B"])


async def test_a_commit_sees_nothing_of_the_call_that_came_first() -> None:
    seen: list[CallContext | None] = []

    async def look_around(items: Sequence[str]) -> Sequence[str]:
        seen.append(find_call())
        return items

    run: Callable[[Sequence[str]], Awaitable[Sequence[str | Fault]]] = look_around
    with use_call(CallContext(Caller(Role.SERVICE, "x"), "/a/B", None, None, desk.NOON)):
        await Committer("book", run).submit("a")
    assert seen == [None]


async def test_one_commit_is_one_span_linked_to_all_its_items(config: Config) -> None:
    kept = InMemorySpanExporter()
    telemetry = Telemetry("settlement", config, kept)
    committer: Committer[str, str] = Committer("book", Book().write, telemetry=telemetry)

    async def one(item: str) -> int:
        with telemetry.span(item) as span:
            await committer.submit(item)
            return span.span_id

    ids = list(await asyncio.gather(one("a"), one("b")))
    telemetry.stop()
    (commit,) = [span for span in kept.get_finished_spans() if span.name == "commit book"]
    assert [link.context.span_id for link in commit.links] == ids
    assert commit.parent is None
    assert dict(commit.attributes or {}) == {"yibao.batch_size": 2, "yibao.queue": "book"}
