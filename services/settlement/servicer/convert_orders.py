"""Orders between messages and domain values: what is opened, what a carried bill tells, how an order stands."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.kernel.clock import to_micros
from services.kernel.requests import RequestStamp
from services.runtime.call import CallContext
from services.runtime.idempotency import scope_of, stamp_of
from services.runtime.wire import day_of, micros_message, moment_of, optional_day_of
from services.settlement.domain.books import orders as domain
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.care.bill import STAY, VISIT, Bill, BilledEncounter, CarriedCare, carried_batch
from services.settlement.domain.care.carried import LONG_TERM, REFERRAL, TEMPORARY, Filing, Sought, check_filing
from services.settlement.domain.care.encounters import DISCHARGED, OPEN
from services.settlement.domain.care.moments import check_begin, check_end, latest_moment
from services.settlement.operations.books.settle import OpenedOrder
from services.settlement.servicer.convert_care_bills import CareBillWriter
from services.settlement.servicer.convert_carried_lines import read_lines
from services.settlement.servicer.convert_settlement import BillReader
from yibao.settlement.v1 import carried_pb2, order_pb2, order_state_pb2, settlement_pb2, stay_bill_pb2

SETTLE: Final = "/yibao.settlement.v1.SettlementService/Settle"
SETTLE_STAY: Final = "/yibao.settlement.v1.SettlementService/SettleStay"
_FILINGS: Final = {
    carried_pb2.FILING_KIND_LONG_TERM: LONG_TERM,
    carried_pb2.FILING_KIND_TEMPORARY: TEMPORARY,
    carried_pb2.FILING_KIND_REFERRAL: REFERRAL,
}
_VISITS: Final = ("visit", "visit_trial")
TRIALS: Final = ("visit_trial", "stay_trial")
"""What routing brings is called as the contract calls it: a visit or a stay, settled or tried."""
_PHASES: Final = {
    domain.PENDING: order_state_pb2.ORDER_PHASE_PENDING,
    domain.CONFIRMED: order_state_pb2.ORDER_PHASE_CONFIRMED,
    domain.VOID: order_state_pb2.ORDER_PHASE_VOID,
}
_CAUSES: Final = {
    "": order_state_pb2.VOID_CAUSE_UNSPECIFIED,
    domain.OPENER: order_state_pb2.VOID_CAUSE_OPENER,
    domain.LAPSED: order_state_pb2.VOID_CAUSE_LAPSED,
    domain.PERSON: order_state_pb2.VOID_CAUSE_PERSON,
    domain.INSTITUTION: order_state_pb2.VOID_CAUSE_INSTITUTION,
}


class OpeningReader:
    """Reads bills that are opened."""

    def __init__(self) -> None:
        self._bills = BillReader()
        self._decided = CareBillWriter()

    async def opened(self, request: order_pb2.OpenRequest, call: CallContext, traceparent: str = "") -> BillRequest:
        """The bill of an order. Raises INVALID for lines whose parts are not their amount, for a filing that does not
        hold, and for the answer to another bill."""
        form = request.WhichOneof("bill")
        if form == "carried":
            stamp = stamp_of(call, request)
            # No institution of this cell names it: it stands under the order's number.
            own = RequestStamp(stamp.scope, f"order:{request.order_no}", stamp.rpc, stamp.content_hash)
            opening = _opening(request, stamp)
            return await self.carried(request.carried, call, stamp=own, opening=opening, traceparent=traceparent)
        if form != "booked":
            opening = _opening(request, stamp_of(call, request))
            sought = Sought(filing_of(request.sought, "sought.filing")) if request.HasField("sought") else None
            return self._own(request, call, opening=opening, sought=sought, traceparent=traceparent)
        booked = request.booked
        unary: Any = booked.visit if booked.HasField("visit") else booked.stay
        decided = self._decided.booked(booked, request.order_no, unary.data)
        order = self._own(booked, call, booked=decided, traceparent=traceparent)
        return replace(order, opening=_opening(request, _booked_stamp(call, request, order.stamp)))

    def _own(self, part: order_pb2.OpenRequest | order_pb2.BookedBill, call: CallContext, **told: Any) -> BillRequest:
        """A bill of care in this cell."""
        kind = "visit" if part.HasField("visit") else "stay"
        return request_by_routing(self._bills, kind, getattr(part, kind), call, **told)

    async def carried(self, data: carried_pb2.CarriedBill, call: CallContext, **told: Any) -> BillRequest:
        """A carried bill, to be tried or, as is `told`, opened; decided on the moment that the cell of care has set.

        Raises INVALID as `opened`, and TIME_IN_FUTURE.
        """
        bill = self._bills.carried(data)
        lines = read_lines(data.lines)
        setl_at = moment_of(data.setl_time)
        _check_moments(data, latest_moment(setl_at, call.business_date))
        encounter = _encounter(data, bill)
        filing = filing_of(data, "carried.filing")
        check_filing(filing, encounter.begin_at)
        batch = carried_batch(data.mdtrt_id, lines)
        care = CarriedCare(encounter, batch, data.ipt_otp_no, filing, lines, data.care_cell)
        return BillRequest(
            bill=bill,
            now=setl_at,
            trial_hash=data.trial_hash,
            business_date=call.business_date,
            carried=care,
            **told,
        )


def _opening(request: order_pb2.OpenRequest, stamp: RequestStamp) -> domain.OrderOpening:
    return domain.OrderOpening(request.order_no, request.opener, request.expires_after_s, stamp, request.charged)


def _booked_stamp(call: CallContext, request: order_pb2.OpenRequest, message: RequestStamp) -> RequestStamp:
    """Of the opening of a booked bill: its content is the institution's message and what the insured cell decided it as, not how
    that stands meanwhile: a repeat may tell of an order that has gone on."""
    booked = request.booked
    content = (
        *(request.opener, request.order_no, request.expires_after_s, message.rpc, message.content_hash),
        *(booked.insured_cell, booked.care_hash, booked.opened.settlement.setlinfo.setl_id),
    )
    digest = hashlib.sha256(repr(content).encode()).hexdigest()
    return RequestStamp(scope_of(call.caller), request.request_id, call.method, digest)


def institution_stamp(
    call: CallContext, request: settlement_pb2.SettleRequest | stay_bill_pb2.SettleStayRequest
) -> RequestStamp:
    """Of a message that another member brings: it stands where the institution's own would."""
    rpc = SETTLE if isinstance(request, settlement_pb2.SettleRequest) else SETTLE_STAY
    own = stamp_of(call, request)
    return RequestStamp(
        *(request.desk.fixmedins_code, own.request_id, rpc, own.content_hash),
        regions=own.regions,
        first_hash=own.first_hash,
    )


