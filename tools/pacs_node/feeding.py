"""What runs beside the HTTP face: entries go up, keys and revocations come down, once a day both sides compare what they know.

Nothing here knows more than the outbox has kept: a killed node goes on behind the watermark.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date
from typing import Final

from services.imaging.domain.dicom_forms import FIRST_DAY
from tools.pacs_node.index import Comparison, Contested, Index, IndexRefused, IndexSilent
from tools.pacs_node.outbox import DayDigest, Outbox
from tools.pacs_node.tickets import Tickets

REVOCATIONS_S: Final = 1.0
KEYS_S: Final = 3600.0
HEARTBEAT_S: Final = 30.0
DIGEST_S: Final = 86_400.0
AGAIN_S: Final = 60.0
"""Until it is looked whether what was mended is equal, or what was under way has arrived."""
_SHORTEST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 30.0
_MOST_DAYS: Final = 1000
_MOST_RECOUNTED: Final = 31
_TURNS: Final = 28
_LAST_DAY: Final = "99991231"
_LOOK_S: Final = 0.5
_FAREWELL_S: Final = 1.0
Say = Callable[[str], None]


class Feeder:
    """Sends what the outbox holds. `say` gets a line of what an operator should know; it names no person."""

    def __init__(self, outbox: Outbox, index: Index, say: Say, today: Callable[[], date] = date.today) -> None:
        self._outbox, self._index, self._say, self._today = outbox, index, say, today
        self._met = False
        self._contested: set[Contested] = set()

    async def once(self) -> bool:
        """Makes what is due and sends one batch; whether there may be more at once. IndexSilent, IndexRefused."""
        made = await asyncio.to_thread(self._outbox.make)
        if not self._met:
            await asyncio.to_thread(self._outbox.meet, await self._index.watermark())
            self._met = True
        batch = await asyncio.to_thread(self._outbox.batch)
        if batch is None:
            return made > 0
        try:
            answer = await self._index.upload(batch.entries)
        except IndexRefused as refused:
            if refused.reason != "SEQUENCE_GAP" or "watermark" not in refused.metadata:
                raise
            self._say(f"the index goes on behind {refused.metadata['watermark']}")
            self._met = False
            return True
        for each in await asyncio.to_thread(self._outbox.told, answer.outcomes, answer.watermark):
            self._say(
                f"entry {each['sourceSeq']}: {each['result']} {each.get('field', '')} {each.get('rule', '')}".rstrip()
            )
        return True

    async def compare(self) -> int | None:
        """Compares all days with the index; of those that differ the studies that do are told again. How many, None while entries
        are under way. As `once` it raises."""
        if not await asyncio.to_thread(lambda: self._outbox.settled):
            return None
        last = self._outbox.last
        digests = await asyncio.to_thread(self._outbox.digests)
        again = 0
        for asked in comparisons(digests, last, self._today()):
            for day in await self._index.digest(asked):
                again += await asyncio.to_thread(self._outbox.mend, day, await self._index.studies_of(day))
        if again:
            self._say(f"{again} studies differ at the index and are told again")
        return again

    async def beat(self, *, retrieving: bool) -> None:
        """Says that the node is there, and hears once of each conflict. As `once` it raises."""
        last = await asyncio.to_thread(lambda: self._outbox.last)
        contested = set(await self._index.heartbeat(retrieving=retrieving, last_seq=last))
        for each in sorted(contested - self._contested, key=lambda one: one.uid):
            said = "an operator decided that this node is wrong" if each.wrong else "an operator will decide"
            self._say(f"study {each.uid}: another node tells it of another person; {said}")
        self._contested = contested


def comparisons(digests: Sequence[DayDigest], last_seq: int, today: date) -> Iterator[Comparison]:
    """What is asked of the index to compare all days: each range of days once, and in turn, every four weeks, each day counted
    anew from the index's own studies (our decision)."""
    days = [{"day": each.day, "count": each.count, "digest": each.digest} for each in digests]
    first = FIRST_DAY
    for start in range(0, max(1, len(days)), _MOST_DAYS):
        piece = days[start : start + _MOST_DAYS]
        end = str(piece[-1]["day"]) if start + _MOST_DAYS < len(days) else _LAST_DAY
        yield Comparison(piece, first, end, last_seq)
        first = _next(end)
    turn = [each for each in days if _ordinal(str(each["day"])) % _TURNS == today.toordinal() % _TURNS]
    for start in range(0, len(turn), _MOST_RECOUNTED):
        yield Comparison(turn[start : start + _MOST_RECOUNTED], last_seq=last_seq, recount=True)


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _next(day: str) -> str:
    return "" if day == _LAST_DAY else f"{date.fromordinal(_ordinal(day) + 1):%Y%m%d}"


