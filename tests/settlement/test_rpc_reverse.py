"""Reversals on a running settlement: every method and every reason it documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.kernel.errors import Fault
from tests.mesh.seeds import OTHER_INSTITUTION
from tests.settlement.institution import (
    ELSEWHERE,
    GATEWAY,
    HERE,
    Counter,
    counter_in,
    desk,
    reference,
    reverse_request,
    settle_request,
    stay_bill,
    take_back,
)
from yibao.settlement.v1 import common_pb2, fee_pb2, reversal_pb2, settlement_pb2, settlement_query_pb2, stay_bill_pb2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        yield made


async def test_every_documented_refusal_of_a_reversal(counter: Counter) -> None:
    psn_no = counter.somebody()
    settled = [
        await counter.settle(settle_request(counter.request_id(), psn_no, await counter.visit(psn_no, 9_000), 9_000))
        for _ in range(2)
    ]
    first, second = (answer.setlinfo for answer in settled)
    refused = counter.reason
    assert await refused("SettlementService.Reverse", reverse_request("2208:X1", first)) == "LATER_SETTLEMENT_EXISTS"
    elsewhere = reverse_request("2208:X1", second, OTHER_INSTITUTION)
    assert await refused("SettlementService.Reverse", elsewhere, ELSEWHERE) == "SETTLEMENT_NOT_FOUND"
    stay = reversal_pb2.ReverseStayRequest(request_id="2305:X1", desk=desk(), data=reference(second))
    assert await refused("SettlementService.ReverseStay", stay) == "SETTLEMENT_NOT_FOUND"
    await counter.call("SettlementService.Reverse", reverse_request("2208:X2", second))
    assert await refused("SettlementService.Reverse", reverse_request("2208:X2", first)) == "REQUEST_ID_REUSED"
    again = await counter.call("SettlementService.Reverse", reverse_request("2208:X3", second))
    assert again.setlinfo.medins_setl_id == "X2"
    query = settlement_query_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=first.mdtrt_id, setl_id="none")
    asked = settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    assert await refused("SettlementService.GetSettlement", asked) == "SETTLEMENT_NOT_FOUND"
    query.mdtrt_id, query.setl_id = second.mdtrt_id, again.setlinfo.setl_id
    found = await counter.call(
        "SettlementService.GetSettlement", settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    )
    assert (found.record.refd_setl_flag, found.counter_setl_id) == (True, second.setl_id)


async def told_of(counter: Counter, info: common_pb2.Setlinfo) -> settlement_query_pb2.GetSettlementResponse:
    """What 5203 tells of a settlement or counter-entry."""
    query = settlement_query_pb2.SettlementQuery(psn_no=info.psn_no, mdtrt_id=info.mdtrt_id, setl_id=info.setl_id)
    request = settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    answer: settlement_query_pb2.GetSettlementResponse = await counter.call("SettlementService.GetSettlement", request)
    return answer


@pytest.mark.parametrize("inpatient", [False, True], ids=["visit", "stay"])
async def test_5203_tells_of_each_entry_who_made_it_and_when(counter: Counter, inpatient: bool) -> None:
    psn_no = counter.somebody()
    if inpatient:
        mdtrt_id = await counter.stay(psn_no, 500_000)
        await counter.discharge(psn_no, mdtrt_id)
        bill = stay_bill(psn_no, mdtrt_id, 500_000)
        stay = stay_bill_pb2.SettleStayRequest(request_id=counter.request_id("2304"), desk=desk(), data=bill)
        info = (await counter.call("SettlementService.SettleStay", stay)).setlinfo
    else:
        mdtrt_id = await counter.visit(psn_no, 9_000)
        info = (await counter.settle(settle_request(counter.request_id(), psn_no, mdtrt_id, 9_000))).setlinfo
    made = "ReverseStay" if inpatient else "Reverse"
    request = getattr(reversal_pb2, f"{made}Request")(request_id=counter.request_id("2208"), desk=desk())
    request.data.CopyFrom(reference(info))
    request.desk.opter, request.desk.opter_name = "op2", "退费员"
    counter_info = (await counter.call(f"SettlementService.{made}", request)).setlinfo
    settled, undone = await told_of(counter, info), await told_of(counter, counter_info)
    assert (settled.record.opter_id, settled.record.opter_name) == ("op1", "收费员")
    assert (undone.record.opter_id, undone.record.opter_name) == ("op2", "退费员")
    assert settled.record.opt_time == settled.setlinfo.setl_time == info.setl_time
    assert undone.record.opt_time == undone.setlinfo.setl_time == counter_info.setl_time
    assert undone.record.opt_time.ToMicroseconds() > settled.record.opt_time.ToMicroseconds()
    # What it was, where and when the care was given is told of both alike.
    for record in (settled.record, undone.record):
        record.ClearField("opt_time")
        record.opter_id = record.opter_name = ""
    assert settled.record == undone.record


def fees_of(psn_no: str, mdtrt_id: str, setl_id: str) -> fee_pb2.ListFeesRequest:
    return fee_pb2.ListFeesRequest(
        desk=desk(), data=fee_pb2.FeeQuery(psn_no=psn_no, mdtrt_id=mdtrt_id, setl_id=setl_id)
    )


async def test_5204_tells_what_a_settlement_held_after_it_was_reversed(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.visit(psn_no, 9_000)
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, 9_000)
    info = (await counter.settle(request)).setlinfo
    asked = fees_of(psn_no, mdtrt_id, info.setl_id)
    before = await counter.call("FeeService.ListFees", asked)
    assert [(row.det_item_fee_sumamt_fen, row.setl_id) for row in before.data] == [(9_000, info.setl_id)]
    counter_entry = await counter.call("SettlementService.Reverse", reverse_request("2208:F1", info))
    after = await counter.call("FeeService.ListFees", asked)
    assert (after.data, after.reversed_by, after.reverses) == (before.data, counter_entry.setlinfo.setl_id, "")
    of_counter = fees_of(psn_no, mdtrt_id, counter_entry.setlinfo.setl_id)
    told = await counter.call("FeeService.ListFees", of_counter)
    assert (list(told.data), told.reversed_by, told.reverses) == ([], "", info.setl_id)
    again = (await counter.settle(settle_request(counter.request_id(), psn_no, mdtrt_id, 9_000))).setlinfo
    msgid = again.medins_setl_id
    await counter.call("SettlementService.ReverseMessage", take_back("2601:F1", "2207", msgid, psn_no))
    cancelled = fee_pb2.FeeCancellation(mdtrt_id=mdtrt_id, chrg_bchno="1", psn_no=psn_no)
    await counter.call(
        "FeeService.CancelFees", fee_pb2.CancelFeesRequest(request_id="2205:F1", desk=desk(), data=cancelled)
    )
    assert (await counter.call("FeeService.ListFees", asked)).data == before.data
    (row,) = (await counter.call("FeeService.ListFees", fees_of(psn_no, mdtrt_id, again.setl_id))).data
    assert (row.feedetl_sn, row.setl_id) == (before.data[0].feedetl_sn, again.setl_id)
    assert not (await counter.call("FeeService.ListFees", fees_of(psn_no, mdtrt_id, ""))).data


async def test_5204_tells_the_lines_of_a_reversed_settlement_of_a_stay(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.stay(psn_no, 500_000)
    await counter.fees("UploadStayFees", fee_pb2.UploadStayFeesRequest, mdtrt_id, psn_no, 700_000)
    first, second = (await counter.call("FeeService.ListFees", fees_of(psn_no, mdtrt_id, ""))).data

    async def take_line_back(request_id: str, number: str) -> None:
        rows = [fee_pb2.StayFeeReference(feedetl_sn=number)]
        request = fee_pb2.CancelStayFeesRequest(
            request_id=request_id, desk=desk(), mdtrt_id=mdtrt_id, psn_no=psn_no, data=rows
        )
        await counter.call("FeeService.CancelStayFees", request)

    await take_line_back("2302:F1", first.feedetl_sn)
    await counter.discharge(psn_no, mdtrt_id)
    bill = stay_bill_pb2.SettleStayRequest(
        request_id="2304:F1", desk=desk("2304:F1"), data=stay_bill(psn_no, mdtrt_id, 700_000)
    )
    info = (await counter.call("SettlementService.SettleStay", bill)).setlinfo
    back = reversal_pb2.ReverseStayRequest(request_id="2305:F1", desk=desk(), data=reference(info))
    await counter.call("SettlementService.ReverseStay", back)
    await take_line_back("2302:F2", second.feedetl_sn)
    told = await counter.call("FeeService.ListFees", fees_of(psn_no, mdtrt_id, info.setl_id))
    assert [(row.feedetl_sn, row.setl_id) for row in told.data] == [(second.feedetl_sn, info.setl_id)]


async def test_2601_takes_settlements_and_admissions_back_and_voids_what_never_came(counter: Counter) -> None:
    psn_no = counter.somebody()
    request = settle_request(counter.request_id(), psn_no, await counter.visit(psn_no, 9_000), 9_000)
    await counter.settle(request)
    back = "SettlementService.ReverseMessage"
    msgid = request.desk.msgid
    for request_id in ("2601:1", "2601:1", "2601:2"):
        answer = await counter.call(back, take_back(request_id, "2207", msgid, psn_no))
        assert answer.outcome == reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK
    assert await counter.reason(back, take_back("2601:1", "2304", msgid)) == "REQUEST_ID_REUSED"
    assert await counter.reason(back, take_back("2601:1", "2401", msgid)) == "REQUEST_ID_REUSED"
    assert await counter.reason(back, take_back("2601:3", "2204", msgid)) == "MESSAGE_MISNAMED"
    assert await counter.reason(back, take_back("2601:3", "2204", "NOWHERE")) == "NOT_REVERSIBLE"
    for request_id in ("2601:4", "2601:5"):
        answer = await counter.call(back, take_back(request_id, "2207", "LATE"))
        assert (answer.outcome, answer.setl_id) == (reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED, "")
    late = settle_request("2207:LATE", psn_no, request.data.mdtrt_id, 9_000)
    assert await counter.reason("SettlementService.Settle", late) == "MESSAGE_VOIDED"
    stay_of = counter.somebody()
    with_fees = await counter.stay(stay_of, 5_000)
    number = next(counter.numbers)
    assert with_fees
    assert await counter.reason(back, take_back("2601:6", "2401", f"{number - 2}", stay_of)) == "FEES_PRESENT"
    alone = counter.somebody()
    stay = await counter.stay(alone, 0)
    admitted = next(counter.numbers) - 1
    taken = await counter.call(back, take_back("2601:7", "2401", str(admitted), alone))
    assert (taken.outcome, taken.mdtrt_id) == (reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK, stay)
    assert await counter.reason(back, take_back("2601:7", "2207", "ANY", alone)) == "REQUEST_ID_REUSED"
    await counter.stay(alone, 0)


async def test_2601_names_the_message_that_was_meant_and_voids_nothing(counter: Counter) -> None:
    psn_no, another = counter.somebody(), counter.somebody()
    mdtrt_id = await counter.visit(psn_no, 9_000)
    registered = f"{next(counter.numbers) - 2}"
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, 9_000)
    info = (await counter.settle(request)).setlinfo
    msgid, back = request.desk.msgid, "SettlementService.ReverseMessage"
    for place, (oinfno, omsgid, meant) in enumerate(
        (
            ("2304", msgid, ("2207", msgid)),
            ("2401", msgid, ("2207", msgid)),
            ("2207", info.setl_id, ("2207", msgid)),
            ("2207", mdtrt_id, ("2201", registered)),
            ("2401", registered, ("2201", registered)),
        )
    ):
        for person in (psn_no, ""):
            with pytest.raises(Fault) as caught:
                await counter.call(back, take_back(f"2601:N{place}{person}", oinfno, omsgid, person))
            named = caught.value.metadata
            assert (caught.value.reason, named["oinfno"], named["meant"]) == ("MESSAGE_MISNAMED", *meant)
    asked = settlement_query_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=mdtrt_id, setl_id=info.setl_id)
    stands = await counter.call(
        "SettlementService.GetSettlement", settlement_query_pb2.GetSettlementRequest(desk=desk(), data=asked)
    )
    assert (stands.record.refd_setl_flag, stands.reversed_by) == (False, "")
    late = settle_request(f"2207A:{msgid}", psn_no, mdtrt_id, 9_000)
    assert await counter.reason("SettlementService.Settle", late) == "BATCH_SETTLED"
    void = reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED
    assert (await counter.call(back, take_back("2601:N8", "2207", info.setl_id, another))).outcome == void
    elsewhere = take_back("2601:N9", "2207", msgid, psn_no)
    elsewhere.desk.fixmedins_code = OTHER_INSTITUTION
    assert (await counter.call(back, elsewhere, ELSEWHERE)).outcome == void
    # 2207A is another number of the same transaction: the message is found under either.
    taken = await counter.call(back, take_back("2601:N10", "2207A", msgid, psn_no))
    again = await counter.call(back, take_back("2601:N11", "2207", msgid, psn_no))
    assert taken == again
    assert (taken.outcome, taken.setl_id) == (reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK, info.setl_id)
    counter_entry = await counter.call("SettlementService.Reverse", reverse_request("2208:N1", info))
    assert taken.reversed_by == counter_entry.setlinfo.setl_id


async def test_2601_finds_a_message_that_came_by_rest_under_a_name_of_the_clients_own(counter: Counter) -> None:
    psn_no, back = counter.somebody(), "SettlementService.ReverseMessage"
    own = f"order-{next(counter.numbers)}"
    info = (await counter.settle(settle_request(own, psn_no, await counter.visit(psn_no, 9_000), 9_000))).setlinfo
    for wrong in ("2304", "2401", "2208"):
        with pytest.raises(Fault) as caught:
            await counter.call(back, take_back(f"2601:W{wrong}", wrong, own, psn_no))
        named = caught.value.metadata
        assert (caught.value.reason, named["oinfno"], named["meant"]) == ("MESSAGE_MISNAMED", "2207", own)
    for again in ("2601:R1", "2601:R2"):
        taken = await counter.call(back, take_back(again, "2207", own, psn_no))
        assert (taken.outcome, taken.setl_id) == (reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK, info.setl_id)


async def test_2601_takes_none_of_two_settlements_back_that_came_by_one_number(counter: Counter) -> None:
    psn_no, another, back = counter.somebody(), counter.somebody(), "SettlementService.ReverseMessage"
    msgid = f"T{next(counter.numbers)}"

    async def settled(request_id: str, who: str) -> str:
        return str((await bill(request_id, who)).setl_id)

    async def bill(request_id: str, who: str) -> Any:
        request = settle_request(request_id, who, await counter.visit(who, 9_000), 9_000)
        return (await counter.settle(request)).setlinfo

    first = await settled(f"2207:{msgid}", psn_no)
    taken = await counter.call(back, take_back("2601:B1", "2207", msgid, psn_no))
    # By REST, whose clients choose the whole request id.
    second = await settled(msgid, psn_no)
    assert await counter.call(back, take_back("2601:B1", "2207", msgid, psn_no)) == taken
    for oinfno in ("2207", "2207A"):
        for person in (psn_no, ""):
            with pytest.raises(Fault) as caught:
                await counter.call(back, take_back(f"2601:{oinfno}{person}", oinfno, msgid, person))
            told = caught.value.metadata
            assert (caught.value.reason, told["settlements"]) == ("MESSAGE_AMBIGUOUS", f"{first}, {second}")
    await settled(f"2207:W{msgid}", another)
    own = await bill(f"W{msgid}", psn_no)
    assert await counter.reason(back, take_back("2601:W1", "2207", f"W{msgid}")) == "MESSAGE_AMBIGUOUS"
    # The person tells which one is not meant; the other one's number is told by nobody.
    assert await counter.reason(back, take_back("2601:W2", "2207", f"W{msgid}", psn_no)) == "NOT_REVERSIBLE"
    asked = settlement_query_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=own.mdtrt_id, setl_id=own.setl_id)
    stands = await counter.call(
        "SettlementService.GetSettlement", settlement_query_pb2.GetSettlementRequest(desk=desk(), data=asked)
    )
    assert stands.reversed_by == ""


async def test_a_message_that_never_came_is_void_under_every_name_that_it_may_come_by(counter: Counter) -> None:
    psn_no, back = counter.somebody(), "SettlementService.ReverseMessage"
    mdtrt_id = await counter.visit(psn_no, 9_000)
    msgid = f"H{next(counter.numbers)}"
    never = await counter.call(back, take_back("2601:V1", "2207", msgid, psn_no))
    assert never.outcome == reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED
    for late in (f"2207:{msgid}", f"2207A:{msgid}", msgid):
        request = settle_request(late, psn_no, mdtrt_id, 9_000)
        assert await counter.reason("SettlementService.Settle", request) == "MESSAGE_VOIDED"
    again = await counter.call(back, take_back("2601:V2", "2207A", msgid, psn_no))
    assert again.outcome == reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED


async def test_a_transaction_that_cannot_be_taken_back_names_the_message_that_was_meant(counter: Counter) -> None:
    psn_no, back = counter.somebody(), "SettlementService.ReverseMessage"
    mdtrt_id = await counter.visit(psn_no, 9_000)
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, 9_000)
    await counter.settle(request)
    for asked in ("2208", "2206", "2204", "9999"):
        with pytest.raises(Fault) as caught:
            await counter.call(back, take_back(f"2601:T{asked}", asked, request.desk.msgid, psn_no))
        named = caught.value.metadata
        assert (caught.value.reason, named["oinfno"]) == ("MESSAGE_MISNAMED", "2207")
    assert await counter.reason(back, take_back("2601:T0", "2208", "H0", psn_no)) == "NOT_REVERSIBLE"


async def test_what_is_told_of_a_settlement_that_was_taken_back_agrees_everywhere(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.visit(psn_no, 9_000)
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, 9_000)
    answered = await counter.settle(request)
    info = answered.setlinfo
    counter_entry = (await counter.call("SettlementService.Reverse", reverse_request("2208:R1", info))).setlinfo
    late = await counter.settle(request)
    batched = settlement_pb2.BatchSettleRequest()
    batched.items.add(request=request).context.caller_token = counter.mesh.tokens.sign(HERE, "settlement")
    (outcome,) = (await counter.call("SettlementService.BatchSettle", batched, GATEWAY)).outcomes
    for told in (late, outcome.response):
        assert told.reversed_by == counter_entry.setl_id
        told.reversed_by = ""
        assert told.SerializeToString(deterministic=True) == answered.SerializeToString(deterministic=True)
    query = settlement_query_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=mdtrt_id, setl_id=info.setl_id)
    asked = settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    original = await counter.call("SettlementService.GetSettlement", asked)
    query.setl_id = counter_entry.setl_id
    asked = settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    negative = await counter.call("SettlementService.GetSettlement", asked)
    assert (original.setlinfo, original.record.refd_setl_flag) == (info, True)
    assert (original.reversed_by, original.reverses) == (counter_entry.setl_id, "")
    assert (negative.setlinfo.medfee_sumamt_fen, negative.record.refd_setl_flag) == (-9_000, True)
    assert (negative.reversed_by, negative.reverses) == ("", info.setl_id)
