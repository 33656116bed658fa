"""The check of clearing reads every journal once, however they fall on pages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.routing.store.clearing import verify
from services.routing.store.clearing.verify import VerifyRows
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database
from tests.routing.clearing_scene import Scene, journal, noon, reversal


@pytest.mark.parametrize("size", [1, 2, 3, 9])
async def test_journals_are_read_once_each_in_the_order_of_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(verify, "_PAGE", size)
    database = Database(f"sqlite:///{tmp_path / 'routing.sqlite'}", lambda: noon(3, 10))
    store = RoutingStore(database)
    await store.start()
    bills = [journal(number) for number in ("1", "2", "3")]
    await Scene(store).collect(*bills, *(reversal(each, date(2026, 3, 31)) for each in bills), now=noon(4, 1))
    found, pages = list[tuple[str, str]](), 0
    async with VerifyRows(database).reading() as rows:
        async for page in rows.journals():
            found += [(each.setl_id, each.kind) for each in page]
            pages += 1
            assert pages <= 6, "a page is read again"
    await database.close()
    assert found == [(number, kind) for number in ("1", "2", "3") for kind in ("reverse", "settle")]
