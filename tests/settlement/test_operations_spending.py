"""Which settlement spends an ecToken that was shown at registration and not again with the bill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.care.bill import STAY, VISIT
from tests.settlement.counter import SOMEBODY, counter_on
from tests.settlement.world import World, sqlite_url, world_on

TOKEN = "token:P1:1"
SHOWN: dict[str, Any] = {"mdtrt_cert_type": "01", "mdtrt_cert_no": TOKEN}
OF_STAY: dict[str, Any] = {"kind": "stay", "med_type": "", "chrg_bchno": "0000", "interim": True}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        made.person("P1")
        yield made


async def visit(world: World, amount: int = 5_000) -> str:
    """A visit that was registered with the token."""
    mdtrt_id = await world.encounter("P1", token=f"digest of {TOKEN}")
    await world.fees(mdtrt_id, amount)
    return mdtrt_id


async def refused(world: World, request: BillRequest) -> str:
    with pytest.raises(Fault) as caught:
        await world.settle(request)
    return caught.value.reason


async def test_a_bill_that_shows_nothing_spends_the_token_of_its_visit(world: World) -> None:
    first, second = await visit(world), await visit(world)
    order = world.order("P1", first, 5_000, "2207:A1")
    answer = await world.settle(order)
    assert await refused(world, world.order("P1", second, 5_000, "2207:A2")) == "EC_TOKEN_SPENT"
    assert await refused(world, world.order("P1", second, 5_000, "2207:A3", **SHOWN)) == "EC_TOKEN_SPENT"
    with pytest.raises(Fault, match="EC_TOKEN_SPENT"):
        await world.try_bill(world.order("P1", second, 5_000))
    assert await world.settle(order) == answer
    await world.settle(world.order("P1", second, 5_000, "2207:A4", mdtrt_cert_no="token:P1:2"))


async def test_a_reversal_does_not_give_the_token_of_a_visit_back(world: World) -> None:
    mdtrt_id = await visit(world)
    await world.reverse(await world.settle(world.order("P1", mdtrt_id, 5_000, "2207:A1")), "2208:B1")
    assert await refused(world, world.order("P1", mdtrt_id, 5_000, "2207:A2")) == "EC_TOKEN_SPENT"


async def test_two_bills_on_one_token_that_arrive_together_are_one_settlement(world: World) -> None:
    visits = [await visit(world) for _ in range(2)]
    orders = [world.order("P1", mdtrt_id, 5_000, f"2207:{mdtrt_id}") for mdtrt_id in visits]
    first, second = await world.settle_all(*orders)
    assert not isinstance(first, BaseException)
    assert isinstance(second, Fault)
    assert second.reason == "EC_TOKEN_SPENT"


async def test_a_bill_that_shows_another_credential_leaves_the_token_of_its_visit(world: World) -> None:
    mdtrt_id = await visit(world)
    await world.settle(world.order("P1", mdtrt_id, 5_000, "2207:A1", mdtrt_cert_type="02", mdtrt_cert_no="card"))
    await world.settle(world.order("P1", await world.visit_with_fees("P1", 5_000), 5_000, "2207:A2", **SHOWN))


async def test_the_first_settlement_of_a_stay_spends_its_token_and_the_rest_passes(world: World) -> None:
    mdtrt_id = await world.encounter("P1", kind=STAY, token=f"digest of {TOKEN}")
    settled = []
    for place in range(3):
        await world.fees(mdtrt_id, 100_000)
        order = world.order("P1", mdtrt_id, 100_000, f"2304:A{place}", **OF_STAY)
        settled.append(await world.settle(order))
    assert await refused(world, world.order("P1", await visit(world), 5_000, "2207:A1")) == "EC_TOKEN_SPENT"
    await world.reverse(settled[-1], "2305:B1")
    await world.settle(world.order("P1", mdtrt_id, 100_000, "2304:A4", **OF_STAY))
    await world.fees(mdtrt_id, 7_000)
    assert await refused(world, world.order("P1", mdtrt_id, 7_000, "2304:A5", **OF_STAY, **SHOWN)) == "EC_TOKEN_SPENT"


async def test_a_stay_whose_token_a_visit_spent_needs_a_credential(world: World) -> None:
    mdtrt_id = await world.encounter("P1", kind=STAY, token=f"digest of {TOKEN}")
    await world.fees(mdtrt_id, 100_000)
    await world.settle(world.order("P1", await visit(world), 5_000, "2207:A1"))
    assert await refused(world, world.order("P1", mdtrt_id, 100_000, "2304:A1", **OF_STAY)) == "EC_TOKEN_SPENT"
    again = {"mdtrt_cert_type": "01", "mdtrt_cert_no": "token:P1:2"}
    await world.settle(world.order("P1", mdtrt_id, 100_000, "2304:A2", **OF_STAY, **again))


async def test_registration_keeps_the_token_shown_last(tmp_path: Path) -> None:
    async with counter_on(sqlite_url(tmp_path)) as counter:

        async def kept(request_id: str, token: str = "", kind: str = VISIT) -> str | None:
            mdtrt_id = await counter.register(request_id, token=token, kind=kind)
            return (await counter.encounter(mdtrt_id)).ec_token_digest

        assert await kept("2201:1") is None
        for serial in ("1", "2"):
            token = f"token:{SOMEBODY}:{serial}"
            assert await kept(f"2201:t{serial}", token=token) == f"digest of {token}"
        assert await kept("2201:2") == f"digest of token:{SOMEBODY}:2"
        assert await kept("2401:1", kind=STAY, token=f"token:{SOMEBODY}:3") == f"digest of token:{SOMEBODY}:3"
