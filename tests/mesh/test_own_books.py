"""A person reads the own books over REST as an app would: signs in with a key of one's own, lists, opens one, pages on."""

from __future__ import annotations

from typing import Any

import httpx

from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.hospital import DRUG, SECOND_DRUG, Hospital, fen, rest
from tests.mesh.world import Sandbox
from tools.played.messages import Patient, Row
from tools.sandbox_keys import key_of

BILL = (Row(DRUG, 1, 300_000), Row(SECOND_DRUG, 2, 1_000))


async def key_for(hospital: Hospital, psn_no: str) -> str:
    """A bearer key that the operator issues to the person, the made one and not the sandbox's."""
    asked = {"requestId": f"key-{hospital.next_msgid()}", "role": "ROLE_PERSON", "subject": psn_no}
    return str((await rest(hospital, "/v1/api-keys", asked, OPERATOR_KEY))["apiKey"])


async def refused(hospital: Hospital, path: str, body: dict[str, Any], key: str) -> tuple[int, str]:
    """Status and reason of a call that must be refused."""
    answer = await hospital.http.post(path, json=body, headers={"Authorization": f"Bearer {key}"})
    details = answer.json()["error"]["details"]
    return answer.status_code, str(details[0]["reason"])


async def test_a_person_signs_in_lists_opens_and_understands_a_bill(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    settled = [(await hospital.visit(who, BILL)).info for _ in range(3)]
    await hospital.done("2208", {"data": {name: settled[2][name] for name in ("setl_id", "mdtrt_id", "psn_no")}})
    key = await key_for(hospital, who.psn_no)
    asked = {"psnNo": who.psn_no, "pageSize": 3}
    first = await rest(hospital, "/v1/own/settlements:list", asked, key)
    second = await rest(hospital, "/v1/own/settlements:list", asked | {"pageToken": first["nextPageToken"]}, key)
    assert not second.get("nextPageToken")
    rows = first["settlements"] + second["settlements"]
    assert [row["setlId"] for row in rows[1:]] == [info["setl_id"] for info in reversed(settled)]
    assert rows[0]["reverses"] == settled[2]["setl_id"]
    assert rows[1]["reversedBy"] == rows[0]["setlId"]
    assert int(rows[1]["psnCashPayFen"]) == fen(settled[2]["psn_cash_pay"])
    one = {"psnNo": who.psn_no, "setlId": settled[0]["setl_id"]}
    opened = await rest(hospital, "/v1/own/settlements:get", one, key)
    assert int(opened["setlinfo"]["psnPartAmtFen"]) == fen(settled[0]["psn_part_amt"])
    assert all(layer["derivation"] for layer in opened["layers"])
    lines = (await rest(hospital, "/v1/own/lines:list", one, key))["lines"]
    assert [int(line["detItemFeeSumamtFen"]) for line in lines] == [300_000, 2_000]
    (account,) = (await rest(hospital, "/v1/own/accounts:list", {"psnNo": who.psn_no}, key))["accounts"]
    account_of = {"psnNo": who.psn_no, "insutype": account["insutype"]}
    moved = (await rest(hospital, "/v1/own/account-movements:list", account_of, key))["movements"]
    assert moved[0]["balanceAfterFen"] == account["balanceFen"]
    assert sum(int(row["amountFen"]) for row in moved) == int(account["balanceFen"])
    kept = (await rest(hospital, "/v1/own/accumulators:list", {"psnNo": who.psn_no}, key))["accumulators"]
    assert {row["benefitYear"] for row in kept} == {"2026"}


async def test_an_account_that_pays_for_the_family_does_not_tell_for_whom(town: Sandbox) -> None:
    hospital = town.hospital.at("H33010600902", "杭州测试医院", "330100")
    user = Patient("33010000000000000401", "杭测甲", "990000198102114013", home="330100")
    owner = "33010000000000000402"
    info = (await hospital.visit(user, [Row("001102009010000", 30, 2_200)])).info
    key = await key_for(hospital, owner)
    account = {"psnNo": owner, "insutype": "310"}
    moved = (await rest(hospital, "/v1/own/account-movements:list", account, key))["movements"]
    paid = [row for row in moved if row["kind"] == "MOVEMENT_KIND_FAMILY_SETTLEMENT"]
    assert sum(int(row["amountFen"]) for row in paid[:1]) == -fen(info["acct_mulaid_pay"])
    assert not any(row.get("setlId") for row in paid)
    other = {"psnNo": owner, "setlId": info["setl_id"]}
    assert await refused(hospital, "/v1/own/settlements:get", other, key) == (404, "SETTLEMENT_NOT_FOUND")
    own = (await rest(hospital, "/v1/own/settlements:list", {"psnNo": owner}, key)).get("settlements", [])
    assert info["setl_id"] not in {row["setlId"] for row in own}


async def test_another_persons_books_stay_shut_whoever_asks(town: Sandbox) -> None:
    hospital = town.hospital
    mine, theirs = [await town.newcomers.one() for _ in range(2)]
    key = await key_for(hospital, mine.psn_no)
    body = {"psnNo": theirs.psn_no}
    assert await refused(hospital, "/v1/own/settlements:list", body, key) == (403, "CALLER_NOT_BOUND")
    institution = key_of("institution", hospital.code)
    assert await refused(hospital, "/v1/own/settlements:list", body, institution) == (403, "ROLE_NOT_ALLOWED")
    without = await hospital.http.post("/v1/own/settlements:list", json=body)
    assert without.status_code == httpx.codes.UNAUTHORIZED
