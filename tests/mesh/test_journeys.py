"""Journeys of out-patients and in-patients through the whole mesh, as a hospital's client makes them, right to the fen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services import mesh
from tests.mesh import journeys, paying
from tests.mesh.hospital import DRUG, SECOND_DRUG, fen, rest
from tests.mesh.world import Sandbox, ask_the_others, small_sandbox
from tools.played.messages import Patient, Row
from tools.sandbox_keys import key_of

SUMS = (
    "medfee_sumamt fulamt_ownpay_amt overlmt_selfpay preselfpay_amt inscp_scp_amt act_pay_dedc hifp_pay cvlserv_pay "
    "hifes_pay hifmi_pay hifob_pay maf_pay oth_pay fund_pay_sumamt psn_part_amt acct_pay psn_cash_pay hosp_part_amt "
    "acct_mulaid_pay"
).split()


def sums(info: Mapping[str, Any]) -> dict[str, int]:
    """Sums of a setlinfo in fen; its identities hold."""
    found = {name: fen(info[name]) for name in SUMS}
    parts = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    assert found["medfee_sumamt"] == sum(found[name] for name in parts)
    assert found["medfee_sumamt"] == found["fund_pay_sumamt"] + found["psn_part_amt"] + found["hosp_part_amt"]
    assert found["psn_part_amt"] == found["acct_pay"] + found["psn_cash_pay"]
    funds = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")
    assert found["fund_pay_sumamt"] == sum(found[name] for name in funds)
    return found


class TestVisit:
    async def test_a_visit_goes_from_sign_in_to_settlement_and_back(self, town: Sandbox) -> None:
        who = await town.newcomers.one()
        told = await journeys.out_patient(town.hospital, who)
        assert told["1101"].output["baseinfo"]["psn_no"] == who.psn_no
        assert [fen(each["balc"]) for each in told["1101"].output["insuinfo"]] == [100_000]
        assert told["2001"].output["trtinfo"][0]["trt_enjymnt_flag"] == "1"
        tried, settled = (sums(told[infno].output["setlinfo"]) for infno in ("2206", "2207"))
        # Beijing employees, level 3: 70 % of what is in scope above 1,800.00; a tenth of the class B line in advance.
        assert tried == settled
        assert settled["preselfpay_amt"] == 300
        assert settled["hifp_pay"] == (603_000 - 300 - 180_000) * 7 // 10
        assert settled["acct_pay"] == 100_000
        assert fen(told["2207"].output["setlinfo"]["balc"]) == 0

    async def test_every_split_adds_up_to_the_bill(self, town: Sandbox) -> None:
        told = await journeys.out_patient(town.hospital, await town.newcomers.one())
        info = told["2207"].output["setlinfo"]
        for line in told["2204"].output["result"]:
            parts = ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
            assert line["det_item_fee_sumamt"] == sum(line[name] for name in parts)
        detail = sum(each["fund_payamt"] for each in told["2207"].output["setldetail"])
        assert detail == info["fund_pay_sumamt"] + info["acct_pay"] + info["hosp_part_amt"]

    async def test_queries_tell_what_was_settled(self, town: Sandbox) -> None:
        told = await journeys.out_patient(town.hospital, await town.newcomers.one())
        info = told["2207"].output["setlinfo"]
        assert [each["mdtrt_id"] for each in told["5201"].output["mdtrtinfo"]] == [info["mdtrt_id"]]
        assert told["5203"].output["setlinfo"].items() >= info.items()
        assert told["5203"].output["setldetail"] == told["2207"].output["setldetail"]
        lines = told["5204"].output["data"]
        assert {each["setl_id"] for each in lines} == {info["setl_id"]}
        assert sum(each["det_item_fee_sumamt"] for each in lines) == info["medfee_sumamt"]
        used = {each["cum_type_code"]: each["cum"] for each in told["5206"].output["cuminfo"]}
        assert used["Q000011"] == 1800

    async def test_a_reversal_negates_every_sum_and_gives_the_account_back(self, town: Sandbox) -> None:
        told = await journeys.out_patient(town.hospital, await town.newcomers.one())
        settled, counter = (told[infno].output["setlinfo"] for infno in ("2207", "2208"))
        assert sums(counter) == {name: -value for name, value in sums(settled).items()}
        assert counter["setl_id"] != settled["setl_id"]
        assert fen(counter["balc"]) == 100_000

    async def test_a_lost_answer_is_found_by_the_message_number(self, town: Sandbox) -> None:
        done = await town.hospital.visit(await town.newcomers.one(), journeys.BILL)
        query = {"psn_no": done.info["psn_no"], "mdtrt_id": done.info["mdtrt_id"], "medins_setl_id": done.msgid}
        found = await town.hospital.done("5203", {"data": query})
        assert found.output["setlinfo"]["setl_id"] == done.info["setl_id"]

    async def test_a_bill_settled_once_is_not_settled_under_another_number(self, town: Sandbox) -> None:
        done = await town.hospital.visit(await town.newcomers.one(), journeys.BILL)
        again = await town.hospital.send("2207", {"data": done.node})
        assert again.message.startswith("[BATCH_SETTLED]")
        assert done.info["setl_id"] in again.message

    async def test_a_part_that_the_trial_did_not_say_is_refused_with_both_figures(self, town: Sandbox) -> None:
        node = await town.hospital.open_visit(await town.newcomers.one(), journeys.BILL)
        answer = await town.hospital.send("2207", {"data": node | {"preselfpay_amt": "3.01"}})
        assert answer.message.startswith("[SPLIT_CHANGED]")
        assert "3.01" in answer.message
        assert "3.00" in answer.message
        agreed = node | {"preselfpay_amt": "3.00", "inscp_scp_amt": 6027, "overlmt_selfpay": 0}
        await town.hospital.done("2207", {"data": agreed})

    async def test_a_total_that_is_not_the_sum_of_the_lines_is_refused(self, town: Sandbox) -> None:
        node = await town.hospital.open_visit(await town.newcomers.one(), journeys.BILL)
        assert await town.hospital.refused("2206", {"data": node | {"medfee_sumamt": "6030.01"}}) == "FEE_SUM_MISMATCH"

    async def test_two_charge_batches_of_a_visit_are_settled_one_by_one_or_together(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        first, second, third = ([Row(DRUG, 1, price)] for price in (10_000, 20_000, 30_000))
        mdtrt_id = await hospital.register(who)
        for number, (batch, rows) in enumerate((("B1", first), ("B2", second), ("B3", third)), 1):
            await hospital.done("2204", hospital.lines(who, mdtrt_id, rows, batch, first=number))
        one = await hospital.settle(hospital.bill(who, mdtrt_id, first, batch="B1"))
        rest = await hospital.settle(hospital.bill(who, mdtrt_id, second + third, batch="0000"))
        assert [fen(each.info["medfee_sumamt"]) for each in (one, rest)] == [10_000, 50_000]

    async def test_the_account_stays_untouched_where_the_bill_says_so(self, town: Sandbox) -> None:
        done = await town.hospital.visit(await town.newcomers.one(), journeys.BILL, acct_used_flag="0")
        assert (fen(done.info["acct_pay"]), fen(done.info["balc"])) == (0, 100_000)


class TestReversal:
    async def test_the_last_settlement_goes_first(self, town: Sandbox) -> None:
        who = await town.newcomers.one()
        first, second = [await town.hospital.visit(who, journeys.BILL[:1]) for _ in range(2)]
        answer = await town.hospital.send("2208", {"data": first.reference})
        assert answer.message.startswith("[LATER_SETTLEMENT_EXISTS]")
        assert second.info["setl_id"] in answer.message
        await town.hospital.done("2208", {"data": second.reference})
        await town.hospital.done("2208", {"data": first.reference})

    async def test_a_later_settlement_at_another_hospital_is_not_named(self, town: Sandbox) -> None:
        who = await town.newcomers.one()
        other = town.hospital.at("H11010100901", "京华示范医院", "110101")
        first = await town.hospital.visit(who, journeys.BILL[:1])
        mdtrt_id = await other.register(who)
        rows = [Row("001102009010000", 1, 2_200)]
        await other.done("2204", other.lines(who, mdtrt_id, rows))
        second = await other.settle(other.bill(who, mdtrt_id, rows))
        answer = await town.hospital.send("2208", {"data": first.reference})
        assert answer.message.startswith("[LATER_SETTLEMENT_EXISTS]")
        assert second.info["setl_id"] not in answer.message
        assert f"110101的其他机构于{second.info['setl_time'][:10]}" in answer.message

    async def test_a_reversal_asked_for_twice_is_one_counter_entry(self, town: Sandbox) -> None:
        done = await town.hospital.visit(await town.newcomers.one(), journeys.BILL)
        counters = [await town.hospital.done("2208", {"data": done.reference}) for _ in range(2)]
        assert counters[0].output_text == counters[1].output_text

    async def test_a_bill_may_be_changed_and_settled_again_after_its_reversal(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, journeys.BILL)
        await hospital.done("2208", {"data": done.reference})
        visit = {"mdtrt_id": done.info["mdtrt_id"], "psn_no": who.psn_no}
        await hospital.done("2205", {"data": visit | {"chrg_bchno": "B0001"}})
        rows = [Row(DRUG, 1, 300_000)]
        await hospital.done("2204", hospital.lines(who, visit["mdtrt_id"], rows, "B0002"))
        again = await hospital.settle(hospital.bill(who, visit["mdtrt_id"], rows, batch="B0002"))
        assert sums(again.info)["act_pay_dedc"] == 180_000

    async def test_another_hospital_cannot_reverse_it(self, town: Sandbox) -> None:
        done = await town.hospital.visit(await town.newcomers.one(), journeys.BILL)
        other = town.hospital.at("H11010100901", "京华示范医院", "110101")
        assert await other.refused("2208", {"data": done.reference}) == "SETTLEMENT_NOT_FOUND"


class TestUnknownOutcome:
    async def test_a_settlement_taken_back_by_its_message_number_is_reversed_once(self, town: Sandbox) -> None:
        who = await town.newcomers.one()
        done = await town.hospital.visit(who, journeys.BILL)
        name = {"psn_no": who.psn_no, "omsgid": done.msgid, "oinfno": "2207"}
        for _ in range(2):
            answer = await town.hospital.done("2601", {"data": name})
            assert answer.body["warn_msg"].startswith(f"[MESSAGE_TAKEN_BACK] 结算{done.info['setl_id']}已撤销")
        info = (await town.hospital.done("1101", {"data": who.id_card})).output["insuinfo"][0]
        assert fen(info["balc"]) == 100_000
        listed = await town.hospital.done("5204", {"data": {name: done.info[name] for name in ("psn_no", "mdtrt_id")}})
        assert {each["setl_id"] for each in listed.output["data"]} == {None}

    async def test_a_message_that_never_came_is_void_and_refused_when_it_comes_late(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node, msgid = await hospital.open_visit(who, journeys.BILL), hospital.next_msgid()
        name = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2207"}
        for _ in range(2):
            assert await hospital.refused("2601", {"data": name}) == "MESSAGE_NOT_ARRIVED"
        assert await hospital.refused("2207", {"data": node}, msgid=msgid) == "MESSAGE_VOIDED"
        await hospital.done("2207", {"data": node})

    async def test_an_admission_taken_back_leaves_no_stay(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        msgid = hospital.next_msgid()
        await hospital.done("2401", hospital.admission(who), msgid=msgid)
        assert await hospital.refused("2401", hospital.admission(who)) == "STAY_OPEN"
        await hospital.done("2601", {"data": {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2401"}})
        await hospital.done("2401", hospital.admission(who))

    async def test_the_admission_of_somebody_else_is_not_taken_back(self, town: Sandbox) -> None:
        hospital, (who, other) = town.hospital, await town.newcomers.many(2)
        msgid = hospital.next_msgid()
        await hospital.done("2401", hospital.admission(who), msgid=msgid)
        name = {"psn_no": other.psn_no, "omsgid": msgid, "oinfno": "2401"}
        assert await hospital.refused("2601", {"data": name}) == "NOT_REVERSIBLE"
        await hospital.done("2601", {"data": name | {"psn_no": ""}})
        await hospital.done("2401", hospital.admission(who))

    async def test_an_admission_that_comes_after_its_reversal_is_refused(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        msgid = hospital.next_msgid()
        name = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2401"}
        assert await hospital.refused("2601", {"data": name}) == "MESSAGE_NOT_ARRIVED"
        assert await hospital.refused("2401", hospital.admission(who), msgid=msgid) == "MESSAGE_VOIDED"

    async def test_the_settlement_of_a_stay_is_taken_back_like_that_of_a_visit(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        mdtrt_id, rows = await hospital.admit(who), [Row(DRUG, 1, 500_000)]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows))
        await hospital.discharge(who, mdtrt_id)
        done = await hospital.settle(hospital.bill(who, mdtrt_id, rows), "2304")
        await hospital.done("2601", {"data": {"psn_no": who.psn_no, "omsgid": done.msgid, "oinfno": "2304"}})
        assert sums((await hospital.settle(done.node, "2304")).info) == sums(done.info)

    @pytest.mark.parametrize("infno", ["2204", "2208", "1101"])
    async def test_other_messages_are_not_taken_back(self, town: Sandbox, infno: str) -> None:
        name = {"psn_no": "", "omsgid": town.hospital.next_msgid(), "oinfno": infno}
        assert await town.hospital.refused("2601", {"data": name}) == "NOT_REVERSIBLE"


class TestStay:
    async def test_a_stay_goes_from_admission_to_settlement_and_back(self, town: Sandbox) -> None:
        told = await journeys.in_patient(town.hospital, await town.newcomers.one())
        (back,) = told["2301 return"].output["result"]
        assert (back["cnt"], back["det_item_fee_sumamt"]) == (-2, -6000)
        settled = sums(told["2304"].output["setlinfo"])
        # Beijing employees, level 3, first stay of the year: 1,300.00, then 85 % up to 30,000.00.
        assert settled["act_pay_dedc"] == 130_000
        assert settled["hifp_pay"] == (2_400_000 - 130_000) * 85 // 100
        assert sums(told["2303"].output["setlinfo"]) == settled
        assert sums(told["2303 before discharge"].output["setlinfo"]) == settled
        counter = sums(told["2305"].output["setlinfo"])
        assert counter == {name: -value for name, value in settled.items()}

    async def test_a_stay_is_not_settled_before_its_end(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        mdtrt_id, rows = await hospital.admit(who), [Row(DRUG, 1, 500_000)]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows))
        assert await hospital.refused("2304", {"data": hospital.bill(who, mdtrt_id, rows)}) == "NOT_DISCHARGED"

    async def test_an_interim_settlement_is_followed_by_the_rest_without_another_deductible(
        self, town: Sandbox
    ) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        mdtrt_id, first, second = await hospital.admit(who), [Row(DRUG, 4, 500_000)], [Row(DRUG, 2, 500_000)]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, first))
        interim = await hospital.settle(hospital.bill(who, mdtrt_id, first, mid_setl_flag="1"), "2304")
        await hospital.done("2301", hospital.lines(who, mdtrt_id, second, first=5))
        await hospital.discharge(who, mdtrt_id)
        final = await hospital.settle(hospital.bill(who, mdtrt_id, second), "2304")
        assert [sums(each.info)["act_pay_dedc"] for each in (interim, final)] == [130_000, 0]
        assert [sums(each.info)["medfee_sumamt"] for each in (interim, final)] == [2_000_000, 1_000_000]

    async def test_an_interim_settlement_of_last_year_is_not_reversed_under_the_rest(self, town: Sandbox) -> None:
        who, hospital = await town.newcomers.one(), town.hospital.at(town.hospital.code, town.hospital.name, "990100")
        hospital.day = date(2025, 12, 30)
        mdtrt_id, rows = await hospital.admit(who), [Row(DRUG, 1, 500_000)]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows))
        interim = await hospital.settle(hospital.bill(who, mdtrt_id, rows, mid_setl_flag="1"), "2304")
        hospital.day = date(2026, 1, 5)
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows, first=2))
        await hospital.discharge(who, mdtrt_id)
        final = await hospital.settle(hospital.bill(who, mdtrt_id, rows), "2304")
        assert [sums(each.info)["act_pay_dedc"] for each in (interim, final)] == [130_000, 0]
        answer = await hospital.send("2305", {"data": interim.reference})
        assert answer.message.startswith("[LATER_SETTLEMENT_EXISTS]")
        assert final.info["setl_id"] in answer.message
        for settled in (final, interim):
            await hospital.done("2305", {"data": settled.reference})

    async def test_a_return_of_more_than_was_given_is_refused(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        mdtrt_id = await hospital.admit(who)
        await hospital.done("2301", hospital.lines(who, mdtrt_id, [Row(DRUG, 2, 1_000)]))
        more = journeys.taken_back(hospital, who, mdtrt_id, Row(DRUG, -3, 1_000), "2", "1")
        assert await hospital.refused("2301", more) == "RETURN_EXCEEDS_LINE"
        nothing = journeys.taken_back(hospital, who, mdtrt_id, Row(DRUG, -1, 1_000), "2", "77")
        assert await hospital.refused("2301", nothing) == "FEE_LINE_NOT_FOUND"

    async def test_an_admission_with_fees_is_not_undone(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        mdtrt_id = await hospital.admit(who)
        await hospital.done("2301", hospital.lines(who, mdtrt_id, [Row(SECOND_DRUG, 1, 1_000)]))
        assert await hospital.refused("2404", {"data": {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}}) == "FEES_PRESENT"

    async def test_a_person_lies_in_one_hospital_at_a_time(self, town: Sandbox) -> None:
        who = await town.newcomers.one()
        await town.hospital.admit(who)
        other = town.hospital.at("H11010100901", "京华示范医院", "110101")
        assert await other.refused("2401", other.admission(who)) == "STAY_OPEN"


class TestPeopleWithGuaranteedOutcomes:
    PEOPLE: Mapping[str, Patient] = {
        "suspended": Patient("11000000000000000901", "停测甲", "990000198801099019", home="110000"),
        "ended": Patient("11000000000000000902", "止测乙", "990000198802099029", home="110000"),
        "employee": Patient("11000000000000000101", "京测甲", "990000198003151011", "C00000101", home="110000"),
        "resident": Patient("37010000000000000201", "济测甲", "990000197905062013", insutype="390", home="370100"),
        "nanchang": Patient("36010000000000000301", "昌测甲", "990000197104183018", insutype="390", home="360100"),
        "family": Patient("33010000000000000401", "杭测甲", "990000198102114013", home="330100"),
    }

    @pytest.mark.parametrize(("name", "reason"), [("suspended", "ENROLMENT_SUSPENDED"), ("ended", "ENROLMENT_ENDED")])
    async def test_who_is_not_insured_is_refused_at_registration_and_told_so_before(
        self, town: Sandbox, name: str, reason: str
    ) -> None:
        hospital, who = town.hospital, self.PEOPLE[name]
        benefit = await hospital.done("2001", {"data": journeys.benefit_query(hospital, who)})
        assert all(each["trt_enjymnt_flag"] == "0" for each in benefit.output["trtinfo"])
        assert benefit.output["trtinfo"][0]["trt_chk_rslt"].startswith(f"[{reason}]")
        data = {"psn_no": who.psn_no, "insutype": "310", "begntime": hospital.moment(), **who.id_card}
        assert await hospital.refused("2201", {"data": data | {"ipt_otp_no": "X1"}}) == reason

    async def test_a_social_security_card_serves_like_the_identity_card(self, town: Sandbox) -> None:
        hospital, who = town.hospital.at("H11010100901", "京华示范医院", "110101"), self.PEOPLE["employee"]
        by_card = await hospital.done("1101", {"data": who.card})
        assert by_card.output_text == (await hospital.done("1101", {"data": who.id_card})).output_text
        done = await hospital.visit(who, [Row("001102009010000", 1, 2_200)], who.card)
        assert done.info["mdtrt_cert_type"] == "03"
        assert fen(done.info["acct_pay"]) == 2_200

    async def test_a_resident_has_no_account(self, town: Sandbox) -> None:
        hospital, who = town.hospital.at("H37010200901", "泉城示范医院", "370102"), self.PEOPLE["resident"]
        done = await hospital.visit(who, [Row("001102009010000", 1, 2_200)])
        assert (fen(done.info["acct_pay"]), fen(done.info["balc"])) == (0, 0)

    async def test_three_funds_share_a_bill_of_a_person_on_minimum_allowance(self, town: Sandbox) -> None:
        hospital, who = town.hospital.at("H36010200901", "洪城示范医院", "360102"), self.PEOPLE["nanchang"]
        mdtrt_id, rows = await hospital.admit(who), [Row("003108009010000", 300, 43_000)]
        await hospital.done("2301", hospital.lines(who, mdtrt_id, rows), home=who.home)
        await hospital.discharge(who, mdtrt_id)
        info = (await hospital.settle(hospital.bill(who, mdtrt_id, rows), "2304", home=who.home)).info
        assert min(sums(info)[name] for name in ("hifp_pay", "hifmi_pay", "maf_pay")) > 0

    async def test_a_family_account_pays_after_the_own_one(self, town: Sandbox) -> None:
        hospital, who = town.hospital.at("H33010600902", "杭州测试医院", "330106"), self.PEOPLE["family"]
        owner = Patient("33010000000000000402", "杭测乙", "990000198309304025", home="330100")
        rows = [Row("001102009010000", 20, 2_200)]
        info = (await hospital.visit(who, rows)).info
        assert fen(info["acct_pay"]) == 30_050 + fen(info["acct_mulaid_pay"])
        assert fen(info["acct_mulaid_pay"]) > 0
        left = (await hospital.done("1101", {"data": owner.id_card})).output["insuinfo"][0]["balc"]
        assert fen(left) == 20_000 - fen(info["acct_mulaid_pay"])


class TestTrialHash:
    @staticmethod
    def request(node: Mapping[str, Any], hospital_code: str) -> dict[str, Any]:
        names = {"psn_no": "psnNo", "mdtrt_cert_no": "mdtrtCertNo", "mdtrt_id": "mdtrtId", "chrg_bchno": "chrgBchno"}
        data = {json_name: node[name] for name, json_name in names.items()}
        data |= {"mdtrtCertType": "MDTRT_CERT_TYPE_ID_CARD", "medType": "MED_TYPE_OUTPATIENT", "insutype": "310"}
        data |= {"acctUsedFlag": "ACCT_USED_FLAG_OWN", "medfeeSumamtFen": str(fen(node["medfee_sumamt"]))}
        return {"desk": {"fixmedinsCode": hospital_code}, "data": data}

    async def test_a_settlement_may_demand_that_its_trial_still_holds(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        key = {"Authorization": "Bearer sandbox-institution-H99010000001"}
        first = self.request(await hospital.open_visit(who, journeys.BILL), hospital.code)
        second = self.request(await hospital.open_visit(who, journeys.BILL), hospital.code)

        async def post(path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
            response = await hospital.http.post(path, json=body, headers=key)
            return response.status_code, response.json()

        hashes = []
        for body in (first, second):
            status, tried = await post("/v1/settlements:trial", body)
            assert status == 200, tried
            hashes.append(tried["trialHash"])
        status, settled = await post("/v1/settlements", first | {"requestId": "t1", "trialHash": hashes[0]})
        assert status == 200, settled
        status, problem = await post("/v1/settlements", second | {"requestId": "t2", "trialHash": hashes[1]})
        assert status == 400
        assert any(each.get("reason") == "TRIAL_OUTDATED" for each in problem["error"]["details"])


async def test_members_that_call_each_other_inside_one_process_answer_the_same(tmp_path: Path) -> None:
    async with small_sandbox(tmp_path, {"YIBAO_PLACEMENT": "local"}) as small:
        told = await journeys.out_patient(small.hospital, await small.newcomers.one())
        assert sums(told["2207"].output["setlinfo"])["hifp_pay"] == (603_000 - 300 - 180_000) * 7 // 10
        await journeys.in_patient(small.hospital, await small.newcomers.one())
        named = {"role": "ROLE_INSTITUTION", "subject": small.hospital.code}
        key = {"requestId": "window", **named, "apiKey": key_of("institution", small.hospital.code)}
        await rest(small.hospital, "/v1/api-keys", key)
        await paying.journey(small.hospital, await small.newcomers.one())
        assert await small.ledger_findings() == []
        await ask_the_others(small)
        # Before there is somebody from elsewhere routing calls nobody, and only the gateway calls it.
        assert small.mesh.traces().edges() == {e for e in mesh.edges() if "routing" not in e or e[0] == mesh.GATEWAY}


async def test_the_ledger_holds_together_after_all_journeys(town: Sandbox) -> None:
    assert await town.ledger_findings() == []
