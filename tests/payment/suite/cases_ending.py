"""Cases of orders that end without being paid: nobody pays, it is revoked, the close gets lost or comes too late."""

from __future__ import annotations

import pytest

from services.payment.domain.phases import Phase
from tests.payment.suite.cases import Need, case, paid, placed
from tests.payment.suite.party import OFTEN
from tests.payment.suite.shop import Shop
from tools.twins.faults import Fault

P = (Need.REMOTE, Need.PERSON)


@case(*P)
async def what_nobody_pays_is_closed_and_can_be_paid_no_more(shop: Shop) -> None:
    await shop.tried()
    assert await shop.pay(pay_within_s=90) == ""
    order = await shop.ended(Phase.FAILED, 150)
    assert order.reason == "NOT_PAID_IN_TIME"
    with pytest.raises(AssertionError):
        await shop.person_pays()


@case(*P)
async def who_pays_in_the_last_moment_has_paid(shop: Shop) -> None:
    await placed(shop)
    shop.on(895)
    await shop.person_pays()
    shop.on(10)
    await shop.ended(Phase.PAID)


@case(*P)
async def a_revoked_order_can_be_paid_no_more(shop: Shop) -> None:
    await placed(shop)
    assert await shop.revoke() == ""
    await shop.ended(Phase.REVOKED, 0)
    with pytest.raises(AssertionError):
        await shop.person_pays()
    assert await shop.revoke() == ""


@case()
async def what_is_paid_is_not_revoked(shop: Shop) -> None:
    await paid(shop)
    assert await shop.revoke() == "PAY_ORDER_STATE"
    await shop.ended(Phase.PAID, 0)


@case(*P, at="wechat")
async def who_pays_before_the_close_has_paid(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    assert await shop.revoke() in ("PAY_ORDER_STATE", "OUTCOME_UNKNOWN")
    await shop.ended(Phase.PAID)


@case(*P)
async def a_close_that_never_arrived_is_asked_for_again(shop: Shop) -> None:
    await placed(shop)
    await shop.party.breaks("close", Fault.TIMEOUT_BEFORE)
    assert await shop.revoke() == "OUTCOME_UNKNOWN"
    assert (await shop.now()).phase is Phase.CLOSING
    await shop.ended(Phase.REVOKED)


@case(*P)
async def a_close_whose_answer_is_lost_is_asked_for_again(shop: Shop) -> None:
    await placed(shop)
    await shop.party.breaks("close", Fault.TIMEOUT_AFTER)
    assert await shop.revoke() == "OUTCOME_UNKNOWN"
    await shop.ended(Phase.REVOKED)


@case(*P)
async def ten_minutes_of_5xx_during_a_close_let_nothing_go(shop: Shop) -> None:
    await placed(shop)
    await shop.party.breaks("any", Fault.UNAVAILABLE, OFTEN)
    assert await shop.revoke() == "OUTCOME_UNKNOWN"
    await shop.passes(600)
    assert (await shop.now()).phase is Phase.CLOSING
    assert "pending" in shop.settlement.states.values()
    await shop.party.mended()
    await shop.ended(Phase.REVOKED)


@case(*P)
async def who_dies_before_the_close_is_written_closes_again(shop: Shop) -> None:
    await placed(shop)
    shop.dies.before = Phase.VOIDING
    assert await shop.revoke() == "CRASH"
    shop.begin()
    await shop.ended(Phase.REVOKED)


@case(*P)
async def a_void_that_is_away_is_repeated(shop: Shop) -> None:
    await placed(shop)
    shop.settlement.away_for["void"] = 3
    assert await shop.revoke() == "OUTCOME_UNKNOWN"
    await shop.ended(Phase.REVOKED)


@case()
async def an_order_that_was_only_tried_is_revoked_without_the_channel(shop: Shop) -> None:
    await shop.tried()
    assert await shop.revoke() == ""
    await shop.ended(Phase.REVOKED, 0)
    assert not shop.stage.sent
    assert await shop.pay() == "PAY_ORDER_STATE"
