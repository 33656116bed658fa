"""The RPCs of fee lines on a running member: every method and every reason it documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.settlement.counter import ANOTHER, BEGIN, SOMEBODY, item
from tests.settlement.counter_member import ELSEWHERE, HERE, OPERATOR, Reached, desk, member_in
from tests.settlement.test_operations_encounters import settle
from tests.settlement.test_rpc_encounters import at, discharge, stay, visit
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, fee_pb2, visit_pb2


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member."""
    async with member_in(tmp_path) as reached:
        yield reached


def line(number: str = "1", code: str = "A1", **changes: Any) -> common_pb2.FeeLine:
    fields: dict[str, Any] = {
        "feedetl_sn": number,
        "fee_ocur_time": at(),
        "med_list_codg": code,
        "det_item_fee_sumamt_fen": 1000,
        "cnt": "2",
        "pric": "5",
        **changes,
    }
    return common_pb2.FeeLine(**fields)


def upload(
    mdtrt_id: str, *lines: common_pb2.FeeLine, request_id: str = "2204:1", psn_no: str = SOMEBODY
) -> fee_pb2.UploadFeesRequest:
    return fee_pb2.UploadFeesRequest(
        request_id=request_id, desk=desk(), mdtrt_id=mdtrt_id, psn_no=psn_no, feedetail=lines or [line()]
    )


def stay_upload(mdtrt_id: str, *lines: common_pb2.FeeLine, request_id: str = "2301:1") -> fee_pb2.UploadStayFeesRequest:
    return fee_pb2.UploadStayFeesRequest(
        request_id=request_id, desk=desk(), mdtrt_id=mdtrt_id, psn_no=SOMEBODY, feedetail=lines or [line()]
    )


def cancellation(mdtrt_id: str, chrg_bchno: str, request_id: str = "2205:1") -> fee_pb2.CancelFeesRequest:
    data = fee_pb2.FeeCancellation(mdtrt_id=mdtrt_id, chrg_bchno=chrg_bchno, psn_no=SOMEBODY)
    return fee_pb2.CancelFeesRequest(request_id=request_id, desk=desk(), data=data)


def stay_cancellation(mdtrt_id: str, *numbers: str, request_id: str = "2302:1") -> fee_pb2.CancelStayFeesRequest:
    rows = [fee_pb2.StayFeeReference(feedetl_sn=number) for number in numbers]
    return fee_pb2.CancelStayFeesRequest(
        request_id=request_id, desk=desk(), mdtrt_id=mdtrt_id, psn_no=SOMEBODY, data=rows
    )


def listing(mdtrt_id: str, setl_id: str = "", psn_no: str = SOMEBODY) -> fee_pb2.ListFeesRequest:
    query = fee_pb2.FeeQuery(psn_no=psn_no, setl_id=setl_id, mdtrt_id=mdtrt_id)
    return fee_pb2.ListFeesRequest(desk=desk(), data=query)


async def test_2204_answers_the_split_of_each_line_in_the_order_sent(member: Reached) -> None:
    mdtrt_id = await visit(member)
    answer = await member.call(member.fees.UploadFees, upload(mdtrt_id, line("2", "B2"), line("1", "A2")))
    limited, essential = answer.result
    assert (limited.feedetl_sn, limited.chrgitm_lv) == ("2", codes_pb2.CHRGITM_LV_B)
    assert (limited.pric_uplmt_amt, limited.selfpay_prop) == ("4", "0.1000")
    assert (limited.overlmt_amt_fen, limited.preselfpay_amt_fen, limited.inscp_scp_amt_fen) == (200, 80, 720)
    assert (limited.cnt, limited.pric, limited.med_chrgitm_type) == ("2", "5", "09")
    assert (essential.bas_medn_flag, essential.pric_uplmt_amt, essential.inscp_scp_amt_fen) == (True, "", 1000)


async def test_2204_counts_the_hospitals_approval_of_restricted_use(member: Reached) -> None:
    mdtrt_id = await visit(member)
    flags = (codes_pb2.HOSP_APPR_FLAG_UNSPECIFIED, codes_pb2.HOSP_APPR_FLAG_APPROVED, codes_pb2.HOSP_APPR_FLAG_REFUSED)
    lines = [line(str(place), "R1", hosp_appr_flag=flag) for place, flag in enumerate(flags)]
    answer = await member.call(member.fees.UploadFees, upload(mdtrt_id, *lines))
    assert [row.fulamt_ownpay_amt_fen for row in answer.result] == [1000, 0, 1000]
    assert all(row.lmt_used_flag for row in answer.result)


