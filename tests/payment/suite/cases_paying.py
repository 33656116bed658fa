"""Cases of paying: what is lost on the way, what dies, what is asked twice, what settlement says meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from services.payment.domain.orders import PayOrder, moved
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.domain.steps import CASH_TO_HAND_OUT
from services.payment.domain.terms import Switch
from services.payment.operations.books import Write
from tests.payment.order_fakes import FakeSettlement
from tests.payment.suite.cases import Need, case, paid, person_pays, placed
from tests.payment.suite.party import APP, CODE, MIXED, NATIVE, OFTEN
from tests.payment.suite.shop import ACCT, CASH, FUND, Shop
from tools.twins.faults import Fault
from yibao.payment.v1 import channel_pb2

AT_BANK = "bank"
"""What a POS has sent without an answer is undone, whatever came of it."""


@case()
async def an_order_is_charged_confirmed_and_paid_once(shop: Shop) -> None:
    order = await paid(shop)
    assert order.charged_fen == CASH
    assert len(await shop.charges()) == 1
    assert shop.desk.calls.count("place") == 1


@case(Need.REMOTE)
async def no_answer_and_nothing_done_ends_without_a_charge(shop: Shop) -> None:
    await shop.tried()
    await shop.party.breaks("place", Fault.TIMEOUT_BEFORE)
    await shop.pay()
    limit = 960.0 if (shop.party.name, shop.form) == ("alipay", NATIVE) else 60.0  # a code may be scanned until it ends
    await shop.ended(Phase.FAILED, limit)


@case(Need.REMOTE)
async def no_answer_and_all_done_is_found_and_paid_or_undone(shop: Shop) -> None:
    await shop.tried()
    await shop.party.breaks("place", Fault.TIMEOUT_AFTER)
    await shop.pay()
    await shop.passes(3)
    await person_pays(shop)
    await shop.ended(Phase.FAILED if shop.party.name == AT_BANK else Phase.PAID)


@case(Need.REMOTE)
async def a_provider_that_is_down_is_not_charged_twice_by_a_new_attempt(shop: Shop) -> None:
    await shop.tried()
    await shop.party.breaks("place", Fault.UNAVAILABLE)
    await shop.pay()
    if (shop.party.name, shop.form) == ("alipay", NATIVE):
        await shop.revoke()
        await shop.ended(Phase.REVOKED)
        return
    order = await shop.ended(Phase.FAILED)
    await shop.books.keep(_tried_again(order))
    assert await shop.pay() == ""
    await person_pays(shop)
    await shop.ended(Phase.PAID)
    assert len(await shop.charges()) == 2


@case(Need.REMOTE)
async def a_provider_that_is_away_has_been_asked_nothing(shop: Shop) -> None:
    assert shop.account is not None
    away = "127.0.0.1:9" if shop.party.name == AT_BANK else "http://127.0.0.1:9"
    shop.begin(replace(shop.account, address=away))
    await shop.tried()
    assert await shop.pay() in ("PAY_ORDER_UNPAID", "CHANNEL_REFUSED")
    await shop.ended(Phase.FAILED, 0)


@case(Need.REMOTE, Need.PERSON)
async def ten_minutes_of_5xx_are_waited_for(shop: Shop) -> None:
    await placed(shop)
    await shop.party.breaks("any", Fault.UNAVAILABLE, OFTEN)
    asked = len(shop.stage.sent)
    await shop.passes(600)
    assert (await shop.now()).phase is Phase.WAITING
    assert len(shop.stage.sent) - asked < 60, "it is asked too often"
    await shop.party.mended()
    await shop.person_pays()
    await shop.ended(Phase.PAID)


@case(Need.REMOTE, at="national")
async def ten_minutes_of_5xx_after_an_answer_that_was_lost(shop: Shop) -> None:
    await shop.tried()
    await shop.party.breaks("place", Fault.TIMEOUT_AFTER)
    for call in ("look", "close"):
        await shop.party.breaks(call, Fault.UNAVAILABLE, OFTEN)
    await shop.pay()
    asked = len(shop.stage.sent)
    await shop.passes(600)
    assert (await shop.now()).running
    assert len(shop.stage.sent) - asked < 100, "it is asked too often"
    await shop.party.mended()
    await person_pays(shop)
    await shop.ended(Phase.FAILED if shop.party.name == AT_BANK else Phase.PAID)


@case(Need.REMOTE, Need.ODD)
async def a_status_that_nobody_names_means_ask_again(shop: Shop) -> None:
    if shop.party.name == AT_BANK:
        await shop.tried(9_191)
        await shop.pay()
        await shop.ended(Phase.FAILED)
        return
    await shop.tried()
    await shop.party.breaks("place", Fault.TIMEOUT_AFTER)
    await shop.party.follows(Fault.UNKNOWN_STATUS, 2)
    await shop.pay()
    assert (await shop.now()).phase in (Phase.PLACING, Phase.WAITING)
    await person_pays(shop)
    await shop.ended(Phase.PAID)


@case(Need.REMOTE)
async def who_declines_has_paid_nothing(shop: Shop) -> None:
    if shop.form == CODE:
        await shop.tried(9_104)
        assert await shop.pay() == "CHANNEL_REFUSED"
        await shop.ended(Phase.FAILED, 0)
        return
    await placed(shop)
    await shop.person_pays(deny=True)
    await shop.revoke()
    await shop.ended(Phase.REVOKED if (await shop.now()).phase is not Phase.FAILED else Phase.FAILED)


@case()
async def the_same_request_again_is_the_same_charge(shop: Shop) -> None:
    await shop.tried()
    assert await shop.pay("the same") == ""
    assert (await shop.pay("the same"), len(await shop.charges())) == ("", 1)
    await person_pays(shop)
    await shop.ended(Phase.PAID)
    assert (await shop.pay("the same"), shop.desk.calls.count("place")) == ("", 1)


@case()
async def another_request_makes_no_second_charge(shop: Shop) -> None:
    await placed(shop)
    assert await shop.pay() == "PAY_ORDER_STATE"
    await person_pays(shop)
    await shop.ended(Phase.PAID)
    assert await shop.pay() == "PAY_ORDER_STATE"
    assert len(await shop.charges()) == 1


@case()
async def who_dies_before_the_channel_is_asked_has_charged_nothing(shop: Shop) -> None:
    await shop.tried()
    shop.dies.before = Phase.PLACING
    assert await shop.pay() == "CRASH"
    shop.begin()
    await shop.ended(Phase.FAILED)


@case()
async def who_dies_after_the_intent_was_stored_is_at_rest_soon(shop: Shop) -> None:
    await shop.tried()
    shop.dies.after = Phase.PLACING
    assert await shop.pay() == "CRASH"
    shop.begin()
    if (shop.party.name, shop.form) == ("alipay", NATIVE):
        await shop.revoke()
        await shop.ended(Phase.REVOKED)
        return
    order = await shop.at_rest()
    assert order.phase is (Phase.PAID if shop.party.name == "cash" else Phase.FAILED)
    await shop.agree()


@case()
async def who_dies_with_the_answer_in_hand_finds_it_again(shop: Shop) -> None:
    await shop.tried()
    shop.dies.before = Phase.WAITING if shop.form != CODE else Phase.CHARGED
    assert await shop.pay() == "CRASH"
    shop.begin()
    await person_pays(shop)
    await shop.ended(Phase.PAID)
    assert len(await shop.charges()) == 1


@case()
async def who_dies_before_it_is_written_that_it_is_paid_confirms_once_more(shop: Shop) -> None:
    await shop.tried()
    shop.dies.before = Phase.PAID
    await shop.pay()
    await person_pays(shop)
    await shop.passes(20)
    shop.begin()
    await shop.ended(Phase.PAID)


@case()
async def an_order_without_cash_is_paid_without_a_charge(shop: Shop) -> None:
    await shop.tried(cash=0)
    assert await shop.pay() == ""
    if shop.form == MIXED:
        await shop.person_pays()
    order = await shop.ended(Phase.PAID)
    assert (order.charged_fen, "place" in shop.desk.calls) == (0, shop.form == MIXED)


@case()
async def an_order_of_cash_alone_is_paid(shop: Shop) -> None:
    await shop.tried(fund=0, acct=0)
    assert await shop.pay() == ""
    await person_pays(shop)
    await shop.ended(Phase.PAID)


@case()
async def a_single_fen_is_a_charge(shop: Shop) -> None:
    await paid(shop, 1)


@case()
async def freight_and_a_discount_are_in_what_is_collected(shop: Shop) -> None:
    await shop.tried()
    adds, reduces = (
        [channel_pb2.Adjustment(kind=kind, amount_fen=fen)] for kind, fen in (("FREIGHT", 600), ("PRE_PAYMENT", 100))
    )
    assert await shop.pay(adds=adds, reduces=reduces) == ""
    await person_pays(shop)
    assert (await shop.ended(Phase.PAID)).charged_fen == CASH + 500


@case()
async def more_off_than_there_is_charges_nothing(shop: Shop) -> None:
    await shop.tried()
    reduces = [channel_pb2.Adjustment(kind="DISCOUNT", amount_fen=CASH + 1)]
    assert await shop.pay(reduces=reduces) == "CHARGE_UNBALANCED"
    await shop.ended(Phase.TRIED, 0)
    assert not shop.stage.sent


@case()
async def a_split_that_has_moved_charges_nothing(shop: Shop) -> None:
    await shop.tried()
    shop.settlement.split = Split(FUND + ACCT + CASH, fund_fen=FUND - 1, acct_fen=ACCT, cash_fen=CASH + 1)
    assert await shop.pay() == "SPLIT_MOVED"
    await shop.ended(Phase.SAVED, 0)
    assert not shop.stage.sent


@case()
async def a_channel_that_is_switched_off_in_the_region_is_asked_nothing(shop: Shop) -> None:
    await shop.tried()
    shop.closed += [Switch("1101", date(2026, 1, 1), channel=shop.party.name)]
    assert await shop.pay() == "CHANNEL_CLOSED_HERE"
    await shop.ended(Phase.TRIED, 0)
    assert not shop.stage.sent
    shop.closed[0] = Switch("3701", date(2026, 1, 1), channel=shop.party.name)
    assert await shop.pay() == ""


@case()
async def what_a_form_needs_is_asked_for_before_anything_is_opened(shop: Shop) -> None:
    await shop.tried()
    lacking: dict[int, dict[str, Any]] = {CODE: {"code": ""}, APP: {"user_no": ""}, MIXED: {"location": ""}}
    if shop.form == NATIVE or shop.party.name == "cash":
        assert await shop.pay(pay_form=MIXED) in ("CODE_MISSING", "CHANNEL_FORM_UNKNOWN")
    else:
        assert await shop.pay(**lacking[shop.form]) == "CODE_MISSING"
    assert shop.settlement.states == {}
    await shop.ended(Phase.TRIED, 0)


@case(Need.REMOTE)
async def an_institution_without_a_contract_is_told_so(shop: Shop) -> None:
    assert shop.account is not None
    shop.begin(replace(shop.account, fixmedins_code="H99010000009"))
    await shop.tried()
    assert await shop.pay() == "MERCHANT_UNKNOWN"
    await shop.ended(Phase.TRIED, 0)


@case()
async def settlement_that_refuses_to_hold_lets_nobody_be_charged(shop: Shop) -> None:
    await shop.tried()
    hold = shop.settlement.hold
    shop.settlement.hold = _refuses(shop.settlement)  # type: ignore[method-assign]  # what it answers is the case
    assert await shop.pay() == "ORDER_VOID"
    shop.settlement.hold = hold  # type: ignore[method-assign]  # as above
    await shop.ended(Phase.FAILED)
    assert not shop.stage.sent


@case()
async def confirm_that_is_away_is_repeated(shop: Shop) -> None:
    shop.settlement.away_for["confirm"] = 3
    await shop.tried()
    await shop.pay()
    await person_pays(shop)
    await shop.ended(Phase.PAID)
    assert shop.settlement.away_for["confirm"] == 0


@case()
async def confirm_that_is_refused_after_a_charge_gives_the_cash_back(shop: Shop) -> None:
    await shop.tried()
    shop.settlement.confirm = _refuses(shop.settlement)  # type: ignore[method-assign]  # as above
    await _goes_back(shop, "ORDER_VOID")


@case()
async def a_charge_after_the_settlement_has_lapsed_goes_back(shop: Shop) -> None:
    await shop.tried()
    shop.settlement.lapses_on_confirm = True
    await _goes_back(shop, "ORDER_LAPSED")


async def _goes_back(shop: Shop, reason: str) -> None:
    """The order is charged and cannot be confirmed: its cash goes back."""
    await shop.pay()
    await person_pays(shop)
    if not shop.channel.terms.moves_money:
        # Cash in a drawer is handed out by people: they are told, and say when it is done.
        assert (await shop.ended(Phase.HELD)).reason == CASH_TO_HAND_OUT
        return
    order = await shop.ended(Phase.FAILED)
    assert (order.reason, order.refunded_fen) == (reason, CASH)


@case(Need.REMOTE)
async def a_lapsed_charge_whose_return_gets_lost_goes_back_once(shop: Shop) -> None:
    await shop.tried()
    shop.settlement.lapses_on_confirm = True
    await shop.party.breaks("refund", Fault.TIMEOUT_AFTER)
    await shop.pay()
    await person_pays(shop)
    await shop.ended(Phase.FAILED)


def _refuses(settlement: FakeSettlement) -> Any:
    async def refuse(order: PayOrder, expires_s: int = 0) -> None:
        settlement.states[order.open_no] = "void"
        await FakeSettlement.hold(settlement, order, expires_s)

    return refuse


def _tried_again(order: PayOrder) -> Write:
    """What 6202 writes of an order that has failed."""
    again = moved(order, Phase.TRIED, order.changed_at, reason="", charged_fen=0, refunded_fen=0)
    return Write(again, order.version)
