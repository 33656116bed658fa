"""Before its cash is asked for an order is marked, so that nobody else lifts its settlement."""

from __future__ import annotations

from services.payment.domain.charges import Seen
from services.payment.domain.opened import OpenedBill
from services.payment.domain.orders import Charge, PayOrder
from services.payment.operations.ports import Secrets
from tests.payment.order_fakes import House


async def test_an_order_is_held_before_it_is_charged_by_its_opening_or_by_a_call_of_its_own(house: House) -> None:
    told: list[tuple[str, bool]] = []
    opens, places = house.settlement.open, house.channel.place

    async def opened(order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        made = await opens(order, expires_s, charged=charged)
        told.append(("open", made.held))
        return made

    async def hold(order: PayOrder, expires_s: int) -> None:
        told.append(("hold", True))

    async def place(charge: Charge, secrets: Secrets) -> Seen:
        told.append(("place", True))
        return await places(charge, secrets)

    house.settlement.open = opened  # type: ignore[method-assign]  # so that the order of the calls is seen
    house.settlement.hold = hold  # type: ignore[method-assign]  # as above
    house.channel.place = place  # type: ignore[method-assign]  # as above
    for _ in range(2):
        await house.paying.pay(house.stamp(), await house.tried(), house.plan, 1.0)
    assert told == [("open", False), ("hold", True), ("place", True), ("open", True), ("place", True)]
