"""Rows of orders: what the tables refuse, and that nothing about an order reads a whole table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.runtime.db import ConstraintViolation, UniqueViolation
from services.settlement.store import batch_books, care, carried, order_rows, orders
from tests.plans import scanned, statements_in
from tests.settlement.world import World, sqlite_url, world_on

COLUMNS = (
    "order_no, opener, phase, cause, setl_id, content_hash, psn_no, insutype, fixmedins_code, mdtrt_id, carried, charged,"
    " opened_at, lapses_at, ended_at"
)
PENDING = "'{0}', 'routing', 'pending', '', 'S{0}', 'h', 'P1', '310', 'H1', 'M1', 0, 0, 1, 2, NULL"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        yield made


async def add(world: World, values: str) -> None:
    async with world.database.driver_write() as connection:
        await connection.fetch(f"INSERT INTO settle_order ({COLUMNS}) VALUES ({values})")


@pytest.mark.parametrize("module", [orders, order_rows, carried, care, batch_books], ids=lambda each: each.__name__)
async def test_every_statement_begins_at_an_index(world: World, module: object) -> None:
    assert await scanned(world.database, statements_in(module)) == []  # type: ignore[arg-type]  # modules


async def test_a_person_has_one_pending_order_of_an_insurance_type(world: World) -> None:
    await add(world, PENDING.format("O1"))
    with pytest.raises(UniqueViolation):
        await add(world, PENDING.format("O2"))
    await add(world, PENDING.format("O3").replace("310", "390"))
    ended = PENDING.format("O4").replace("'pending', ''", "'confirmed', ''").replace("NULL", "3")
    await add(world, ended)


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("'pending', ''", "'open', ''"),
        ("'pending', ''", "'pending', 'opener'"),
        ("'pending', ''", "'confirmed', ''"),
        ("'SO1'", "NULL"),
        ("0, 0, 1", "0, 2, 1"),
        ("1, 2, NULL", "1, NULL, NULL"),
        ("1, 2, NULL", "NULL, 2, NULL"),
        ("1, 2, NULL", "1, 2, 3"),
    ],
)
async def test_the_marks_of_an_order_agree_with_its_phase(world: World, part: str, broken: str) -> None:
    with pytest.raises(ConstraintViolation):
        await add(world, PENDING.format("O1").replace(part, broken))