async def test_2204_refuses_with_every_documented_reason(member: Reached) -> None:
    mdtrt_id = await visit(member)
    ask = member.fees.UploadFees
    assert await member.reason(ask, upload("M404")) == "ENCOUNTER_NOT_FOUND"
    assert await member.reason(ask, upload(mdtrt_id, psn_no=ANOTHER)) == "ENCOUNTER_NOT_FOUND"
    fault = await member.fault(ask, upload(mdtrt_id, line("1", "X"), line("2"), line("3", "X")))
    assert fault.reason == "ITEM_UNKNOWN"
    assert [each.path for each in fault.violations] == ["feedetail[0].med_list_codg", "feedetail[2].med_list_codg"]
    fault = await member.fault(ask, upload(mdtrt_id, line(cnt="3")))
    assert (fault.reason, fault.violations[0].path) == ("LINE_AMOUNT_MISMATCH", "feedetail[0].det_item_fee_sumamt_fen")
    await member.call(ask, upload(mdtrt_id, line(chrg_bchno="1")))
    assert await member.reason(ask, upload(mdtrt_id, line(chrg_bchno="2"))) == "REQUEST_ID_REUSED"
    assert await member.reason(ask, upload(mdtrt_id, line(chrg_bchno="2"), request_id="2204:2")) == "FEE_LINE_EXISTS"
    await settle(member.counter, mdtrt_id)
    fault = await member.fault(ask, upload(mdtrt_id, line("9", chrg_bchno="1"), request_id="2204:3"))
    assert (fault.reason, fault.metadata) == ("BATCH_SETTLED", {"chrg_bchno": "1", "setl_id": "S1"})


async def test_2204_is_refused_after_the_visit_was_cancelled(member: Reached) -> None:
    mdtrt_id = await visit(member)
    data = visit_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no=SOMEBODY)
    request = visit_pb2.CancelVisitRequest(request_id="2202:1", desk=desk(), data=data)
    await member.call(member.encounters.CancelVisit, request)
    assert await member.reason(member.fees.UploadFees, upload(mdtrt_id)) == "ENCOUNTER_STATE"


async def test_2204_repeated_gets_the_same_answer_even_when_prices_have_changed(member: Reached) -> None:
    mdtrt_id = await visit(member)
    first = await member.call(member.fees.UploadFees, upload(mdtrt_id))
    member.counter.catalogue.items["A1"] = item("A1", "C")
    assert await member.call(member.fees.UploadFees, upload(mdtrt_id)) == first
    assert await member.call(member.fees.UploadFees, upload(mdtrt_id, request_id="2204:2")) == first


async def test_a_refusal_of_many_lines_still_reaches_the_caller(member: Reached) -> None:
    mdtrt_id = await visit(member)
    lines = [line(str(number), "X") for number in range(500)]
    fault = await member.fault(member.fees.UploadFees, upload(mdtrt_id, *lines))
    assert (fault.reason, fault.metadata["lines"]) == ("ITEM_UNKNOWN", "500")


async def test_2205_cancels_unsettled_lines(member: Reached) -> None:
    mdtrt_id = await visit(member)
    ask = member.fees.CancelFees
    await member.call(member.fees.UploadFees, upload(mdtrt_id, line("1", chrg_bchno="1"), line("2", chrg_bchno="2")))
    assert await member.reason(ask, cancellation("M404", "1")) == "ENCOUNTER_NOT_FOUND"
    assert await member.reason(ask, cancellation(mdtrt_id, "9")) == "CHARGE_BATCH_NOT_FOUND"
    for _ in range(2):
        assert await member.call(ask, cancellation(mdtrt_id, "1")) == fee_pb2.CancelFeesResponse()
    assert await member.reason(ask, cancellation(mdtrt_id, "2")) == "REQUEST_ID_REUSED"
    async with member.counter.database.write() as connection:
        await connection.exec_driver_sql("UPDATE fee_batch SET state = 'settled', setl_id = 'S1' WHERE state = 'open'")
    assert await member.reason(ask, cancellation(mdtrt_id, "2", "2205:2")) == "BATCH_SETTLED"
    await member.call(ask, cancellation(mdtrt_id, "0000", "2205:3"))


