"""Medical trades of the twin: two halves that move independently, and what only the bureau can move (C§2.2, C§2.3)."""

from __future__ import annotations

import pytest

from tests.twins.alipay.merchant import Letterbox, Merchant, Node, order, until

BEGIN = "alipay.commerce.medical.trade."


async def create(merchant: Merchant, number: str, **more: object) -> Node:
    """An order is pushed to the person."""
    return await merchant.ask(f"{BEGIN}createandpay", order(number, **more))


async def query(merchant: Merchant, number: str) -> Node:
    """How it stands."""
    return await merchant.ask(f"{BEGIN}query", {"out_trade_no": number})


def cash(amount: str) -> dict[str, str]:
    """The amounts of an order with that cash part."""
    return {"real_amount": amount, "total_amount": f"{float(amount) + 70:.2f}"}


async def test_the_person_pays_the_cash_and_the_bureau_the_insured_part(merchant: Merchant) -> None:
    made = await create(merchant, "MED-1")
    assert made["pay_url"].startswith("http")
    assert made["trade_no"] != made["alipay_trade_no"]
    seen = await query(merchant, "MED-1")
    assert {seen[name] for name in ("trade_status", "own_pay_status", "medical_pay_status")} == {"WAIT_BUYER_PAY"}
    await merchant.control("pay", number="MED-1")
    seen = await query(merchant, "MED-1")
    assert {seen[name] for name in ("trade_status", "own_pay_status", "medical_pay_status")} == {"TRADE_SUCCESS"}
    amounts = [seen[f"{name}_amount"] for name in ("total", "gov", "account", "other", "real")]
    assert amounts == ["100.00", "60.00", "10.00", "0.00", "30.00"]
    assert seen["gmt_own_paid"]
    assert seen["gmt_medical_paid"]


async def test_a_half_that_is_nothing_is_not_told(merchant: Merchant) -> None:
    await create(merchant, "MED-2", real_amount="0.00", total_amount="70.00")
    await create(
        merchant, "MED-3", gov_amount="0", account_amount="0", total_amount="30.00", pay_auth_no="", pay_order_id=""
    )
    for number in ("MED-2", "MED-3"):
        await merchant.control("pay", number=number)
    insured, paid = await query(merchant, "MED-2"), await query(merchant, "MED-3")
    assert (insured["trade_status"], "own_pay_status" in insured) == ("TRADE_SUCCESS", False)
    assert (paid["trade_status"], "medical_pay_status" in paid) == ("TRADE_SUCCESS", False)


@pytest.mark.parametrize(
    ("change", "code", "sub_code"),
    [
        ({"real_amount": "30.01"}, "40004", "ACQ.MEDICAL_AMOUNT_ERROR"),
        ({"total_amount": "0.00"}, "40002", "isv.invalid-total-amount"),
        ({"pay_auth_no": ""}, "40001", "isv.missing-pay-auth-no"),
        ({"pay_order_id": ""}, "40001", "isv.missing-pay-order-id"),
        ({"org_no": ""}, "40001", "isv.missing-org-no"),
        ({"alipay_user_id": ""}, "40001", "isv.missing-open-id"),
        ({"order_type": "SURGERY"}, "40002", "isv.invalid-order-type"),
        ({"gmt_out_create": "today"}, "40002", "isv.invalid-gmt-out-create"),
        ({"subsidy_amount_params": [{"subsidy_amount": "1.00"}]}, "40004", "ACQ.MEDICAL_AMOUNT_ERROR"),
        ({"subsidy_amount_params": "1.00"}, "40002", "isv.invalid-subsidy-amount-params"),
    ],
)
async def test_an_order_that_does_not_add_up_or_lacks_a_field_is_refused(
    merchant: Merchant, change: dict[str, object], code: str, sub_code: str
) -> None:
    told = await create(merchant, "MED-BAD", **change)
    assert (told["code"], told["sub_code"]) == (code, sub_code)
    assert (await query(merchant, "MED-BAD"))["sub_code"] == "ACQ.TRADE_NOT_EXIST"


async def test_a_subsidy_is_part_of_the_total(merchant: Merchant) -> None:
    told = await create(merchant, "MED-4", real_amount="29.00", subsidy_amount_params=[{"subsidy_amount": "1.00"}])
    assert told["code"] == "10000"


