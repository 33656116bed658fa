"""What Alipay's words become: charges, halves, refunds, notifies and bills, against the twin (C§2, C§5.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from services.kernel.clock import BEIJING, ahead, system_clock
from services.payment.channels.protocol import Delivery, Forged, Lost
from services.payment.domain.charges import About, BillKind, ChannelState, Half, RefundStanding
from tests.payment.alipay_counter import APP, CODE, MIXED, NATIVE, Counter, Form, asked, charge, counter, refund
from yibao.payment.v1 import channel_pb2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk() -> AsyncIterator[Counter]:
    """One counter for all; every test has numbers of its own."""
    async with counter() as made:
        yield made


async def paid(desk: Counter, number: str, form: Form, cash_fen: int = 3_000) -> channel_pb2.ChannelCharge:
    """A charge that the person has paid."""
    made = charge(number, form, cash_fen)
    await desk.channel.place(asked(number, form, cash_fen))
    if form != CODE:
        await desk.control("pay", number=number)
    return made


@pytest.mark.parametrize("form", [CODE, NATIVE, APP, MIXED])
async def test_a_charge_is_placed_waited_for_and_paid_in_every_form(desk: Counter, form: Form) -> None:
    number = f"FORM0000{form}"
    placed = await desk.channel.place(asked(number, form))
    assert placed.standing is (ChannelState.CHARGED if form == CODE else ChannelState.WAITING)
    assert set(placed.front) == {CODE: set(), NATIVE: {"code_url"}, APP: {"pay_url"}, MIXED: {"pay_url"}}[form]
    if form != CODE:
        before = await desk.channel.look(charge(number, form))
        assert (before.standing, before.charged_fen) == (ChannelState.WAITING, 0)
        await desk.control("pay", number=number)
    seen = await desk.channel.look(charge(number, form))
    assert (seen.standing, seen.charged_fen) == (ChannelState.CHARGED, 3_000)
    assert seen.half is (Half.DONE if form == MIXED else Half.NONE)
    assert seen.total_fen == {APP: 3_000, MIXED: 10_000}.get(form)
    assert seen.trade_no
    assert (seen.mix_trade_no != "") is (form in (APP, MIXED))
    assert seen.paid_at is not None


async def test_freight_and_a_discount_are_in_what_is_collected_and_not_in_the_order(desk: Counter) -> None:
    more: dict[str, Any] = {
        "adds": [channel_pb2.Adjustment(kind="FREIGHT", amount_fen=500)],
        "reduces": [channel_pb2.Adjustment(kind="PHARMACY_DISCOUNT", amount_fen=300)],
    }
    made = asked("EXTRA0001", MIXED, **more)
    made.charge_fen = 3_200
    await desk.channel.place(made)
    await desk.control("pay", number="EXTRA0001")
    seen = await desk.channel.look(made)
    assert (seen.charged_fen, seen.total_fen) == (3_200, 10_000)


async def test_an_order_without_an_insured_part_has_no_half_to_wait_for(desk: Counter) -> None:
    made = asked("NOFUND001", MIXED)
    made.fund_fen = made.acct_fen = made.other_fen = 0
    made.total_fen = made.cash_fen
    assert (await desk.channel.place(made)).half is Half.NONE
    await desk.control("pay", number="NOFUND001")
    seen = await desk.channel.look(made)
    assert (seen.standing, seen.half, seen.total_fen) == (ChannelState.CHARGED, Half.NONE, 3_000)


async def test_an_order_without_cash_is_charged_when_the_insured_part_is_settled(desk: Counter) -> None:
    await desk.channel.place(asked("NOCASH001", MIXED, 0))
    await desk.control("pay", number="NOCASH001")
    seen = await desk.channel.look(charge("NOCASH001", MIXED, 0))
    assert (seen.standing, seen.half, seen.charged_fen, seen.total_fen) == (ChannelState.CHARGED, Half.DONE, 0, 7_000)


@pytest.mark.parametrize(
    ("cash_fen", "code", "standing", "word"),
    [
        (109_104, "", ChannelState.REFUSED, "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        (3_000, "12345", ChannelState.REFUSED, "ACQ.PAYMENT_AUTH_CODE_INVALID"),
        (109_105, "", ChannelState.WAITING, ""),
    ],
)
async def test_a_scanned_code_that_is_refused_or_waits(
    desk: Counter, cash_fen: int, code: str, standing: ChannelState, word: str
) -> None:
    made = asked(f"CODE{cash_fen:06}", CODE, cash_fen)
    made.code = code or made.code
    seen = await desk.channel.place(made)
    assert (seen.standing, seen.code, seen.charged_fen) == (standing, word, 0)


async def test_a_number_that_nobody_knows_may_be_sent_again_unless_its_code_may_still_be_scanned(desk: Counter) -> None:
    seen = {form: (await desk.channel.look(charge("NOBODY001", form))).standing for form in (CODE, NATIVE, APP, MIXED)}
    assert seen == {
        CODE: ChannelState.ABSENT,
        NATIVE: ChannelState.WAITING,
        APP: ChannelState.ABSENT,
        MIXED: ChannelState.ABSENT,
    }


@pytest.mark.parametrize("form", [CODE, NATIVE, APP, MIXED])
async def test_an_answer_that_is_lost_is_lost_and_looking_tells_what_happened(desk: Counter, form: Form) -> None:
    for cash_fen, stands in ((119_101, False), (119_102, True)):
        number = f"LOST{form}{cash_fen}"
        with pytest.raises(Lost) as told:
            await desk.channel.place(asked(number, form, cash_fen))
        assert told.value.sent
        seen = await desk.channel.look(charge(number, form, cash_fen))
        expected = (ChannelState.CHARGED if form == CODE else ChannelState.WAITING) if stands else ChannelState.ABSENT
        assert seen.standing is (ChannelState.WAITING if form == NATIVE else expected)


async def test_a_platform_that_is_down_or_unreachable_is_lost(desk: Counter) -> None:
    await desk.control("faults", fault="UNAVAILABLE", path="alipay.trade.query")
    with pytest.raises(Lost, match=r"DOWN_isp\.unknow-error"):
        await desk.channel.look(charge("DOWN00001", CODE))
    with pytest.raises(Lost) as told:
        await desk.another(address="http://127.0.0.1:1").look(charge("DOWN00001", CODE))
    assert not told.value.sent
    stranger = charge("DOWN00001", CODE)
    stranger.merchant.merchant_no = "2021999999999999"
    with pytest.raises(Lost, match="ACCOUNT_UNKNOWN"):
        await desk.channel.look(stranger)


async def test_what_was_not_even_looked_at_is_refused(desk: Counter) -> None:
    made = asked("REFUSED01", CODE)
    made.charge_fen = 0
    seen = await desk.channel.place(made)
    assert (seen.standing, seen.code) == (ChannelState.REFUSED, "isv.invalid-total-amount")


async def test_two_keys_of_the_platform_stand_while_it_changes_them(desk: Counter) -> None:
    new = (await desk.control("rotate"))["alipay_public_key"]
    with pytest.raises(Lost, match="ANSWER_UNPROVEN"):
        await desk.channel.look(charge("ROTATE001", CODE))
    desk.account = replace(desk.account, provider_keys={**desk.account.provider_keys, "2": new})
    desk.channel = desk.another()
    assert (await desk.channel.look(charge("ROTATE001", CODE))).standing is ChannelState.ABSENT


@pytest.mark.parametrize("form", [CODE, NATIVE, APP, MIXED])
async def test_a_status_that_nobody_names_is_asked_again(desk: Counter, form: Form) -> None:
    await desk.channel.place(asked(f"ODD00000{form}", form, 109_106))
    await desk.control("scan" if form == NATIVE else "trade", number=f"ODD00000{form}")
    seen = await desk.channel.look(charge(f"ODD00000{form}", form, 109_106))
    assert seen.standing is ChannelState.UNKNOWN
    assert seen.half in (Half.NONE, Half.UNKNOWN)


@pytest.mark.parametrize("form", [NATIVE, APP, MIXED])
async def test_an_unpaid_charge_is_closed_for_good(desk: Counter, form: Form) -> None:
    number = f"CLOSE000{form}"
    await desk.channel.place(asked(number, form))
    assert (await desk.channel.close(charge(number, form))).standing is ChannelState.CLOSED
    seen = await desk.channel.place(asked(number, form))
    assert seen.standing is ChannelState.CLOSED


@pytest.mark.parametrize("form", [CODE, NATIVE, APP, MIXED])
async def test_a_close_that_comes_too_late_tells_that_it_is_charged(desk: Counter, form: Form) -> None:
    made = await paid(desk, f"LATE0000{form}", form)
    seen = await desk.channel.close(made)
    assert (seen.standing, seen.charged_fen) == (ChannelState.CHARGED, 3_000)


async def test_a_number_that_was_never_heard_of_is_closed_so_that_it_comes_too_late(desk: Counter) -> None:
    assert (await desk.channel.close(charge("NEVER0001", CODE))).standing is ChannelState.CLOSED
    assert (await desk.channel.place(asked("NEVER0001", CODE))).standing is ChannelState.CLOSED


async def test_success_after_close_is_told_when_looked_at(desk: Counter) -> None:
    await desk.channel.place(asked("AFTER0001", NATIVE))
    await desk.control("scan", number="AFTER0001")
    assert (await desk.channel.close(charge("AFTER0001", NATIVE))).standing is ChannelState.CLOSED
    await desk.control("pay", number="AFTER0001", force=True)
    assert (await desk.channel.look(charge("AFTER0001", NATIVE))).standing is ChannelState.CHARGED


async def test_cash_taken_and_insurance_refused_are_told_apart(desk: Counter) -> None:
    made = await paid(desk, "HALF00001", MIXED, 109_121)
    seen = await desk.channel.look(made)
    assert (seen.standing, seen.half, seen.charged_fen) == (ChannelState.CHARGED, Half.FAILED, 109_121)
    back = await desk.channel.refund(refund("HALFBACK1", made, 109_121))
    assert (back.standing, back.refunded_fen) == (RefundStanding.RETURNED, 109_121)
    seen = await desk.channel.look(made)
    assert (seen.standing, seen.half) == (ChannelState.RETURNED, Half.FAILED)


async def test_insurance_that_went_back_is_told(desk: Counter) -> None:
    made = await paid(desk, "BACK00001", MIXED)
    await desk.control("return_insured", number="BACK00001")
    seen = await desk.channel.look(made)
    assert (seen.standing, seen.half) == (ChannelState.CHARGED, Half.RETURNED)


@pytest.mark.parametrize("form", [CODE, MIXED])
async def test_cash_goes_back_in_parts_and_once_under_a_number(desk: Counter, form: Form) -> None:
    made = await paid(desk, f"PART0000{form}", form)
    first = refund(f"PARTA000{form}", made, 1_000)
    assert (await desk.channel.look_refund(first)).standing is RefundStanding.ABSENT
    assert (await desk.channel.refund(first)).standing is RefundStanding.RETURNED
    again = await desk.channel.refund(first)
    assert again.standing in (RefundStanding.RETURNED, RefundStanding.UNDER_WAY)
    told = await desk.channel.look_refund(first)
    assert (told.standing, told.refunded_fen) == (RefundStanding.RETURNED, 1_000)
    assert told.returned_at is not None
    soon = await desk.channel.refund(refund(f"PARTB000{form}", made, 2_000))
    assert (soon.standing, soon.code) == (RefundStanding.UNKNOWN, "ACQ.REFUND_TOO_FREQUENT")
    much = await desk.channel.refund(refund(f"PARTC000{form}", made, 2_001))
    assert (much.standing, much.code) == (RefundStanding.REFUSED, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    other = await desk.channel.refund(refund(f"PARTA000{form}", made, 999))
    assert (other.standing, other.code) == (RefundStanding.REFUSED, "ACQ.DISCORDANT_REPEAT_REQUEST")
    assert (await desk.channel.look(made)).standing is ChannelState.CHARGED


@pytest.mark.parametrize("form", [CODE, MIXED])
@pytest.mark.parametrize(
    ("cash_fen", "looks"),
    [
        (109_131, [RefundStanding.UNDER_WAY, RefundStanding.RETURNED]),
        (109_132, [RefundStanding.REFUSED]),
        (109_133, [RefundStanding.ABNORMAL]),
    ],
)
async def test_a_refund_that_was_heard_is_not_yet_done(
    desk: Counter, form: Form, cash_fen: int, looks: list[RefundStanding]
) -> None:
    made = await paid(desk, f"SLOW{form}{cash_fen}", form, cash_fen)
    asked_for = refund(f"SLOWR{form}{cash_fen}", made, 1_000)
    assert (await desk.channel.refund(asked_for)).standing is not RefundStanding.RETURNED
    assert [(await desk.channel.look_refund(asked_for)).standing for _ in looks] == looks


async def test_a_notify_tells_a_charge_with_both_halves_and_is_thanked_in_its_own_word(desk: Counter) -> None:
    await paid(desk, "HEAR00001", MIXED)
    (delivery,) = await desk.told("HEAR00001")
    told = desk.channel.hear(delivery)
    assert (told.about, told.number, told.answer, told.answer_type) == (
        About.CHARGE,
        "HEAR00001",
        b"success",
        "text/plain",
    )
    assert told.charge is not None
    assert (told.charge.standing, told.charge.half, told.charge.charged_fen) == (ChannelState.CHARGED, Half.DONE, 3_000)
    assert desk.channel.hear(delivery).event == told.event


async def test_a_notify_of_a_refund_only_says_look(desk: Counter) -> None:
    made = await paid(desk, "HEAR00002", NATIVE)
    await desk.told("HEAR00002")
    await desk.channel.refund(refund("HEARBACK2", made, 100))
    told = desk.channel.hear((await desk.told("HEAR00002", 2))[1])
    assert (told.about, told.number, told.charge) == (About.REFUND, "HEARBACK2", None)
    assert told.refund is not None
    assert told.refund.standing is RefundStanding.UNKNOWN


@pytest.mark.parametrize("forge", ["signature", "key", "stale", "amount"])
async def test_a_notify_that_proves_nothing_is_forged(desk: Counter, forge: str) -> None:
    number = f"FORGE{forge.upper()}"
    await paid(desk, number, APP)
    await desk.told(number)
    await desk.control("notify", number=number, forge=forge)
    true, forged = await desk.told(number, 2)
    assert desk.channel.hear(true).number == number
    with pytest.raises(Forged):
        desk.channel.hear(forged)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"app_id=2021000000000001", b"app_id=nobody&sign=AA", b"a" * 5_000])
async def test_a_body_that_is_no_notify_is_forged(desk: Counter, body: bytes) -> None:
    with pytest.raises(Forged):
        desk.channel.hear(Delivery("alipay", "", {}, body))


async def test_a_clock_that_is_90_s_off_changes_nothing(desk: Counter) -> None:
    late = desk.another(ahead(system_clock, -90))
    assert (await late.look(charge("CLOCK0001", CODE))).standing is ChannelState.ABSENT
    await paid(desk, "CLOCK0002", APP)
    (delivery,) = await desk.told("CLOCK0002")
    for seconds in (90, -90):
        assert desk.another(ahead(system_clock, seconds)).hear(delivery).event


async def test_a_day_s_bill_is_read_by_number_kind_amount_and_day(desk: Counter) -> None:
    merchant = charge("BILL00000", CODE).merchant
    day = datetime(2026, 10, 9, tzinfo=BEIJING)
    assert await desk.channel.bill(merchant, day.date()) == ()
    times = [(day + timedelta(hours=hour)).isoformat() for hour in (1, 23)]
    numbers = ("BILL00001", "BILL00002")
    trades = [{"out_trade_no": n, "total": 1_234, "paid_at": at} for n, at in zip(numbers, times, strict=True)]
    await desk.control("plant", trades=trades)
    lines = await desk.channel.bill(merchant, day.date())
    assert [(each.kind, each.number, each.amount_fen, each.day) for each in lines] == [
        (BillKind.CHARGE, "BILL00001", 1_234, day.date()),
        (BillKind.CHARGE, "BILL00002", 1_234, day.date()),
    ]
    today = datetime.now(UTC).astimezone(BEIJING).date()
    made = await paid(desk, "BILL00003", MIXED)
    await desk.channel.refund(refund("BILLBACK3", made, 500))
    mine = {each.number: each for each in await desk.channel.bill(merchant, today)}
    assert (mine["BILL00003"].amount_fen, mine["BILLBACK3"].amount_fen) == (3_000, 500)
    assert mine["BILLBACK3"].kind is BillKind.REFUND
    assert mine["BILL00003"].trade_no == (await desk.channel.look(made)).trade_no


async def test_nothing_is_told_but_what_the_charge_says(desk: Counter) -> None:
    desk.sent.clear()
    await desk.channel.place(asked("TOLD00001", MIXED, location="121.47,31.23"))
    (sent,) = desk.sent
    assert sent.url == f"{desk.account.address}/gateway.do?charset=utf-8"
    fields = parse_qs(sent.body.decode())
    assert set(fields) == set("app_id method format charset sign_type timestamp version biz_content sign".split())
    assert "医疗费用" in fields["biz_content"][0]
    assert '"real_amount":"30.00"' in fields["biz_content"][0]
