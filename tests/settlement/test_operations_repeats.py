"""What is the same request again: rows of the first hash version, regions left out or named, on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import Regions, RequestStamp
from tests.settlement.counter import Counter, counter_on
from tests.settlement.world import PLACE, World, sqlite_url, world_on

ELSEWHERE = "110100"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        yield made


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """A counter on an empty SQLite store."""
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


def of_version_1(stamp: RequestStamp) -> RequestStamp:
    """The request as a row of version 1 kept it."""
    return replace(stamp, content_hash=f"first {stamp.content_hash}", hash_version=1)


def now(stamp: RequestStamp, first: str = "") -> RequestStamp:
    """The same request as it comes now."""
    return replace(stamp, first_hash=lambda: f"first {stamp.content_hash}{first}")


async def test_rows_of_the_first_hash_version_go_on_answering(world: World) -> None:
    psn_no = world.person("P1")
    order = world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1")
    settled = await world.settle(replace(order, stamp=of_version_1(order.stamp)))
    assert await world.settle(replace(order, stamp=now(order.stamp))) == settled
    for other in (order.stamp, now(order.stamp, "of another bill")):
        with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
            await world.settle(replace(order, stamp=other))


async def test_so_do_entries_of_encounters(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    stamp, name = counter.stamp("2202:1"), counter.name(mdtrt_id)
    cancel = counter.encounters.cancel
    await cancel(of_version_1(stamp), name, counter.clock(), b"first")
    assert await cancel(now(stamp), name, counter.clock(), b"second") == b"first"
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await cancel(stamp, name, counter.clock(), b"third")


async def test_a_region_is_compared_with_what_the_first_request_resolved_to(world: World) -> None:
    psn_no = world.person("P1")
    order = world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1")
    settled = await world.settle(order)
    for regions in (Regions(PLACE, PLACE), Regions("", PLACE), Regions(PLACE, "")):
        assert await world.settle(replace(order, stamp=replace(order.stamp, regions=regions))) == settled
    for regions in (Regions(ELSEWHERE, ""), Regions("", ELSEWHERE)):
        with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
            await world.settle(replace(order, stamp=replace(order.stamp, regions=regions)))


async def test_a_region_that_was_sent_first_is_what_is_compared(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    name = counter.name(mdtrt_id)
    stamp = replace(counter.stamp("2202:1"), regions=Regions(ELSEWHERE, ""))
    cancel = counter.encounters.cancel
    await cancel(stamp, name, counter.clock(), b"")
    for regions in (Regions(), Regions(ELSEWHERE, PLACE)):
        await cancel(replace(stamp, regions=regions), name, counter.clock(), b"")
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await cancel(replace(stamp, regions=Regions(PLACE, "")), name, counter.clock(), b"")


async def test_requests_that_left_no_settlement_are_compared_alike(world: World) -> None:
    psn_no = world.person("P1")
    settled = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    counter = await world.reverse(settled, "2208:B1")
    assert await world.reverse(settled, "2208:B2") == counter
    assert await world.reverse(settled, "2208:B2", regions=Regions(PLACE, PLACE)) == counter
    for request in ("2208:B1", "2208:B2"):
        with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
            await world.reverse(settled, request, regions=Regions(ELSEWHERE, ""))
