"""A process that registers visits, describes them and uploads their fees as fast as it can, many at once, and tells each answer
as a line, until it is killed.

`python -m tests.settlement.care_victim FOLDER`: what it sends is what `steps` sends again elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from services.settlement.operations.care.encounters import VisitInformation
from services.settlement.operations.care.fees import FeeUpload
from tests.settlement.counter import BEGIN, Counter, counter_on, joined, line
from tests.settlement.world import insured, sqlite_url

PEOPLE: Final = 8
VISITS: Final = 12
LINES: Final = 3


@asynccontextmanager
async def begun(folder: Path, chance: int) -> AsyncIterator[Counter]:
    """The counter of the victim, or one after it."""
    async with counter_on(sqlite_url(folder), chance=chance) as counter:
        counter.identity.people |= {psn_no(number): insured(psn_no(number)) for number in range(PEOPLE)}
        yield counter


def psn_no(person: int) -> str:
    """The number of a person."""
    return f"99000000000002{person:04d}"


async def steps(counter: Counter, person: int, visit: int) -> AsyncIterator[tuple[str, bytes]]:
    """Registers one visit, describes it and uploads its fees: each message with its answer."""
    who, name = psn_no(person), f"{person}-{visit}"
    mdtrt_id = await counter.register(f"2201:{name}", psn_no=who, number=name)
    yield f"2201:{name}", mdtrt_id.encode()
    of, told = counter.name(mdtrt_id, psn_no=who), VisitInformation("14", BEGIN, name, name, "")
    stamp = counter.stamp(f"2203:{name}")
    yield (
        f"2203:{name}",
        await counter.encounters.describe_visit(stamp, of, told, counter.clock(), bytes, f"described {name}".encode()),
    )
    lines = tuple(line(f"{name}-{number}") for number in range(LINES))
    stamp = counter.stamp(f"2204:{name}")
    yield f"2204:{name}", await counter.fees.upload(stamp, FeeUpload(of, lines), counter.clock(), joined)


def digest_of(answer: bytes) -> str:
    """What a line tells of an answer."""
    return hashlib.sha256(answer).hexdigest()


async def _person(counter: Counter, person: int) -> None:
    for visit in range(VISITS):
        async for name, answer in steps(counter, person, visit):
            print(json.dumps((name, digest_of(answer))), flush=True)  # noqa: T201  # it is what is watched


async def _main(folder: Path) -> None:
    async with begun(folder, chance=21) as counter:
        await asyncio.gather(*(_person(counter, person) for person in range(PEOPLE)))


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
