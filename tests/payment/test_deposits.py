"""Deposits of a stay are taken once, also by two orders at the same moment, and free again when nothing stands of an order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.kernel.errors import Fault
from services.payment.domain.deposits import left_fen
from services.payment.domain.orders import PayOrder, kept, moved
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.domain.terms import OrderType
from services.payment.operations.books import Write
from tests.payment.order_fakes import SPLIT, House

KEPT = Split(total_fen=1_000, cash_fen=1_000)


async def deposit(house: House) -> PayOrder:
    """A deposit of 10.00 that is paid."""
    order = await house.tried(KEPT)
    paid = kept(order, house.books.now(), phase=Phase.PAID, order_type=OrderType.DEPOSIT, charged_fen=1_000)
    await house.books.keep(Write(paid, order.version))
    return paid


async def taking(house: House, fen: int) -> Write:
    """What an order of the discharge writes as it begins to be paid."""
    order = await house.tried(SPLIT)
    begun = moved(order, Phase.OPENING, house.books.now(), deposit_fen=fen)
    return Write(begun, order.version, takes_fen=fen)


async def test_two_orders_at_once_cannot_take_the_same_money(house: House) -> None:
    await deposit(house)
    first, second = await taking(house, 600), await taking(house, 500)
    taken, refused = await house.books.commit([first, second])
    assert taken is True
    assert isinstance(refused, Fault)
    assert (refused.reason, refused.metadata["left"]) == ("DEPOSITS_SHORT", "4.00")
    with pytest.raises(Fault, match="DEPOSITS_SHORT"):
        await house.books.keep(await taking(house, 401))
    await house.books.keep(await taking(house, 400))


async def test_what_is_taken_is_free_again_once_nothing_stands_or_the_insured_part_went_back(house: House) -> None:
    paid = await deposit(house)
    begun = (await taking(house, 600)).order
    assert begun is not None
    assert left_fen([paid, begun]) == 400
    assert left_fen([paid, begun], begun.pay_ord_id) == 1_000
    assert left_fen([paid, replace(begun, phase=Phase.FAILED)]) == 1_000
    assert left_fen([paid, replace(begun, phase=Phase.PAID, insured_returned=True)]) == 1_000
    assert left_fen([replace(paid, refunded_fen=300), begun]) == 100
    assert left_fen([replace(paid, phase=Phase.REFUNDING), begun]) == -600
