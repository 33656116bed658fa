"""The life of an ecToken across the mesh: shown, decoded, used, spent by one settlement, dead after half an hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from services.kernel.clock import BEIJING
from tests.mesh import journeys
from tests.mesh.hospital import Hospital, fen
from tests.mesh.journeys import BILL, ec_code, ec_token, scan, with_token
from tests.mesh.world import Sandbox
from tools.played.messages import Patient

OTHER = ("H11010100901", "京华示范医院", "110101")
DECODER = "/localcfc/api/hsecfc/localQrCodeQuery"


def uses(hospital: Hospital, who: Patient, node: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A message of every kind that shows the credential of a bill."""
    shown = {name: node[name] for name in ("mdtrt_cert_type", "mdtrt_cert_no")}
    visit = {"psn_no": who.psn_no, "insutype": who.insutype, "begntime": hospital.moment(), "ipt_otp_no": "EC-AGAIN"}
    return {
        "1101": {"data": shown},
        "2201": {"data": visit | shown},
        "2206": {"data": dict(node)},
        "2207": {"data": dict(node)},
        "2401": hospital.admission(who, shown),
    }


def on_day(town: Sandbox, days: int) -> Hospital:
    """The hospital on a business date so many days from today."""
    hospital = town.hospital.at(town.hospital.code, town.hospital.name, town.hospital.place)
    hospital.day = (town.clock() + timedelta(days=days)).astimezone(BEIJING).date()
    return hospital