def request_by_routing(bills: BillReader, kind: str, request: Any, call: CallContext, **told: Any) -> BillRequest:
    """The bill of an institution's request that routing brings, to be settled or, of a kind in TRIALS, to be tried; with what
    else is `told` of it."""
    read = bills.visit if kind in _VISITS else bills.stay
    bill = read(request.desk, request.data)
    if kind in TRIALS:
        return BillRequest(bill, call.now, business_date=call.business_date, **told)
    return BillRequest(bill, call.now, institution_stamp(call, request), request.trial_hash, call.business_date, **told)


def filing_of(data: Any, path: str) -> Filing | None:
    """The `filing` of a message; INVALID below `path` for a day that is none."""
    if not data.HasField("filing"):
        return None
    told = data.filing
    first = day_of(told.filed_from, f"{path}.filed_from")
    return Filing(_FILINGS[told.kind], told.filing_no, first, optional_day_of(told, "filed_to", f"{path}.filed_to"))


def order_message(order: domain.Order) -> order_state_pb2.Order:
    """An order as it stands."""
    return order_state_pb2.Order(
        order_no=order.order_no,
        opener=order.opener,
        phase=_PHASES[order.phase],
        cause=_CAUSES[order.cause],
        setl_id=order.setl_id or "",
        counter_setl_id=order.counter_setl_id,
        fixmedins_code=order.fixmedins_code,
        opened_time=None if order.opened_at is None else micros_message(order.opened_at),
        lapses_time=None if order.lapses_at is None else micros_message(order.lapses_at),
        charged=order.charged,
        ended_time=None if order.ended_at is None else micros_message(order.ended_at),
    )


def open_response(opened: OpenedOrder) -> order_pb2.OpenResponse:
    """What an opened order is told: itself and the stored answer of its bill, of a carried one its record too."""
    answer = order_pb2.OpenResponse(order=order_message(opened.order))
    answer.settlement.MergeFromString(opened.response)
    answer.settlement.reversed_by = opened.reversed_by
    if opened.order.carried:
        answer.record.MergeFromString(opened.record)
    return answer


def _check_moments(data: carried_pb2.CarriedBill, latest: datetime) -> None:
    """INVALID for care that begins after the settlement, or ends before it begins."""
    begin = moment_of(data.begin_time)
    check_begin(begin, latest, "carried.begin_time")
    if data.HasField("end_time"):
        check_end(begin, moment_of(data.end_time), latest, "carried.end_time")


def _encounter(data: carried_pb2.CarriedBill, bill: Bill) -> BilledEncounter:
    ended = data.HasField("end_time")
    return BilledEncounter(
        mdtrt_id=data.mdtrt_id,
        fixmedins_code=data.desk.fixmedins_code,
        psn_no=data.psn_no,
        kind=STAY if data.stay else VISIT,
        state=DISCHARGED if data.stay and ended else OPEN,
        med_type=bill.med_type,
        begin_at=to_micros(moment_of(data.begin_time)),
        end_at=to_micros(moment_of(data.end_time)) if ended else None,
        insuplc_admdvs=data.desk.insuplc_admdvs,
        mdtrtarea_admvs=data.desk.mdtrtarea_admvs,
        dise_codg=data.dise_codg,
        dise_name=data.dise_name,
        exp_content=data.encounter_exp_content,
        insutype=data.insutype,
        ec_token_digest=data.ec_token_digest or None,
        local_med_type=data.local_med_type,
    )
