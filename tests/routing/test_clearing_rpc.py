"""ClearingService and InstitutionClearingService over loopback, with every interceptor."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.runtime.call import Caller, Role
from services.runtime.wire import day_message
from tests.routing.conftest import Running
from tests.routing.sagas import NOON
from yibao.routing.v1 import clearing_journals_pb2 as journals_pb
from yibao.routing.v1 import clearing_payments_pb2 as payments_pb
from yibao.routing.v1 import clearing_pb2 as pb
from yibao.routing.v1 import institution_clearing_pb2 as institution_pb
from yibao.routing.v1.clearing_pb2_grpc import ClearingServiceStub
from yibao.routing.v1.institution_clearing_pb2_grpc import InstitutionClearingServiceStub

HOSPITAL: Final = Caller(Role.INSTITUTION, "H11000000001", sandbox=True)
OTHER: Final = Caller(Role.INSTITUTION, "H11000000002", sandbox=True)
JANUARY: Final = "2026-01"
DAY: Final = date(2026, 1, 20)
PAIR: Final = {"month": JANUARY, "insured_region": "370000", "care_region": "110000"}
NUMBERS: Final = count(1)


def new_id() -> str:
    """A request id that did not come yet."""
    return f"r{next(NUMBERS)}"


def collecting(setl_id: str = "1", fen: int = 75_000, **changed: Any) -> journals_pb.CollectJournalsRequest:
    """One journal of January; the member's clock stands on 5 March 2026."""
    row: dict[str, Any] = {
        "setl_id": setl_id,
        "kind": journals_pb.JOURNAL_KIND_SETTLE,
        "order_no": f"O{setl_id}",
        "mdtrt_id": f"M{setl_id}",
        "fixmedins_code": HOSPITAL.subject,
        "insured_area": "370100",
        "care_area": "110000",
        "insutype": "310",
        "clr_type": "11",
        "setl_time": Timestamp(seconds=1_768_900_000),
        "setl_day": day_message(DAY),
        "bill_total_fen": 100_000,
        "parts": [journals_pb.JournalPart(fund_pay_type="310100", amount_fen=fen)],
    }
    return journals_pb.CollectJournalsRequest(request_id=new_id(), journals=[journals_pb.Journal(**(row | changed))])


async def test_a_month_goes_from_its_bills_to_its_payment(running: Running) -> None:
    stub = running.peers.stub(ClearingServiceStub, "routing")
    asked = collecting()
    first = await running.call(stub.CollectJournals, asked)
    assert first == await running.call(stub.CollectJournals, asked)
    assert (first.filed_count, first.repeated_count) == (1, 0)
    assert (await running.call(stub.CollectJournals, collecting())).repeated_count == 1
    open_month = await running.call(stub.GetMonth, pb.GetMonthRequest(month=JANUARY))
    assert (open_month.month.state, open_month.statements[0].amount_fen) == (pb.MONTH_STATE_OPEN, 75_000)
    assert open_month.terms.closes_on == day_message(date(2026, 2, 5))
    closed = await running.call(stub.CloseMonth, pb.CloseMonthRequest(request_id=new_id(), month=JANUARY, memo="job"))
    assert (closed.month.state, closed.month.run, closed.month.memo) == (pb.MONTH_STATE_CLOSED, 1, "job")
    side = journals_pb.CLEARING_SIDE_CARE
    disputing = pb.DisputeStatementRequest(
        **PAIR, request_id=new_id(), side=side, reason=pb.DISPUTE_REASON_MISSING, memo="one more"
    )
    disputed = (await running.call(stub.DisputeStatement, disputing)).statement
    assert (disputed.care.state, disputed.care.reason) == (pb.ANSWER_STATE_DISPUTED, pb.DISPUTE_REASON_MISSING)
    confirming = pb.ConfirmStatementRequest(**PAIR, request_id=new_id(), side=side)
    assert (await running.call(stub.ConfirmStatement, confirming)).statement.care.state == pb.ANSWER_STATE_CONFIRMED
    ran = await running.call(stub.RunClearing, pb.RunClearingRequest(request_id=new_id()))
    assert (list(ran.closed_months), list(ran.netted_months)) == ([], [JANUARY])
    (order,) = (await running.call(stub.ListPayments, payments_pb.ListPaymentsRequest(month=JANUARY))).payments
    assert (order.payer_region, order.payee_region, order.amount_fen) == ("370000", "110000", 75_000)
    assert order.pays_by == day_message(date(2026, 2, 25))
    paying = payments_pb.AdvancePaymentRequest(
        request_id=new_id(), payment_no=order.payment_no, state=payments_pb.PAYMENT_STATE_PAID
    )
    assert (await running.call(stub.AdvancePayment, paying)).payment.state == payments_pb.PAYMENT_STATE_PAID
    assert (await running.call(stub.GetMonth, pb.GetMonthRequest(month=JANUARY))).month.state == pb.MONTH_STATE_PAID
    checked = await running.call(stub.VerifyClearing, payments_pb.VerifyClearingRequest())
    assert (checked.journals_checked, checked.positions_fen, list(checked.findings)) == (1, 0, [])
    assert len(checked.ledger_hash) == 64


