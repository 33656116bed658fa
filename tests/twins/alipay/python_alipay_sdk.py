"""`python-alipay-sdk`, unmodified but for the address, as a merchant of the twin. It runs with that SDK alone (C§2.4)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from alipay import AliPay
from alipay.exceptions import AliPayValidationError

from tests.twins.alipay.judged import Desk, Told, judge

BEIJING = timezone(timedelta(hours=8))
_MEDICAL = "alipay.commerce.medical.trade."
_ORDER = {
    "out_trade_no": "SDK3",
    "subject": "门诊缴费",
    "total_amount": "100.00",
    "gov_amount": "60.00",
    "account_amount": "10.00",
    "real_amount": "30.00",
    "order_type": "OUTPATIENT_PAYMENT",
    "org_no": "H99010100001",
    "med_org_ord": "M3",
    "pay_order_id": "ORD3",
    "pay_auth_no": "AUTH3",
    "gmt_out_create": "2026-11-30 16:00:00",
    "alipay_user_id": "2088000000000001",
}


def scenario(desk: Desk) -> Told:
    """A code to scan, a scanned code, refunds, a cancel, a notify, a mixed order, the bill; and a stranger's signature."""
    sdk = _sdk(desk, desk.keys["alipay_public_key"])
    made = sdk.api_alipay_trade_precreate("挂号", "SDK1", "30.00")
    desk.control("pay", number=made["qr_code"])
    notify = desk.heard()
    signature = notify.pop("sign")
    paid = sdk.api_alipay_trade_pay("SDK2", "bar_code", "280000000000000009", "挂号", total_amount=12)
    back = sdk.api_alipay_trade_refund("5.00", out_trade_no="SDK1", out_request_no="R1")
    sdk.server_api(f"{_MEDICAL}createandpay", _ORDER)
    desk.control("pay", number="SDK3")
    day = datetime.now(BEIJING).date().isoformat()
    link = sdk.server_api("alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day})
    return {
        "status": sdk.api_alipay_trade_query(out_trade_no="SDK1")["trade_status"],
        "notify": [sdk.verify(dict(notify), signature), notify["total_amount"]],
        "forged": sdk.verify({**notify, "total_amount": "0.01"}, signature),
        "paid": [paid["code"], paid["total_amount"]],
        "back": [back["fund_change"], back["refund_fee"]],
        "refund": sdk.api_alipay_trade_fastpay_refund_query("R1", out_trade_no="SDK1")["refund_status"],
        "cancel": sdk.api_alipay_trade_cancel(out_trade_no="SDK2")["action"],
        "mixed": sdk.server_api(f"{_MEDICAL}query", {"out_trade_no": "SDK3"})["medical_pay_status"],
        "missing": sdk.api_alipay_trade_query(out_trade_no="NOBODY")["sub_code"],
        "stranger": _refuses(_sdk(desk, desk.keys["app_public_key"])),
        "bill": sorted({row[1] for row in desk.bill(link["bill_download_url"])[1:]}),
    }


def _sdk(desk: Desk, platform_key: str) -> Any:
    sdk = AliPay(
        appid=desk.keys["app_id"],
        app_notify_url=desk.notify_url,
        app_private_key_string=desk.keys["app_private_key"],
        alipay_public_key_string=platform_key,
    )
    sdk._gateway = f"{desk.address}/gateway.do"
    return sdk


def _refuses(sdk: Any) -> bool:
    """Whether an answer signed by another key is refused."""
    try:
        sdk.api_alipay_trade_query(out_trade_no="SDK1")
    except AliPayValidationError:
        return True
    return False


if __name__ == "__main__":
    judge(scenario)