async def test_2205_leaves_no_return_standing_alone(member: Reached) -> None:
    mdtrt_id = await visit(member)
    back = line("2", det_item_fee_sumamt_fen=-500, cnt="-1", init_feedetl_sn="1", chrg_bchno="2")
    await member.call(member.fees.UploadFees, upload(mdtrt_id, line("1", chrg_bchno="1"), back))
    fault = await member.fault(member.fees.CancelFees, cancellation(mdtrt_id, "1"))
    assert (fault.reason, [each.path for each in fault.violations]) == ("RETURN_EXCEEDS_LINE", ["data.chrg_bchno"])
    await member.call(member.fees.CancelFees, cancellation(mdtrt_id, "0000", "2205:2"))
    assert not (await member.call(member.fees.ListFees, listing(mdtrt_id))).data


async def test_2301_and_2302_keep_and_take_back_the_lines_of_a_stay(member: Reached) -> None:
    mdtrt_id = await stay(member)
    await member.call(member.fees.UploadStayFees, stay_upload(mdtrt_id, line("1"), line("2")))
    back = line("3", det_item_fee_sumamt_fen=-500, cnt="-1", init_feedetl_sn="1")
    answer = await member.call(member.fees.UploadStayFees, stay_upload(mdtrt_id, back, request_id="2301:2"))
    assert (answer.result[0].inscp_scp_amt_fen, answer.result[0].cnt) == (-500, "-1")
    ask = member.fees.CancelStayFees
    assert await member.reason(ask, stay_cancellation("M404", "1")) == "ENCOUNTER_NOT_FOUND"
    assert await member.reason(ask, stay_cancellation(mdtrt_id, "9")) == "FEE_LINE_NOT_FOUND"
    assert await member.reason(ask, stay_cancellation(mdtrt_id, "1")) == "RETURN_EXCEEDS_LINE"
    await member.call(ask, stay_cancellation(mdtrt_id, "2"))
    assert await member.reason(ask, stay_cancellation(mdtrt_id, "1", "3")) == "REQUEST_ID_REUSED"
    await settle(member.counter, mdtrt_id)
    assert await member.reason(ask, stay_cancellation(mdtrt_id, "1", request_id="2302:2")) == "BATCH_SETTLED"


async def test_2301_refuses_with_every_documented_reason(member: Reached) -> None:
    mdtrt_id = await stay(member)
    ask = member.fees.UploadStayFees
    assert await member.reason(ask, stay_upload("M404")) == "ENCOUNTER_NOT_FOUND"
    assert await member.reason(ask, stay_upload(mdtrt_id, line("1", "X"))) == "ITEM_UNKNOWN"
    assert await member.reason(ask, stay_upload(mdtrt_id, line(cnt="3"))) == "LINE_AMOUNT_MISMATCH"
    orphan = line("1", det_item_fee_sumamt_fen=-1000, cnt="-2", init_feedetl_sn="9")
    assert await member.reason(ask, stay_upload(mdtrt_id, orphan)) == "FEE_LINE_NOT_FOUND"
    too_much = line("2", det_item_fee_sumamt_fen=-1500, cnt="-3", init_feedetl_sn="1")
    assert await member.reason(ask, stay_upload(mdtrt_id, line("1"), too_much)) == "RETURN_EXCEEDS_LINE"
    dearer = line("2", det_item_fee_sumamt_fen=-600, cnt="-1", pric="6", init_feedetl_sn="1")
    assert await member.reason(ask, stay_upload(mdtrt_id, line("1"), dearer)) == "RETURN_MISMATCH"
    other = stay_upload(mdtrt_id)
    other.med_type = codes_pb2.MED_TYPE_MATERNITY_INPATIENT
    assert await member.reason(ask, other) == "INVALID_REQUEST"
    await member.call(ask, stay_upload(mdtrt_id))
    assert await member.reason(ask, stay_upload(mdtrt_id, line(memo="2"))) == "REQUEST_ID_REUSED"
    assert await member.reason(ask, stay_upload(mdtrt_id, line(memo="2"), request_id="2301:2")) == "FEE_LINE_EXISTS"
    early = line("7", fee_ocur_time=at(BEGIN - timedelta(hours=25)))
    assert await member.reason(ask, stay_upload(mdtrt_id, early, request_id="2301:3")) == "FEE_TIME_OUTSIDE"
    await member.call(member.encounters.Discharge, discharge(mdtrt_id))
    await settle(member.counter, mdtrt_id, at=member.counter.clock())
    assert await member.reason(ask, stay_upload(mdtrt_id, line("7"), request_id="2301:3")) == "ENCOUNTER_STATE"