async def hear(tickets: Tickets, index: Index, cursor: str = "") -> str:
    """Renews the key set where a ticket named an unknown key, and the list of revocations; where the list goes on."""
    if tickets.unknown_key:
        tickets.learn_keys(await index.keys())
    while True:
        asked = time.monotonic()
        news = await index.revoked(cursor)
        cursor = news.cursor
        if not news.more:
            tickets.learn_revoked(news.names, time.monotonic() - asked)
            return cursor
        tickets.note_revoked(news.names)


class Loops:
    """The node's tasks with the index: started and cancelled together."""

    def __init__(self, feeder: Feeder, tickets: Tickets, index: Index, say: Say) -> None:
        self._feeder, self._tickets, self._index, self._say = feeder, tickets, index, say
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts them in the loop that runs."""
        work: list[tuple[Callable[[], Awaitable[float | None]], str]] = [
            (self._feed, "entries"),
            (self._hear, "revocations"),
            (self._learn_keys, "keys"),
            (self._beat, "heartbeat"),
            (self._compare, "digest"),
        ]
        self._cursor = ""
        self._tasks = [asyncio.create_task(self._again(act, name)) for act, name in work]

    async def stop(self) -> None:
        """Cancels them, and tells the index that nothing can be fetched any more."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(IndexSilent, IndexRefused, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._feeder.beat(retrieving=False)

    async def _again(self, act: Callable[[], Awaitable[float | None]], name: str) -> None:
        """Acts for ever; each act says in how many seconds it wants to act again, None where it had not to ask the index yet.
        Trouble is said once, and when it is over."""
        wait, trouble = _SHORTEST_WAIT_S, ""
        while True:
            try:
                asked = await act()
                if asked is not None:
                    if trouble:
                        self._say(f"{name}: the index answers again")
                    wait, trouble = _SHORTEST_WAIT_S, ""
                pause = AGAIN_S if asked is None else asked
            except (IndexSilent, IndexRefused) as error:
                if str(error) != trouble:
                    trouble = str(error)
                    self._say(f"{name}: the index does not take part ({trouble}); the node tries on")
                pause, wait = wait, min(wait * 2, REVOCATIONS_S if name == "revocations" else _LONGEST_WAIT_S)
            await asyncio.sleep(pause)

    async def _feed(self) -> float:
        return 0.0 if await self._feeder.once() else _LOOK_S

    async def _hear(self) -> float:
        self._cursor = await hear(self._tickets, self._index, self._cursor)
        return REVOCATIONS_S

    async def _learn_keys(self) -> float:
        self._tickets.learn_keys(await self._index.keys())
        return KEYS_S

    async def _beat(self) -> float:
        ready = self._tickets.ready
        await self._feeder.beat(retrieving=ready)
        # A node that begins, or has lost the list, says soon that studies can be fetched again.
        return HEARTBEAT_S if ready else REVOCATIONS_S

    async def _compare(self) -> float | None:
        again = await self._feeder.compare()
        if again is None:
            return None
        return AGAIN_S if again else DIGEST_S
