"""What rests until people decide: it is found with its reason and amounts, only safe decisions are taken, and each ends whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.kernel.errors import Fault
from services.payment.domain import steps
from services.payment.domain.charges import ChannelState, Half, RefundSeen, RefundStanding, Seen
from services.payment.domain.held import Decision, Held, HeldKind
from services.payment.domain.orders import Charge, ChargeState, PayOrder, Refund, RefundKind, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.refunds import Parts
from services.payment.operations.books import Write
from services.payment.operations.deciding import FIRST, AskedDecision, Deciding
from services.payment.operations.ports import Secrets
from services.payment.servicer.held import HeldServicer
from services.payment.servicer.unhurried import Unhurried
from services.runtime.call import CallContext, Caller, Role, use_call
from tests.payment.order_fakes import SPLIT, Booked, House
from yibao.payment.v1 import held_pb2, pay_order_state_pb2

CASH = SPLIT.cash_fen


def deciding(house: House) -> Deciding:
    return Deciding(house.books, house.driving, lambda: house.number("D"))


async def rests(house: House) -> list[Held]:
    return [*(await deciding(house).page(FIRST, 50)).entries]


async def decide(house: House, number: str, decision: Decision, proof_no: str = "") -> PayOrder:
    asked = AskedDecision(number, decision, "checked", proof_no, "op1")
    return (await deciding(house).decide(house.stamp(), asked, 1.0))[1]


async def refused(house: House, number: str, decision: Decision, proof_no: str = "") -> str:
    with pytest.raises(Fault) as fault:
        await decide(house, number, decision, proof_no)
    return fault.value.reason


async def charged(house: House, seen: Seen) -> PayOrder:
    """An order for which the channel answers so."""
    order = await house.tried()

    async def place(charge: Charge, secrets: Secrets) -> Seen:
        house.channel.booked[charge.charge_no] = Booked(charge.charge_fen, "charged", seen.charged_fen)
        return seen

    house.channel.place = place  # type: ignore[method-assign]  # what is said is the test's
    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 1.0))
    return await house.now(order)


async def abnormal(house: House) -> PayOrder:
    """A return that the channel calls abnormal."""
    give_back = house.channel.give_back

    async def card_closed(charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
        return RefundSeen(RefundStanding.ABNORMAL, code="CARD_CLOSED")

    house.channel.give_back = card_closed  # type: ignore[method-assign]  # as above
    order = await charged(house, Seen(ChannelState.CHARGED, Half.FAILED, CASH))
    house.channel.give_back = give_back  # type: ignore[method-assign]  # mended
    assert (order.phase, order.reason, order.channel_code) == (Phase.HELD, steps.RETURN_ABNORMAL, "CARD_CLOSED")
    return order


async def paid(house: House) -> PayOrder:
    order = await charged(house, Seen(ChannelState.CHARGED, charged_fen=CASH, trade_no="T1"))
    assert order.phase is Phase.PAID
    return order


async def test_another_amount_is_listed_as_both_sides_say_it_and_goes_back_by_decision(house: House) -> None:
    order = await charged(house, Seen(ChannelState.CHARGED, charged_fen=CASH + 1, total_fen=9_999, code="ODD"))
    (held,) = await rests(house)
    assert (held.kind, held.number, held.reason) == (HeldKind.ORDER, order.pay_ord_id, steps.AMOUNT_DIFFERS)
    assert held.charge is not None
    assert (held.charge.charge_fen, held.charge.charged_fen, held.charge.said_total_fen) == (CASH, CASH + 1, 9_999)
    assert held.order.channel_code == "ODD"
    assert Decision.TAKEN_AS_PAID not in held.safe
    assert await refused(house, held.number, Decision.TAKEN_AS_PAID, "P1") == "HELD_DECISION_UNSAFE"
    after = await decide(house, held.number, Decision.GIVE_BACK)
    assert (after.phase, after.charged_fen, after.refunded_fen) == (Phase.FAILED, CASH + 1, CASH + 1)
    assert house.channel.left_fen(await house.charges(order)) == 0
    assert house.settlement.states[order.open_no] == "void"
    assert await rests(house) == []
    assert await refused(house, held.number, Decision.GIVE_BACK) == "HELD_NOT_FOUND"


async def test_the_channel_is_asked_again_and_what_it_has_mended_is_paid(house: House) -> None:
    order = await charged(house, Seen(ChannelState.CHARGED, charged_fen=CASH + 1))
    assert (await decide(house, order.pay_ord_id, Decision.ASK_AGAIN)).phase is Phase.HELD
    house.channel.booked[order.charge_no].paid_fen = CASH
    after = await decide(house, order.pay_ord_id, Decision.ASK_AGAIN)
    assert (after.phase, after.charged_fen) == (Phase.PAID, CASH)
    assert house.settlement.states[order.open_no] == "stands"


async def test_only_a_charge_that_is_right_is_taken_as_paid_and_only_by_a_proof(house: House) -> None:
    waiting = await charged(house, Seen(ChannelState.CHARGED, Half.WAITING, CASH, total_fen=1, doubted=True))
    assert await refused(house, waiting.pay_ord_id, Decision.TAKEN_AS_PAID, "P1") == "HELD_DECISION_UNSAFE"
    order = await charged(house, Seen(ChannelState.CHARGED, Half.DONE, CASH, total_fen=1, doubted=True))
    assert await refused(house, order.pay_ord_id, Decision.TAKEN_AS_PAID, " ") == "PROOF_MISSING"
    after = await decide(house, order.pay_ord_id, Decision.TAKEN_AS_PAID, "P1")
    assert (after.phase, after.reason, after.charged_fen) == (Phase.PAID, "", CASH)


async def test_a_return_that_was_abnormal_is_asked_again_or_taken_as_done(house: House) -> None:
    first, second = await abnormal(house), await abnormal(house)
    assert [each.reason for each in await rests(house)] == [steps.RETURN_ABNORMAL] * 2
    assert await refused(house, first.pay_ord_id, Decision.GIVE_BACK) == "HELD_DECISION_UNSAFE"
    after = await decide(house, first.pay_ord_id, Decision.ASK_AGAIN)
    assert (after.phase, after.refunded_fen) == (Phase.FAILED, CASH)
    assert house.channel.booked[first.charge_no].returns == {f"B{first.charge_no}": CASH}
    after = await decide(house, second.pay_ord_id, Decision.TAKEN_AS_GIVEN_BACK, "BANK-77")
    assert (after.phase, after.refunded_fen) == (Phase.FAILED, CASH)
    assert house.channel.booked[second.charge_no].returns == {}
    assert house.settlement.states[second.open_no] == "void"


async def test_a_refund_that_was_abnormal_ends_with_its_order_paid(house: House) -> None:
    for decision, proof, cash_back in ((Decision.ASK_AGAIN, "", 1_000), (Decision.TAKEN_AS_GIVEN_BACK, "P9", 0)):
        order = await paid(house)
        give_back = house.channel.give_back

        async def closed(charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
            return RefundSeen(RefundStanding.ABNORMAL, 7, code="CARD_CLOSED")

        house.channel.give_back = closed  # type: ignore[method-assign]  # what is said is the test's
        parts = Parts(1_000, 0, 0, 1_000)
        order, refund = await house.refunding.refund(house.stamp(), order, "A1", RefundKind.CASH, parts, 1.0)
        assert (order.phase, refund.state) == (Phase.HELD, RefundState.HELD)
        house.channel.give_back = give_back  # type: ignore[method-assign]  # mended
        (held,) = await rests(house)
        assert held.kind is HeldKind.REFUND
        assert held.refund is not None
        assert (held.refund.cash_fen, held.refund.said_fen) == (1_000, 7)
        after = await decide(house, held.number, decision, proof)
        assert (after.phase, after.refunded_fen, after.refund_no) == (Phase.PAID, 1_000, "")
        assert sum(house.channel.booked[order.charge_no].returns.values()) == cash_back


async def test_a_charge_that_no_order_waits_for_is_listed_by_its_own_number(house: House) -> None:
    for decision, proof in ((Decision.ASK_AGAIN, ""), (Decision.TAKEN_AS_GIVEN_BACK, "P3")):
        order = await paid(house)
        own = (await house.charges(order))[0]
        stray = replace(own, charge_no=house.number("C"), state=ChargeState.HELD, return_no="")
        house.channel.booked[stray.charge_no] = Booked(CASH, "charged", CASH)
        await house.books.keep(Write(charges=(stray,)))
        (held,) = await rests(house)
        assert (held.kind, held.number) == (HeldKind.CHARGE, stray.charge_no)
        assert await refused(house, held.number, Decision.GIVE_BACK) == "HELD_DECISION_UNSAFE"
        assert (await decide(house, held.number, decision, proof)).phase is Phase.PAID
        found = await house.books.charge(stray.charge_no)
        assert found is not None
        assert found.state is ChargeState.RETURNED
        returned = CASH if decision is Decision.ASK_AGAIN else 0
        assert sum(house.channel.booked[stray.charge_no].returns.values()) == returned


async def test_the_list_has_pages_across_orders_and_charges(house: House) -> None:
    orders = [await charged(house, Seen(ChannelState.CHARGED, charged_fen=1)) for _ in range(3)]
    own = (await house.charges(orders[0]))[0]
    strays = [replace(own, charge_no=house.number("C"), pay_ord_id=orders[1].pay_ord_id) for _ in range(2)]
    await house.books.keep(Write(charges=tuple(strays)))
    whole, place, pages = list[str](), FIRST, 0
    while True:
        page = await deciding(house).page(place, 2)
        whole += [each.number for each in page.entries]
        pages += 1
        if page.end is None:
            break
        place = page.end[0], page.end[1]
    assert whole == [*sorted(each.pay_ord_id for each in orders), *sorted(each.charge_no for each in strays)]
    assert pages == 3


async def test_a_decision_is_kept_with_who_and_why_and_a_repeat_decides_nothing(house: House) -> None:
    """Over messages, as an operator sends them."""
    order = await charged(house, Seen(ChannelState.CHARGED, charged_fen=CASH + 1, total_fen=9_999, code="ODD"))
    servicer = HeldServicer(deciding(house), Unhurried())
    caller = Caller(Role.OPERATOR, "op7")
    call = CallContext(caller, "/yibao.payment.v1.HeldService/DecideHeld", None, None, house.clock())
    request = held_pb2.DecideHeldRequest(
        request_id="R1",
        held_no=order.pay_ord_id,
        decision=held_pb2.HELD_DECISION_TAKEN_AS_GIVEN_BACK,
        memo="票据齐全",
        proof_no="BANK-1",
    )
    with use_call(call):
        (told,) = (await servicer.ListHeld(held_pb2.ListHeldRequest(), None)).held
        first = await servicer.DecideHeld(request, None)
        again = await servicer.DecideHeld(request, None)
        request.memo = "其他"
        with pytest.raises(Fault) as reused:
            await servicer.DecideHeld(request, None)
        kept = await servicer.ListHeldDecisions(held_pb2.ListHeldDecisionsRequest(pay_ord_id=order.pay_ord_id), None)
        none = await servicer.ListHeldDecisions(held_pb2.ListHeldDecisionsRequest(pay_ord_id="O-other"), None)
    assert (told.charge_fen, told.charged_fen, told.total_fen, told.channel_total_fen) == (
        CASH,
        CASH + 1,
        10_000,
        9_999,
    )
    assert told.next_zh
    assert held_pb2.HELD_DECISION_TAKEN_AS_PAID not in told.decisions
    assert first == again
    assert first.phase == pay_order_state_pb2.ORDER_PHASE_FAILED
    assert reused.value.reason == "REQUEST_ID_REUSED"
    (decided,) = kept.decisions
    assert (told.held_no, told.pay_ord_id, told.channel_code) == (order.pay_ord_id, order.pay_ord_id, "ODD")
    assert (decided.held_no, decided.pay_ord_id) == (order.pay_ord_id, order.pay_ord_id)
    assert decided.decision_no == first.decided.decision_no
    assert (decided.decided_by, decided.memo, decided.proof_no) == ("op7", "票据齐全", "BANK-1")
    assert (decided.reason, decided.charged_fen) == (steps.AMOUNT_DIFFERS, CASH + 1)
    assert not none.decisions


async def test_the_channels_word_is_told_of_the_order_and_not_of_a_charge_that_nobody_waits_for(house: House) -> None:
    """It was said of the order's own charge."""
    order = await charged(house, Seen(ChannelState.CHARGED, charged_fen=CASH + 1, code="ODD"))
    (own,) = await house.charges(order)
    stray = replace(own, charge_no=house.number("C"), state=ChargeState.HELD, return_no="")
    await house.books.keep(Write(charges=(stray,)))
    told = await HeldServicer(deciding(house), Unhurried()).ListHeld(held_pb2.ListHeldRequest(), None)
    assert [(each.held_no, each.kind, each.channel_code) for each in told.held] == [
        (order.pay_ord_id, held_pb2.HELD_KIND_ORDER, "ODD"),
        (stray.charge_no, held_pb2.HELD_KIND_CHARGE, ""),
    ]
