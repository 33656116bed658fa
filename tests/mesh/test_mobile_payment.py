"""Mobile payment as an institution sees it, in the plain envelope and REST: saved, placed, paid in cash, asked for, refunded."""

from __future__ import annotations

from typing import Any, Final

from tests.mesh.hospital import DRUG, Patient, Row, rest
from tests.mesh.world import Sandbox
from tools.sandbox_keys import key_of

BILL: Final = (Row(DRUG, 1, 50_000),)
_NUMBER: Final = iter(range(1, 1_000_000))


async def authorised(town: Sandbox, who: Patient) -> str:
    """payAuthNo of the person, given in the national app."""
    number, hospital = next(_NUMBER), town.hospital
    issued = await rest(
        hospital, "/v1/api-keys", {"requestId": f"pk{number}", "role": "ROLE_PERSON", "subject": who.psn_no}
    )
    asked = {"requestId": f"pay-auth-{number}", "psnNo": who.psn_no, "fixmedinsCode": hospital.code}
    return str((await rest(hospital, "/v1/own/payment-authorisations", asked, issued["apiKey"]))["payAuthNo"])


def fees(town: Sandbox, who: Patient, pay_auth_no: str, **changes: Any) -> dict[str, Any]:
    """Node `data` of 6201: a consultation of 6,000.00 yuan."""
    hospital, number = town.hospital, next(_NUMBER)
    now = hospital.moment()
    line = {
        "feedetlSn": f"P{number}",
        "chrgBchno": f"B{number}",
        "rxCircFlag": "0",
        "feeOcurTime": now,
        "medListCodg": DRUG,
        "medinsListCodg": DRUG,
        "detItemFeeSumamt": "6000.00",
        "cnt": "2",
        "pric": "3000.00",
        "bilgDeptCodg": "D1",
        "bilgDeptName": "内科",
        "bilgDrCodg": "DR1",
        "bilgDrName": "王医生",
        "hospApprFlag": "0",
    }
    return {
        "orgCodg": hospital.code,
        "psnNo": who.psn_no,
        "insutype": who.insutype,
        "medOrgOrd": f"HIS-{number}",
        "begntime": now,
        "idNo": who.certno,
        "userName": who.name,
        "idType": "01",
        "payAuthNo": pay_auth_no,
        "iptOtpNo": f"OP{number}",
        "deptName": "内科",
        "caty": "A03",
        "medType": "11",
        "feeType": "01",
        "medfeeSumamt": "6000.00",
        "acctUsedFlag": "0",
        "psnSetlway": "01",
        "chrgBchno": f"B{number}",
        "diseinfoList": [],
        "feedetailList": [line],
    } | changes


async def test_an_order_is_saved_placed_paid_and_refunded(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    auth = await authorised(town, who)
    saved = (await hospital.done("6201", {"data": fees(town, who, auth)}, home=who.home)).output["data"]
    order = {"payOrdId": saved["payOrdId"], "payToken": saved["payToken"], "orgCodg": hospital.code}
    person = {"idNo": who.certno, "userName": who.name, "idType": "01"}
    placed = (
        await hospital.done(
            "6202", {"data": {**order, "payAuthNo": auth, "orgBizSer": "1", "mdtrtId": saved["extData"]["mdtrtId"]}}
        )
    ).output["data"]
    assert placed["ordStas"] == "1"
    own, acct, fund = (float(placed[name]) for name in ("ownPayAmt", "psnAcctPay", "fundPay"))
    assert own + acct + fund == 6000
    paid = await rest(
        hospital,
        "/v1/pay-orders:pay",
        {
            "requestId": "pay-1",
            "desk": {"fixmedinsCode": hospital.code},
            "data": {
                "payOrdId": saved["payOrdId"],
                "payToken": saved["payToken"],
                "channel": "CHANNEL_KIND_CASH",
                "form": "PAY_FORM_CODE",
            },
        },
        key_of("institution", hospital.code),
    )
    assert paid["order"]["phase"] == "ORDER_PHASE_PAID"
    found = (await hospital.done("6301", {"data": order | person})).output["data"]
    assert (found["ordStas"], found["setlType"]) == ("6", "ALL")
    back = {
        "payOrdId": saved["payOrdId"],
        "appRefdSn": "R1",
        "appRefdTime": "20260305120000",
        "totlRefdAmt": "6000.00",
        "psnAcctRefdAmt": str(placed["psnAcctPay"]),
        "fundRefdAmt": str(placed["fundPay"]),
        "cashRefdAmt": str(placed["ownPayAmt"]),
        "refdType": "ALL",
        "payAuthNo": auth,
    }
    refunded = (await hospital.done("6203", {"data": back})).output["data"]
    assert refunded["refStatus"] == "SUCC"
    found = (await hospital.done("6301", {"data": order | person})).output["data"]
    assert found["ordStas"] == "7"
