"""What a channel definitely refuses is not asked for ever: it rests where people see it, with a reason and what they may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.kernel.errors import Fault
from services.payment.domain import steps
from services.payment.domain.charges import ChannelState, Half, Hearing, RefundSeen, RefundStanding, Seen
from services.payment.domain.held import Decision
from services.payment.domain.orders import Charge, ChargeState, PayOrder, Refund, RefundKind, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.refunds import Parts
from services.payment.operations.books import Stale, Write
from tests.payment.order_fakes import SPLIT, House
from tests.payment.test_held import charged, decide, paid, rests

CASH = SPLIT.cash_fen
WHOLE = Parts(SPLIT.total_fen, SPLIT.acct_fen, SPLIT.fund_fen, CASH)
NO = Seen(ChannelState.UNKNOWN, code="NO_AUTH", refused=True)


async def mixed(house: House) -> PayOrder:
    """An order of the mixed form that is paid."""
    order = await paid(house)
    charge = await house.books.known_charge(order.charge_no)
    await house.books.keep(Write(charges=(replace(charge, mix_trade_no="X1"),)))
    return order


async def refunded(house: House, order: PayOrder) -> Refund:
    """A refund of all of it, as far as it came."""
    _, refund = await house.refunding.refund(house.stamp(), order, "A1", RefundKind.ALL, WHOLE, 1.0)
    for _ in range(2 * steps.MOST_REFUSED):
        house.clock.on(20)
        await house.round()
    return await house.books.known_refund(refund.refund_no)


async def test_a_return_that_the_channel_will_not_hear_of_rests_until_people_decide(house: House) -> None:
    heard = list[str]()
    says = Hearing(refused=True, code="RULE_LIMIT")

    async def refuses(charge: Charge, order: PayOrder, refund: Refund) -> Hearing:
        heard.append(refund.refund_no)
        return says

    house.channel.tell_returned = refuses  # type: ignore[method-assign]  # what is said is the test's
    order = await mixed(house)
    refund = await refunded(house, order)
    held = (await rests(house))[0]
    assert (held.reason, held.order.channel_code, refund.state) == (
        steps.RETURN_UNHEARD,
        "RULE_LIMIT",
        RefundState.CASH_BACK,
    )
    assert held.safe == (Decision.ASK_AGAIN, Decision.TAKEN_AS_TOLD)
    assert heard == [refund.refund_no] * steps.MOST_REFUSED
    back = house.channel.booked[order.charge_no].returns
    assert (back, house.settlement.states[order.open_no]) == ({refund.refund_no: CASH}, "reversed")

    again = await decide(house, order.pay_ord_id, Decision.ASK_AGAIN)
    assert (again.phase, len(heard)) == (Phase.REFUNDING, steps.MOST_REFUSED + 1)
    await refunded(house, again)
    after = await decide(house, order.pay_ord_id, Decision.TAKEN_AS_TOLD)
    assert (after.phase, after.refunded_fen, after.insured_returned, len(heard)) == (
        Phase.PAID,
        CASH,
        True,
        2 * steps.MOST_REFUSED,
    )
    assert back == {refund.refund_no: CASH}, "the cash goes back once"
    async with house.books.read() as work:
        assert await work.notices.one(f"{order.pay_ord_id}-{refund.refund_no}") is not None, (
            "the institution hears of it"
        )


async def test_a_channel_that_is_away_is_told_until_it_hears(house: House) -> None:
    answers = [Hearing()] * (2 * steps.MOST_REFUSED - 2) + [Hearing(heard=True)]

    async def away(charge: Charge, order: PayOrder, refund: Refund) -> Hearing:
        return answers.pop(0)

    house.channel.tell_returned = away  # type: ignore[method-assign]  # as above
    order = await mixed(house)
    refund = await refunded(house, order)
    assert (refund.state, answers, await rests(house)) == (RefundState.DONE, [], [])


async def test_a_refund_that_people_took_as_given_back_is_told_to_no_channel(house: House) -> None:
    async def closed(charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
        return RefundSeen(RefundStanding.ABNORMAL, code="CARD_CLOSED")

    async def never(charge: Charge, order: PayOrder, refund: Refund) -> Hearing:
        raise AssertionError("the channel knows no refund of that number")

    house.channel.give_back, house.channel.tell_returned = closed, never  # type: ignore[method-assign]  # as above
    order = await mixed(house)
    await refunded(house, order)
    after = await decide(house, order.pay_ord_id, Decision.TAKEN_AS_GIVEN_BACK, "P1")
    assert (after.phase, after.refunded_fen, after.insured_returned) == (Phase.PAID, CASH, True)


async def test_a_close_that_is_refused_rests_and_is_asked_for_again_once_that_is_mended(house: House) -> None:
    looks, closes = house.channel.look, house.channel.close

    async def refuses(charge: Charge) -> Seen:
        return NO

    house.channel.look = house.channel.close = refuses  # type: ignore[method-assign]  # as above
    order = await charged(house, Seen(ChannelState.WAITING))
    house.clock.on(901)
    for _ in range(2 * steps.MOST_REFUSED):
        house.clock.on(20)
        await house.round()
    (held,) = await rests(house)
    assert (held.reason, held.order.channel_code) == (steps.CHANNEL_SILENT, "NO_AUTH")
    assert held.safe == (Decision.ASK_AGAIN, Decision.TAKEN_AS_GIVEN_BACK)
    assert held.charge is not None
    assert held.charge.state is ChargeState.HELD
    assert house.settlement.states[order.open_no] == "pending", "only a close that is confirmed lets it go"

    house.channel.look, house.channel.close = looks, closes  # type: ignore[method-assign]  # mended
    house.channel.booked[order.charge_no].state = "waiting"
    after = await decide(house, order.pay_ord_id, Decision.ASK_AGAIN)
    after = await house.rests(after)
    assert (after.phase, house.settlement.states[order.open_no]) == (Phase.FAILED, "void")


@pytest.mark.parametrize("of_paid", [True, False])
async def test_money_that_a_channel_refuses_to_tell_of_rests(house: House, *, of_paid: bool) -> None:
    async def refuses(charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
        return RefundSeen(RefundStanding.UNKNOWN, code="NO_AUTH", refused=True)

    house.channel.give_back = refuses  # type: ignore[method-assign]  # as above
    if of_paid:
        await refunded(house, await paid(house))
    else:
        await charged(house, Seen(ChannelState.CHARGED, Half.FAILED, CASH))
        for _ in range(2 * steps.MOST_REFUSED):
            house.clock.on(20)
            await house.round()
    (held,) = await rests(house)
    assert (held.reason, held.order.channel_code) == (steps.RETURN_ABNORMAL, "NO_AUTH")


def test_a_charge_that_no_order_waits_for_rests_too() -> None:
    charge = Charge("C1", "O1", "fake", 1, CASH, b"", ChargeState.RETURNING, 0, 0, 0)
    seen, states = RefundSeen(RefundStanding.UNKNOWN, code="NO_AUTH", refused=True), list[ChargeState]()
    for _ in range(steps.MOST_REFUSED):
        charge = steps.after_stray_return(charge, seen, 1)
        states.append(charge.state)
    assert states == [ChargeState.RETURNING] * (steps.MOST_REFUSED - 1) + [ChargeState.HELD]


async def test_a_refund_that_another_change_was_before_is_judged_anew(house: House) -> None:
    """A notify that came at the same time is no reason to send the request again."""
    order, keep, late = await paid(house), house.books.keep, [True]

    async def second(write: Write) -> None:
        if late and write.refunds:
            late.clear()
            now = await house.now(order)
            await keep(Write(replace(now, version=now.version + 1), now.version))
        await keep(write)

    house.books.keep = second  # type: ignore[method-assign]  # another one is first, once
    after, refund = await house.refunding.refund(
        house.stamp(), order, "A1", RefundKind.CASH, Parts(1_000, 0, 0, 1_000), 1.0
    )
    assert (after.phase, after.refunded_fen, refund.state) == (Phase.PAID, 1_000, RefundState.DONE)


async def test_a_refund_that_always_comes_second_says_that_nobody_knows(house: House) -> None:
    order = await paid(house)

    async def never(write: Write) -> None:
        raise Stale

    house.books.keep = never  # type: ignore[method-assign]  # as above
    with pytest.raises(Fault) as fault:
        await house.refunding.refund(house.stamp(), order, "A1", RefundKind.CASH, Parts(1_000, 0, 0, 1_000), 1.0)
    assert fault.value.reason == "OUTCOME_UNKNOWN"
