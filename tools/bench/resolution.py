"""How long routing takes to say where a person is insured: `python -m tools.bench.resolution [--persons N]`.

A store of invented persons on SQLite, as the pull would have left it, and resolutions one after the other through the
operation that the RPC calls; half by number, half by certificate.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from services import cells
from services.kernel.clock import system_clock
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import Place, ToldPerson, kept
from services.routing.domain.resolution import Query, Where
from services.routing.loader import SAMPLES, read_folder
from services.routing.operations.registry import Registry
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database

DAY: Final = date(2026, 3, 5)
_PART: Final = 5_000
_DIVISIONS: Final = ("370102", "110105", "310101", "440305")


class NoNews:
    """All feeds are read."""

    cells: tuple[str, ...] = ()

    def away(self) -> tuple[str, ...]:
        """None."""
        return ()

    async def refresh(self) -> None:
        """Nothing is new."""


def told(number: int) -> ToldPerson:
    """The person of that number, who is nobody."""
    place = Place("310", _DIVISIONS[number % len(_DIVISIONS)], date(2020, 1, 1), None, in_force=True)
    return ToldPerson(f"99{number:018d}", "01", f"990000{number:012d}", (place,))


async def fill(store: RoutingStore, persons: int, hasher: Hasher) -> None:
    """Writes all of them."""
    for begin in range(0, persons, _PART):
        people = [told(number) for number in range(begin, min(begin + _PART, persons))]
        async with store.write() as work:
            await work.insured.replace(cells.SANDBOX, kept(cells.SANDBOX, people, hasher))


async def measure(persons: int, times: int) -> list[float]:
    """Milliseconds of each resolution."""
    hasher = Hasher(b"k" * 32)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'routing.sqlite'}", system_clock)
        store = RoutingStore(database)
        await store.start()
        await fill(store, persons, hasher)
        registry = Registry(store, read_folder(SAMPLES), cells.of_division, NoNews(), lambda: (hasher,))
        chance, took = random.Random(9), []
        for turn in range(times):
            person = told(chance.randrange(persons))
            asked = (person.psn_no, "") if turn % 2 else ("", person.certno)
            begun = time.perf_counter()
            found = await registry.resolve(Query(*asked, "", "110101", DAY))
            took.append((time.perf_counter() - begun) * 1000)
            if found.where is not Where.OTHER_CELL:
                raise AssertionError(f"resolved as {found.where}")
        await database.close()
    return took


def main(argv: Sequence[str] | None = None) -> None:
    """Prints median and tail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20_000)
    asked = parser.parse_args(argv)
    took = sorted(asyncio.run(measure(asked.persons, asked.times)))
    median, tail = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"{asked.persons} persons, {asked.times} resolutions: median {median:.3f} ms, 99 % {tail:.3f} ms")


if __name__ == "__main__":
    main()
