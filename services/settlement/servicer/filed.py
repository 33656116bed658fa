"""Bills of persons whom this cell insures in another pooling area: routing brings them with the filing that it found.

They are tried and settled as by the unary methods, in one commit, and stand under the institution's own message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from services.runtime.call import current_call
from services.settlement.domain.care.carried import Sought
from services.settlement.servicer.convert_orders import TRIALS, filing_of, request_by_routing
from services.settlement.servicer.convert_settlement import BillReader
from services.settlement.servicer.settlements import SettlementOperations, told_settlement
from yibao.settlement.v1 import care_pb2, settlement_pb2, stay_bill_pb2

_ANSWERS: Final[Mapping[str, Any]] = {
    "visit": settlement_pb2.SettleResponse,
    "stay": stay_bill_pb2.SettleStayResponse,
    "visit_trial": settlement_pb2.TrialResponse,
    "stay_trial": stay_bill_pb2.TrialStayResponse,
}


class FiledBills:
    """Tries and settles such bills."""

    def __init__(self, operations: SettlementOperations) -> None:
        self._operations = operations
        self._bills = BillReader()

    async def answered(self, request: care_pb2.SettleFiledRequest) -> care_pb2.SettleFiledResponse:
        """What the unary method answers; raises its refusals, and INVALID for a filing that does not hold."""
        kind = request.WhichOneof("request") or ""
        asked = request_by_routing(self._bills, kind, getattr(request, kind), current_call())
        asked, made = replace(asked, sought=Sought(filing_of(request, "filing"))), _ANSWERS[kind]
        answer: Any
        if kind in TRIALS:
            answer = made.FromString(await self._operations.tried(asked))
        else:
            answer = told_settlement(made, await self._operations.settled(asked))
        return care_pb2.SettleFiledResponse(**{kind: answer})