async def test_a_repeat_is_the_same_order_and_another_amount_is_refused(merchant: Merchant) -> None:
    assert await create(merchant, "MED-5") == await create(merchant, "MED-5")
    assert (await create(merchant, "MED-5", **cash("31.00")))["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"


async def test_cash_taken_and_insurance_refused_are_two_states_and_the_cash_can_go_back(merchant: Merchant) -> None:
    for number, change in (("MED-6", cash("1091.21")), ("MED-7", {"pay_auth_no": "REFUSED-1"})):
        await create(merchant, number, **change)
        await merchant.control("pay", number=number)
        seen = await query(merchant, number)
        halves = (seen["trade_status"], seen["own_pay_status"], seen["medical_pay_status"])
        assert halves == ("TRADE_CLOSED", "TRADE_SUCCESS", "TRADE_CLOSED")
        assert seen["medical_pay_msg"]
        back = {"out_trade_no": number, "refund_amount": seen["real_amount"], "refund_request_no": f"R-{number}"}
        assert (await merchant.ask(f"{BEGIN}refund", back))["refund_status"] == "REFUND_SUCCESS"
        seen = await query(merchant, number)
        assert (seen["own_pay_status"], seen["refund_amount"]) == ("TRADE_CLOSED", seen["real_amount"])


async def test_cash_is_refunded_in_parts_and_insurance_whole_by_the_bureau(merchant: Merchant) -> None:
    await create(merchant, "MED-8")
    await merchant.control("pay", number="MED-8")
    back = {"out_trade_no": "MED-8", "refund_amount": "5.00", "refund_request_no": "R1"}
    assert (await merchant.ask(f"{BEGIN}refund", back))["refund_status"] == "REFUND_SUCCESS"
    assert (await merchant.ask(f"{BEGIN}refund.query", back))["refund_amount"] == "5.00"
    unknown = {"out_trade_no": "MED-8", "refund_request_no": "R9"}
    assert (await merchant.ask(f"{BEGIN}refund.query", unknown))["sub_code"] == "ACQ.REFUND_NOT_EXIST"
    seen = await query(merchant, "MED-8")
    assert (seen["trade_status"], seen["medical_pay_status"], seen["refund_amount"]) == (
        "TRADE_SUCCESS",
        "TRADE_SUCCESS",
        "5.00",
    )
    await merchant.control("return_insured", number="MED-8")
    seen = await query(merchant, "MED-8")
    assert (seen["medical_pay_status"], seen["own_pay_status"]) == ("TRADE_CLOSED", "TRADE_SUCCESS")


async def test_only_an_unpaid_order_is_cancelled(merchant: Merchant) -> None:
    await create(merchant, "MED-9")
    told = await merchant.ask(f"{BEGIN}cancel", {"out_trade_no": "MED-9"})
    results = [told[f"{name}_cancel_result"] for name in ("trade", "own_pay", "medical_pay")]
    assert results == ["SUCCESS"] * 3
    assert (await query(merchant, "MED-9"))["trade_status"] == "TRADE_CLOSED"
    await create(merchant, "MED-10")
    await merchant.control("pay", number="MED-10")
    assert (await merchant.ask(f"{BEGIN}cancel", {"out_trade_no": "MED-10"}))["sub_code"] == "ACQ.TRADE_STATUS_ERROR"


@pytest.mark.parametrize(
    ("person", "status"), [("2088000000000011", "TRADE_SUCCESS"), ("2088000000000012", "TRADE_CLOSED")]
)
async def test_some_people_act_by_themselves(merchant: Merchant, person: str, status: str) -> None:
    await create(merchant, f"MED-{person}", alipay_user_id=person)
    await until(status, lambda: query(merchant, f"MED-{person}"))


async def test_the_notify_tells_both_halves(merchant: Merchant, letterbox: Letterbox) -> None:
    await create(merchant, "MED-11", result_notify_url=letterbox.url)
    await merchant.control("pay", number="MED-11")
    told = merchant.proven((await letterbox.wait(1))[0])
    assert told is not None
    names = ("out_trade_no", "trade_status", "own_pay_status", "medical_pay_status", "gov_amount", "real_amount")
    assert [told[name] for name in names] == ["MED-11", *("TRADE_SUCCESS",) * 3, "60.00", "30.00"]


async def test_an_unnamed_status_meets_all_three(merchant: Merchant) -> None:
    await create(merchant, "MED-12", **cash("1091.06"))
    seen = await query(merchant, "MED-12")
    assert {seen[name] for name in ("trade_status", "own_pay_status", "medical_pay_status")} == {"TRADE_PENDING"}
