"""Cases of refunds: cash in parts, the insured part whole, answers that are not yet success, what is lost, what needs people."""

from __future__ import annotations

from services.payment.domain.orders import RefundKind
from services.payment.domain.phases import Phase
from tests.payment.suite.cases import Need, case, paid
from tests.payment.suite.party import MIXED, OFTEN
from tests.payment.suite.shop import ACCT, CASH, FUND, Shop
from tools.twins.faults import Fault

ALL, HI = RefundKind.ALL, RefundKind.INSURED
OF_CASH = RefundKind.CASH
ANSWERS = ("", "OUTCOME_UNKNOWN")
APART_S = 5.0
"""Some channels want seconds between two refunds of a charge."""


@case()
async def all_of_an_order_goes_back(shop: Shop) -> None:
    await paid(shop)
    assert await shop.refund(ALL, CASH) in ANSWERS
    order = await shop.ended(Phase.PAID)
    assert (order.insured_returned, order.refunded_fen) == (True, CASH)


@case()
async def cash_goes_back_in_parts_and_never_more_than_was_paid(shop: Shop) -> None:
    await paid(shop)
    for number, fen in enumerate((1_000, 500, CASH - 1_500)):
        assert await shop.refund(OF_CASH, fen, f"A{number}") in ANSWERS
        await shop.ended(Phase.PAID)
        shop.on(APART_S)
    order = await shop.now()
    assert (order.refunded_fen, order.insured_returned) == (CASH, False)
    assert await shop.refund(OF_CASH, 1, "A9") == "REFUND_EXCEEDS_PAID"
    await shop.ended(Phase.PAID, 0)


@case(at="wechat")
async def the_insured_part_goes_back_whole_or_not_at_all(shop: Shop) -> None:
    await paid(shop)
    assert await shop.refund(HI, fund_refd_amt_fen=FUND - 1) == "REFUND_UNBALANCED"
    assert await shop.refund(HI, psn_acct_refd_amt_fen=ACCT - 1) == "REFUND_UNBALANCED"
    assert await shop.refund(HI) in ANSWERS
    order = await shop.ended(Phase.PAID)
    assert (order.insured_returned, order.refunded_fen) == (True, 0)
    assert await shop.refund(HI, number="A2") == "REFUND_EXCEEDS_PAID"
    shop.on(APART_S)
    assert await shop.refund(OF_CASH, CASH, "A3") in ANSWERS
    order = await shop.ended(Phase.PAID)
    assert order.refunded_fen == CASH
    if (
        shop.party.name == "wechat" and shop.form == MIXED
    ):  # it hears of the insured part with the cash, whose number it knows
        assert await shop.party.insured(order.charge_no) == "returned"


@case(Need.MIXED)
async def the_channel_of_a_mixed_order_hears_that_the_insured_part_went_back(shop: Shop) -> None:
    order = await paid(shop)
    assert await shop.party.insured(order.charge_no) == "done"
    assert await shop.refund(ALL, CASH) in ANSWERS
    await shop.ended(Phase.PAID)
    if shop.party.name == "wechat":  # Alipay hears it from the bureau, whose way to it is not public
        assert await shop.party.insured(order.charge_no) == "returned"


@case()
async def more_than_is_left_is_not_asked_of_the_channel(shop: Shop) -> None:
    await paid(shop)
    shop.desk.calls.clear()
    assert await shop.refund(OF_CASH, CASH + 1) == "REFUND_EXCEEDS_PAID"
    assert await shop.refund(OF_CASH, 0) == "REFUND_UNBALANCED"
    assert "give_back" not in shop.desk.calls
    await shop.ended(Phase.PAID, 0)


@case()
async def the_same_refund_again_is_one_refund(shop: Shop) -> None:
    await paid(shop)
    for _ in range(3):
        assert await shop.refund(OF_CASH, 1_000) in ANSWERS
        await shop.ended(Phase.PAID)
    assert (await shop.now()).refunded_fen == 1_000
    assert await shop.refund(OF_CASH, 999) == "REFUND_EXISTS"
    await shop.ended(Phase.PAID, 0)


@case(Need.REMOTE, Need.LATER)
async def a_refund_that_was_accepted_is_not_yet_done(shop: Shop) -> None:
    await paid(shop)
    await shop.party.follows(Fault.REFUND_LATER)
    assert await shop.refund(OF_CASH, 1_000) in ANSWERS
    order = await shop.now()
    assert (order.phase, order.refunded_fen) == (Phase.REFUNDING, 0)
    assert (await shop.ended(Phase.PAID)).refunded_fen == 1_000


@case(Need.REMOTE, Need.LATER)
async def a_refund_that_the_channel_closes_is_left_to_people(shop: Shop) -> None:
    await paid(shop)
    await shop.party.follows(Fault.REFUND_CLOSED)
    await shop.refund(OF_CASH, 1_000)
    order = await shop.at_rest()
    assert (order.phase, order.reason) == (Phase.HELD, "RETURN_ABNORMAL")
    assert await shop.kept_fen() == CASH


