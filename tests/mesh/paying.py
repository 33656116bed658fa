"""Mobile payment as an institution and a person play it: authorise, save, place, pay, ask, refund, revoke."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.mesh.hospital import DRUG, Hospital, rest
from tools.played.messages import Patient
from tools.sandbox_keys import key_of

WINDOW: Final = {"channel": "CHANNEL_KIND_CASH", "payForm": "PAY_FORM_CODE"}


async def has_a_key(hospital: Hospital) -> None:
    """The institution's key of the REST face."""
    key = key_of("institution", hospital.code)
    name = f"key-of-{hospital.code}"
    asked = {"requestId": name, "role": "ROLE_INSTITUTION", "subject": hospital.code, "apiKey": key}
    await rest(hospital, "/v1/api-keys", asked)


async def authorised(hospital: Hospital, who: Patient) -> str:
    """payAuthNo of the person, given in the national app."""
    number = next(hospital.numbers)
    asked = {"requestId": f"pk{number}", "role": "ROLE_PERSON", "subject": who.psn_no}
    key = (await rest(hospital, "/v1/api-keys", asked))["apiKey"]
    wanted = {"requestId": f"pay-auth-{number}", "psnNo": who.psn_no, "fixmedinsCode": hospital.code}
    return str((await rest(hospital, "/v1/own/payment-authorisations", wanted, key))["payAuthNo"])


def fees(hospital: Hospital, who: Patient, pay_auth_no: str, **changes: Any) -> dict[str, Any]:
    """Node `data` of 6201: a consultation of 6,000.00 yuan."""
    number = next(hospital.numbers)
    now = hospital.moment()
    line = {
        "feedetlSn": f"P{number}",
        "chrgBchno": f"B{number}",
        "rxCircFlag": "0",
        "feeOcurTime": now,
        "medListCodg": DRUG,
        "medinsListCodg": DRUG,
        "detItemFeeSumamt": 6000,
        "cnt": 2,
        "pric": 3000,
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
        "medfeeSumamt": 6000,
        "acctUsedFlag": "0",
        "psnSetlway": "01",
        "chrgBchno": f"B{number}",
        "diseinfoList": [],
        "feedetailList": [line],
    } | changes


def named(hospital: Hospital, saved: dict[str, Any], who: Patient) -> dict[str, Any]:
    """An order, as 6301 and 6401 name it."""
    return order_of(hospital, saved) | {"idNo": who.certno, "userName": who.name, "idType": "01"}


def order_of(hospital: Hospital, saved: dict[str, Any]) -> dict[str, Any]:
    """Number and token of an order that was saved."""
    return {"payOrdId": saved["payOrdId"], "payToken": saved["payToken"], "orgCodg": hospital.code}


async def placed(hospital: Hospital, who: Patient, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order that was saved and placed: what 6201 and 6202 answered."""
    return await placed_by(hospital, who, await authorised(hospital, who), **changes)


async def placed_by(
    hospital: Hospital, who: Patient, auth: str, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same under an authorisation that was given."""
    answer = await hospital.done("6201", {"data": fees(hospital, who, auth, **changes)}, home=who.home)
    saved = dict(answer.output["data"])
    node = order_of(hospital, saved) | {"payAuthNo": auth, "orgBizSer": "1", "mdtrtId": saved["extData"]["mdtrtId"]}
    return saved, dict((await hospital.done("6202", {"data": node})).output["data"])


async def paid(hospital: Hospital, saved: dict[str, Any], request_id: str = "", **how: Any) -> dict[str, Any]:
    """What paying is answered; at the window unless said."""
    data = {"payOrdId": saved["payOrdId"], "payToken": saved["payToken"]} | WINDOW | how
    asked = {
        "requestId": request_id or f"pay-{saved['payOrdId']}",
        "desk": {"fixmedinsCode": hospital.code},
        "data": data,
    }
    return await rest(hospital, "/v1/pay-orders:pay", asked, key_of("institution", hospital.code))


async def given_back(hospital: Hospital, saved: dict[str, Any], split: dict[str, Any], number: str) -> None:
    """6203 of all of it, sent again under its msgid while a notify changes the order at the same moment."""
    msgid, node = hospital.next_msgid(), {"data": refund_of(saved, split, number)}
    async with asyncio.timeout(20):
        while not (answer := await hospital.send("6203", node, msgid=msgid)).succeeded:
            assert "[OUTCOME_UNKNOWN]" in answer.message, answer.message
            await asyncio.sleep(0.1)


def refund_of(
    saved: dict[str, Any], split: dict[str, Any], number: str, kind: str = "ALL", cash: str = ""
) -> dict[str, Any]:
    """Node `data` of 6203: all of an order, its insured part, or some cash."""
    whole = kind != "CASH"
    acct, fund = (float(split[name]) if whole else 0.0 for name in ("psnAcctPay", "fundPay"))
    back = 0.0 if kind == "HI" else float(cash or split["ownPayAmt"])
    return {
        "payOrdId": saved["payOrdId"],
        "appRefdSn": number,
        "appRefdTime": "20260305120000",
        "totlRefdAmt": _amount(acct + fund + back),
        "psnAcctRefdAmt": _amount(acct),
        "fundRefdAmt": _amount(fund),
        "cashRefdAmt": _amount(back),
        "refdType": kind,
        "payAuthNo": "AUTH",
    }


def _amount(yuan: float) -> float | int:
    """An amount as clients write it."""
    return int(yuan) if yuan == int(yuan) else round(yuan, 2)


async def journey(hospital: Hospital, who: Patient) -> None:
    """An order from its bill to its refund, and one that is revoked."""
    saved, split = await placed(hospital, who)
    await paid(hospital, saved)
    await hospital.done("6301", {"data": named(hospital, saved, who)})
    await hospital.done("6203", {"data": refund_of(saved, split, "R1")})
    other, _ = await placed(hospital, who)
    await hospital.done("6401", {"data": named(hospital, other, who)})
