"""Cases of notifies: repeated, forged, early, late, lost, about what nobody knows."""

from __future__ import annotations

from dataclasses import replace

from services.payment.domain.orders import Charge
from services.payment.domain.phases import Phase
from tests.payment.suite.cases import Need, case, placed
from tests.payment.suite.party import OFTEN
from tests.payment.suite.shop import CASH, Shop
from tools.twins.faults import Fault

N = (Need.REMOTE, Need.PERSON, Need.NOTIFIES)


@case(*N)
async def a_notify_alone_makes_an_order_paid(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    await shop.party.breaks("look", Fault.UNAVAILABLE, OFTEN)
    for delivery in await shop.stage.notified():
        assert (await shop.hears(delivery))[0] == ""
    if (await shop.now()).phase is not Phase.PAID:  # the notify of the cash of a mixed order alone: another one follows
        for delivery in (await shop.stage.notified(2))[1:]:
            assert (await shop.hears(delivery))[0] == ""
    assert (await shop.now()).phase is Phase.PAID
    await shop.party.mended()
    await shop.ended(Phase.PAID, 0)


@case(*N)
async def a_notify_that_comes_three_times_is_heard_once(shop: Shop) -> None:
    await shop.party.follows(Fault.NOTIFY_REPEATED, 2)
    await placed(shop)
    await shop.person_pays()
    first, *more = await shop.stage.notified(3)
    told = [await shop.hears(each) for each in (first, *more, first)]
    assert {reason for reason, _ in told} <= {"", "NOTIFY_REPLAYED"}
    assert len({body for reason, body in told if not reason}) == 1
    order = await shop.ended(Phase.PAID)
    assert (order.charged_fen, len(await shop.charges())) == (CASH, 1)


@case(*N)
async def the_very_same_bytes_again_are_answered_as_the_first(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    (delivery, *_) = await shop.stage.notified()
    first = await shop.hears(delivery)
    await shop.ended(Phase.PAID)
    before = await shop.now()
    assert (await shop.hears(delivery), await shop.now()) == (first, before)


@case(*N)
async def a_forged_notify_changes_nothing(shop: Shop) -> None:
    await placed(shop)
    await shop.party.follows(Fault.NOTIFY_FORGED, 1)
    await shop.person_pays()
    refused = 0
    for delivery in await shop.stage.notified(2):
        before = await shop.now()
        told = await shop.hears(delivery)
        if told == ("NOTIFY_FORGED", b""):
            assert await shop.now() == before
            refused += 1
    assert refused == 1
    await shop.ended(Phase.PAID)


@case(*N)
async def a_notify_of_which_a_byte_was_changed_is_forged(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    before, true = await shop.now(), (await shop.stage.notified())[0]
    for place in (len(true.body) // 3, len(true.body) // 2, len(true.body) - 3):
        changed = true.body[:place] + bytes([true.body[place] ^ 1]) + true.body[place + 1 :]
        assert (await shop.hears(replace(true, body=changed)))[0] == "NOTIFY_FORGED"
    assert (await shop.hears(replace(true, body=b"")))[0] == "NOTIFY_FORGED"
    assert await shop.now() == before
    await shop.ended(Phase.PAID)


@case(*N, Need.WINDOW)
async def a_notify_of_days_ago_is_forged(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    old = (await shop.stage.notified())[0]
    before = await shop.now()
    shop.begin(off_s=3 * 86_400)
    assert (await shop.hears(old))[0] == "NOTIFY_FORGED"
    assert await shop.now() == before
    shop.begin()
    await shop.ended(Phase.PAID)


@case(*N)
async def a_notify_before_the_answer_is_heard_and_the_answer_changes_nothing(shop: Shop) -> None:
    await shop.tried()

    async def paid_at_once(charge: Charge) -> None:
        await shop.person_pays()
        for delivery in await shop.stage.notified():
            assert (await shop.hears(delivery))[0] == ""

    shop.desk.answered = paid_at_once
    await shop.pay()
    order = await shop.ended(Phase.PAID)
    assert (order.charged_fen, shop.desk.calls.count("place")) == (CASH, 1)


@case(*N)
async def a_notify_that_is_lost_is_asked_for(shop: Shop) -> None:
    await shop.party.follows(Fault.NOTIFY_LOST, 2)
    await placed(shop)
    await shop.person_pays()
    await shop.ended(Phase.PAID)
    assert shop.stage.heard() == []


@case(*N)
async def a_notify_that_comes_after_all_is_known_changes_nothing(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    await shop.ended(Phase.PAID)
    before = await shop.now()
    for delivery in await shop.stage.notified():
        assert (await shop.hears(delivery))[0] == ""
    after = await shop.now()
    assert (after.phase, after.charged_fen) == (before.phase, before.charged_fen)
    await shop.ended(Phase.PAID, 0)


@case(*N)
async def a_notify_of_an_order_of_somebody_else_is_thanked_for_and_nothing_more(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    delivery = (await shop.stage.notified())[0]
    await shop.ended(Phase.PAID)
    async with shop.stage.case():
        shop.begin()
        assert (await shop.hears(delivery))[0] == ""


@case(*N)
async def whoever_dies_while_hearing_hears_it_again(shop: Shop) -> None:
    await placed(shop)
    await shop.party.breaks("look", Fault.UNAVAILABLE, OFTEN)
    await shop.person_pays()
    delivery = (await shop.stage.notified())[0]
    shop.begin()
    assert (await shop.hears(delivery))[0] == ""
    await shop.party.mended()
    await shop.ended(Phase.PAID)


@case(*N)
async def money_that_comes_after_a_close_goes_back(shop: Shop) -> None:
    await placed(shop)
    await shop.revoke()
    await shop.ended(Phase.REVOKED)
    await shop.person_pays(force=True)
    for delivery in await shop.stage.notified():
        assert (await shop.hears(delivery))[0] == ""
    await shop.ended(Phase.REVOKED)
    assert await shop.kept_fen() == 0
