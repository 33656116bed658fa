"""A process that opens, confirms and voids orders as fast as it can, and tells each answer as a line, until it is killed.

`python -m tests.settlement.orders_victim FOLDER`: what it knows of people and bills is what `begun` makes again elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from services.kernel.errors import Fault
from services.settlement.domain.books.orders import Verb
from tests.settlement.ordering import confirm, open_bill, take, void
from tests.settlement.world import Still, World, sqlite_url, world_on

PEOPLE = 4
BILLS = 12
AMOUNT = 10_000


@asynccontextmanager
async def begun(folder: Path, days: int = 0) -> AsyncIterator[World]:
    """The world of the victim, so many days later."""
    clock = Still()
    clock.at += timedelta(days=days)
    async with world_on(sqlite_url(folder), clock=clock) as world:
        for number in range(PEOPLE):
            world.person(f"P{number}")
        yield world


async def prepared(world: World) -> None:
    """Accounts and bills of everybody; the encounter of bill 7 of P3 is M3-7, by their order."""
    for number in range(PEOPLE):
        await world.open_ledger(f"P{number}", balance=2 * BILLS * AMOUNT)
    for _ in range(BILLS):
        for number in range(PEOPLE):
            await world.visit_with_fees(f"P{number}", AMOUNT)


def mdtrt_id(person: int, bill: int) -> str:
    """The encounter of a person's bill, as `prepared` numbers them: each visit takes two numbers, after the openings."""
    return f"M{PEOPLE + 2 * (bill * PEOPLE + person) + 1:09d}"


def ends(bill: int) -> Verb:
    """How the order of a bill is ended."""
    return Verb.VOID if bill % 3 == 0 else Verb.CONFIRM


async def one(world: World, person: int, bill: int) -> None:
    """Opens and ends one order under names of its own; tells what was answered."""
    name = f"O{person}-{bill}"
    order = world.order(f"P{person}", mdtrt_id(person, bill), AMOUNT, f"2207:{name}", use_own=True)
    opened = await open_bill(world, order, name, expires=600)
    tell(name, opened.order.phase, hashlib.sha256(opened.response).hexdigest())
    ended = await take(world, ends(bill), name, request=f"{ends(bill).value}:{name}")
    tell(name, ended.phase, "")


def tell(*words: str) -> None:
    """A line for whoever watches."""
    print(json.dumps(words), flush=True)  # noqa: T201  # it is what is watched


async def main(folder: Path) -> None:
    """All bills of each person one after the other, the persons side by side."""
    async with begun(folder) as world:
        await prepared(world)

        async def person(number: int) -> None:
            for bill in range(BILLS):
                await one(world, number, bill)

        await asyncio.gather(*(person(number) for number in range(PEOPLE)))


async def again(world: World, name: str) -> tuple[str, str]:
    """Sends the requests of an order again, under the same names: its phase then, or why not, and the digest of its bill."""
    person, bill = (int(part) for part in name.removeprefix("O").split("-"))
    order = world.order(f"P{person}", mdtrt_id(person, bill), AMOUNT, f"2207:{name}", use_own=True)
    try:
        opened = await open_bill(world, order, name, expires=600)
    except Fault as fault:
        return fault.reason, ""
    act = void if ends(bill) is Verb.VOID else confirm
    ended = await act(world, name, request=f"{ends(bill).value}:{name}")
    return ended.phase, hashlib.sha256(opened.response).hexdigest()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
