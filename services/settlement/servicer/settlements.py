"""The RPCs of settlement: 2206, 2207, 2303, 2304, 2208, 2305, 2601, 5203 and the lists of 2206 and 2207."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from services.kernel.elsewhere import INSURED_ELSEWHERE
from services.kernel.errors import Fault
from services.runtime.batch import Admitted, serve_batch
from services.runtime.call import CallContext, current_call
from services.runtime.committer import Committer
from services.runtime.idempotency import stamp_of
from services.runtime.telemetry import inject
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.entries import StoredAnswer
from services.settlement.domain.books.reversal import ReversalRequest, SettlementName
from services.settlement.domain.care.bill import Bill
from services.settlement.operations.benefits.trial import Tried, Trying
from services.settlement.operations.books.queries import Queries, SettlementQuestion
from services.settlement.operations.books.reverse import Reversing
from services.settlement.operations.books.settle import BillOutcome, Settling
from services.settlement.operations.care.stays import StayOperations
from services.settlement.servicer.convert_settlement import BillReader, desk_of, told_of
from services.settlement.servicer.messages import take_back
from yibao.settlement.v1 import (
    reversal_pb2,
    settlement_pb2,
    settlement_pb2_grpc,
    settlement_query_pb2,
    stay_bill_pb2,
)

_SERVICE: Final = "/yibao.settlement.v1.SettlementService"
_SETTLE: Final = f"{_SERVICE}/Settle"
_SETTLE_STAY: Final = f"{_SERVICE}/SettleStay"

Settled = TypeVar("Settled", settlement_pb2.SettleResponse, stay_bill_pb2.SettleStayResponse)


@dataclass(frozen=True, slots=True)
class SettlementOperations:
    """What the servicer needs: the operations and the committers through which bills go."""

    settling: Settling
    trying: Trying
    reversing: Reversing
    queries: Queries
    stays: StayOperations
    settles: Committer[PreparedBill, BillOutcome]
    trials: Committer[PreparedBill, Tried]

    async def tried(self, request: BillRequest) -> bytes:
        """The answer of the trial of one bill; raises its refusal."""
        (answer,) = await self.trying.try_bills([request], lambda _, prepared: self.trials.submit(prepared))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def settled(self, request: BillRequest) -> StoredAnswer:
        """The answer of one bill's settlement, now or from before; raises its refusal."""
        (answer,) = await self.settling.settle([request], lambda _, prepared: self.settles.submit(prepared))
        if isinstance(answer, BaseException):
            raise answer
        return answer


ToldBeside: TypeAlias = Callable[[Sequence[tuple[Any, BillRequest]]], Awaitable[list[bytes]]]
"""What is told of bills, each with its request, beside the refusal by which they go on to another cell."""


