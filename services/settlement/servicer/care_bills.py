"""What routing asks about bills of care here: what they come to, which of them is to be taken back, and that it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.kernel.errors import Fault, FaultKind, not_found
from services.runtime.batch import Admitted
from services.runtime.call import CallContext, current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import day_message
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.care_bills import CareBill
from services.settlement.domain.books.entries import PENDING, STANDING
from services.settlement.domain.books.reversal import REVERSIBLE_ADMISSION, FoundBooked, ReversalRequest, SettlementName
from services.settlement.operations.books.booked_replays import BookedReplays
from services.settlement.operations.books.booked_reversals import BookedReversals
from services.settlement.operations.books.care_bills import CareBills, FoundBill, OwnCare
from services.settlement.operations.care.stays import StayOperations
from services.settlement.servicer.convert_care_bills import CareBillWriter, decided_reversal
from services.settlement.servicer.convert_orders import SETTLE, SETTLE_STAY, request_by_routing
from services.settlement.servicer.convert_registrations import by_institution
from services.settlement.servicer.convert_settlement import BillReader, desk_of
from services.settlement.servicer.messages import admissions, meant_message, message_answer
from services.settlement.servicer.settlements import told_settlement
from yibao.settlement.v1 import care_pb2, reversal_pb2, settlement_pb2

_MESSAGE: Final = "message"
_METHODS: Final = {"visit": "Reverse", "stay": "ReverseStay", _MESSAGE: "ReverseMessage"}
_REVERSALS: Final[Mapping[str, Any]] = {"visit": reversal_pb2.ReverseResponse, "stay": reversal_pb2.ReverseStayResponse}
_LIST_BYTES: Final = 1_048_576
"""Of a list of bills together: a message has a largest size, and whoever reads it holds up the others (our decision)."""
_BESIDE_BYTES: Final = 65_536
"""Of a bill beside a refusal: so many routing's request may hold."""
_FEW_LINES: Final = 100
"""Of such a bill: whoever comes in the same list waits for it (our decision)."""
_PENDING_BILL: Final = ("order_no", "insured_cell", "fixmedins_code")
_STATES: Final = {PENDING: care_pb2.BOOKED_STATE_PENDING, STANDING: care_pb2.BOOKED_STATE_STANDING}