async def test_a_day_is_checked_and_prepayments_are_watched(running: Running) -> None:
    stub = running.peers.stub(ClearingServiceStub, "routing")
    day = day_message(DAY)
    await running.call(stub.CollectJournals, collecting())
    entry = journals_pb.DayEntry(setl_id="1", kind=journals_pb.JOURNAL_KIND_SETTLE, amount_fen=75_000)
    listing = journals_pb.SubmitDayListRequest(
        request_id=new_id(), setl_day=day, side=journals_pb.CLEARING_SIDE_CARE, region="110000", entries=[entry]
    )
    assert (await running.call(stub.SubmitDayList, listing)).listed_count == 1
    prepaying: dict[str, Any] = {"insured_area": "370100", "care_area": "110000", "amount_fen": 100_000}
    moved = await running.call(stub.MovePrepayment, payments_pb.MovePrepaymentRequest(request_id=new_id(), **prepaying))
    assert moved.prepayment.balance_fen == 100_000
    checking = journals_pb.CheckDayRequest(request_id=new_id(), setl_day=day)
    check = (await running.call(stub.CheckDay, checking)).check
    assert (check.national_count, check.insured_count, check.care_count, check.difference_count) == (1, 0, 1, 1)
    told = await running.call(stub.ListDifferences, journals_pb.ListDifferencesRequest(setl_day=day))
    assert told.check == check
    assert [(each.side, each.difference, each.national_fen) for each in told.differences] == [
        (journals_pb.CLEARING_SIDE_INSURED, journals_pb.DIFFERENCE_KIND_MISSING, 75_000)
    ]
    (usage,) = (await running.call(stub.ListPrepayments, payments_pb.ListPrepaymentsRequest())).usages
    assert usage.used_fen == 75_000
    assert (usage.used_percent, usage.level) == (75, payments_pb.PREPAYMENT_LEVEL_YELLOW)
    listed = await running.call(stub.ListPrepaymentWarnings, payments_pb.ListPrepaymentWarningsRequest(page_size=1))
    assert [(each.day, each.used_fen) for each in listed.warnings] == [(day, 75_000)]
    assert listed.next_page_token == ""


async def test_warnings_are_read_page_by_page_each_once_and_tell_whose_money_runs_short(running: Running) -> None:
    stub = running.peers.stub(ClearingServiceStub, "routing")
    regions = {"320000": 75_000, "330000": 90_000, "370000": 99_000}
    for number, (region, fen) in enumerate(regions.items(), 1):
        area = f"{region[:2]}0100"
        await running.call(stub.CollectJournals, collecting(str(number), fen, insured_area=area))
        prepaying = payments_pb.MovePrepaymentRequest(
            request_id=new_id(), insured_area=area, care_area="110000", amount_fen=100_000
        )
        await running.call(stub.MovePrepayment, prepaying)
    day = day_message(DAY)
    await running.call(stub.CheckDay, journals_pb.CheckDayRequest(request_id=new_id(), setl_day=day))
    told, place = list[tuple[str, int]](), ""
    for _ in regions:
        asking = payments_pb.ListPrepaymentWarningsRequest(page_size=1, page_token=place)
        page = await running.call(stub.ListPrepaymentWarnings, asking)
        told += [(each.prepayment.insured_region, each.used_fen) for each in page.warnings]
        place = page.next_page_token
    assert (told, place) == ([*regions.items()], "")


async def test_an_institution_sees_its_own_bills_and_leaves_one_out(running: Running) -> None:
    await running.call(running.peers.stub(ClearingServiceStub, "routing").CollectJournals, collecting())
    stub = running.peers.stub(InstitutionClearingServiceStub, "routing")
    month = {"trt_year": "2026", "trt_month": "1"}
    listing = institution_pb.ListRemoteBillsRequest(
        fixmedins_code=HOSPITAL.subject, data=institution_pb.RemoteBillsQuery(**month, startrow=1)
    )
    (bill,) = (await running.call(stub.ListRemoteBills, listing, HOSPITAL)).data
    assert (bill.seqno, bill.setl_id, bill.medfee_sumamt_fen, bill.optins_pay_sumamt_fen) == (1, "1", 100_000, 75_000)
    assert await running.reason(stub.ListRemoteBills, listing, OTHER) == "CALLER_NOT_BOUND"

    def word(setl_id: str, rows: int = 1, **sums: Any) -> institution_pb.ConfirmRemoteBillsRequest:
        return institution_pb.ConfirmRemoteBillsRequest(
            request_id=new_id(),
            fixmedins_code=HOSPITAL.subject,
            msgid="m1",
            data=institution_pb.RemoteMonth(**month, totalrow=rows),
            detail=[institution_pb.RemoteBillWord(setl_id=setl_id, cnfm_flag="0", **sums)],
        )

    for wrong, reason in (
        (word("2"), "CLEARING_BILL_NOT_FOUND"),
        (word("1", medfee_sumamt_fen=1), "CLEARING_BILL_DIFFERS"),
        (word("1", rows=2), "INVALID_REQUEST"),
    ):
        assert await running.reason(stub.ConfirmRemoteBills, wrong, HOSPITAL) == reason
    result = (await running.call(stub.ConfirmRemoteBills, word("1"), HOSPITAL)).result
    assert (result.cnfm_cnt, result.otransid) == (1, "m1")
    assert (await running.call(stub.ListRemoteBills, listing, HOSPITAL)).data[0].cnfm_flag == "0"
    taking = institution_pb.WithdrawRemoteBillsRequest(
        request_id=new_id(),
        fixmedins_code=HOSPITAL.subject,
        data=institution_pb.RemoteBillsWithdrawal(**month, otransid="m1"),
    )
    assert (await running.call(stub.WithdrawRemoteBills, taking, HOSPITAL)).result.wthd_cnt == 1


