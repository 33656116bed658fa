"""The crash matrix: each transaction, with one process killed or stopped at one point of it; afterwards nothing is
double, nothing is lost, and everything is at rest.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from tests.torture.cells.books import Facts
from tests.torture.cells.processes import VICTIMS, Between, Part, Town
from tests.torture.cells.proxy import Way
from tests.torture.cells.seams import Point
from tests.torture.cells.transactions import Line, Message, Prepare
from tools.cli.mesh_client import NationalAnswer

REACHED_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix: which transaction, whose process, at which point."""

    transaction: str
    part: Part
    point: Point

    def __str__(self) -> str:
        seam, label, side, nth = self.point
        return f"{self.transaction:15} {self.part.name:18} {side} {seam} {label}" + (f" #{nth}" if nth > 1 else "")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of it: answer, seconds to rest once every party ran again, repeats of the client, and what is wrong."""

    cell: Cell
    answer: str
    rest_s: float
    repeats: int
    wrong: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        told = "ok" if not self.wrong else "WRONG: " + "; ".join(self.wrong)
        return f"{self.cell!s:100} {self.answer:22} {self.rest_s:6.2f} s {self.repeats:3} repeats  {told}"


@dataclass(slots=True)
class Matrix:
    """Runs cells of one transaction. `before` and `after` are what stands of a person where nothing came of the message, and
    where it was done.
    """

    town: Town
    line: Line
    name: str
    prepare: Prepare
    before: Facts | None = None
    after: Facts | None = None

    async def recorded(self, victims: Sequence[Part] = VICTIMS) -> list[Cell]:
        """The cells of this transaction: it is done once to warm up, and once more while the points are written down."""
        await self.warm()
        message = await self.line.prepared(self.prepare)
        self.before = self.line.books.facts(message.who)
        await self.town.record(victims)
        answer = await self.line.until_definite(message)
        assert answer.succeeded, answer.message
        await self.line.at_rest(message)
        points = await self.town.recorded(victims)
        self.after = self.line.books.facts(message.who)
        assert self.after != self.before
        return [Cell(self.name, part, point) for part, point in points]

    async def killed(self, cell: Cell) -> Result:
        """The process dies at the point, is started again, and the client repeats its message meanwhile."""
        message, sending, reached = await self._dead(cell)
        await self.town.mend()
        return await self._result(cell, message, sending, reached=reached)

    async def warm(self) -> None:
        """Does the transaction once: what was started just now knows nothing by heart."""
        await self.line.done(await self.line.prepared(self.prepare))

    async def recovering(self, cell: Cell) -> list[Cell]:
        """The points at which what was started again mends what the death at this point left."""
        message, sending, _ = await self._dead(cell)
        await self.town[cell.part].again(record=True)
        await sending
        await self.line.at_rest(message)
        return [Cell(cell.transaction, part, point) for part, point in await self.town.recorded([cell.part])]

    async def killed_again(self, cell: Cell, then: Cell) -> Result:
        """The process dies at a point, and once more while it mends what that left."""
        message, sending, reached = await self._dead(cell)
        victim = self.town[then.part]
        # It may die before it is ready.
        with suppress(AssertionError):
            await victim.again(armed=list(then.point))
        try:
            async with asyncio.timeout(REACHED_S):
                await victim.ended()
        except TimeoutError:
            reached = False
        await self.town.mend()
        return await self._result(then, message, sending, reached=reached)

    async def undisturbed(self, wait_s: float) -> list[str]:
        """The transaction as it comes, and a while after it; what is wrong then."""
        message = await self.line.prepared(self.prepare)
        answer = await self.line.until_definite(message)
        await asyncio.sleep(wait_s)
        told = [] if answer.succeeded else [answer.message]
        return [*told, *await self.line.at_rest(message), *await self._wrong(message, answer)]

    async def stopped(self, cell: Cell, seconds: float) -> Result:
        """The process stands still at the point for some seconds."""

        async def still() -> None:
            await asyncio.sleep(seconds)
            await self.town.mend()

        return await self.halted(cell, still)

    async def cut_off(self, cell: Cell, between: Between, way: Way, seconds: float) -> Result:
        """From the point on, for some seconds, two are cut off from each other."""

        async def apart() -> None:
            self.town.cut(between, way)
            await self.town.mend()
            await asyncio.sleep(seconds)
            self.town.cut(between, Way.OPEN)

        return await self.halted(cell, apart)

    async def halted(self, cell: Cell, meanwhile: Callable[[], Awaitable[None]]) -> Result:
        """The process halts at the point until `meanwhile` has let it go on."""
        message = await self.line.prepared(self.prepare)
        victim = self.town[cell.part]
        await victim.arm(cell.point, signal.SIGSTOP)
        sending = asyncio.create_task(self.line.until_definite(message))
        reached = await victim.stopped(REACHED_S)
        if reached:
            await meanwhile()
        return await self._result(cell, message, sending, reached=reached)

    async def _dead(self, cell: Cell) -> tuple[Message, asyncio.Task[NationalAnswer], bool]:
        """Has the process die at the point: of which message, who waits for its answer, and whether it came by there."""
        message = await self.line.prepared(self.prepare)
        victim = self.town[cell.part]
        await victim.arm(cell.point)
        sending = asyncio.create_task(self.line.until_definite(message))
        try:
            async with asyncio.timeout(REACHED_S):
                await victim.ended()
        except TimeoutError:
            return message, sending, False
        return message, sending, True

    async def _result(
        self, cell: Cell, message: Message, sending: asyncio.Task[NationalAnswer], *, reached: bool
    ) -> Result:
        wrong = [] if reached else ["the point was not reached"]
        mended = time.monotonic()
        try:
            answer = await sending
        except AssertionError as error:
            return Result(cell, "none", time.monotonic() - mended, self.line.repeats, [*wrong, str(error)])
        repeats = self.line.repeats
        wrong += await self.line.at_rest(message)
        rest_s = time.monotonic() - mended
        wrong += await self._wrong(message, answer)
        told = "done" if answer.succeeded else answer.message[1:].partition("]")[0]
        return Result(cell, told, rest_s, repeats, wrong)

    async def _wrong(self, message: Message, answer: NationalAnswer) -> list[str]:
        """What is double, lost, or answered another way the second time."""
        wrong = []
        facts, wanted = self.line.books.facts(message.who), self.after if answer.succeeded else self.before
        if facts != wanted:
            wrong.append(f"stands {facts}, wanted {wanted}")
        again = await self.line.until_definite(message)
        if again.succeeded != answer.succeeded or (answer.succeeded and again.output_text != answer.output_text):
            wrong.append(f"repeat: {again.text[:200]}")
        if not answer.succeeded:
            wrong += await self._anew(message)
        return wrong

    async def _anew(self, message: Message) -> list[str]:
        """What is refused for good stands in nobody's way: the same under another number is done."""
        fresh = replace(message, msgid=self.line.hospital.next_msgid())
        answer = await self.line.until_definite(fresh)
        if not answer.succeeded:
            return [f"under another number: {answer.message}"]
        if wrong := await self.line.at_rest(fresh):
            return wrong
        facts = self.line.books.facts(message.who)
        return [] if facts == self.after else [f"under another number stands {facts}, wanted {self.after}"]


def table(results: Sequence[Result]) -> str:
    """The matrix as lines, with its sum."""
    bad = [each for each in results if each.wrong]
    slowest = max((each.rest_s for each in results), default=0.0)
    lines = [f"{len(results)} cells, {len(bad)} wrong, slowest to rest {slowest:.1f} s"]
    return "\n".join([*(str(each) for each in results), *lines])
