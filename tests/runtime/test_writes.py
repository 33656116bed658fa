"""The frame of writes on a store of its own: once for each request id, again where another was first, nothing of a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from services.kernel.errors import Fault, FaultKind, precondition
from services.kernel.requests import Moved, RequestStamp
from services.runtime.writes import AGAIN, Again, Frame, Lasting, all_ended, as_it_stands, decide_each

STAMP = RequestStamp("H1", "r1", "/s/Write", "content")


@dataclass(frozen=True)
class Row:
    """What a write leaves in the store of these tests."""

    stamp: RequestStamp
    answer: str
    voided: bool = False

    def is_of(self, stamp: RequestStamp) -> bool:
        return stamp.repeats(self.stamp.content_hash)


@dataclass
class Shelf:
    """A store in memory: rows by scope and request id, and what moves before the next commits."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    others: list[Row | None] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[dict[tuple[str, str], Row]]:
        copy = dict(self.rows)
        yield copy
        if self.others:
            other = self.others.pop()
            if other is not None:
                self.rows[other.stamp.scope, other.stamp.request_id] = other
            raise Moved
        self.rows = copy


Work = dict[tuple[str, str], Row]


async def find(work: Work, stamp: RequestStamp) -> Row | None:
    return work.get((stamp.scope, stamp.request_id))


async def write(shelf: Shelf, stamp: RequestStamp = STAMP, answer: str = "done", refused: Fault | None = None) -> str:
    async def act(work: Work) -> Row:
        shelf.steps.append("act")
        row = work[stamp.scope, stamp.request_id] = Row(stamp, answer)
        if refused is not None:
            raise refused
        return row

    async def hold(_: Work) -> None:
        shelf.steps.append("hold")

    frame: Frame[Work, Row] = Frame(shelf.writing, find, "LEDGER_CONTENTION")
    row: Row = await frame.once(stamp, act, as_it_stands, hold=hold)
    return row.answer


async def test_the_same_request_gets_the_stored_answer_and_nothing_is_done_again() -> None:
    shelf = Shelf()
    assert await write(shelf, answer="first") == "first"
    assert await write(shelf, answer="second") == "first"
    assert shelf.steps == ["hold", "act", "hold"]


async def test_a_request_id_is_unique_in_its_scope_only() -> None:
    shelf = Shelf()
    await write(shelf, answer="first")
    assert await write(shelf, replace(STAMP, scope="H2"), "second") == "second"


async def test_other_content_under_the_id_is_refused() -> None:
    shelf = Shelf()
    await write(shelf)
    with pytest.raises(Fault, match="REQUEST_ID_REUSED") as caught:
        await write(shelf, replace(STAMP, content_hash="other"))
    assert (caught.value.kind, caught.value.metadata) == (FaultKind.CONFLICT, {"request_id": "r1"})


async def test_a_message_that_was_taken_back_before_it_came_is_refused_when_it_comes() -> None:
    shelf = Shelf({("H1", "r1"): Row(STAMP, "", voided=True)})
    with pytest.raises(Fault, match="MESSAGE_VOIDED"):
        await write(shelf)


async def test_a_refusal_leaves_nothing_so_that_its_repeat_is_decided_again() -> None:
    shelf = Shelf()
    with pytest.raises(Fault, match="STAY_OPEN"):
        await write(shelf, refused=precondition("STAY_OPEN"))
    assert shelf.rows == {}
    assert await write(shelf, answer="now") == "now"


async def test_whoever_loses_a_race_for_the_same_id_gets_the_winners_answer() -> None:
    shelf = Shelf(others=[Row(STAMP, "winner")])
    assert await write(shelf, answer="loser") == "winner"
    assert shelf.steps == ["hold", "act", "hold"]


async def test_where_others_are_first_time_after_time_it_ends_with_a_fault_that_may_be_tried_again() -> None:
    shelf = Shelf(others=[None] * 9)
    with pytest.raises(Fault, match="LEDGER_CONTENTION") as caught:
        await write(shelf)
    assert caught.value.kind is FaultKind.UNAVAILABLE
    assert caught.value.retry_after_s
    assert (shelf.steps.count("act"), shelf.rows) == (4, {})


async def test_of_a_list_only_what_moved_is_decided_again() -> None:
    asked: list[list[str]] = []

    async def attempt(items: Sequence[str]) -> list[str | Again]:
        asked.append([*items])
        return [AGAIN if item == "never" or (item == "later" and len(asked) < 3) else item.upper() for item in items]

    first, later, never = await decide_each(["first", "later", "never"], attempt, "LEDGER_CONTENTION")
    assert (first, later) == ("FIRST", "LATER")
    assert isinstance(never, Fault)
    assert asked == [["first", "later", "never"], ["later", "never"], ["later", "never"], ["never"]]


async def test_work_goes_on_when_its_caller_leaves() -> None:
    lasting, go, done = Lasting(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    caller = asyncio.ensure_future(lasting.run(work()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    await lasting.idle(5)
    assert done.is_set()


async def test_what_ends_together_is_told_in_order_whatever_befell_each() -> None:
    loop = asyncio.get_running_loop()
    one, refused, left = (loop.create_future() for _ in range(3))

    async def other() -> str:
        return "other"

    told = asyncio.create_task(all_ended([one, refused, left, other()]))
    await asyncio.sleep(0)
    left.cancel()
    refused.set_exception(precondition("STORE_GONE"))
    one.set_result("one")
    first, second, third, fourth = await told
    assert (first, fourth) == ("one", "other")
    assert isinstance(second, Fault)
    assert second.reason == "STORE_GONE"
    assert isinstance(third, asyncio.CancelledError)


async def test_who_leaves_takes_back_all_that_it_waited_for() -> None:
    loop = asyncio.get_running_loop()
    waited = [loop.create_future() for _ in range(3)]
    told = asyncio.create_task(all_ended(waited))
    await asyncio.sleep(0)
    told.cancel()
    with pytest.raises(asyncio.CancelledError):
        await told
    assert all(each.cancelled() for each in waited)
