"""What routing asks about bills of care here: what they come to, and which counter-entries it has had made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.runtime.call import CallContext, current_call
from services.runtime.wire import day_message
from services.settlement.domain.bill import Order
from services.settlement.domain.care import CareBill
from services.settlement.domain.entries import PENDING
from services.settlement.operations.care_bills import CareBills, FoundBill, OwnCare
from services.settlement.servicer.convert_care_bills import CareBillWriter
from services.settlement.servicer.convert_orders import institution_stamp
from services.settlement.servicer.convert_settlement import BillReader
from services.settlement.servicer.settlements import told_settlement
from yibao.settlement.v1 import care_pb2, settlement_pb2

_VISITS: Final = ("visit", "visit_trial")
_TRIALS: Final = ("visit_trial", "stay_trial")


class BillsElsewhere:
    """Answers for bills whose ledgers are another cell's."""

    def __init__(self, bills: CareBills, cell: str) -> None:
        self._found = bills
        self._cell = cell
        self._bills = BillReader()
        self._messages = CareBillWriter()

    async def bill(self, request: care_pb2.GetBillRequest) -> care_pb2.GetBillResponse:
        """What a bill comes to here, or what stands under its request id."""
        kind, call = request.WhichOneof("request") or "", current_call()
        unary = getattr(request, kind)
        (found,) = await self._found.find([self._order(kind, unary, call)])
        if isinstance(found, BaseException):
            raise found
        return await self._told(unary, found)

    def _order(self, kind: str, unary: Any, call: CallContext) -> Order:
        read = self._bills.visit if kind in _VISITS else self._bills.stay
        bill = read(unary.desk, unary.data)
        if kind in _TRIALS:
            return Order(bill, call.now, business_date=call.business_date)
        stamp = institution_stamp(call, unary)
        return Order(bill, call.now, stamp, unary.trial_hash, call.business_date)

    async def _told(self, unary: Any, found: FoundBill) -> care_pb2.GetBillResponse:
        told: Mapping[str, Any]
        if isinstance(found, CareBill):
            carried = await self._messages.carried(unary, found)
            cell = found.chosen.encounter.insured_cell
            told = {"carried": carried, "care_hash": found.chosen.care_hash}
        elif isinstance(found, OwnCare):
            cell = self._cell
            own = care_pb2.OwnCare(care_admdvs=found.care_admdvs, begin_day=day_message(found.begin_day))
            told = {"own": own}
        else:
            cell = found.insured_cell
            told = {"pending_order_no": found.order_no}
            if found.state != PENDING:
                told = {"settled": told_settlement(settlement_pb2.SettleResponse, found)}
        return care_pb2.GetBillResponse(insured_cell=cell, **told)