@case(Need.REMOTE, Need.LATER)
async def an_abnormal_refund_is_left_to_people(shop: Shop) -> None:
    await paid(shop)
    await shop.party.follows(Fault.REFUND_ABNORMAL)
    await shop.refund(OF_CASH, 1_000)
    order = await shop.at_rest()
    assert (order.phase, order.reason) == (Phase.HELD, "RETURN_ABNORMAL")
    assert await shop.kept_fen() == CASH


@case(Need.REMOTE)
async def a_refund_that_never_arrived_is_sent_again_under_its_number(shop: Shop) -> None:
    await paid(shop)
    await shop.party.breaks("refund", Fault.TIMEOUT_BEFORE)
    await shop.refund(OF_CASH, 1_000)
    assert (await shop.ended(Phase.PAID)).refunded_fen == 1_000


@case(Need.REMOTE)
async def a_refund_whose_answer_is_lost_goes_back_once(shop: Shop) -> None:
    await paid(shop)
    await shop.party.breaks("refund", Fault.TIMEOUT_AFTER)
    await shop.refund(ALL, CASH)
    assert (await shop.ended(Phase.PAID)).refunded_fen == CASH


@case(Need.REMOTE)
async def a_refund_that_cannot_be_looked_at_is_not_sent_blindly(shop: Shop) -> None:
    await paid(shop)
    await shop.party.breaks("look_refund", Fault.UNAVAILABLE, 2)
    await shop.refund(OF_CASH, 1_000)
    assert (await shop.ended(Phase.PAID)).refunded_fen == 1_000


@case(Need.REMOTE)
async def ten_minutes_of_5xx_hold_a_refund_up_and_lose_nothing(shop: Shop) -> None:
    await paid(shop)
    await shop.party.breaks("any", Fault.UNAVAILABLE, OFTEN)
    asked = len(shop.stage.sent)
    assert await shop.refund(ALL, CASH) in ANSWERS
    await shop.passes(600)
    assert (await shop.now()).phase is Phase.REFUNDING
    assert len(shop.stage.sent) - asked < 90, "it is asked too often"
    await shop.party.mended()
    assert (await shop.ended(Phase.PAID)).refunded_fen == CASH


@case()
async def who_dies_before_a_refund_was_begun_has_given_nothing_back(shop: Shop) -> None:
    await paid(shop)
    shop.dies.before = Phase.REFUNDING
    assert await shop.refund(ALL, CASH) == "CRASH"
    shop.begin()
    assert (await shop.ended(Phase.PAID, 0)).refunded_fen == 0
    assert await shop.refund(ALL, CASH) in ANSWERS
    assert (await shop.ended(Phase.PAID)).refunded_fen == CASH


@case()
async def who_dies_after_a_refund_was_begun_goes_on_with_it(shop: Shop) -> None:
    await paid(shop)
    shop.dies.after = Phase.REFUNDING
    assert await shop.refund(ALL, CASH) == "CRASH"
    shop.begin()
    order = await shop.ended(Phase.PAID)
    assert (order.refunded_fen, order.insured_returned) == (CASH, True)


@case()
async def who_dies_with_the_refund_done_writes_it_once(shop: Shop) -> None:
    await paid(shop)
    shop.dies.before = Phase.PAID
    told = await shop.refund(OF_CASH, 1_000)
    if told != "CRASH":
        await shop.passes(40)
    shop.begin()
    assert (await shop.ended(Phase.PAID)).refunded_fen == 1_000


@case()
async def a_refund_that_settlement_refuses_gives_no_cash_back(shop: Shop) -> None:
    await paid(shop)
    shop.settlement.locked = True
    assert await shop.refund(ALL, CASH) == "SETTLEMENT_LOCKED"
    order = await shop.ended(Phase.PAID, 0)
    assert (order.refunded_fen, order.insured_returned) == (0, False)
    shop.settlement.locked = False
    assert await shop.refund(ALL, CASH) in ANSWERS
    assert (await shop.ended(Phase.PAID)).refunded_fen == CASH


@case()
async def settlement_that_is_away_holds_the_cash_back_too(shop: Shop) -> None:
    await paid(shop)
    shop.settlement.away_for["reverse"] = 3
    await shop.refund(ALL, CASH)
    assert await shop.kept_fen() == CASH if shop.account is not None else True
    assert (await shop.ended(Phase.PAID)).refunded_fen == CASH


@case(Need.MIXED)
async def cash_goes_back_where_the_insured_half_fails(shop: Shop) -> None:
    await shop.tried()
    await shop.pay()
    await shop.party.follows(Fault.INSURANCE_FAILS)
    await shop.person_pays()
    order = await shop.ended(Phase.FAILED)
    assert (order.reason, order.refunded_fen) == ("INSURED_HALF_FAILED", CASH)


@case(Need.MIXED)
async def cash_goes_back_where_the_bureau_says_no(shop: Shop) -> None:
    await shop.tried()
    await shop.pay()
    order = await shop.now()
    shop.stage.agreed = lambda *_: shop.paying.agreed(order.pay_ord_id, shop.party.name, "AUTHother", (0, 0, 0))
    await shop.person_pays()
    await shop.ended(Phase.FAILED)
    assert shop.form == MIXED
