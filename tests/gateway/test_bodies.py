"""Bodies as they arrive: one that is here costs no timer, those to come wait in a bounded number of places."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from gateway import bodies
from gateway.bodies import Bodies, Gone, Message
from gateway.http import is_late_body
from services.kernel.errors import Fault

GONE: Message = {"type": "http.disconnect"}


def part(body: bytes, more: bool = False) -> Message:
    """A piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


class Line:
    """A client's line: what it has said, and what a test lets it say later."""

    def __init__(self, said: Iterable[Message] = ()) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        for message in said:
            self.say(message)

    def say(self, message: Message) -> None:
        """One more message."""
        self._said.put_nowait(message)

    async def receive(self) -> Message:
        """The next one, once it is there."""
        return await self._said.get()


@pytest.fixture
def reader() -> Bodies:
    """Ten bytes each, two places."""
    return Bodies(10, 2)


async def reading(reader: Bodies, line: Line) -> asyncio.Task[bytes]:
    """A body that is waited for."""
    task = asyncio.create_task(reader.read(line.receive, ""))
    await asyncio.sleep(0)
    return task


async def test_a_body_that_is_here_takes_no_timer(reader: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    def timer(*_: Any) -> None:
        raise AssertionError("a timer was made")

    line = Line([part(b"0123456789")])
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "timeout", timer)
        assert await reader.read(line.receive, "10") == b"0123456789"


async def test_a_body_that_comes_later_is_waited_for_and_put_together(reader: Bodies) -> None:
    line = Line()
    task = await reading(reader, line)
    line.say(part(b"abc", more=True))
    await asyncio.sleep(0.01)
    line.say(part(b"def"))
    assert await task == b"abcdef"


@pytest.mark.parametrize(
    ("announced", "said"), [("11", []), ("", [part(b"x" * 11)]), ("", [part(b"x" * 6, more=True), part(b"x" * 6)])]
)
async def test_what_is_too_large_is_refused(reader: Bodies, announced: str, said: list[Message]) -> None:
    with pytest.raises(Fault) as caught:
        await reader.read(Line(said).receive, announced)
    assert (caught.value.reason, caught.value.metadata) == ("BODY_TOO_LARGE", {"limit_bytes": "10"})


@pytest.mark.parametrize("said", [[GONE], [part(b"a", more=True), GONE]])
async def test_who_leaves_is_gone(reader: Bodies, said: list[Message]) -> None:
    with pytest.raises(Gone):
        await reader.read(Line(said).receive, "")


@pytest.mark.parametrize("said", [[], [part(b"a", more=True)]])
async def test_the_whole_wait_has_a_limit(reader: Bodies, said: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LIMIT_S", 0.05)
    with pytest.raises(Fault) as caught:
        await asyncio.wait_for(reader.read(Line(said).receive, ""), 5)
    assert is_late_body(caught.value)


async def test_where_all_places_are_taken_the_one_that_waited_longest_leaves(reader: Bodies) -> None:
    lines = [Line() for _ in range(5)]
    tasks = [await reading(reader, line) for line in lines]
    await asyncio.sleep(0.01)
    assert [task.done() for task in tasks] == [True, True, True, False, False]
    for task in tasks[:3]:
        error = task.exception()
        assert isinstance(error, Fault)
        assert is_late_body(error)
    for line in lines:
        line.say(part(b"ok"))
    assert [await task for task in tasks[3:]] == [b"ok", b"ok"]


async def test_a_place_is_free_again_once_its_body_is_read(reader: Bodies) -> None:
    stays = Line()
    waiting = await reading(reader, stays)
    for _ in range(5):
        line = Line()
        task = await reading(reader, line)
        line.say(part(b"quick"))
        assert await task == b"quick"
    assert not waiting.done()
    stays.say(part(b"slow"))
    assert await waiting == b"slow"
