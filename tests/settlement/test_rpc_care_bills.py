"""A bill of care elsewhere through two running members: asked, opened, booked, confirmed and taken back by routing's calls, and
repeated by the institution's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.cells import SANDBOX
from services.kernel.errors import Fault
from services.runtime.status import from_status
from services.settlement.domain.books import care_bills as domain_care
from services.settlement.servicer import care_bills
from services.settlement.store import care as care_store
from tests.settlement.counter import SOMEBODY
from tests.settlement.counter_member import HERE, Reached, desk, member_in
from tests.settlement.test_rpc_care import THERE, admitted, registered
from tests.settlement.test_rpc_encounters import at, fee
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import (
    care_pb2,
    carried_pb2,
    common_pb2,
    fee_pb2,
    order_pb2,
    reversal_pb2,
    settlement_pb2,
    settlement_query_pb2,
    visit_pb2,
)


def _reason(status: Any) -> str:
    fault = from_status(status, member="settlement")
    assert isinstance(fault, Fault)
    return fault.reason


@pytest.fixture
async def cells(tmp_path: Path) -> AsyncIterator[tuple[Reached, Reached]]:
    """The member of the cell of care, whose identity does not know the person, and the member that insures them."""
    (tmp_path / "there").mkdir()
    async with member_in(tmp_path) as care, member_in(tmp_path / "there") as home:
        del care.counter.identity.people[SOMEBODY]
        yield care, home


def bill(mdtrt_id: str, request_id: str = "2207:1", psn_no: str = SOMEBODY) -> settlement_pb2.SettleRequest:
    data = settlement_pb2.Bill(
        psn_no=psn_no,
        mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
        med_type=codes_pb2.MED_TYPE_OUTPATIENT,
        medfee_sumamt_fen=1000,
        psn_setlway="01",
        mdtrt_id=mdtrt_id,
        chrg_bchno="0000",
        insutype="310",
    )
    return settlement_pb2.SettleRequest(request_id=request_id, desk=desk("1"), data=data)


def order(**bill_of: Any) -> order_pb2.OpenRequest:
    return order_pb2.OpenRequest(request_id="open:O1", opener="routing", order_no="O1", expires_after_s=60, **bill_of)


async def refused(member: Reached, stub: Any, method: str, request: Any) -> str:
    return (await member.fault(getattr(stub, method), request)).reason


async def pending(care: Reached, home: Reached, request: settlement_pb2.SettleRequest) -> order_pb2.OpenResponse:
    """The bill opened in both cells."""
    found = await care.routed(care.care.GetBill, care_pb2.GetBillRequest(visit=request))
    opened = await home.routed(home.orders.Open, order(carried=found.carried))
    booked = order_pb2.BookedBill(visit=request, insured_cell=THERE, care_hash=found.care_hash, opened=opened)
    answer: order_pb2.OpenResponse = await care.routed(care.orders.Open, order(booked=booked))
    assert (found.insured_cell, answer.settlement) == (THERE, opened.settlement)
    # Where care was given is what the insured cell books, and clears by.
    assert found.carried.care_cell == SANDBOX
    return answer


async def test_a_bill_goes_through_both_members_and_its_messages_stand_where_they_came(
    cells: tuple[Reached, Reached],
) -> None:
    care, home = cells
    mdtrt_id = await registered(care)
    await fee(care, mdtrt_id)
    request = bill(mdtrt_id)
    fault = await care.fault(care.settlements.Settle, request)
    assert (fault.reason, fault.metadata["cell"]) == ("INSURED_ELSEWHERE", THERE)
    trial = settlement_pb2.TrialRequest(desk=request.desk, data=request.data)
    assert await refused(care, care.settlements, "Trial", trial) == "INSURED_ELSEWHERE"
    answer = await pending(care, home, request)
    info = answer.settlement.setlinfo
    named = {"mdtrt_id": mdtrt_id, "psn_no": SOMEBODY}
    cancel = visit_pb2.CancelVisitRequest(request_id="2202:1", desk=desk(), data=visit_pb2.VisitCancellation(**named))
    assert await refused(care, care.encounters, "CancelVisit", cancel) == "ORDER_PENDING"
    lost = fee_pb2.FeeCancellation(chrg_bchno="0000", **named)
    lines = fee_pb2.CancelFeesRequest(request_id="2205:1", desk=desk(), data=lost)
    assert await refused(care, care.fees, "CancelFees", lines) == "ORDER_PENDING"
    assert await refused(care, care.settlements, "Settle", request) == "INSURED_ELSEWHERE"
    # What waits longer than it should is told, here and only until it is ended.
    waiting = care_pb2.ListPendingBillsRequest()
    assert not (await care.routed(care.care.ListPendingBills, waiting)).bills
    for member in cells:
        member.counter.clock.at += timedelta(seconds=121)
    (left,) = (await care.routed(care.care.ListPendingBills, waiting)).bills
    assert (left.order_no, left.insured_cell, left.fixmedins_code) == ("O1", THERE, desk().fixmedins_code)
    assert not (await home.routed(home.care.ListPendingBills, waiting)).bills
    for member in cells:
        member.counter.clock.at -= timedelta(seconds=121)
    for member in cells:
        confirm = order_pb2.ConfirmRequest(request_id="c:O1", opener="routing", order_no="O1")
        await member.routed(member.orders.Confirm, confirm)
    assert await care.call(care.settlements.Settle, request) == answer.settlement
    for member in cells:
        member.counter.clock.at += timedelta(seconds=121)
    assert not (await care.routed(care.care.ListPendingBills, waiting)).bills
    asked = fee_pb2.ListFeesRequest(desk=desk(), data=fee_pb2.FeeQuery(setl_id=info.setl_id, **named))
    (line,) = (await care.call(care.fees.ListFees, asked)).data
    assert (line.setl_id, line.det_item_fee_sumamt_fen) == (info.setl_id, 1000)
    query = settlement_query_pb2.SettlementQuery(setl_id=info.setl_id, **named)
    told = await care.call(
        care.settlements.GetSettlement, settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    )
    assert (told.setlinfo, told.record.year) == (info, "2025")


async def test_bills_of_a_list_harm_no_other_and_large_ones_are_asked_for_alone(
    cells: tuple[Reached, Reached], monkeypatch: pytest.MonkeyPatch
) -> None:
    care, _ = cells
    mdtrt_id = await registered(care)
    await fee(care, mdtrt_id)
    asked = [bill(mdtrt_id), bill("unknown", "2207:2"), bill(mdtrt_id, "2207:3")]
    get: Any = care.care.GetBill
    context = care.routing.item_context("settlement", cell=get.cell)
    items = [care_pb2.BatchGetBillItem(context=context, request=care_pb2.GetBillRequest(visit=each)) for each in asked]
    told = (await care.routed(care.care.BatchGetBill, care_pb2.BatchGetBillRequest(items=items))).outcomes
    alone = await care.routed(care.care.GetBill, items[0].request)
    assert [each.response.care_hash for each in told] == [alone.care_hash, "", alone.care_hash]
    assert told[0].response.carried.lines == alone.carried.lines
    assert _reason(told[1].status) == "ENCOUNTER_NOT_FOUND"
    monkeypatch.setattr(care_bills, "_LIST_BYTES", told[0].response.ByteSize() + 10)
    told = (await care.routed(care.care.BatchGetBill, care_pb2.BatchGetBillRequest(items=items))).outcomes
    assert told[0].response.carried.lines == alone.carried.lines
    assert _reason(told[2].status) == "MESSAGE_TOO_LARGE"


async def test_a_list_tells_beside_its_refusals_what_routing_would_ask_for_next(
    cells: tuple[Reached, Reached], monkeypatch: pytest.MonkeyPatch
) -> None:
    care, _ = cells
    mdtrt_id = await registered(care)
    await fee(care, mdtrt_id)
    asked = [bill(mdtrt_id), bill("unknown", "2207:2"), bill(mdtrt_id, "2207:3")]
    asked[2].data.medfee_sumamt_fen = 1

    async def refusals() -> list[Any]:
        settle: Any = care.settlements.Settle
        context = care.peers.item_context("settlement", cell=settle.cell, as_caller=HERE)
        items = [settlement_pb2.BatchSettleItem(context=context, request=each) for each in asked]
        listed = await care.peers.call(
            care.settlements.BatchSettle, settlement_pb2.BatchSettleRequest(items=items), timeout_s=10
        )
        return [*listed.outcomes]

    told = await refusals()
    alone = await care.routed(care.care.GetBill, care_pb2.GetBillRequest(visit=asked[0]))
    beside = care_pb2.GetBillResponse.FromString(told[0].told)
    alone.carried.setl_time.CopyFrom(beside.carried.setl_time)
    assert beside == alone
    # Of what routing would refuse as well nothing is told.
    assert [each.told for each in told[1:]] == [b"", b""]
    reasons = ["INSURED_ELSEWHERE", "ENCOUNTER_NOT_FOUND", "INSURED_ELSEWHERE"]
    assert [_reason(each.status) for each in told] == reasons
    for limit, most in (("_FEW_LINES", 0), ("_BESIDE_BYTES", 100), ("_LIST_BYTES", 100)):
        with monkeypatch.context() as small:
            small.setattr(care_bills, limit, most)
            if most:
                assert [each.told for each in await refusals()] == [b"", b"", b""], limit
    assert [_reason(each.status) for each in await refusals()] == reasons


async def test_lines_are_carried_in_their_order_and_counted_whether_they_are_few_or_many(
    cells: tuple[Reached, Reached], monkeypatch: pytest.MonkeyPatch
) -> None:
    care, _ = cells
    mdtrt_id = await registered(care)
    lines = [
        common_pb2.FeeLine(
            feedetl_sn=number, fee_ocur_time=at(), med_list_codg="A1", det_item_fee_sumamt_fen=1000, cnt="1", pric="10"
        )
        for number in ("9", "1", "5")
    ]
    upload = fee_pb2.UploadFeesRequest(
        request_id="fee:1", desk=desk(), mdtrt_id=mdtrt_id, psn_no=SOMEBODY, feedetail=lines
    )
    await care.call(care.fees.UploadFees, upload)
    asked = bill(mdtrt_id)
    asked.data.medfee_sumamt_fen = 3_000

    async def carried() -> list[str]:
        found = await care.routed(care.care.GetBill, care_pb2.GetBillRequest(visit=asked))
        return list(carried_pb2.CarriedLines.FromString(found.carried.lines).feedetl_sn)

    few = await carried()
    assert few == ["9", "1", "5"]
    monkeypatch.setattr(care_store, "MANY", 2)
    assert await carried() == few
    monkeypatch.setattr(domain_care, "MOST_LINES", 2)
    for most in (3, 2):
        monkeypatch.setattr(care_store, "MANY", most)
        assert (await care.refused(care.care.GetBill, care_pb2.GetBillRequest(visit=asked))).reason == "BILL_TOO_LONG"


async def test_a_settlement_and_an_admission_elsewhere_are_found_by_the_message_that_made_them(
    cells: tuple[Reached, Reached],
) -> None:
    care, home = cells
    mdtrt_id = await registered(care)
    await fee(care, mdtrt_id)
    request = bill(mdtrt_id)
    setl_id = (await pending(care, home, request)).order.setl_id
    message = reversal_pb2.MessageReference(psn_no=SOMEBODY, omsgid="1", oinfno="2207")
    taken = reversal_pb2.ReverseMessageRequest(request_id="2601:1", desk=desk(), data=message)
    assert await refused(care, care.settlements, "ReverseMessage", taken) == "INSURED_ELSEWHERE"
    found = await care.routed(care.care.FindBooked, care_pb2.FindBookedRequest(message=taken))
    assert (found.order_no, found.setl_id, found.state) == ("O1", setl_id, care_pb2.BOOKED_STATE_PENDING)
    for member in cells:
        confirm = order_pb2.ConfirmRequest(request_id="c:O1", opener="routing", order_no="O1")
        await member.routed(member.orders.Confirm, confirm)
    undo = order_pb2.ReverseOrderRequest(request_id="r:O1", opener="routing", order_no="O1", desk=desk())
    counter = (await home.routed(home.orders.ReverseOrder, undo)).counter
    asked = care_pb2.BookReversalRequest(message=taken, order_no="O1", counter=counter)
    answer = (await care.routed(care.care.BookReversal, asked)).message
    assert (answer.setl_id, answer.reversed_by) == (setl_id, counter.setlinfo.setl_id)
    assert await care.call(care.settlements.ReverseMessage, taken) == answer
    stay = await admitted(care, "M77")
    message = reversal_pb2.MessageReference(psn_no=SOMEBODY, omsgid="1", oinfno="2401")
    taken = reversal_pb2.ReverseMessageRequest(request_id="2601:2", desk=desk(), data=message)
    found = await care.routed(care.care.FindBooked, care_pb2.FindBookedRequest(message=taken))
    assert (found.insured_cell, found.mdtrt_id, found.order_no) == (THERE, stay, "")
    taken.data.omsgid = "2"
    missing = await care.refused(care.care.FindBooked, care_pb2.FindBookedRequest(message=taken))
    assert missing.reason == "SETTLEMENT_NOT_FOUND"
