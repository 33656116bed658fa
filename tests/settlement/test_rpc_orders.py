"""Orders at a running settlement: who may open and lift them, what they keep from being undone, and what a person sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.runtime.call import Caller, Role
from tests.mesh.harness import BEGIN
from tests.mesh.seeds import INSTITUTION, OPENING_FEN
from tests.settlement.institution import (
    ELSEWHERE,
    HERE,
    ROUTING,
    Counter,
    at,
    counter_in,
    desk,
    reverse_request,
    settle_request,
    stay_bill,
    take_back,
)
from tests.settlement.split_lines import SplitLine, packed_lines
from tools.played.people import EMPLOYEE
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import (
    carried_pb2,
    common_pb2,
    fee_pb2,
    order_pb2,
    order_state_pb2,
    own_books_pb2,
    settlement_pb2,
    settlement_query_pb2,
    stay_bill_pb2,
    stay_pb2,
    visit_pb2,
)

ORDERS = "OrderService"
OWN = codes_pb2.ACCT_USED_FLAG_OWN


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        yield made


def oneself(psn_no: str) -> Caller:
    return Caller(Role.PERSON, psn_no, sandbox=True)


def order_no(counter: Counter) -> str:
    return f"O{next(counter.numbers)}"


def opened(number: str, bill: Any, expires: int = 600) -> order_pb2.OpenRequest:
    kinds = {settlement_pb2.SettleRequest: "visit", stay_bill_pb2.SettleStayRequest: "stay"}
    told: Any = {kinds.get(type(bill), "carried"): bill}
    return order_pb2.OpenRequest(
        request_id=f"open:{number}", opener="routing", order_no=number, expires_after_s=expires, **told
    )


async def open_order(counter: Counter, number: str, bill: Any, expires: int = 600) -> order_pb2.OpenResponse:
    answer: order_pb2.OpenResponse = await counter.call(f"{ORDERS}.Open", opened(number, bill, expires), ROUTING)
    return answer


async def act(counter: Counter, verb: str, number: str, **told: Any) -> order_state_pb2.Order:
    made = getattr(order_pb2, f"{verb}Request")
    request = made(request_id=f"{verb}:{number}", opener="routing", order_no=number, **told)
    answer = await counter.call(f"{ORDERS}.{verb}", request, ROUTING)
    found: order_state_pb2.Order = answer.order
    return found


async def look(counter: Counter, number: str) -> order_state_pb2.Order:
    request = order_state_pb2.GetOrderRequest(order_no=number)
    found: order_state_pb2.Order = (await counter.call(f"{ORDERS}.GetOrder", request, ROUTING)).order
    return found


async def balance(counter: Counter, psn_no: str) -> int:
    request = own_books_pb2.ListOwnAccountsRequest(psn_no=psn_no)
    found = await counter.call("OwnBooksService.ListOwnAccounts", request, oneself(psn_no))
    return int(found.accounts[0].balance_fen)


async def test_the_encounter_of_a_pending_bill_stays_as_it_is_until_the_order_ends(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id, number = await counter.visit(psn_no, 50_000), order_no(counter)
    bill = settle_request(counter.request_id(), psn_no, mdtrt_id, 50_000, acct_used_flag=OWN)
    answer = await open_order(counter, number, bill)
    assert (answer.order.fixmedins_code, answer.settlement.setlinfo.acct_pay_fen) == (INSTITUTION, 50_000)
    named = {"mdtrt_id": mdtrt_id, "psn_no": psn_no}
    refused = {
        "2202": await counter.reason(
            "EncounterService.CancelVisit",
            visit_pb2.CancelVisitRequest(request_id="2202:1", desk=desk(), data=visit_pb2.VisitCancellation(**named)),
        ),
        "2205": await counter.reason(
            "FeeService.CancelFees",
            fee_pb2.CancelFeesRequest(
                request_id="2205:1", desk=desk(), data=fee_pb2.FeeCancellation(chrg_bchno="0000", **named)
            ),
        ),
        "2208": await counter.reason(
            "SettlementService.Reverse", reverse_request("2208:1", answer.settlement.setlinfo)
        ),
        "2207": await counter.reason("SettlementService.Settle", bill),
    }
    assert set(refused.values()) == {"ORDER_PENDING"}
    query = settlement_query_pb2.SettlementQuery(setl_id=answer.order.setl_id, **named)
    asked = settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    assert await counter.reason("SettlementService.GetSettlement", asked) == "SETTLEMENT_NOT_FOUND"
    await act(counter, "Confirm", number)
    assert (await counter.call("SettlementService.Settle", bill)).setlinfo == answer.settlement.setlinfo
    assert (await counter.call("SettlementService.GetSettlement", asked)).setlinfo == answer.settlement.setlinfo


async def test_a_stay_is_neither_undone_nor_charged_further_under_its_pending_bill(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id, number = await counter.stay(psn_no, 300_000), order_no(counter)
    await counter.discharge(psn_no, mdtrt_id)
    bill = stay_bill_pb2.SettleStayRequest(
        request_id=counter.request_id("2304"), desk=desk(), data=stay_bill(psn_no, mdtrt_id, 300_000)
    )
    other, number_of_visit = await counter.visit(psn_no, 10_000), order_no(counter)
    await open_order(counter, number_of_visit, settle_request(counter.request_id(), psn_no, other, 10_000))
    trial = stay_bill_pb2.TrialStayRequest(desk=desk(), data=stay_bill(psn_no, mdtrt_id, 300_000))
    tried = await counter.call("SettlementService.TrialStay", trial)
    assert (tried.pending_order_no, bool(tried.pending_lapses_at)) == (number_of_visit, True)
    await act(counter, "Void", number_of_visit)
    await open_order(counter, number, bill)
    undo = stay_pb2.UndoDischargeRequest(
        request_id=f"2405:{number}", desk=desk(), data=stay_pb2.StayReference(mdtrt_id=mdtrt_id, psn_no=psn_no)
    )
    assert await counter.reason("EncounterService.UndoDischarge", undo) == "ORDER_PENDING"
    all_lines = [fee_pb2.StayFeeReference(feedetl_sn="0000")]
    cancel = fee_pb2.CancelStayFeesRequest(
        request_id=f"2302:{number}", desk=desk(), mdtrt_id=mdtrt_id, psn_no=psn_no, data=all_lines
    )
    assert await counter.reason("FeeService.CancelStayFees", cancel) == "ORDER_PENDING"
    line = common_pb2.FeeLine(
        feedetl_sn="late", fee_ocur_time=at(), med_list_codg="X", det_item_fee_sumamt_fen=100, cnt="1", pric="1"
    )
    late = fee_pb2.UploadStayFeesRequest(
        request_id=f"2301:{number}", desk=desk(), mdtrt_id=mdtrt_id, psn_no=psn_no, feedetail=[line]
    )
    assert await counter.reason("FeeService.UploadStayFees", late) == "ORDER_PENDING"
    asked = fee_pb2.ListFeesRequest(desk=desk(), data=fee_pb2.FeeQuery(psn_no=psn_no, mdtrt_id=mdtrt_id))
    assert [each.setl_id for each in (await counter.call("FeeService.ListFees", asked)).data] == [""]
    assert (await act(counter, "Void", number)).cause == order_state_pb2.VOID_CAUSE_OPENER
    await counter.call("EncounterService.UndoDischarge", undo)


async def test_only_its_opener_ends_an_order_and_only_its_window_or_person_lifts_it(counter: Counter) -> None:
    psn_no, number = counter.somebody(), order_no(counter)
    mdtrt_id = await counter.visit(psn_no, 40_000)
    bill = settle_request(counter.request_id(), psn_no, mdtrt_id, 40_000, acct_used_flag=OWN)
    await open_order(counter, number, bill)
    internal = Caller(Role.SERVICE, "internal", sandbox=True)
    confirm = order_pb2.ConfirmRequest(request_id="c", opener="routing", order_no=number)
    assert await counter.reason(f"{ORDERS}.Confirm", confirm, internal) == "CALLER_NOT_ALLOWED"
    confirm.opener = "internal"
    assert await counter.reason(f"{ORDERS}.Confirm", confirm, ROUTING) == "CALLER_NOT_BOUND"
    asked = order_state_pb2.GetOrderRequest(order_no=number)
    assert await counter.reason(f"{ORDERS}.GetOrder", asked, internal) == "ORDER_NOT_FOUND"
    assert (await look(counter, number)).order_no == number
    other = order_state_pb2.LiftRequest(request_id="l", desk=desk("", "H99010000002"), order_no=number)
    assert await counter.reason(f"{ORDERS}.Lift", other, ELSEWHERE) == "ORDER_NOT_FOUND"
    mine = order_state_pb2.ListOwnOrdersRequest(psn_no=psn_no)
    found = (await counter.call(f"{ORDERS}.ListOwnOrders", mine, oneself(psn_no))).orders
    assert [(each.order_no, each.phase) for each in found] == [(number, order_state_pb2.ORDER_PHASE_PENDING)]
    assert await balance(counter, psn_no) == OPENING_FEN - 40_000
    lift = order_state_pb2.LiftOwnRequest(request_id=f"lift:{number}", psn_no=psn_no, order_no=number)
    lifted = await counter.call(f"{ORDERS}.LiftOwn", lift, oneself(psn_no))
    assert lifted.order.cause == order_state_pb2.VOID_CAUSE_PERSON
    assert await balance(counter, psn_no) == OPENING_FEN
    assert (await counter.call(f"{ORDERS}.LiftOwn", lift, oneself(psn_no))) == lifted
    assert await counter.reason(f"{ORDERS}.Open", opened(number, bill), ROUTING) == "ORDER_VOID"
    books = own_books_pb2.ListOwnSettlementsRequest(psn_no=psn_no)
    assert (await counter.call("OwnBooksService.ListOwnSettlements", books, oneself(psn_no))).settlements == []
    moved = own_books_pb2.ListOwnAccountMovementsRequest(psn_no=psn_no, insutype=EMPLOYEE)
    movements = (await counter.call("OwnBooksService.ListOwnAccountMovements", moved, oneself(psn_no))).movements
    assert [(each.kind, each.setl_id) for each in movements[:2]] == [
        (own_books_pb2.MOVEMENT_KIND_ORDER_VOIDED, ""),
        (own_books_pb2.MOVEMENT_KIND_ORDER, ""),
    ]


async def test_an_order_that_is_opened_to_be_charged_is_nobodys_to_lift(counter: Counter) -> None:
    psn_no, number = counter.somebody(), order_no(counter)
    mdtrt_id = await counter.visit(psn_no, 40_000)
    request = opened(number, settle_request(counter.request_id(), psn_no, mdtrt_id, 40_000))
    request.charged = True
    made = await counter.call(f"{ORDERS}.Open", request, ROUTING)
    assert made.order.charged
    assert await counter.call(f"{ORDERS}.Open", request, ROUTING) == made
    lift = order_state_pb2.LiftRequest(request_id=f"lift:{number}", desk=desk(), order_no=number)
    assert await counter.reason(f"{ORDERS}.Lift", lift, HERE) == "ORDER_CHARGED"
    own = order_state_pb2.LiftOwnRequest(request_id=f"own:{number}", psn_no=psn_no, order_no=number)
    assert await counter.reason(f"{ORDERS}.LiftOwn", own, oneself(psn_no)) == "ORDER_CHARGED"
    void = order_pb2.VoidRequest(request_id=f"v:{number}", opener="routing", order_no=number)
    assert (await counter.call(f"{ORDERS}.Void", void, ROUTING)).order.cause == order_state_pb2.VOID_CAUSE_OPENER


async def test_the_window_lifts_by_its_own_rpc_or_by_taking_the_message_back(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.visit(psn_no, 40_000)
    for lifted in ("Lift", "2601"):
        number, request_id = order_no(counter), counter.request_id()
        await open_order(counter, number, settle_request(request_id, psn_no, mdtrt_id, 40_000))
        if lifted == "Lift":
            lift = order_state_pb2.LiftRequest(request_id=f"lift:{number}", desk=desk(), order_no=number)
            await counter.call(f"{ORDERS}.Lift", lift, HERE)
        else:
            asked = take_back(f"2601:{number}", "2207", request_id.partition(":")[2], psn_no)
            told = await counter.call("SettlementService.ReverseMessage", asked)
            assert told.reversed_by
        assert (await look(counter, number)).cause == order_state_pb2.VOID_CAUSE_INSTITUTION


async def test_what_has_lapsed_is_ended_by_the_member_itself(counter: Counter) -> None:
    psn_no, number = counter.somebody(), order_no(counter)
    mdtrt_id = await counter.visit(psn_no, 40_000)
    await open_order(counter, number, settle_request(counter.request_id(), psn_no, mdtrt_id, 40_000), 1)
    for _ in range(400):
        await asyncio.sleep(0.05)
        if (await look(counter, number)).phase == order_state_pb2.ORDER_PHASE_VOID:
            break
    assert (await look(counter, number)).cause == order_state_pb2.VOID_CAUSE_LAPSED
    confirm = order_pb2.ConfirmRequest(request_id=f"c:{number}", opener="routing", order_no=number)
    assert await counter.reason(f"{ORDERS}.Confirm", confirm, ROUTING) == "ORDER_LAPSED"


async def test_a_bill_of_another_cell_is_tried_opened_and_shown_to_the_person_with_its_lines(counter: Counter) -> None:
    psn_no, number = counter.somebody(), order_no(counter)
    line = common_pb2.FeeLine(
        feedetl_sn="1", fee_ocur_time=at(), med_list_codg="XTESTA0000000001", cnt="1", pric="2300", chrg_bchno="1"
    )
    line.det_item_fee_sumamt_fen = 230_000
    split = common_pb2.FeeLineSplit(feedetl_sn="1", det_item_fee_sumamt_fen=230_000, inscp_scp_amt_fen=230_000, cnt="1")
    bill = carried_pb2.CarriedBill(
        desk=desk("2207:C1"),
        mdtrt_id="C00000000001",
        psn_no=psn_no,
        insutype=EMPLOYEE,
        med_type=codes_pb2.MED_TYPE_OUTPATIENT,
        begin_time=at(BEGIN - timedelta(hours=1)),
        medfee_sumamt_fen=230_000,
        setl_time=at(),
        lines=packed_lines(SplitLine(line, split)),
    )
    trial = (
        await counter.call(f"{ORDERS}.TryOpen", order_pb2.TryOpenRequest(opener="routing", carried=bill), ROUTING)
    ).trial
    bill.trial_hash = trial.trial_hash
    answer = await open_order(counter, number, bill)
    assert answer.settlement.setlinfo.hifp_pay_fen == trial.setlinfo.hifp_pay_fen
    await act(counter, "Confirm", number)
    named: dict[str, Any] = {"psn_no": psn_no, "setl_id": answer.order.setl_id}
    told = await counter.call(
        "OwnBooksService.GetOwnSettlement", own_books_pb2.GetOwnSettlementRequest(**named), oneself(psn_no)
    )
    assert (told.setlinfo, told.record.fixmedins_code) == (answer.settlement.setlinfo, INSTITUTION)
    lines = (
        await counter.call("OwnBooksService.ListOwnLines", own_books_pb2.ListOwnLinesRequest(**named), oneself(psn_no))
    ).lines
    assert [(each.mdtrt_id, each.feedetl_sn, each.det_item_fee_sumamt_fen) for each in lines] == [
        ("C00000000001", "1", 230_000)
    ]
    bill.setl_time.FromDatetime(BEGIN - timedelta(minutes=6))
    late = opened(order_no(counter), bill)
    assert await counter.reason(f"{ORDERS}.Open", late, ROUTING) == "CLOCK_APART"