class BillsElsewhere:
    """Answers for bills whose ledgers are another cell's; `cell` is this member's own."""

    def __init__(
        self,
        bills: CareBills,
        cell: str,
        reversals: BookedReversals,
        stays: StayOperations,
        replays: BookedReplays,
    ) -> None:
        self._cell = cell
        self._found = bills
        self._reversals = reversals
        self._stays = stays
        self._replays = replays
        self._bills = BillReader()
        self._messages = CareBillWriter()

    async def bill(self, request: care_pb2.GetBillRequest) -> care_pb2.GetBillResponse:
        """What a bill comes to here, or what stands under its request id."""
        (told,) = await self._told_all([(request, current_call())])
        if isinstance(told, BaseException):
            raise told
        return told

    async def items(self, items: Sequence[Admitted]) -> list[care_pb2.GetBillResponse | BaseException]:
        """The same of a list; MESSAGE_TOO_LARGE for those that do not fit into one answer beside the others."""
        found = await self._told_all([(item.request, item.call) for item in items])
        left = _LIST_BYTES
        for place, told in enumerate(found):
            if isinstance(told, BaseException):
                continue
            size = told.ByteSize()
            if size > left:
                limit = {"limit_bytes": str(_LIST_BYTES)}
                found[place] = Fault(FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE", limit)
            else:
                left -= size
        return found

    async def told_beside(self, bills: Sequence[tuple[Any, BillRequest]]) -> list[bytes]:
        """The same of requests that were refused as another cell's, as it travels beside the refusal: b"" where routing had
        better ask, as for long bills. It refuses nothing.
        """
        found = await self._found.find([asked for _, asked in bills], _FEW_LINES)
        beside, left = [], _LIST_BYTES
        for (request, _), each in zip(bills, found, strict=True):
            answer = each if isinstance(each, BaseException) else await self._answer(request, each)
            told = b"" if isinstance(answer, BaseException) else answer.SerializeToString()
            fits = len(told) <= min(left, _BESIDE_BYTES)
            beside.append(told if fits else b"")
            left -= len(beside[-1])
        return beside

    async def booked(self, request: care_pb2.FindBookedRequest) -> care_pb2.FindBookedResponse:
        """Which settlement, or which admission, a reversal means."""
        kind = request.WhichOneof("request") or ""
        unary = getattr(request, kind)
        reversal = _reversal(kind, unary)
        if kind != _MESSAGE:
            found = await self._reversals.settlement(reversal.stamp.scope, _name(kind, unary))
            return _booked_response(found)
        name = await meant_message(self._stays, self._reversals.reversing, reversal, unary.data)
        if name.oinfno != REVERSIBLE_ADMISSION:
            return _booked_response(await self._reversals.message(reversal.stamp.scope, name))
        stay = await self._stays.admitted(admissions(reversal, name)[0], name.psn_no)
        if stay is None:
            raise not_found("SETTLEMENT_NOT_FOUND", setl_id=name.omsgid, fixmedins_code=reversal.stamp.scope)
        return care_pb2.FindBookedResponse(insured_cell=stay.insured_cell, mdtrt_id=stay.mdtrt_id)

    async def pending(self) -> care_pb2.ListPendingBillsResponse:
        """Bills that wait for their end longer than they should."""
        found = await self._reversals.pending(current_call().now)
        return care_pb2.ListPendingBillsResponse(
            bills=[care_pb2.PendingBill(**{name: getattr(each, name) for name in _PENDING_BILL}) for each in found]
        )

    async def reversed(self, request: care_pb2.BookReversalRequest) -> care_pb2.BookReversalResponse:
        """Books the counter-entry that the insured cell has made."""
        kind = request.WhichOneof("request") or ""
        unary = getattr(request, kind)
        reversal, decided = _reversal(kind, unary), decided_reversal(request)
        if kind != _MESSAGE:
            answer = await self._reversals.book(reversal, _name(kind, unary), decided)
            return care_pb2.BookReversalResponse(**{kind: _REVERSALS[kind].FromString(answer)})
        name = await meant_message(self._stays, self._reversals.reversing, reversal, unary.data)
        answer = await self._reversals.book_message(reversal, name, decided, message_answer)
        return care_pb2.BookReversalResponse(message=reversal_pb2.ReverseMessageResponse.FromString(answer))

    async def replayed(self, request: care_pb2.BookReplayedRequest) -> care_pb2.BookReplayedResponse:
        """Books what a replay in the insured cell has made of a bill."""
        await self._replays.book(self._messages.replayed(request))
        return care_pb2.BookReplayedResponse()

    async def _told_all(
        self, asked: Sequence[tuple[care_pb2.GetBillRequest, CallContext]]
    ) -> list[care_pb2.GetBillResponse | BaseException]:
        unaries = [getattr(request, request.WhichOneof("request") or "") for request, _ in asked]
        told: list[Any] = [self._read(*each) for each in asked]
        places = [place for place, each in enumerate(told) if isinstance(each, BillRequest)]
        found = await self._found.find([told[place] for place in places]) if places else []
        for place, each in zip(places, found, strict=True):
            told[place] = each if isinstance(each, BaseException) else await self._answer(unaries[place], each)
        return told

    def _read(self, request: care_pb2.GetBillRequest, call: CallContext) -> BillRequest | BaseException:
        """The bill of a request; one that cannot be read harms no other."""
        kind = request.WhichOneof("request") or ""
        try:
            return request_by_routing(self._bills, kind, getattr(request, kind), call)
        except Exception as error:  # noqa: BLE001  # it becomes the outcome of this bill
            return error

    async def _answer(self, unary: Any, found: FoundBill) -> care_pb2.GetBillResponse | BaseException:
        try:
            return await self._told(unary, found)
        except Exception as error:  # noqa: BLE001  # it becomes the outcome of this bill
            return error

    async def _told(self, unary: Any, found: FoundBill) -> care_pb2.GetBillResponse:
        told: Mapping[str, Any]
        if isinstance(found, CareBill):
            answer = care_pb2.GetBillResponse(
                insured_cell=found.chosen.encounter.insured_cell, care_hash=found.chosen.care_hash
            )
            await self._messages.carry(unary, found, answer.carried)
            answer.carried.care_cell = self._cell
            return answer
        if isinstance(found, OwnCare):
            cell = self._cell
            own = care_pb2.OwnCare(care_admdvs=found.care_admdvs, begin_day=day_message(found.begin_day))
            told = {"own": own}
        else:
            cell = found.insured_cell or self._cell
            settled = told_settlement(settlement_pb2.SettleResponse, found)
            told = {"settled": settled}
            if found.state == PENDING:
                told = {"pending_order_no": found.order_no, "pending": settled}
        return care_pb2.GetBillResponse(insured_cell=cell, **told)


def _reversal(kind: str, unary: Any) -> ReversalRequest:
    """A reversal that the institution has asked for, as if it had come from there."""
    call = current_call()
    stamp = by_institution(stamp_of(call, unary), unary.desk, "SettlementService", _METHODS[kind])
    return ReversalRequest(stamp, desk_of(unary.desk), call.now)


def _name(kind: str, unary: Any) -> SettlementName:
    data, rpc = unary.data, SETTLE if kind == "visit" else SETTLE_STAY
    return SettlementName(data.setl_id, data.mdtrt_id, data.psn_no, rpc)


def _booked_response(found: FoundBooked) -> care_pb2.FindBookedResponse:
    return care_pb2.FindBookedResponse(
        insured_cell=found.insured_cell,
        order_no=found.order_no,
        setl_id=found.setl_id,
        state=_STATES.get(found.state, care_pb2.BOOKED_STATE_UNDONE),
    )
