"""Mobile payment through the mobile envelope: an order goes its whole way signed and encrypted, on the paths of the centre."""

from __future__ import annotations

from typing import Any

from services.runtime.national.envelope import OpenedAnswer, build_request, open_answer
from tests.mesh import paying
from tests.mesh.hospital import Hospital
from tests.mesh.world import Sandbox
from tools.mobile_call import CENTRE, sandbox_app
from tools.played.messages import Patient


async def asked(hospital: Hospital, path: str, data: dict[str, Any]) -> OpenedAnswer:
    """What a path answers the sandbox's hospital, its signature checked."""
    app = sandbox_app()
    answer = await hospital.http.post(CENTRE + path, content=build_request(app, data, hospital.clock()))
    return open_answer(app, answer.content, hospital.clock())


async def done(hospital: Hospital, path: str, data: dict[str, Any]) -> dict[str, Any]:
    answer = await asked(hospital, path, data)
    assert answer.success, answer.message
    return answer.data


async def placed(hospital: Hospital, who: Patient, serial: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order that was saved and placed by way of the centre, and what placed it."""
    auth = await paying.authorised(hospital, who)
    saved = await done(hospital, "uldFeeInfo", paying.fees(hospital, who, auth, insuplcAdmdvs=who.home))
    node = paying.order_of(hospital, saved) | {"payAuthNo": auth, "mdtrtId": saved["extData"]["mdtrtId"]}
    return saved, node | {"orgBizSer": serial}


async def test_an_order_is_saved_placed_paid_found_and_refunded(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    saved, placement = await placed(hospital, who, "MOBILE-1")
    split = await done(hospital, "pay_order", placement)
    assert (split["feeSumamt"], split["ordStas"]) == ("6000.00", "1")
    # The same serial is the same request, though its envelope is another.
    assert await done(hospital, "pay_order", placement) == split
    await paying.paid(hospital, saved)
    query = paying.named(hospital, saved, who)
    found = await done(hospital, "query_order_info", query)
    assert (found["ordStas"], found["setlType"]) == ("6", "ALL")
    plain = (await hospital.done("6301", {"data": query})).output["data"]
    amounts = ("feeSumamt", "ownPayAmt", "psnAcctPay", "fundPay")
    assert {name: found[name] for name in amounts} == {name: f"{plain[name]:.2f}" for name in amounts}
    back = await done(hospital, "refund_Order", paying.refund_of(saved, split, "MR1"))
    assert back["refStatus"] == "SUCC"
    assert (await done(hospital, "query_order_info", query))["ordStas"] == "7"
    assert await town.ledger_findings() == []


async def test_an_order_is_revoked_and_refusals_come_signed(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    saved, placement = await placed(hospital, who, "MOBILE-2")
    await done(hospital, "pay_order", placement)
    query = paying.named(hospital, saved, who)
    assert (await done(hospital, "revoke_order", query))["success"] is True
    assert (await done(hospital, "query_order_info", query))["ordStas"] == "12"
    refused = await asked(hospital, "query_order_info", query | {"payToken": "wrong"})
    assert (refused.code, refused.data) == ("-1", {})
    assert refused.message.startswith("[PAY_TOKEN_WRONG] ")
    unread = await asked(hospital, "refund_Order", {"payOrdId": saved["payOrdId"], "totlRefdAmt": "1.005"})
    assert "totlRefdAmt" in unread.message
