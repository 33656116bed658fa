"""When charges are looked at, and in which turn orders are taken up, so that notifies of others do not wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from services.payment.domain import steps
from services.payment.domain.charges import ChannelState, Seen
from services.payment.domain.orders import SECOND, Charge, ChargeState, PayOrder
from services.payment.domain.phases import Phase
from services.payment.operations import loop
from services.payment.operations.books import Write
from services.payment.store.unit import PaymentStore
from services.runtime.db import Database
from tests.payment.order_fakes import House, Ticking
from tests.payment.test_orders import calm, plain


@pytest.mark.parametrize(("tells", "rests"), [(False, steps.LOOKS_S), (True, steps.TOLD_LOOKS_S)])
def test_a_charge_that_its_channel_tells_of_is_looked_at_later(*, tells: bool, rests: tuple[int, ...]) -> None:
    order = replace(plain(), phase=Phase.WAITING, charge_no="C")
    charge = Charge("C", order.pay_ord_id, "fake", 2, 3_000, b"", ChargeState.WAITING, 0, 900 * SECOND, 0)
    found, now = list[int](), 0
    for _ in rests:
        order = steps.after_seen(order, charge, Seen(ChannelState.WAITING), now, tells=tells).order
        found.append((order.due_at - now) // SECOND)
        now = order.due_at
    assert tuple(found) == rests


async def test_orders_that_are_told_of_at_once_begin_one_after_the_other(tmp_path: Path) -> None:
    """So that who is waited for gets between them."""
    store = PaymentStore(Database(f"sqlite:///{tmp_path}/payment.sqlite", Ticking()))
    house = House(store, Ticking(), calm(), "paced")
    began, all_began = list[float](), asyncio.Event()

    async def take_up(order: PayOrder) -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 5:
            all_began.set()

    house.loop.take_up = take_up  # type: ignore[method-assign]
    for number in range(5):
        house.loop.later(replace(plain(), pay_ord_id=f"O{number}", phase=Phase.CHARGED))
    assert began == []
    # The event loop is late meanwhile: what is overdue does not begin in one turn.
    await asyncio.sleep(0)
    time.sleep(6 * loop.PACE_S)  # noqa: ASYNC251  # on purpose
    async with asyncio.timeout(10):
        await all_began.wait()
    assert all(later - earlier >= loop.PACE_S * 0.5 for earlier, later in pairwise(began))


async def test_an_order_that_cannot_be_brought_on_is_told_once_and_anew_after_it_went_on(house: House) -> None:
    order = await house.tried()
    await house.books.keep(Write(replace(order, phase=Phase.CHARGED), order.version))
    fails = [True, True, False, True, True]

    async def drive(order: PayOrder, left_s: float) -> PayOrder:
        if fails.pop(0):
            raise ValueError("a bug")
        return order

    house.driving.drive = drive  # type: ignore[method-assign]
    told = list[int]()
    while fails:
        await house.loop.take_up(await house.now(order))
        told.append(len(house.failed))
    assert told == [1, 1, 1, 2, 2]
    assert {number for number, _ in house.failed} == {order.pay_ord_id}