class TestToken:
    async def test_a_token_serves_until_a_settlement_spends_it(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        told = await journeys.credential(hospital, who)
        assert told["1101"].output["baseinfo"]["psn_no"] == who.psn_no
        info = told["2207"].output["setlinfo"]
        assert info["mdtrt_cert_type"] == "01"
        assert fen(info["acct_pay"]) == 100_000

    async def test_it_admits_to_a_stay_too(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        shown = with_token(await ec_token(hospital, who))
        await hospital.done("2001", {"data": journeys.benefit_query(hospital, who, "21")})
        mdtrt_id, rows = await hospital.admit(who, shown), BILL[:1]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows))
        await hospital.discharge(who, mdtrt_id)
        bill = hospital.bill(who, mdtrt_id, rows, shown)
        await hospital.done("2303", {"data": bill})
        await hospital.settle(bill, "2304")
        assert await hospital.refused("1101", {"data": shown}) == "EC_TOKEN_SPENT"

    async def test_a_bill_that_does_not_repeat_it_spends_it(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        shown, silent = with_token(await ec_token(hospital, who)), {"mdtrt_cert_no": ""}
        bills = [await hospital.open_visit(who, BILL[:1], shown) for _ in range(2)]
        await hospital.done("2206", {"data": bills[0] | silent})
        await hospital.settle(bills[0] | silent)
        assert await hospital.refused("1101", {"data": shown}) == "EC_TOKEN_SPENT"
        for bill in (bills[1], bills[1] | silent):
            assert await hospital.refused("2207", {"data": bill}) == "EC_TOKEN_SPENT"
        await hospital.settle(bills[1] | who.id_card)

    async def test_the_token_of_an_admission_is_spent_by_the_interim_bill_and_the_last_one_passes(
        self, town: Sandbox
    ) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        shown, silent = with_token(await ec_token(hospital, who)), {"mdtrt_cert_no": ""}
        mdtrt_id, rows = await hospital.admit(who, shown), BILL[:1]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows))
        await hospital.settle(hospital.bill(who, mdtrt_id, rows, shown, mid_setl_flag="1") | silent, "2304")
        assert await hospital.refused("1101", {"data": shown}) == "EC_TOKEN_SPENT"
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows, first=2))
        await hospital.discharge(who, mdtrt_id)
        await hospital.settle(hospital.bill(who, mdtrt_id, rows, shown) | silent, "2304")

    @pytest.mark.parametrize("infno", ["1101", "2201", "2206", "2207", "2401"])
    async def test_once_spent_it_serves_nowhere(self, town: Sandbox, infno: str) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        shown = with_token(await ec_token(hospital, who))
        await hospital.visit(who, BILL[:1], shown)
        later = await hospital.open_visit(who, BILL[:1])
        assert await hospital.refused(infno, uses(hospital, who, later | shown)[infno]) == "EC_TOKEN_SPENT"

    async def test_the_message_that_spent_it_is_answered_again(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, BILL[:1], with_token(await ec_token(hospital, who)))
        again = await hospital.done("2207", {"data": done.node}, msgid=done.msgid, home=who.home)
        assert again.output_text == done.answer.output_text

    async def test_a_reversal_does_not_give_it_back(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, BILL[:1], with_token(await ec_token(hospital, who)))
        await hospital.done("2208", {"data": done.reference})
        assert await hospital.refused("2207", {"data": done.node}) == "EC_TOKEN_SPENT"
        await hospital.done("2207", {"data": {**done.node, **who.id_card}})

    async def test_a_refused_settlement_does_not_spend_it(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node = await hospital.open_visit(who, BILL[:1], with_token(await ec_token(hospital, who)))
        assert await hospital.refused("2207", {"data": node | {"medfee_sumamt": "1"}}) == "FEE_SUM_MISMATCH"
        await hospital.done("2207", {"data": node})

    async def test_it_is_worth_nothing_at_another_hospital(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        shown = with_token(await ec_token(hospital, who))
        assert await hospital.at(*OTHER).refused("1101", {"data": shown}) == "EC_TOKEN_WRONG_INSTITUTION"
        await hospital.done("1101", {"data": shown})

    async def test_it_is_worth_nothing_for_another_person(self, town: Sandbox) -> None:
        hospital, (who, other) = town.hospital, await town.newcomers.many(2)
        shown = with_token(await ec_token(hospital, who))
        node = await hospital.open_visit(other, BILL[:1])
        assert await hospital.refused("2207", {"data": node | shown}) == "EC_TOKEN_WRONG_PERSON"

    async def test_what_nobody_gave_is_no_token(self, town: Sandbox) -> None:
        assert await town.hospital.refused("1101", {"data": with_token("0" * 32)}) == "EC_TOKEN_UNKNOWN"

    @pytest.mark.parametrize("infno", ["1101", "2201", "2206", "2207", "2401"])
    async def test_it_lives_half_an_hour(self, town: Sandbox, infno: str) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        shown = with_token(await ec_token(hospital, who))
        node = await hospital.open_visit(who, BILL[:1], shown)
        town.clock.forward(minutes=29)
        await hospital.done("1101", {"data": shown})
        town.clock.forward(minutes=2)
        assert await hospital.refused(infno, uses(hospital, who, node)[infno]) == "EC_TOKEN_EXPIRED"


class TestCode:
    async def test_a_code_is_scanned_once(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        scanned = {"InData": scan(hospital, await ec_code(hospital, who))}
        msgid = hospital.next_msgid()
        first = await hospital.done("6101", scanned, msgid=msgid)
        assert await hospital.refused("6101", scanned) == "CODE_USED"
        assert (await hospital.done("6101", scanned, msgid=msgid)).output_text == first.output_text

    async def test_a_code_lives_sixty_seconds(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        code = await ec_code(hospital, who)
        assert len(code) == 28
        town.clock.forward(seconds=61)
        assert await hospital.refused("6101", {"InData": scan(hospital, code)}) == "CODE_EXPIRED"

    async def test_a_new_code_takes_the_place_of_the_last(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        old, new = [await ec_code(hospital, who) for _ in range(2)]
        assert await hospital.refused("6101", {"InData": scan(hospital, old)}) in ("CODE_UNKNOWN", "CODE_EXPIRED")
        await hospital.done("6101", {"InData": scan(hospital, new)})

    async def test_a_code_scanned_at_two_counters_at_once_serves_one(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        scanned = {"InData": scan(hospital, await ec_code(hospital, who))}
        reasons = [answer.message[:11] for answer in await hospital.at_once("6101", [scanned] * 4)]
        assert sorted(reasons) == ["", *["[CODE_USED]"] * 3]


class TestDecoder:
    """The decoder's own form, without the national envelope."""

    async def test_the_local_decoder_gives_a_token_that_serves(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        data = scan(hospital, await ec_code(hospital, who))
        body = {"orgId": data.pop("orgId"), "transType": "ec.query", "data": data, "extra": {}}
        answer = (await hospital.post(body, DECODER)).json()
        assert (answer["code"], answer["orgId"]) == (0, hospital.code)
        assert (answer["data"]["idNo"], answer["data"]["userName"]) == (who.certno, who.name)
        await hospital.done("1101", {"data": with_token(answer["data"]["ecToken"])})

    async def test_a_bare_data_node_as_some_clients_post_1162_is_decoded(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        body = {"data": scan(hospital, await ec_code(hospital, who))}
        answer = (await hospital.post(body, "/fsi/api/hsecfc/1162")).json()
        assert answer["code"] == 0
        await hospital.done("1101", {"data": with_token(answer["data"]["ecToken"])})

    async def test_what_is_no_code_is_refused_in_the_decoders_own_form(self, town: Sandbox) -> None:
        response = await town.hospital.post({"data": scan(town.hospital, "Q" * 28)}, DECODER)
        answer = response.json()
        assert (response.status_code, answer["code"], answer["success"]) == (200, 500159, False)
        assert answer["message"].startswith("[CODE_UNKNOWN]")


class TestBusinessDate:
    """A sandbox plays a day that is not today: the token lives on that day."""

    @pytest.mark.parametrize("days", [-200, 40])
    async def test_a_token_of_another_day_serves_on_that_day(self, town: Sandbox, days: int) -> None:
        who = await town.newcomers.one()
        hospital = on_day(town, days)
        told = await journeys.credential(hospital, who)
        assert told["2207"].output["setlinfo"]["setl_time"].startswith(str(hospital.day))

    async def test_a_token_of_that_day_is_dead_today(self, town: Sandbox) -> None:
        who = await town.newcomers.one()
        hospital = on_day(town, -30)
        shown = with_token(await ec_token(hospital, who))
        assert await town.hospital.refused("1101", {"data": shown}) == "EC_TOKEN_EXPIRED"
        node = await town.hospital.open_visit(who, BILL[:1])
        assert await town.hospital.refused("2207", {"data": node | shown}) == "EC_TOKEN_EXPIRED"
