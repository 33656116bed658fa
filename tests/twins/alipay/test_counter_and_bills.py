"""The credential at the twin, the day's bill in the platform's own format, and a twin that is killed (C§2.2, C§2.5, C§5.4)."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.twins.alipay.merchant import Merchant, Node, order
from tests.twins.alipay.test_medical import create
from tests.twins.alipay.test_plain import pay, query, refund
from tools.twins.alipay.provider import twin
from tools.twins.clock import BEIJING
from tools.twins.twin import Settings

BEGIN = "alipay.commerce.medical."
MEDICAL_CODE = "424" + "A" * 25


async def authorisation(merchant: Merchant, **more: object) -> Node:
    """Asks for an online authorisation."""
    content = {"req_biz_no": "AUTH-1", "org_cfc_id": "C1", "org_chnl_crtf_code": "a/b=", "ol_biz_type_code": "04107"}
    asked = {**content, "partner_city_code": "310100", "alipay_user_id": "2088000000000001", **more}
    return await merchant.ask(f"{BEGIN}octoken.auth.query", asked)


async def test_an_authorisation_is_given_after_the_person_said_yes(merchant: Merchant) -> None:
    asked = (await authorisation(merchant))["data"]
    assert (asked["auth_stas"], "pay_auth_no" in asked, bool(asked["auth_url"])) == ("0", False, True)
    await merchant.control("authorise", req_biz_no="AUTH-1")
    given = (await authorisation(merchant))["data"]
    assert (given["auth_stas"], given["pay_auth_no"][:10], "auth_url" in given) == ("1", "AUTH310100", False)
    assert (await authorisation(merchant))["data"] == given


async def test_an_authorisation_for_other_business_or_of_nobody_is_refused(merchant: Merchant) -> None:
    assert (await authorisation(merchant, ol_biz_type_code="01301"))["sub_code"] == "isv.invalid-ol-biz-type-code"
    nobody = await authorisation(merchant, alipay_user_id="2088000000000013")
    assert nobody["sub_code"] == "ACQ.MEDICAL_AUTH_INVALID"


async def test_one_code_at_the_window_leads_to_a_payment(merchant: Merchant) -> None:
    window = {"medical_code": MEDICAL_CODE, "org_no": "H99010100001"}
    assert (await merchant.ask(f"{BEGIN}ecode.open.query", window))["open"] == "true"
    closed = {**window, "medical_code": "424" + "9" * 25}
    assert (await merchant.ask(f"{BEGIN}ecode.open.query", closed))["open"] == "false"
    code = await merchant.ask(f"{BEGIN}payment.code.get", {**window, "out_request_no": "W1"})
    assert code == await merchant.ask(f"{BEGIN}payment.code.get", {**window, "out_request_no": "W1"})
    paid = await pay(merchant, "ONE-1", code=code["payment_code"])
    done = {
        "out_biz_no": "ONE-1",
        "biz_type": "OUTPATIENT_PAYMENT",
        "status": "SUCCESS",
        "fee_sumamt": "100.00",
        "fund_pay": "60.00",
        "psn_acct_pay": "10.00",
        "own_pay_amt": "30.00",
        "alipay_trade_no": paid["trade_no"],
    }
    first = await merchant.ask(f"{BEGIN}payment.order.sync", done)
    assert first["order_id"] == (await merchant.ask(f"{BEGIN}payment.order.sync", done))["order_id"]
    wrong = await merchant.ask(f"{BEGIN}payment.order.sync", {**done, "fund_pay": "60.01"})
    assert wrong["sub_code"] == "ACQ.MEDICAL_AMOUNT_ERROR"


@pytest.mark.parametrize("code", ["424", "425" + "A" * 25, "ano" + "中" * 25])
async def test_what_is_no_code_of_the_credential_is_refused(merchant: Merchant, code: str) -> None:
    told = await merchant.ask(f"{BEGIN}ecode.open.query", {"medical_code": code, "org_no": "H1"})
    assert told["sub_code"] == "isv.invalid-medical-code"


async def test_a_day_s_bill_tells_cash_and_refunds_as_a_zip_of_gbk_lines(merchant: Merchant) -> None:
    bill = "alipay.data.dataservice.bill.downloadurl.query"
    day = {"bill_type": "trade", "bill_date": "2027-03-05"}
    try:
        await merchant.control("clock", at="2027-03-05T10:00:00+08:00")
        assert (await merchant.ask(bill, day))["sub_code"] == "isp.bill_not_exist"
        await pay(merchant, "BILL-1", "12.30")
        await create(merchant, "BILL-2")
        await merchant.control("pay", number="BILL-2")
        await refund(merchant, "BILL-1", "2.30", "R1")
        url = (await merchant.ask(bill, day))["bill_download_url"]
        content = (await merchant.client.get(url)).content
        movements = (await merchant.ask(bill, {**day, "bill_type": "signcustomer"}))["bill_download_url"]
        account = (await merchant.client.get(movements)).content
        await merchant.control("clock", at="2027-03-05T10:01:00+08:00")
        assert (await merchant.client.get(url)).status_code == 404
    finally:
        await merchant.control("clock", offset_s=0)
    lines = _lines(content)
    rows = [[field.strip() for field in row] for row in csv.reader(line for line in lines if not line.startswith("#"))]
    numbers, kinds, amounts = (rows[0].index(name) for name in ("商户订单号", "业务类型", "订单金额（元）"))
    told = [(row[numbers], row[kinds], row[amounts]) for row in rows[1:]]
    assert told == [("BILL-1", "交易", "12.30"), ("BILL-2", "交易", "30.00"), ("BILL-1", "退款", "-2.30")]
    assert "#交易合计：2笔，商家实收共42.30元，商家优惠共0.00元" in lines
    assert "#退款合计：1笔，商家实收退款共-2.30元，商家优惠退款共0.00元" in lines
    assert any("40.00" in line and "-2.30" in line for line in _lines(account))


async def test_the_insured_orders_of_a_store_are_listed_by_day_and_a_return_is_one_of_them(merchant: Merchant) -> None:
    listing, info = f"{BEGIN}misetorder.orderno.batchquery", f"{BEGIN}misetorder.info.query"
    for number in ("MIS-1", "MIS-2"):
        await create(merchant, number, store_id="STORE-7")
        await merchant.control("pay", number=number)
    await merchant.control("return_insured", number="MIS-2")
    day = datetime.now(UTC).astimezone(BEIJING).date().isoformat()
    pages = [
        await merchant.ask(listing, {"store_code": "STORE-7", "query_date": day, "page_no": page, "page_size": 2})
        for page in (1, 2)
    ]
    assert [(page["has_more"], len(page["data"]), page["total_count"]) for page in pages] == [
        ("true", 2, "3"),
        ("false", 1, "3"),
    ]
    orders = [await merchant.ask(info, each) for page in pages for each in page["data"]]
    assert [each["medfee_sumamt"] for each in orders] == ["100.00"] * 3
    assert ["refund_set_id" in each for each in orders] == [False, False, True]
    assert [orders[0][name] for name in ("mi_pool_amt", "mi_personal_amt", "psn_cash_pay")] == [
        "60.00",
        "10.00",
        "30.00",
    ]


async def test_a_twin_goes_on_where_it_was_killed_with_the_same_keys(tmp_path: Path) -> None:
    file = tmp_path / "alipay.db"
    before = twin(Settings(state=file))
    await before.start()
    first = Merchant(before)
    await pay(first, "KILL-1")
    await first.ask(f"{BEGIN}trade.createandpay", order("KILL-2"))
    after = twin(Settings(state=file))
    await after.start()
    second = Merchant(after)
    second.url = after.url
    assert before.provider.keys()["alipay_public_key"] == after.provider.keys()["alipay_public_key"]
    assert (await query(second, "KILL-1"))["trade_status"] == "TRADE_SUCCESS"
    assert (await second.control("pay", number="KILL-2"))["trade_status"] == "TRADE_SUCCESS"
    for merchant, running in ((first, before), (second, after)):
        await merchant.client.aclose()
        await running.stop()


def _lines(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        (name,) = file.namelist()
        return file.read(name).decode("gbk").splitlines()
