"""A process that settles bills and replays the first of each person's, and tells each answer as a line, until it is killed.

`python -m tests.settlement.replays_victim FOLDER`: its people are those of `orders_victim`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.settlement.orders_victim import PEOPLE, begun
from tests.settlement.replaying import replayed
from tests.settlement.world import World

AMOUNTS = (150_000, 90_000, 60_000)


async def settled(world: World, psn_no: str) -> list[str]:
    """The bills of a person; their numbers."""
    found = []
    for place, amount in enumerate(AMOUNTS):
        mdtrt_id = await world.visit_with_fees(psn_no, amount)
        answer = await world.settle(world.order(psn_no, mdtrt_id, amount, f"2207:{psn_no}-{place}", use_own=True))
        found.append(answer.setlinfo.setl_id)
    return found


def tell(said: Sequence[object]) -> None:
    """A line, at once."""
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


async def main(folder: Path) -> None:
    async with begun(folder) as world:
        bills = {}
        for number in range(PEOPLE):
            await world.open_ledger(f"P{number}", balance=40_000)
            bills[number] = await settled(world, f"P{number}")
        tell([*bills])
        for number, own in bills.items():
            tell([number, own[0]])
            answer = await replayed(world, own[0], f"R{number}")
            tell([number, own[0], answer.SerializeToString().hex()])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
