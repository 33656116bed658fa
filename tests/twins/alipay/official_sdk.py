"""The official `alipay-sdk-python`, unmodified, as a merchant of the twin. It runs with that SDK alone (C§2.4)."""

from __future__ import annotations

import datetime
import json
from typing import Any

from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.domain.AlipayCommerceMedicalTradeCreateandpayModel import (
    AlipayCommerceMedicalTradeCreateandpayModel,
)
from alipay.aop.api.domain.SubsidyAmountParam import SubsidyAmountParam
from alipay.aop.api.request.AlipayCommerceMedicalTradeCreateandpayRequest import (
    AlipayCommerceMedicalTradeCreateandpayRequest,
)
from alipay.aop.api.request.AlipayCommerceMedicalTradeQueryRequest import AlipayCommerceMedicalTradeQueryRequest
from alipay.aop.api.request.AlipayCommerceMedicalTradeRefundRequest import AlipayCommerceMedicalTradeRefundRequest
from alipay.aop.api.request.AlipayDataDataserviceBillDownloadurlQueryRequest import (
    AlipayDataDataserviceBillDownloadurlQueryRequest,
)
from alipay.aop.api.request.AlipayTradePayRequest import AlipayTradePayRequest
from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest
from alipay.aop.api.request.AlipayTradeRefundRequest import AlipayTradeRefundRequest
from alipay.aop.api.response.AlipayCommerceMedicalTradeCreateandpayResponse import (
    AlipayCommerceMedicalTradeCreateandpayResponse,
)
from alipay.aop.api.response.AlipayCommerceMedicalTradeQueryResponse import AlipayCommerceMedicalTradeQueryResponse
from alipay.aop.api.util.SignatureUtils import get_sign_content, verify_with_rsa

from tests.twins.alipay.judged import Desk, Told, judge

BEIJING = datetime.timezone(datetime.timedelta(hours=8))


def scenario(desk: Desk) -> Told:
    """A mixed order, a scanned code, refunds, a notify, the bill; and what is not signed."""
    client = _client(desk)
    ask = _asker(client)
    made = AlipayCommerceMedicalTradeCreateandpayResponse()
    made.parse_response_content(client.execute(_order(desk)))
    desk.control("pay", number="OFFICIAL1")
    seen = AlipayCommerceMedicalTradeQueryResponse()
    seen.parse_response_content(
        client.execute(_request(AlipayCommerceMedicalTradeQueryRequest, {"out_trade_no": "OFFICIAL1"}))
    )
    notify = desk.heard()
    signature, _ = notify.pop("sign"), notify.pop("sign_type")
    back = {"out_trade_no": "OFFICIAL1", "refund_amount": "5.00", "refund_request_no": "R1"}
    code = {"out_trade_no": "OFFICIAL2", "scene": "bar_code", "auth_code": "280000000000000002", "subject": "挂号"}
    paid = ask(AlipayTradePayRequest, {**code, "total_amount": "12.00"})
    day = datetime.datetime.now(BEIJING).date().isoformat()
    told = {
        "made": [made.is_success(), made.out_trade_no, made.pay_url],
        "seen": [seen.trade_status, seen.own_pay_status, seen.medical_pay_status, seen.real_amount],
        "notify": [
            bool(verify_with_rsa(client_key(desk), get_sign_content(notify).encode(), signature)),
            notify["out_trade_no"],
        ],
        "forged": _fails(
            lambda: verify_with_rsa(client_key(desk), get_sign_content({**notify, "x": "1"}).encode(), signature)
        ),
        "back": ask(AlipayCommerceMedicalTradeRefundRequest, back)["refund_status"],
        "paid": [paid["code"], paid["total_amount"]],
        "status": ask(AlipayTradeQueryRequest, {"out_trade_no": "OFFICIAL2"})["trade_status"],
        "refund": ask(AlipayTradeRefundRequest, {"out_trade_no": "OFFICIAL2", "refund_amount": "12.00"})["fund_change"],
        "missing": ask(AlipayTradeQueryRequest, {"out_trade_no": "NOBODY"})["sub_code"],
        "unsigned": _unsigned(desk),
    }
    link = ask(AlipayDataDataserviceBillDownloadurlQueryRequest, {"bill_type": "trade", "bill_date": day})
    return told | {"bill": sorted(row[1] for row in desk.bill(link["bill_download_url"])[1:])}


def client_key(desk: Desk) -> str:
    """The platform's public key, as the SDK wants it."""
    return _bare(desk.keys["alipay_public_key"])


def _client(desk: Desk, *, skip_sign: bool = False) -> Any:
    config = AlipayClientConfig()
    config.server_url = f"{desk.address}/gateway.do"
    config.app_id = desk.keys["app_id"]
    config.app_private_key = _bare(desk.keys["app_private_key"])
    config.alipay_public_key = client_key(desk)
    config.skip_sign = skip_sign
    return DefaultAlipayClient(config)


def _order(desk: Desk) -> Any:
    model = AlipayCommerceMedicalTradeCreateandpayModel()
    subsidy = SubsidyAmountParam()
    subsidy.subsidy_amount = "1.00"
    fields = {
        "out_trade_no": "OFFICIAL1",
        "subject": "门诊缴费",
        "total_amount": "101.00",
        "gov_amount": "60.00",
        "account_amount": "10.00",
        "real_amount": "30.00",
        "subsidy_amount_params": [subsidy],
        "order_type": "OUTPATIENT_PAYMENT",
        "org_no": "H99010100001",
        "med_org_ord": "M1",
        "pay_order_id": "ORD1",
        "pay_auth_no": "AUTH1",
        "gmt_out_create": "2026-11-30 16:00:00",
        "alipay_user_id": "2088000000000001",
        "result_notify_url": desk.notify_url,
    }
    for name, value in fields.items():
        setattr(model, name, value)
    return AlipayCommerceMedicalTradeCreateandpayRequest(biz_model=model)


def _request(kind: Any, content: Told) -> Any:
    request = kind()
    request.biz_content = content
    return request


def _asker(client: Any) -> Any:
    def ask(kind: Any, content: Told) -> Any:
        return json.loads(client.execute(_request(kind, content)))

    return ask


def _unsigned(desk: Desk) -> str:
    told = _asker(_client(desk, skip_sign=True))(AlipayTradeQueryRequest, {"out_trade_no": "OFFICIAL2"})
    return str(told["sub_code"])


def _fails(check: Any) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001  # whatever the SDK raises is the answer
        return type(error).__name__
    return ""


def _bare(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if "-----" not in line)


if __name__ == "__main__":
    judge(scenario)
