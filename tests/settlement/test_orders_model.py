"""Random interleavings of bills, orders and reversals end as if the bills that stand had been settled plainly."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.settlement.order_model import Model
from tests.settlement.world import Still, sqlite_url, world_on


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.torture) for each in range(1, 25))])
async def test_whatever_is_opened_confirmed_voided_and_reversed_the_books_are_those_of_what_stands(
    seed: int, tmp_path: Path
) -> None:
    async with world_on(sqlite_url(tmp_path), clock=Still()) as world:
        model = Model(world, Random(seed))
        await model.begin()
        for _ in range(2 if not seed else 8):
            await model.play(40)
            await model.check()
        assert len(model.refused) >= 3
