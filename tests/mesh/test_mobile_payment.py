"""Mobile payment at the window, in the plain envelope and REST: the split is tried, opened, paid in cash, refunded, revoked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import yaml

from tests.mesh import paying
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.hospital import rest
from tests.mesh.journeys import encounter_query
from tests.mesh.world import Sandbox
from tests.runtime.receiver import receiving

ROOT: Final = Path(__file__).resolve().parents[2]


async def test_an_order_is_saved_placed_paid_and_refunded(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    saved, split = await paying.placed(hospital, who)
    assert split["ordStas"] == "1"
    assert sum(float(split[name]) for name in ("ownPayAmt", "psnAcctPay", "fundPay")) == 6000
    assert (await paying.paid(hospital, saved))["order"]["phase"] == "ORDER_PHASE_PAID"
    query = {"data": paying.named(hospital, saved, who)}
    found = (await hospital.done("6301", query)).output["data"]
    assert (found["ordStas"], found["setlType"]) == ("6", "ALL")
    settled = found["extData"]
    listed = await hospital.done(
        "5203", {"data": {"setl_id": settled["setlId"], "mdtrt_id": settled["mdtrtId"], "psn_no": who.psn_no}}
    )
    assert listed.output["setlinfo"]["medfee_sumamt"] == 6000
    back = {"data": paying.refund_of(saved, split, "R1")}
    assert (await hospital.done("6203", back)).output["data"]["refStatus"] == "SUCC"
    assert (await hospital.done("6301", query)).output["data"]["ordStas"] == "7"
    assert await town.ledger_findings() == []


async def test_the_institution_is_told_where_its_profile_says_what_became_of_its_order(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    profile = await hospital.http.get(
        f"/v1/partners/{hospital.code}", headers={"Authorization": f"Bearer {OPERATOR_KEY}"}
    )
    before = profile.json()["partner"]
    if "mobile" in before:
        # As the sandbox has it, secrets included: a profile is replaced whole.
        seeded = yaml.safe_load((ROOT / "tools/sandbox/partners.yaml").read_text(encoding="utf-8"))["partners"]
        app = next(each["mobile"] for each in seeded if each["partner_code"] == hospital.code)
        before["mobile"] |= {"appSecret": app["app_secret"], "ownPrivateKey": app["own_private_key"]}
    async with receiving() as receiver:
        receiver.replies = [(500, b""), (200, b'{"success":true}')]
        address = f"http://127.0.0.1:{receiver.port}/6302"
        told = before | {"notifyUrl": address, "notifyPlain": True}
        await rest(hospital, "/v1/partners:register", {"requestId": "told-1", "partner": told})
        await asyncio.sleep(2.1)  # as long as a profile without an address is believed
        saved, _ = await paying.placed(hospital, who)
        await paying.paid(hospital, saved)
        for _ in range(400):
            if receiver.sent:
                break
            await asyncio.sleep(0.05)
        await rest(hospital, "/v1/partners:register", {"requestId": "told-2", "partner": before})
    data = json.loads(receiver.sent[0][1])["input"]["data"]
    assert (data["payOrdId"], data["callType"], data["ordStas"]) == (saved["payOrdId"], "02", "6")
    query = {"data": paying.named(hospital, saved, who)}
    found = (await hospital.done("6301", query)).output["data"]
    assert found["orgName"] == before["partnerName"]
    # Whoever asks within the hour gets the right to undo the payment that the institution was told.
    assert len(data["revsToken"]) == 32
    assert found["revsToken"] == data["revsToken"]


async def test_cash_goes_back_in_parts_and_the_insured_part_whole(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    saved, split = await paying.placed(hospital, who)
    await paying.paid(hospital, saved)
    query = {"data": paying.named(hospital, saved, who)}
    for number, kind, cash, stas in (("R1", "CASH", "1.00", "10"), ("R2", "HI", "", "11")):
        back = {"data": paying.refund_of(saved, split, number, kind, cash)}
        assert (await hospital.done("6203", back)).output["data"]["refStatus"] == "SUCC"
        assert (await hospital.done("6301", query)).output["data"]["ordStas"] == stas
    too_much = {"data": paying.refund_of(saved, split, "R3", "CASH", str(split["ownPayAmt"]))}
    assert await hospital.refused("6203", too_much) == "REFUND_EXCEEDS_PAID"


async def test_a_revoked_order_leaves_nothing_and_its_number_is_used_up(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    query = {"data": paying.named(hospital, saved, who)}
    answer = (await hospital.done("6401", query)).output["data"]
    assert answer["success"] is True
    assert (await hospital.done("6301", query)).output["data"]["ordStas"] == "12"
    listed = await hospital.done("5201", {"data": encounter_query(hospital, who)})
    assert listed.output["mdtrtinfo"] == []
    auth = await paying.authorised(hospital, who)
    again = paying.fees(hospital, who, auth)
    first = (await hospital.done("6201", {"data": again}, home=who.home)).output["data"]
    second = (await hospital.done("6201", {"data": again}, home=who.home)).output["data"]
    assert first["payOrdId"] == second["payOrdId"]
    assert (
        await hospital.refused("6201", {"data": again | {"medfeeSumamt": "1.00", "feedetailList": []}})
        == "PAY_ORDER_EXISTS"
    )


async def test_a_bill_that_contradicts_itself_is_not_saved(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    good = paying.fees(hospital, who, await paying.authorised(hospital, who))
    for changed, reason in (
        ({"medfeeSumamt": "5999.99"}, "FEE_SUM_MISMATCH"),
        ({"orgCodg": "H99019999999"}, "DESK_MISMATCH"),
        ({"feeType": "99"}, "INVALID_REQUEST"),
        ({"medType": "21", "feeType": "02", "mdtrtId": ""}, "INVALID_REQUEST"),
    ):
        assert await hospital.refused("6201", {"data": good | changed}) == reason, changed
    saved = (await hospital.done("6201", {"data": good}, home=who.home)).output["data"]
    another = paying.named(hospital, saved, who) | {"userName": "另一人"}
    for infno in ("6301", "6401"):
        assert await hospital.refused(infno, {"data": another}) == "PERSON_MISMATCH", infno


async def test_an_authorisation_is_good_once_for_one_person_at_one_institution(town: Sandbox) -> None:
    hospital, (who, other) = town.hospital, await town.newcomers.many(2)
    auth = await paying.authorised(hospital, who)
    await hospital.done("6201", {"data": paying.fees(hospital, who, auth)}, home=who.home)
    assert await hospital.refused("6201", {"data": paying.fees(hospital, who, auth)}) == "PAY_AUTH_SPENT"
    assert await hospital.refused("6201", {"data": paying.fees(hospital, other, auth)}) == "PAY_AUTH_OF_ANOTHER"
    assert await hospital.refused("6201", {"data": paying.fees(hospital, who, "AUTHnone")}) == "PAY_AUTH_UNKNOWN"


async def test_nobody_authorises_a_payment_at_an_institution_that_does_not_exist(town: Sandbox) -> None:
    who = await town.newcomers.one()
    asked = {"requestId": "nowhere-key", "role": "ROLE_PERSON", "subject": who.psn_no}
    key = (await rest(town.hospital, "/v1/api-keys", asked))["apiKey"]
    wanted = {"requestId": "nowhere", "psnNo": who.psn_no, "fixmedinsCode": "H99019999999"}
    for _ in range(2):
        told = await town.hospital.http.post(
            "/v1/own/payment-authorisations", json=wanted, headers={"Authorization": f"Bearer {key}"}
        )
        details = told.json()["error"]["details"]
        assert [each["reason"] for each in details if "reason" in each] == ["INSTITUTION_UNKNOWN"]
