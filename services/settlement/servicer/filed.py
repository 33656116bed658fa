"""Bills of persons whom this cell insures in another pooling area: routing brings them with the filing that it found.

They are tried and settled as by the unary methods, in one commit, and stand under the institution's own message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.runtime.call import CallContext, current_call
from services.settlement.domain.bill import Order
from services.settlement.domain.carried import Sought
from services.settlement.servicer.convert_orders import filing_of, institution_stamp
from services.settlement.servicer.convert_settlement import BillReader
from services.settlement.servicer.settlements import SettlementOperations, told_settlement
from yibao.settlement.v1 import care_pb2, settlement_pb2, stay_bill_pb2

_ANSWERS: Final[Mapping[str, Any]] = {
    "visit": settlement_pb2.SettleResponse,
    "stay": stay_bill_pb2.SettleStayResponse,
    "visit_trial": settlement_pb2.TrialResponse,
    "stay_trial": stay_bill_pb2.TrialStayResponse,
}
_VISITS: Final = ("visit", "visit_trial")
_TRIALS: Final = ("visit_trial", "stay_trial")


class FiledBills:
    """Tries and settles such bills."""

    def __init__(self, operations: SettlementOperations) -> None:
        self._operations = operations
        self._bills = BillReader()

    async def answered(self, request: care_pb2.SettleFiledRequest) -> care_pb2.SettleFiledResponse:
        """What the unary method answers; raises its refusals, and INVALID for a filing that does not hold."""
        kind, call = request.WhichOneof("request") or "", current_call()
        unary, made = getattr(request, kind), _ANSWERS[kind]
        read = self._bills.visit if kind in _VISITS else self._bills.stay
        bill, sought = read(unary.desk, unary.data), Sought(filing_of(request, "filing"))
        answer: Any
        if kind in _TRIALS:
            order = Order(bill, call.now, business_date=call.business_date, sought=sought)
            answer = made.FromString(await self._tried(order))
        else:
            answer = await self._settled(_order(bill, call, unary, sought), made)
        return care_pb2.SettleFiledResponse(**{kind: answer})

    async def _tried(self, order: Order) -> bytes:
        trials = self._operations.trials
        (answer,) = await self._operations.trying.try_bills([order], lambda _, prepared: trials.submit(prepared))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _settled(self, order: Order, made: Any) -> Any:
        settles = self._operations.settles
        (answer,) = await self._operations.settling.settle([order], lambda _, prepared: settles.submit(prepared))
        if isinstance(answer, BaseException):
            raise answer
        return told_settlement(made, answer)


def _order(bill: Any, call: CallContext, request: Any, sought: Sought) -> Order:
    stamp = institution_stamp(call, request)
    return Order(bill, call.now, stamp, request.trial_hash, call.business_date, sought=sought)
