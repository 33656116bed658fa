"""The days of a simulated year, made in a process of their own, so that one core makes them while the other books them."""

from __future__ import annotations

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any, Final, Protocol

from services.routing.domain.clearing.checks import ListEntry
from services.routing.domain.clearing.journals import Journal
from tools.bench.clearing_year import Day, Year

_JOURNAL: Final = attrgetter(*(each.name for each in fields(Journal)))


class Feed(Protocol):
    """Where the days come from, one after the other, and what they came to in all after the last."""

    def day(self) -> Day:
        """The next one."""
        ...

    def sums(self) -> tuple[Counter[str], int, int]:
        """What regions have to get, and how many settlements and reversals were made."""
        ...


class Here:
    """Made where they are asked for."""

    def __init__(self, year: Year) -> None:
        self._year = year
        self._day = year.first

    def day(self) -> Day:
        """The next one."""
        self._day += timedelta(days=1)
        return self._year.next_day(self._day - timedelta(days=1))

    def sums(self) -> tuple[Counter[str], int, int]:
        """As they are now."""
        return self._year.claims, self._year.made, self._year.reversed


class Apart:
    """Made in another process, at most a day or two ahead, as a pipe holds no more."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe

    def day(self) -> Day:
        """The next one; as plain tuples it comes twice as fast."""
        journals, lists, planted, late = self._pipe.recv()
        entries = {side: list(map(ListEntry._make, rows)) for side, rows in lists.items()}
        return Day([Journal(*row) for row in journals], entries, planted, late)

    def sums(self) -> tuple[Counter[str], int, int]:
        """After the last day."""
        claims, made, reversed_ = self._pipe.recv()
        return claims, made, reversed_


@contextmanager
def apart(year: Year, days: int) -> Iterator[Apart]:
    """So many days of a year, from a process that ends with the block."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_make, args=(there, year, days), daemon=True)
    process.start()
    there.close()
    try:
        yield Apart(here)
    finally:
        here.close()
        process.terminate()
        process.join()


def _make(pipe: Connection[Any, Any], year: Year, days: int) -> None:
    gc.disable()  # As the books do, see `clearing.year`.
    feed = Here(year)
    for _ in range(days):
        came = feed.day()
        lists = {side: [tuple(each) for each in entries] for side, entries in came.lists.items()}
        pipe.send(([_JOURNAL(each) for each in came.journals], lists, came.planted, came.late))
    pipe.send(feed.sums())
