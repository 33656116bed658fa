"""The WeChat channel at its twin: orders are placed, seen, closed and refunded, whatever gets lost on the way; bills are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.payment.channels.protocol import Lost
from services.payment.channels.wechat_words import bill_lines, digest_of, mixed_seen
from services.payment.domain.charges import About, BillKind, ChannelState, Half, RefundStanding
from tests.payment.wechat_counter import (
    ACCT,
    APP,
    CASH,
    CODE,
    FUND,
    MIXED,
    NATIVE,
    Counter,
    counter,
    delivery,
)
from yibao.payment.v1 import channel_pb2


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Counter]:
    """One twin for all of these tests; each has orders of its own."""
    async with counter() as made:
        yield made


async def test_a_mixed_order_is_waited_for_heard_and_seen_with_both_halves(desk: Counter) -> None:
    charge = desk.charge(MIXED)
    placed = await desk.channel.place(charge)
    assert (placed.standing, placed.half, placed.total_fen) == (ChannelState.WAITING, Half.WAITING, FUND + ACCT + CASH)
    assert placed.front["mix_trade_no"] == placed.mix_trade_no
    assert placed.front["package"] == f"prepay_id={placed.front['prepay_id']}"
    await desk.pays(charge)
    heard = [await desk.heard(charge.charge_no)]
    seen = await desk.channel.look(charge)
    assert (seen.standing, seen.half, seen.charged_fen) == (ChannelState.CHARGED, Half.DONE, CASH)
    assert seen.trade_no.startswith("42")
    assert heard[0].about is About.CHARGE


async def test_the_cash_of_a_mixed_order_says_nothing_of_its_other_half(desk: Counter) -> None:
    charge = desk.charge(MIXED)
    await desk.channel.place(charge)
    await desk.pays(charge)
    url = desk.desk.notify_url("cash-alone")
    await desk.desk.door("notify", kind="transaction", out_trade_no=charge.charge_no, url=url)
    (request,) = await desk.desk.heard("/cash-alone")
    heard = desk.channel.hear(delivery(request))
    assert heard.charge is not None
    assert (heard.charge.standing, heard.charge.half) == (ChannelState.CHARGED, Half.UNKNOWN)


async def test_what_is_added_and_reduced_is_no_part_of_the_bill(desk: Counter) -> None:
    adds = [channel_pb2.Adjustment(kind="FREIGHT", amount_fen=600)]
    reduces = [channel_pb2.Adjustment(kind="PHARMACY_DISCOUNT", amount_fen=200)]
    charge = desk.charge(MIXED, adds=adds, reduces=reduces, charge_fen=CASH + 400)
    await desk.channel.place(charge)
    await desk.pays(charge)
    seen = await desk.channel.look(charge)
    assert (seen.charged_fen, seen.total_fen) == (CASH + 400, FUND + ACCT + CASH)


async def test_orders_without_cash_or_without_insurance_are_mixed_orders_with_a_part_of_nothing(desk: Counter) -> None:
    insured, cash = desk.charge(MIXED, cash=0), desk.charge(MIXED)
    cash.fund_fen = cash.acct_fen = 0
    cash.total_fen = CASH
    placed = [await desk.channel.place(each) for each in (insured, cash)]
    assert "prepay_id" not in placed[0].front
    assert (await desk.channel.close(insured)).standing is ChannelState.CLOSED
    for each in (insured, cash):
        await desk.pays(each)
    seen = [await desk.channel.look(each) for each in (insured, cash)]
    assert [(each.standing, each.half, each.charged_fen) for each in seen] == [
        (ChannelState.CHARGED, Half.DONE, 0),
        (ChannelState.CHARGED, Half.NONE, CASH),
    ]


async def test_a_payer_for_a_bound_relative_names_both(desk: Counter) -> None:
    patient = channel_pb2.Payer(name="试验乙", cert_no="990101201202300012", cert_type="01")
    assert (await desk.channel.place(desk.charge(MIXED, patient=patient))).standing is ChannelState.WAITING
    refused = await desk.channel.place(desk.charge(MIXED, patient=patient, user_no="oTwinRelativeUnknown"))
    assert (refused.standing, refused.code) == (ChannelState.REFUSED, "268545964")


async def test_a_refused_mixed_order_leaves_no_cash_to_pay(desk: Counter) -> None:
    for given, code in (
        ({"user_no": "oTwinNameDiffers"}, "268545962"),
        ({"pay_auth_no": "AUTHEXPIRED1"}, "268545967"),
        ({"total_fen": 0, "cash_fen": CASH - 1}, "268529477"),
    ):
        charge = desk.charge(MIXED, **given)
        refused = await desk.channel.place(charge)
        assert (refused.standing, refused.code) == (ChannelState.REFUSED, code)
        assert (await desk.channel.look(charge)).standing is ChannelState.CLOSED


async def test_no_certificate_that_the_platform_does_not_know_is_sent(desk: Counter) -> None:
    payer = channel_pb2.Payer(name="试验甲", cert_no="1", cert_type="02")
    before = len(desk.sent)
    assert (await desk.channel.place(desk.charge(MIXED, payer=payer))).code == "CERT_TYPE"
    assert len(desk.sent) == before


async def test_a_name_and_a_number_leave_sealed_and_the_digest_is_the_documented_one(desk: Counter) -> None:
    charge = desk.charge(MIXED)
    await desk.channel.place(charge)
    body = next(each.body.decode() for each in reversed(desk.sent) if each.url.endswith("/v3/med-ins/orders"))
    assert charge.charge_no in body
    assert charge.payer.name not in body
    assert charge.payer.cert_no not in body
    assert digest_of("44030019000101123x") == "09eb26e839ff3a2e3980352ae45ef09e"
    opened = [
        each["text"] for each in (await desk.desk.client.get("/_twin/received")).json()["received"] if "opened" in each
    ]
    assert opened[-2:] == [charge.payer.name, digest_of(charge.payer.cert_no)]


async def test_insurance_that_fails_after_the_cash_was_taken_is_told_with_the_bureaus_reason(desk: Counter) -> None:
    charge = desk.charge(MIXED, cash=19_121)
    await desk.channel.place(charge)
    await desk.pays(charge)
    seen = await desk.channel.look(charge)
    assert (seen.standing, seen.half, seen.charged_fen) == (ChannelState.CHARGED, Half.FAILED, 19_121)
    assert seen.says
    refund = desk.refund(charge)
    assert (await desk.channel.refund(refund)).standing is RefundStanding.UNDER_WAY


async def test_a_person_who_declines_a_mixed_order_has_paid_nothing(desk: Counter) -> None:
    charge = desk.charge(MIXED)
    await desk.channel.place(charge)
    await desk.pays(charge, deny=True)
    seen = await desk.channel.look(charge)
    assert (seen.standing, seen.half, seen.charged_fen) == (ChannelState.REFUSED, Half.FAILED, 0)


async def test_a_closed_order_cannot_be_paid_and_a_paid_one_is_not_closed(desk: Counter) -> None:
    for form in (MIXED, NATIVE, APP):
        closed, paid = desk.charge(form), desk.charge(form)
        for each in (closed, paid):
            await desk.channel.place(each)
        assert (await desk.channel.close(closed)).standing is ChannelState.CLOSED
        assert (await desk.channel.close(closed)).standing is ChannelState.CLOSED
        refused = await desk.desk.client.post("/_twin/pay", json={"out_trade_no": closed.charge_no})
        assert refused.status_code == 400
        await desk.pays(paid)
        late = await desk.channel.close(paid)
        assert (late.standing, late.half) == (ChannelState.CHARGED, Half.DONE if form == MIXED else Half.NONE)
        assert (await desk.channel.close(desk.charge(form))).standing is ChannelState.ABSENT


async def test_money_that_comes_after_a_close_is_seen(desk: Counter) -> None:
    charge = desk.charge(NATIVE)
    await desk.channel.place(charge)
    await desk.channel.close(charge)
    await desk.pays(charge, force=True)
    assert (await desk.channel.look(charge)).standing is ChannelState.CHARGED


async def test_a_code_is_charged_at_once_and_a_close_gives_the_money_back(desk: Counter) -> None:
    charge = desk.charge(CODE)
    placed = await desk.channel.place(charge)
    assert (placed.standing, placed.charged_fen) == (ChannelState.CHARGED, CASH)
    closed = await desk.channel.close(charge)
    assert closed.standing is ChannelState.RETURNED
    waiting = desk.charge(CODE, cash=19_105)
    assert (await desk.channel.place(waiting)).standing is ChannelState.WAITING
    assert (await desk.channel.close(waiting)).standing is ChannelState.CLOSED
    for given in ({"code": "139900000000000000"}, {"code": "12"}, {"cash": 19_104}):
        assert (await desk.channel.place(desk.charge(CODE, **given))).standing is ChannelState.REFUSED


@pytest.mark.parametrize("form", [MIXED, NATIVE, CODE])
async def test_an_answer_lost_before_effect_leaves_an_order_that_may_be_sent_again(
    desk: Counter, form: channel_pb2.PayForm.ValueType
) -> None:
    charge = desk.charge(form, cash=19_101)
    with pytest.raises(Lost) as lost:
        await desk.channel.place(charge)
    assert lost.value.sent
    assert (await desk.channel.look(charge)).standing is ChannelState.ABSENT
    assert (await desk.channel.place(charge)).standing in (ChannelState.WAITING, ChannelState.CHARGED)


async def test_an_answer_lost_after_effect_is_found_by_its_number(desk: Counter) -> None:
    code, native = desk.charge(CODE, cash=19_102), desk.charge(NATIVE, cash=19_102)
    for charge, standing in ((code, ChannelState.CHARGED), (native, ChannelState.WAITING)):
        with pytest.raises(Lost):
            await desk.channel.place(charge)
        assert (await desk.channel.look(charge)).standing is standing
    mixed = desk.charge(MIXED)
    await desk.desk.door("faults", fault="TIMEOUT_AFTER", method="POST", path="/v3/med-ins/orders")
    with pytest.raises(Lost):
        await desk.channel.place(mixed)
    seen = await desk.channel.look(mixed)
    assert (seen.standing, seen.front["mix_trade_no"]) == (ChannelState.WAITING, seen.mix_trade_no)
    assert seen.front["package"] == f"prepay_id={seen.front['prepay_id']}"


async def test_a_mixed_order_of_which_only_the_cash_was_made_is_closed(desk: Counter) -> None:
    charge = desk.charge(MIXED)
    await desk.desk.door("faults", fault="TIMEOUT_BEFORE", method="POST", path="/v3/med-ins/orders")
    with pytest.raises(Lost):
        await desk.channel.place(charge)
    assert (await desk.channel.look(charge)).standing is ChannelState.CLOSED
    refused = await desk.desk.client.post("/_twin/pay", json={"out_trade_no": charge.charge_no})
    assert refused.status_code == 400


async def test_a_provider_that_is_down_says_nothing_of_the_order(desk: Counter) -> None:
    charge = desk.charge(NATIVE)
    await desk.desk.door("faults", fault="UNAVAILABLE", times=2)
    for call in (desk.channel.place, desk.channel.look):
        with pytest.raises(Lost) as lost:
            await call(charge)
        assert lost.value.reason == "STATUS_500"
    away = replace(desk.account, address="http://127.0.0.1:9")
    with pytest.raises(Lost) as lost:
        await desk.channel_of(away).place(charge)
    assert not lost.value.sent


async def test_a_status_that_no_document_names_means_ask_again(desk: Counter) -> None:
    for form in (MIXED, NATIVE):
        charge = desk.charge(form, cash=19_106)
        await desk.channel.place(charge)
        assert [(await desk.channel.look(charge)).standing for _ in range(3)] == [
            ChannelState.UNKNOWN,
            ChannelState.UNKNOWN,
            ChannelState.WAITING,
        ]
    for told in ({}, {"mix_pay_status": "MIX_PAY_SUCCESS", "self_pay_status": "SELF_PAY_SUCCESS"}):
        assert mixed_seen(told).standing is ChannelState.UNKNOWN
    half = {"mix_pay_status": "MIX_PAY_SUCCESS", "self_pay_status": "SELF_PAY_SUCCESS", "total_fee": 1}
    assert mixed_seen(half | {"med_ins_pay_status": "MED_INS_PAY_CREATED"}).standing is ChannelState.UNKNOWN


async def test_another_amount_than_was_ordered_is_told_as_it_is(desk: Counter) -> None:
    charge = desk.charge(NATIVE, cash=19_116)
    await desk.channel.place(charge)
    await desk.pays(charge)
    assert (await desk.channel.look(charge)).charged_fen == 19_117
    moved = desk.charge(MIXED)
    await desk.channel.place(moved)
    moved.fund_fen, moved.acct_fen = FUND + 1, ACCT - 1
    seen = await desk.channel.look(moved)
    assert (seen.total_fen, seen.code) == (-1, "PARTS_DIFFER")


async def test_a_refund_is_accepted_done_heard_and_one_by_its_number(desk: Counter) -> None:
    charge = desk.charge(NATIVE)
    await desk.channel.place(charge)
    await desk.pays(charge)
    refund = desk.refund(charge, 1_000)
    assert (await desk.channel.look_refund(refund)).standing is RefundStanding.ABSENT
    assert (await desk.channel.refund(refund)).standing is RefundStanding.UNDER_WAY
    # The twin may have done it meanwhile.
    again = (await desk.channel.refund(refund)).standing
    assert again in (RefundStanding.UNDER_WAY, RefundStanding.RETURNED)
    heard = await desk.heard(refund.refund_no)
    assert heard.refund is not None
    assert (heard.refund.standing, heard.refund.refunded_fen) == (RefundStanding.RETURNED, 1_000)
    assert await desk.channel.look_refund(refund) == heard.refund
    assert (await desk.channel.refund(desk.refund(charge, CASH - 999))).standing is RefundStanding.REFUSED


async def test_refunds_end_late_closed_or_abnormal(desk: Counter) -> None:
    charge = desk.charge(NATIVE, cash=90_000)
    await desk.channel.place(charge)
    await desk.pays(charge)
    late, closed, abnormal = (desk.refund(charge, fen) for fen in (19_131, 19_132, 19_133))
    for each in (late, closed, abnormal):
        await desk.channel.refund(each)
    standings = [(await desk.channel.look_refund(late)).standing for _ in range(2)]
    assert standings == [RefundStanding.UNDER_WAY, RefundStanding.RETURNED]
    for each, standing in ((closed, RefundStanding.REFUSED), (abnormal, RefundStanding.ABNORMAL)):
        heard = await desk.heard(each.refund_no)
        assert heard.refund is not None
        assert heard.refund.standing is standing
        assert (await desk.channel.look_refund(each)).standing is standing


async def test_the_return_of_the_insured_part_is_told_whole(desk: Counter) -> None:
    charge = desk.charge(MIXED)
    placed = await desk.channel.place(charge)
    await desk.pays(charge)
    insured: dict[str, Any] = {"fund_fen": FUND, "acct_fen": ACCT, "mix_trade_no": placed.mix_trade_no}
    refund = desk.refund(charge, **insured)
    await desk.channel.refund(refund)
    await desk.heard(refund.refund_no)
    for _ in range(2):
        await desk.channel.tell_returned(refund)
    seen = await desk.channel.look(charge)
    assert (seen.standing, seen.half) == (ChannelState.RETURNED, Half.RETURNED)
    other = desk.refund(charge, **(insured | {"fund_fen": FUND - 1}))
    with pytest.raises(Lost, match="RETURN_RULE_LIMIT") as refused:
        await desk.channel.tell_returned(other)
    assert refused.value.refused, "the same is refused again"
    before = len(desk.sent)
    await desk.channel.tell_returned(desk.refund(charge))
    assert len(desk.sent) == before


async def test_the_days_bill_is_read_with_charges_refunds_and_reversals_and_days_without_are_empty() -> None:
    async with counter() as desk:
        native, code = desk.charge(NATIVE, cash=12_345), desk.charge(CODE)
        await desk.channel.place(native)
        await desk.pays(native)
        await desk.channel.place(code)
        await desk.channel.close(code)
        refund = desk.refund(native, 345)
        await desk.channel.refund(refund)
        today = date.fromisoformat(await desk.desk.tomorrow())
        with pytest.raises(Lost, match="BILL_INVALID_REQUEST"):
            await desk.channel.bill(desk.merchant(), today + timedelta(days=1))
        lines = await desk.channel.bill(desk.merchant(), today)
        assert sorted((each.kind.value, each.number, each.amount_fen, each.fee_fen) for each in lines) == sorted(
            [
                (BillKind.CHARGE.value, native.charge_no, 12_345, 25),
                (BillKind.CHARGE.value, code.charge_no, CASH, 5),
                (BillKind.REFUND.value, refund.refund_no, 345, -1),
                (BillKind.REFUND.value, code.charge_no, CASH, -5),
            ]
        )
        assert {each.day for each in lines} == {today}
        assert await desk.channel.bill(desk.merchant(), today - timedelta(days=30)) == ()


def test_a_bill_that_does_not_come_to_its_totals_is_not_read() -> None:
    head, row = (
        "交易时间,微信订单号,商户订单号,交易状态,手续费,订单金额",
        "`2026-11-30 10:00:00,`42,`YB1,`SUCCESS,`0.00200,`1.00",
    )
    totals = "总交易单数,订单总金额"
    assert bill_lines((head, row, totals, "`1,`1.00"))[0].amount_fen == 100
    for told in ("`2,`1.00", "`1,`1.01", "`1,`1.001"):
        with pytest.raises(ValueError, match=r"bill|totals"):
            bill_lines((head, row, totals, told))