async def test_every_refusal(running: Running) -> None:
    stub = running.peers.stub(ClearingServiceStub, "routing")
    reason = running.reason
    await running.call(stub.CollectJournals, collecting())
    reverse: dict[str, Any] = {"kind": journals_pb.JOURNAL_KIND_REVERSE, "fen": -1}
    hospital_part = [journals_pb.JournalPart(fund_pay_type="999996", amount_fen=1)]
    for wrong, why in (
        (collecting(fen=1), "CLEARING_JOURNAL_EXISTS"),
        (collecting(**reverse), "CLEARING_REVERSAL_MISMATCH"),
        (collecting("2", parts=hospital_part), "CLEARING_FUND_NOT_CLEARED"),
        (collecting("2", insured_area="110000"), "CLEARING_NOT_REMOTE"),
    ):
        assert await reason(stub.CollectJournals, wrong) == why
    confirming = pb.ConfirmStatementRequest(**PAIR, request_id=new_id(), side=journals_pb.CLEARING_SIDE_CARE)
    assert await reason(stub.ConfirmStatement, confirming) == "CLEARING_MONTH_OPEN"
    march = pb.CloseMonthRequest(request_id=new_id(), month="2026-03")
    assert await reason(stub.CloseMonth, march) == "CLEARING_MONTH_EMPTY"
    await running.call(stub.CollectJournals, collecting("3", setl_day=day_message(NOON.date())))
    assert await reason(stub.CloseMonth, march) == "CLEARING_NOT_DUE"
    await running.call(stub.CloseMonth, pb.CloseMonthRequest(request_id=new_id(), month=JANUARY))
    checking = journals_pb.CheckDayRequest(request_id=new_id(), setl_day=day_message(DAY))
    assert await reason(stub.CheckDay, checking) == "CLEARING_MONTH_CLOSED"
    confirming.insured_region = "310000"
    assert await reason(stub.ConfirmStatement, confirming) == "CLEARING_STATEMENT_NOT_FOUND"
    netted = await running.call(stub.NetMonth, pb.NetMonthRequest(request_id=new_id(), month=JANUARY))
    confirming.insured_region = "370000"
    assert await reason(stub.ConfirmStatement, confirming) == "CLEARING_MONTH_CLOSED"
    (order,) = netted.payments

    def moving(number: str, state: Any) -> payments_pb.AdvancePaymentRequest:
        return payments_pb.AdvancePaymentRequest(request_id=new_id(), payment_no=number, state=state)

    failed = moving(order.payment_no, payments_pb.PAYMENT_STATE_FAILED)
    assert await reason(stub.AdvancePayment, failed) == "CLEARING_PAYMENT_STATE"
    nobody = moving("CP0", payments_pb.PAYMENT_STATE_SENT)
    assert await reason(stub.AdvancePayment, nobody) == "CLEARING_PAYMENT_NOT_FOUND"
    await running.call(stub.AdvancePayment, moving(order.payment_no, payments_pb.PAYMENT_STATE_SENT))
    back = pb.RollBackMonthRequest(request_id=new_id(), month=JANUARY)
    assert await reason(stub.RollBackMonth, back) == "CLEARING_MONTH_PAID"
    giving = payments_pb.MovePrepaymentRequest(
        request_id=new_id(), insured_area="370100", care_area="110000", amount_fen=-1
    )
    assert await reason(stub.MovePrepayment, giving) == "CLEARING_PREPAYMENT_SHORT"
    assert await reason(stub.NetMonth, pb.NetMonthRequest(request_id=new_id(), month="2026-13")) == "INVALID_REQUEST"
    assert await reason(stub.GetMonth, pb.GetMonthRequest(month=JANUARY), HOSPITAL) == "ROLE_NOT_ALLOWED"