async def test_5204_tells_what_was_sent_and_how_it_was_split(member: Reached) -> None:
    mdtrt_id = await visit(member)
    sent = line("1", "B2", rxno="R1", bilg_dr_name="医生", prd_days="3", medins_list_name="院内药")
    await member.call(member.fees.UploadFees, upload(mdtrt_id, sent, line("2")))
    answer = await member.call(member.fees.ListFees, listing(mdtrt_id), HERE)
    first, second = answer.data
    assert (first.feedetl_sn, second.feedetl_sn, first.setl_id, first.rx_drord_no) == ("1", "2", "", "R1")
    assert (first.hilist_name, first.list_type, first.dosform_name) == ("测试药品B2", "101", "片剂")
    assert (first.overlmt_amt_fen, first.preselfpay_amt_fen, first.selfpay_prop) == (200, 80, "0.1000")
    assert (first.prd_days, first.medins_list_name, first.bilg_dr_name) == ("3", "院内药", "医生")
    assert first.fee_ocur_time == at()
    assert (await member.call(member.fees.ListFees, listing(mdtrt_id), OPERATOR)) == answer


async def test_5204_tells_who_uploaded_a_line_and_when(member: Reached) -> None:
    mdtrt_id = await visit(member)
    for place, opter in enumerate(("op1", "op2")):
        request = upload(mdtrt_id, line(str(place)), request_id=f"2204:{place}")
        request.desk.opter, request.desk.opter_name = opter, f"收费员{opter}"
        await member.call(member.fees.UploadFees, request)
    rows = (await member.call(member.fees.ListFees, listing(mdtrt_id))).data
    assert [(row.opter_id, row.opter_name) for row in rows] == [("op1", "收费员op1"), ("op2", "收费员op2")]
    assert all(row.opt_time.seconds > 0 for row in rows)


async def test_5204_calls_a_visit_that_was_not_described_yet_out_patient(member: Reached) -> None:
    mdtrt_id = await visit(member)
    await member.call(member.fees.UploadFees, upload(mdtrt_id))
    (row,) = (await member.call(member.fees.ListFees, listing(mdtrt_id))).data
    assert row.med_type == codes_pb2.MED_TYPE_OUTPATIENT


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"cnt": "-1", "pric": "-10"}, "pric"),
        ({"cnt": "1", "pric": "10000000000"}, "pric"),
        ({"det_item_fee_sumamt_fen": 10**13 + 1}, "det_item_fee_sumamt_fen"),
        ({"det_item_fee_sumamt_fen": -(10**13) - 1, "cnt": "-1"}, "det_item_fee_sumamt_fen"),
    ],
)
async def test_no_price_is_negative_and_no_amount_beyond_bounds(
    member: Reached, changes: dict[str, Any], path: str
) -> None:
    mdtrt_id = await visit(member)
    fault = await member.fault(member.fees.UploadFees, upload(mdtrt_id, line(**changes)))
    assert (fault.reason, [each.path for each in fault.violations]) == ("INVALID_REQUEST", [f"feedetail[0].{path}"])


async def test_5204_tells_the_lines_of_one_settlement(member: Reached) -> None:
    mdtrt_id = await visit(member)
    await member.call(member.fees.UploadFees, upload(mdtrt_id, line("1", chrg_bchno="1")))
    await settle(member.counter, mdtrt_id)
    await member.call(member.fees.UploadFees, upload(mdtrt_id, line("2", chrg_bchno="2"), request_id="2204:2"))
    settled = await member.call(member.fees.ListFees, listing(mdtrt_id, "S1"))
    assert [(row.feedetl_sn, row.setl_id) for row in settled.data] == [("1", "S1")]
    assert len((await member.call(member.fees.ListFees, listing(mdtrt_id))).data) == 2


async def test_5204_tells_an_institution_its_own_lines_only(member: Reached) -> None:
    mdtrt_id = await visit(member)
    ask = member.fees.ListFees
    assert await member.reason(ask, listing(mdtrt_id, psn_no=ANOTHER)) == "ENCOUNTER_NOT_FOUND"
    assert await member.reason(ask, listing(mdtrt_id), ELSEWHERE) == "CALLER_NOT_BOUND"
    theirs = listing(mdtrt_id)
    theirs.desk.fixmedins_code = ELSEWHERE.subject
    assert await member.reason(ask, theirs, ELSEWHERE) == "ENCOUNTER_NOT_FOUND"
