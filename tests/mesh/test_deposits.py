"""Deposits for stays (住院预缴金): cash alone while the stay is not settled, used by the order of its discharge, or returned."""

from __future__ import annotations

from typing import Any

import httpx

from tests.mesh import paying
from tests.mesh.hospital import Hospital, rest
from tests.mesh.world import Sandbox
from tools.played.messages import Patient
from tools.sandbox_keys import key_of

_SENT = iter(range(1, 10_000))


def bill(hospital: Hospital, who: Patient, mdtrt_id: str, fen: int, **changes: Any) -> dict[str, Any]:
    """Request of 6201 over REST: a deposit."""
    number = f"DEP-{next(_SENT)}"
    data = {
        "orgCodg": hospital.code,
        "psnNo": who.psn_no,
        "insutype": who.insutype,
        "medOrgOrd": number,
        "begntime": hospital.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "idNo": who.certno,
        "userName": who.name,
        "idType": "01",
        "iptOtpNo": number,
        "mdtrtId": mdtrt_id,
        "medType": "MED_TYPE_INPATIENT",
        "feeType": "02",
        "medfeeSumamtFen": str(fen),
        "psnSetlway": "01",
        "chrgBchno": number,
        "deposit": True,
    }
    return {"requestId": number, "desk": {"fixmedinsCode": hospital.code}, "data": data | changes}


async def refused(hospital: Hospital, body: dict[str, Any]) -> str:
    """The reason why 6201 refuses."""
    headers = {"Authorization": f"Bearer {key_of('institution', hospital.code)}"}
    answer = await hospital.http.post("/v1/pay-orders", json=body, headers=headers)
    assert answer.status_code != httpx.codes.OK
    details = answer.json()["error"]["details"]
    return str(next(each["reason"] for each in details if "reason" in each))


async def deposited(hospital: Hospital, who: Patient, mdtrt_id: str, fen: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A deposit that was paid at the window: what 6201 and paying were answered."""
    asked = bill(hospital, who, mdtrt_id, fen)
    saved = (await rest(hospital, "/v1/pay-orders", asked, key_of("institution", hospital.code)))["data"]
    node = paying.order_of(hospital, saved) | {"orgBizSer": asked["requestId"], "mdtrtId": mdtrt_id}
    split = (await hospital.done("6202", {"data": node})).output["data"]
    assert (split["ownPayAmt"], split["fundPay"]) == (fen // 100, 0)
    return saved, (await paying.paid(hospital, saved))["order"]


def cash_back(saved: dict[str, Any], number: str, yuan: str) -> dict[str, Any]:
    """6203: some of a deposit goes back."""
    return {"data": paying.refund_of(saved, {"ownPayAmt": 0, "psnAcctPay": 0, "fundPay": 0}, number, "CASH", yuan)}


async def test_a_deposit_is_kept_for_its_stay_used_at_the_discharge_and_the_rest_goes_back(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    mdtrt_id = await hospital.admit(who)
    saved, order = await deposited(hospital, who, mdtrt_id, 100_000)
    assert (order["phase"], order["setlId"], order["orderType"]) == ("ORDER_PHASE_PAID", "", "PAY_ORDER_TYPE_DEPOSIT")
    await hospital.done("6203", cash_back(saved, "D1", "200.00"))
    await hospital.discharge(who, mdtrt_id)
    auth = await paying.authorised(hospital, who)
    stay = {"mdtrtId": mdtrt_id, "medType": "21", "feeType": "02"}
    out, split = await paying.placed_by(hospital, who, auth, **stay)
    with_deposit = {"reduces": [{"kind": "DEPOSIT_DEDUCTION", "amountFen": "80001"}]}
    assert "DEPOSITS_SHORT" in await failed(hospital, out, with_deposit)
    with_deposit = {"reduces": [{"kind": "DEPOSIT_DEDUCTION", "amountFen": "70000"}]}
    paid = (await paying.paid(hospital, out, request_id="with-deposit", **with_deposit))["order"]
    cash_fen = round(float(split["ownPayAmt"]) * 100)
    assert (paid["phase"], int(paid["depositFen"])) == ("ORDER_PHASE_PAID", 70_000)
    assert int(paid["chargedFen"]) == cash_fen - 70_000
    assert await hospital.refused("6203", cash_back(saved, "D2", "100.01")) == "DEPOSITS_SHORT"
    await hospital.done("6203", cash_back(saved, "D3", "100.00"))
    assert await refused(hospital, bill(hospital, who, mdtrt_id, 5_000)) == "DEPOSIT_STAY_SETTLED"
    assert await town.ledger_findings() == []


async def failed(hospital: Hospital, saved: dict[str, Any], how: dict[str, Any]) -> str:
    """What paying at the window is refused with."""
    try:
        await paying.paid(hospital, saved, request_id=f"fails-{next(_SENT)}", **how)
    except AssertionError as error:
        return str(error)
    raise AssertionError("it was paid")


async def test_what_is_no_deposit_is_refused_and_one_that_is_not_paid_is_revoked(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    mdtrt_id = await hospital.admit(who)
    assert await refused(hospital, bill(hospital, who, "17810000000000000000", 5_000)) == "ENCOUNTER_NOT_FOUND"
    diagnosed = {"diseinfoList": [{"diagCode": "J06.900"}]}
    assert await refused(hospital, bill(hospital, who, mdtrt_id, 5_000, **diagnosed)) == "DEPOSIT_WITH_LINES"
    asked = bill(hospital, who, mdtrt_id, 5_000)
    saved = (await rest(hospital, "/v1/pay-orders", asked, key_of("institution", hospital.code)))["data"]
    named = {"data": paying.named(hospital, saved, who)}
    await hospital.done("6401", named)
    assert (await hospital.done("6301", named)).output["data"]["ordStas"] == "12"
