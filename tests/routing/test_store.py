"""Rows of routing on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from services.kernel.requests import Moved, RequestStamp
from services.routing.domain.filings import Filing, Registered
from services.routing.domain.journal import Entry
from services.routing.store.unit import RoutingStore

NOW: Final = datetime(2026, 3, 5, 4, 0, 0, 123456, tzinfo=UTC)
ONE: Final = Registered(Filing("N1", "一号"), NOW)
STAMP: Final = RequestStamp("operator:1", "r1", "/s/RegisterFiling", "c")


async def test_what_is_written_is_read_back(store: RoutingStore) -> None:
    async with store.write() as work:
        assert await work.filings.hold("N1") is None
        await work.filings.add(ONE)
        await work.journal.add(Entry(STAMP, b"\x00\xff", NOW))
    async with store.write() as work:
        assert await work.filings.hold("N1") == ONE
        assert await work.journal.find(STAMP) == Entry(STAMP, b"\x00\xff", NOW)
        assert await work.journal.find(RequestStamp("operator:2", "r1", STAMP.rpc, "c")) is None
    async with store.read() as work:
        assert await work.filings.find("N1") == ONE
        assert await work.filings.find("N2") is None


async def test_a_block_that_raises_leaves_nothing(store: RoutingStore) -> None:
    async def stopped() -> None:
        async with store.write() as work:
            await work.filings.add(ONE)
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        await stopped()
    async with store.read() as work:
        assert await work.filings.find("N1") is None


async def test_a_second_row_of_a_number_or_request_id_is_moved(store: RoutingStore) -> None:
    async with store.write() as work:
        await work.filings.add(ONE)
        await work.journal.add(Entry(STAMP, b"a", NOW))
    with pytest.raises(Moved, match="routing_filing"):
        await number_again(store)
    with pytest.raises(Moved, match="routing_entry"):
        await request_id_again(store)


async def number_again(store: RoutingStore) -> None:
    async with store.write() as work:
        await work.filings.add(ONE)


async def request_id_again(store: RoutingStore) -> None:
    async with store.write() as work:
        await work.journal.add(Entry(STAMP, b"b", NOW))