class SettlementServicer(settlement_pb2_grpc.SettlementServiceServicer):
    """Answers SettlementService; a unary call is a list of one. `told_beside` spares routing a question about each bill."""

    def __init__(self, operations: SettlementOperations, told_beside: ToldBeside | None = None) -> None:
        self._operations = operations
        self._told_beside = told_beside
        self._bills = BillReader()

    async def Trial(  # noqa: N802  # the name is the contract's
        self, request: settlement_pb2.TrialRequest, context: Any
    ) -> settlement_pb2.TrialResponse:
        """2206, 2206A."""
        bill = self._bills.visit(request.desk, request.data)
        return settlement_pb2.TrialResponse.FromString(await self._try(bill))

    async def BatchTrial(  # noqa: N802
        self, request: settlement_pb2.BatchTrialRequest, context: Any
    ) -> settlement_pb2.BatchTrialResponse:
        """A list of trials."""
        return await serve_batch(request, settlement_pb2.BatchTrialResponse(), handle=self._try_items)

    async def Settle(  # noqa: N802
        self, request: settlement_pb2.SettleRequest, context: Any
    ) -> settlement_pb2.SettleResponse:
        """2207, 2207A."""
        bill = self._bills.visit(request.desk, request.data)
        return told_settlement(settlement_pb2.SettleResponse, await self._settle(bill, request))

    async def BatchSettle(  # noqa: N802
        self, request: settlement_pb2.BatchSettleRequest, context: Any
    ) -> settlement_pb2.BatchSettleResponse:
        """A list of settlements, one commit for all."""
        return await serve_batch(request, settlement_pb2.BatchSettleResponse(), handle=self._settle_items)

    async def TrialStay(  # noqa: N802
        self, request: stay_bill_pb2.TrialStayRequest, context: Any
    ) -> stay_bill_pb2.TrialStayResponse:
        """2303."""
        bill = self._bills.stay(request.desk, request.data)
        return stay_bill_pb2.TrialStayResponse.FromString(await self._try(bill))

    async def SettleStay(  # noqa: N802
        self, request: stay_bill_pb2.SettleStayRequest, context: Any
    ) -> stay_bill_pb2.SettleStayResponse:
        """2304."""
        bill = self._bills.stay(request.desk, request.data)
        return told_settlement(stay_bill_pb2.SettleStayResponse, await self._settle(bill, request))

    async def Reverse(  # noqa: N802
        self, request: reversal_pb2.ReverseRequest, context: Any
    ) -> reversal_pb2.ReverseResponse:
        """2208."""
        return reversal_pb2.ReverseResponse.FromString(await self._reverse(request, _SETTLE))

    async def ReverseStay(  # noqa: N802
        self, request: reversal_pb2.ReverseStayRequest, context: Any
    ) -> reversal_pb2.ReverseStayResponse:
        """2305."""
        return reversal_pb2.ReverseStayResponse.FromString(await self._reverse(request, _SETTLE_STAY))

    async def ReverseMessage(  # noqa: N802
        self, request: reversal_pb2.ReverseMessageRequest, context: Any
    ) -> reversal_pb2.ReverseMessageResponse:
        """2601."""
        reversal, operations = _reversal(request), self._operations
        answer = await take_back(operations.stays, operations.reversing, reversal, request.data)
        return reversal_pb2.ReverseMessageResponse.FromString(answer)

    async def GetSettlement(  # noqa: N802
        self, request: settlement_query_pb2.GetSettlementRequest, context: Any
    ) -> settlement_query_pb2.GetSettlementResponse:
        """5203."""
        data = request.data
        found = await self._operations.queries.settlement(
            SettlementQuestion(
                scope=request.desk.fixmedins_code,
                psn_no=data.psn_no,
                mdtrt_id=data.mdtrt_id,
                setl_id=data.setl_id,
                msgid=data.medins_setl_id,
            )
        )
        return settlement_query_pb2.GetSettlementResponse(counter_setl_id=found.counter_setl_id, **told_of(found))

    async def _try(self, bill: Bill) -> bytes:
        call = current_call()
        return await self._operations.tried(BillRequest(bill, call.now, business_date=call.business_date))

    async def _settle(self, bill: Bill, request: Any) -> StoredAnswer:
        return await self._operations.settled(_bill_request(bill, current_call(), request))

    async def _try_items(self, items: Sequence[Admitted]) -> list[bytes | BaseException]:
        def submit(place: int, bill: PreparedBill) -> Awaitable[Tried]:
            return self._operations.trials.submit(bill, items[place].call, items[place].span, items)

        bills = [
            BillRequest(
                self._bills.visit(item.request.desk, item.request.data),
                item.call.now,
                business_date=item.call.business_date,
                traceparent=inject(item.span),
            )
            for item in items
        ]
        return await self._operations.trying.try_bills(bills, submit)

    async def _settle_items(self, items: Sequence[Admitted]) -> list[bytes | BaseException]:
        def submit(place: int, bill: PreparedBill) -> Awaitable[BillOutcome]:
            return self._operations.settles.submit(bill, items[place].call, items[place].span, items)

        bills = [
            _bill_request(
                self._bills.visit(item.request.desk, item.request.data), item.call, item.request, inject(item.span)
            )
            for item in items
        ]
        answers = await self._operations.settling.settle(bills, submit)
        await self._tell_beside(items, bills, answers)
        return [
            answer if isinstance(answer, BaseException) else told_bytes(settlement_pb2.SettleResponse, answer)
            for answer in answers
        ]

    async def _tell_beside(
        self, items: Sequence[Admitted], requests: Sequence[BillRequest], answers: Sequence[Any]
    ) -> None:
        """Puts beside refusals what routing asks for next."""
        gone = [
            place for place, each in enumerate(answers) if isinstance(each, Fault) and each.reason == INSURED_ELSEWHERE
        ]
        if not gone or self._told_beside is None:
            return
        told = await self._told_beside([(items[place].request, requests[place]) for place in gone])
        for place, each in zip(gone, told, strict=True):
            answers[place].told = each

    async def _reverse(self, request: Any, rpc: str) -> bytes:
        data = request.data
        name = SettlementName(data.setl_id, data.mdtrt_id, data.psn_no, rpc)
        return await self._operations.reversing.reverse(_reversal(request), name)


def _bill_request(bill: Bill, call: CallContext, request: Any, traceparent: str = "") -> BillRequest:
    return BillRequest(bill, call.now, stamp_of(call, request), request.trial_hash, call.business_date, traceparent)


def _reversal(request: Any) -> ReversalRequest:
    call = current_call()
    return ReversalRequest(stamp_of(call, request), desk_of(request.desk), call.now)


def told_settlement(made: type[Settled], answer: StoredAnswer) -> Settled:
    """The stored answer, and beside it the counter-entry that has reversed it since, or what a replay has put in its place."""
    return made.FromString(told_bytes(made, answer))


def told_bytes(made: type[Settled], answer: StoredAnswer) -> bytes:
    """The same, serialised: fields that stand behind a message are its own."""
    if not (answer.reversed_by or answer.replayed_by):
        return answer.response
    return answer.response + made(reversed_by=answer.reversed_by, replayed_by=answer.replayed_by).SerializeToString()
