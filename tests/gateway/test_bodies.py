"""Bodies as they arrive: one that is here costs no timer, those to come wait in a bounded number of places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from gateway import bodies
from gateway.bodies import Bodies, Gone, Message
from gateway.held import UNCOUNTED_BYTES, Body, Held
from gateway.http import is_late_body
from services.kernel.errors import Fault

GONE: Message = {"type": "http.disconnect"}


def part(body: bytes, more: bool = False) -> Message:
    """A piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def body(held: Held | None = None, source: str = "10.0.0.1") -> Body:
    """A body of a source that nothing is held of yet."""
    return Body(held or Held(1 << 20, 1 << 20), source)


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
    task = asyncio.create_task(reader.read(line.receive, "", body()))
    await asyncio.sleep(0)
    return task


async def test_a_body_that_is_here_takes_no_timer(reader: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    def timer(*_: Any) -> None:
        raise AssertionError("a timer was made")

    line = Line([part(b"0123456789")])
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "timeout", timer)
        assert await reader.read(line.receive, "10", body()) == b"0123456789"


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
        await reader.read(Line(said).receive, announced, body())
    assert (caught.value.reason, caught.value.metadata) == ("BODY_TOO_LARGE", {"limit_bytes": "10"})


@pytest.mark.parametrize("said", [[GONE], [part(b"a", more=True), GONE]])
async def test_who_leaves_is_gone(reader: Bodies, said: list[Message]) -> None:
    with pytest.raises(Gone):
        await reader.read(Line(said).receive, "", body())


@pytest.mark.parametrize("said", [[], [part(b"a", more=True)]])
async def test_the_whole_wait_has_a_limit(reader: Bodies, said: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LIMIT_S", 0.05)
    with pytest.raises(Fault) as caught:
        await asyncio.wait_for(reader.read(Line(said).receive, "", body()), 5)
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


class TestBytes:
    """Bodies of the smallest size that counts: one source may hold four of them, all together sixteen."""

    LARGE = UNCOUNTED_BYTES + 1

    @pytest.fixture(autouse=True)
    async def _ended(self) -> AsyncIterator[None]:
        """What a test leaves waiting ends with it: a refusal that nobody asks for is told later, amid another test."""
        self.begun: list[asyncio.Task[bytes]] = []
        yield
        for task in self.begun:
            task.cancel()
        await asyncio.gather(*self.begun, return_exceptions=True)

    @pytest.fixture
    def held(self) -> Held:
        return Held(16 * (self.LARGE + 1), self.LARGE)

    @pytest.fixture
    def reader(self) -> Bodies:
        return Bodies(2 * self.LARGE, 100)

    async def drip(self, reader: Bodies, held: Held, source: str) -> tuple[asyncio.Task[bytes], Line]:
        """A body that has come but for its last byte, which does not come."""

        async def read() -> bytes:
            with held.body(source) as own:
                return await reader.read(line.receive, "", own)

        line = Line([part(b"x" * self.LARGE, more=True)])
        task = asyncio.create_task(read())
        self.begun.append(task)
        await asyncio.sleep(0.001)
        return task, line

    def reason(self, task: asyncio.Task[bytes]) -> str:
        error = task.exception()
        assert isinstance(error, Fault)
        return f"{error.reason} {error.retry_after_s}"

    async def test_drips_of_one_source_keep_out_none_but_their_own(self, reader: Bodies, held: Held) -> None:
        drips = [await self.drip(reader, held, "10.0.0.1") for _ in range(40)]
        assert held.total == 4 * self.LARGE
        await asyncio.sleep(0.01)
        assert [self.reason(task) for task, _ in drips[:36]] == ["TOO_MANY_CALLS 1.0"] * 36
        honest, line = await self.drip(reader, held, "10.0.0.2")
        line.say(part(b"!"))
        assert len(await honest) == self.LARGE + 1
        assert not any(task.done() for task, _ in drips[36:])
        for _, line in drips[36:]:
            line.say(part(b"!"))
        assert [len(await task) for task, _ in drips[36:]] == [self.LARGE + 1] * 4
        assert (held.total, held._of, held._bodies) == (0, {}, {})

    async def test_where_all_is_held_the_source_that_holds_most_gives_way(self, reader: Bodies, held: Held) -> None:
        drips: dict[int, list[asyncio.Task[bytes]]] = {}
        for number, count in enumerate((4, 4, 4, 2, 2), 1):
            drips[number] = [(await self.drip(reader, held, f"10.0.0.{number}"))[0] for _ in range(count)]
        assert held.total == 16 * self.LARGE
        await self.drip(reader, held, "10.0.0.6")
        await asyncio.sleep(0.01)
        assert held.total == 16 * self.LARGE
        assert sorted(held._of.values()) == [size * self.LARGE for size in (1, 2, 2, 3, 4, 4)]
        assert not any(task.done() for number in (4, 5) for task in drips[number])
        assert [task.done() for number in (1, 2, 3) for task in drips[number]].count(True) == 1

    async def test_a_body_that_is_whole_is_never_given_up(self, reader: Bodies, held: Held) -> None:
        with held.body("10.0.0.1") as whole:
            for _ in range(4):
                await reader.read(Line([part(b"x" * self.LARGE)]).receive, "", whole)
            others = [Body(held, "10.0.0.1") for _ in range(4)]
            for each in others[:3]:
                each.grown(self.LARGE)
            with pytest.raises(Fault) as caught:
                others[3].grown(self.LARGE)
            assert (caught.value.reason, caught.value.retry_after_s) == ("TOO_MANY_CALLS", 1.0)
        Body(held, "10.0.0.1").grown(self.LARGE)

    async def test_small_bodies_are_not_counted(self, held: Held) -> None:
        with held.body("10.0.0.1") as small:
            small.grown(UNCOUNTED_BYTES)
            assert (held.total, held._bodies) == (0, {})

    def test_one_body_always_has_room_whatever_the_setting(self) -> None:
        with Held(1, 5 * self.LARGE).body("10.0.0.1") as large:
            large.grown(5 * self.LARGE)
