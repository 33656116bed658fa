"""Plain trades of the twin: the clerk scans, the person scans, and what follows (C§2.2, C§2.3)."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from tests.twins.alipay.merchant import Letterbox, Merchant, Node, until


async def pay(merchant: Merchant, number: str, amount: str = "30.00", code: str = "", **more: object) -> Node:
    """A clerk scans."""
    code = code or f"28{zlib.crc32(number.encode()):016}"
    content = {"out_trade_no": number, "scene": "bar_code", "auth_code": code, "subject": "诊间缴费"}
    return await merchant.ask("alipay.trade.pay", {**content, "total_amount": amount, **more})


async def precreate(merchant: Merchant, number: str, amount: str = "30.00", **more: str) -> Node:
    """A code for the person to scan."""
    content = {"out_trade_no": number, "subject": "诊间缴费", "total_amount": amount}
    return await merchant.ask("alipay.trade.precreate", content, **more)


async def query(merchant: Merchant, number: str) -> Node:
    """How it stands."""
    return await merchant.ask("alipay.trade.query", {"out_trade_no": number})


async def refund(merchant: Merchant, number: str, amount: str, request_no: str) -> Node:
    """Cash goes back."""
    content = {"out_trade_no": number, "refund_amount": amount, "out_request_no": request_no}
    return await merchant.ask("alipay.trade.refund", content)


async def refund_query(merchant: Merchant, number: str, request_no: str) -> Node:
    """How a refund stands."""
    content = {"out_trade_no": number, "out_request_no": request_no}
    return await merchant.ask("alipay.trade.fastpay.refund.query", content)


async def test_a_scanned_code_pays_at_once_and_the_query_says_so(merchant: Merchant) -> None:
    paid = await pay(merchant, "PAY-1")
    assert (paid["code"], paid["receipt_amount"], paid["buyer_pay_amount"]) == ("10000", "30.00", "30.00")
    seen = await query(merchant, "PAY-1")
    assert (seen["trade_status"], seen["total_amount"], seen["trade_no"]) == (
        "TRADE_SUCCESS",
        "30.00",
        paid["trade_no"],
    )


async def test_a_number_is_paid_once(merchant: Merchant) -> None:
    await pay(merchant, "PAY-2")
    assert (await pay(merchant, "PAY-2"))["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"
    assert (await pay(merchant, "PAY-2", "31.00"))["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"


async def test_a_payment_code_is_good_for_one_trade(merchant: Merchant) -> None:
    await pay(merchant, "PAY-3", code="289999999999999999")
    assert (await pay(merchant, "PAY-4", code="289999999999999999"))["sub_code"] == "ACQ.PAYMENT_AUTH_CODE_INVALID"
    assert (await pay(merchant, "PAY-4", code="123456"))["sub_code"] == "ACQ.PAYMENT_AUTH_CODE_INVALID"
    assert (await query(merchant, "PAY-4"))["sub_code"] == "ACQ.TRADE_NOT_EXIST"


async def test_a_person_who_has_to_enter_a_password_is_waited_for(merchant: Merchant) -> None:
    answer = await pay(merchant, "PAY-5", "1091.05")
    assert (answer["code"], answer["msg"]) == ("10003", "order success pay inprocess")
    await until("TRADE_SUCCESS", lambda: query(merchant, "PAY-5"))


async def test_a_person_without_money_is_refused_and_no_trade_stands(merchant: Merchant) -> None:
    answer = await pay(merchant, "PAY-6", "1091.04")
    assert (answer["code"], answer["sub_code"]) == ("40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH")
    assert (await query(merchant, "PAY-6"))["sub_code"] == "ACQ.TRADE_NOT_EXIST"


async def test_nobody_can_query_a_precreated_trade_before_it_is_scanned(merchant: Merchant) -> None:
    made = await precreate(merchant, "PRE-1")
    assert made["qr_code"].startswith("https://qr.alipay.com/")
    assert (await query(merchant, "PRE-1"))["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    await merchant.control("scan", number=made["qr_code"])
    assert (await query(merchant, "PRE-1"))["trade_status"] == "WAIT_BUYER_PAY"
    await merchant.control("pay", number=made["qr_code"])
    assert (await query(merchant, "PRE-1"))["trade_status"] == "TRADE_SUCCESS"


async def test_a_repeated_precreate_gives_the_same_code(merchant: Merchant) -> None:
    assert await precreate(merchant, "PRE-2") == await precreate(merchant, "PRE-2")
    assert (await precreate(merchant, "PRE-2", "1.00"))["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"


async def test_a_trade_cancelled_before_it_was_scanned_can_never_be_paid(merchant: Merchant) -> None:
    made = await precreate(merchant, "PRE-3")
    told = await merchant.ask("alipay.trade.cancel", {"out_trade_no": "PRE-3"})
    assert (told["code"], told["retry_flag"], "action" in told) == ("10000", "N", False)
    with pytest.raises(AssertionError, match="TRADE_HAS_CLOSE"):
        await merchant.control("pay", number=made["qr_code"])
    assert (await precreate(merchant, "PRE-3"))["sub_code"] == "ACQ.TRADE_HAS_CLOSE"


async def test_a_number_cancelled_before_it_arrived_stays_cancelled(merchant: Merchant) -> None:
    await merchant.ask("alipay.trade.cancel", {"out_trade_no": "LATE-1"})
    assert (await pay(merchant, "LATE-1"))["sub_code"] == "ACQ.TRADE_HAS_CLOSE"


async def test_cancel_closes_what_is_unpaid_and_gives_back_what_is_paid(merchant: Merchant) -> None:
    made = await precreate(merchant, "PRE-4")
    await merchant.control("scan", number=made["qr_code"])
    assert (await merchant.ask("alipay.trade.cancel", {"out_trade_no": "PRE-4"}))["action"] == "close"
    assert (await query(merchant, "PRE-4"))["trade_status"] == "TRADE_CLOSED"
    await pay(merchant, "PAY-7")
    assert (await merchant.ask("alipay.trade.cancel", {"out_trade_no": "PAY-7"}))["action"] == "refund"
    assert (await query(merchant, "PAY-7"))["trade_status"] == "TRADE_CLOSED"


async def test_only_an_unpaid_trade_is_closed(merchant: Merchant) -> None:
    await pay(merchant, "PAY-8")
    told = await merchant.ask("alipay.trade.close", {"out_trade_no": "PAY-8"})
    assert told["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    made = await precreate(merchant, "PRE-5")
    assert (await merchant.ask("alipay.trade.close", {"out_trade_no": "PRE-5"}))["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    await merchant.control("scan", number=made["qr_code"])
    assert (await merchant.ask("alipay.trade.close", {"out_trade_no": "PRE-5"}))["code"] == "10000"


async def test_what_nobody_pays_is_closed_when_its_time_is_over(merchant: Merchant) -> None:
    content = {"out_trade_no": "PRE-6", "subject": "挂号", "total_amount": "5.00", "time_expire": "2026-01-01 00:00:00"}
    made = await merchant.ask("alipay.trade.precreate", content)
    with pytest.raises(AssertionError, match="TRADE_HAS_CLOSE"):
        await merchant.control("pay", number=made["qr_code"])


async def test_a_refund_moves_money_once_under_its_number(merchant: Merchant) -> None:
    await pay(merchant, "REF-1")
    first, again = [await refund(merchant, "REF-1", "10.00", "R1") for _ in range(2)]
    assert (first["fund_change"], again["fund_change"], again["refund_fee"]) == ("Y", "N", "10.00")
    assert (await refund(merchant, "REF-1", "11.00", "R1"))["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    seen = await refund_query(merchant, "REF-1", "R1")
    assert (seen["refund_status"], seen["refund_amount"]) == ("REFUND_SUCCESS", "10.00")
    assert (await query(merchant, "REF-1"))["trade_status"] == "TRADE_SUCCESS"
    assert "out_request_no" not in await refund_query(merchant, "REF-1", "R9")


async def test_two_refunds_of_a_trade_are_three_seconds_apart_and_never_more_than_was_paid(merchant: Merchant) -> None:
    await pay(merchant, "REF-2")
    assert (await refund(merchant, "REF-2", "30.01", "R1"))["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert (await refund(merchant, "REF-2", "10.00", "R1"))["fund_change"] == "Y"
    assert (await refund(merchant, "REF-2", "20.00", "R2"))["sub_code"] == "ACQ.REFUND_TOO_FREQUENT"
    try:
        await merchant.control("clock", offset_s=3.5)
        assert (await refund(merchant, "REF-2", "20.01", "R2"))["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
        assert (await refund(merchant, "REF-2", "20.00", "R2"))["refund_fee"] == "30.00"
    finally:
        await merchant.control("clock", offset_s=0)
    assert (await query(merchant, "REF-2"))["trade_status"] == "TRADE_CLOSED"


async def test_an_answer_of_10000_is_not_yet_a_refund(merchant: Merchant) -> None:
    await pay(merchant, "REF-3", "1091.31")
    assert (await refund(merchant, "REF-3", "1091.31", "R1"))["fund_change"] == "N"
    assert "refund_status" not in await refund_query(merchant, "REF-3", "R1")
    assert (await refund_query(merchant, "REF-3", "R1"))["refund_status"] == "REFUND_SUCCESS"


async def test_a_refund_may_fail_or_rest_with_the_platform(merchant: Merchant) -> None:
    await pay(merchant, "REF-4", "1091.32")
    await refund(merchant, "REF-4", "1.00", "R1")
    assert (await refund_query(merchant, "REF-4", "R1"))["refund_status"] == "REFUND_FAIL"
    await pay(merchant, "REF-5", "1091.33")
    await refund(merchant, "REF-5", "1.00", "R1")
    assert (await refund_query(merchant, "REF-5", "R1"))["deposit_back_info"]["dback_status"] == "F"


async def test_a_status_that_nobody_names(merchant: Merchant) -> None:
    await pay(merchant, "ODD-1", "1091.06")
    assert (await query(merchant, "ODD-1"))["trade_status"] == "TRADE_PENDING"


async def test_a_request_is_lost_before_it_has_an_effect_or_after(merchant: Merchant) -> None:
    for amount, number, stands in (("1091.01", "LOST-1", False), ("1091.02", "LOST-2", True)):
        with pytest.raises(Exception, match="disconnected"):
            await pay(merchant, number, amount)
        assert ((await query(merchant, number))["code"] == "10000") is stands
    assert (await pay(merchant, "LOST-1", "1091.01"))["code"] == "10000"


async def test_a_notify_is_signed_comes_again_under_its_id_and_ends_with_success(
    merchant: Merchant, letterbox: Letterbox
) -> None:
    letterbox.answers = b"SUCCESS "
    made = await precreate(merchant, "TELL-1", notify_url=letterbox.url)
    await merchant.control("pay", number=made["qr_code"])
    bodies = await letterbox.wait(2)
    first, second = [merchant.proven(body) for body in bodies[:2]]
    assert first is not None
    assert second is not None
    assert first["notify_id"] == second["notify_id"]
    assert (first["trade_status"], first["total_amount"], first["out_trade_no"]) == ("TRADE_SUCCESS", "30.00", "TELL-1")
    letterbox.answers = b"success"
    seen = len(await letterbox.wait(len(letterbox.bodies) + 1))
    await asyncio.sleep(0.15)
    assert len(letterbox.bodies) == seen


async def test_a_partial_refund_is_told_where_the_payment_was(merchant: Merchant, letterbox: Letterbox) -> None:
    made = await precreate(merchant, "TELL-2", notify_url=letterbox.url)
    await merchant.control("pay", number=made["qr_code"])
    await refund(merchant, "TELL-2", "4.00", "R1")
    told = merchant.proven((await letterbox.wait(2))[1])
    assert told is not None
    assert (told["trade_status"], told["refund_fee"], told["out_biz_no"]) == ("TRADE_SUCCESS", "4.00", "R1")


@pytest.mark.parametrize(
    ("amount", "bodies", "proven"), [("1091.14", 2, 1), ("1091.13", 3, 3), ("1091.15", 1, 1), ("1091.16", 1, 1)]
)
async def test_notifies_are_forged_repeated_early_or_false_on_demand(
    merchant: Merchant, letterbox: Letterbox, amount: str, bodies: int, proven: int
) -> None:
    made = await precreate(merchant, f"TELL-{amount[-2:]}", amount, notify_url=letterbox.url)
    if amount == "1091.15":
        assert len(letterbox.bodies) == 1
    else:
        await merchant.control("pay", number=made["qr_code"])
    heard = [fields for body in await letterbox.wait(bodies) if (fields := merchant.proven(body))]
    assert len(heard) == proven
    assert (heard[0]["total_amount"] == amount) is (amount != "1091.16")
