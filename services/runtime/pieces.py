"""Work on thousands of rows, done on the loop in pieces: between two of them everybody else has their turns.

A request of another caller takes several turns of the loop, one behind the other. So it is not enough to give way for one
turn: after a piece the work rests as long as the piece took. Few rows are done at once, with nothing in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

A = TypeVar("A")
R = TypeVar("R")

FEW: Final = 64
"""So many rows are done at once."""

PIECE_S: Final = 0.002
_LONGEST_REST_S: Final = 0.02
# Rows between two looks at the clock.
_LOOK_EVERY: Final = 16


async def in_pieces(make: Callable[[A], R], rows: Sequence[A], *, heavy: bool = False) -> list[R]:
    """What `make` makes of each row, in their order. Of `heavy` rows one alone may take milliseconds: the clock is looked at
    behind each, however few they are."""
    if len(rows) <= FEW and not heavy:
        return [make(row) for row in rows]
    found: list[R] = []
    began = time.perf_counter()
    every = 1 if heavy else _LOOK_EVERY
    for start in range(0, len(rows), every):
        found += map(make, rows[start : start + every])
        began = await _rested(began)
    return found


async def each_in_pieces(do: Callable[[A], object], rows: Iterable[A]) -> None:
    """Does something with each row, in their order."""
    began = time.perf_counter()
    for place, row in enumerate(rows, 1):
        do(row)
        if place % _LOOK_EVERY == 0 and place >= FEW:
            began = await _rested(began)


async def _rested(began: float) -> float:
    """When the next piece begins: now, where the one under way is still short, else after a rest."""
    worked = time.perf_counter() - began
    if worked < PIECE_S:
        return began
    await asyncio.sleep(min(worked, _LONGEST_REST_S))
    return time.perf_counter()
