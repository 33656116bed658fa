"""The settlement of all cells as sagas call it: the place of care and the insured cell of a bill.

Request ids are made of the saga's number and the step, so that a repeat is one, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError

from services.kernel.clock import beijing_day
from services.kernel.errors import Fault
from services.routing.domain.bills import STAY, BegunBill, FoundBill, MeantBill, OrderAt, PendingBill, Stands
from services.routing.domain.filing_terms import FilingKind
from services.routing.domain.filings import Filing
from services.routing.peers.cells import stub_of
from services.runtime.outbound import Peers
from services.runtime.wire import day_message, moment_of, told_day
from yibao.settlement.v1 import (
    care_pb2,
    care_pb2_grpc,
    carried_pb2,
    common_pb2,
    order_pb2,
    order_pb2_grpc,
    order_state_pb2,
    reversal_pb2,
    settlement_pb2,
    stay_bill_pb2,
)

MEMBER: Final = "settlement"
OPENER: Final = "routing"
EXPIRES_S: Final = 60
"""After which a bill lapses in the insured cell that nobody confirms."""

_KINDS: Final[Mapping[FilingKind, carried_pb2.FilingKind.ValueType]] = {
    FilingKind.LONG_TERM: carried_pb2.FILING_KIND_LONG_TERM,
    FilingKind.TEMPORARY: carried_pb2.FILING_KIND_TEMPORARY,
    FilingKind.REFERRAL: carried_pb2.FILING_KIND_REFERRAL,
}
_STANDS: Final[Mapping[int, Stands]] = {
    care_pb2.BOOKED_STATE_PENDING: Stands.PENDING,
    care_pb2.BOOKED_STATE_STANDING: Stands.STANDING,
    care_pb2.BOOKED_STATE_UNDONE: Stands.UNDONE,
}
_TRIAL: Final = "_trial"
_ONE: Final = 1
"""List of a step under way in a cell: a second one would wait there for the same writer, and both would be smaller."""
_TOO_LARGE: Final = "MESSAGE_TOO_LARGE"


class SettlementCells:
    """Asks the settlement of any cell; raises its refusal, and CELL_UNAVAILABLE for a cell that this mesh has not."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        codes = tuple(cells)
        self._peers = peers
        self._cares = {code: peers.stub(care_pb2_grpc.CareServiceStub, MEMBER, code) for code in codes}
        self._orders = {code: peers.stub(order_pb2_grpc.OrderServiceStub, MEMBER, code) for code in codes}
        # Steps of many bills go together: each of them alone costs more on the way than in the books.
        cares, orders = self._cares.items(), self._orders.items()
        self._got_bills = {code: peers.gathered(stub.GetBill, stub.BatchGetBill) for code, stub in cares}
        self._opens = {code: peers.gathered(stub.Open, stub.BatchOpen, in_flight=_ONE) for code, stub in orders}
        self._confirms = {
            code: peers.gathered(stub.Confirm, stub.BatchConfirm, in_flight=_ONE) for code, stub in orders
        }
        self._voids = {code: peers.gathered(stub.Void, stub.BatchVoid, in_flight=_ONE) for code, stub in orders}

    async def bill(self, cell: str, act: str, request: Any, *, trial: bool) -> FoundBill:
        """What a bill comes to at the place of care."""
        asked = care_pb2.GetBillRequest(**{act + _TRIAL if trial else act: request})
        return _found(act, request, await self._got_bill(cell, act, asked))

    def told_bill(self, act: str, request: Any, told: bytes) -> FoundBill | None:
        """The same of what that cell has told unasked; None where it has not."""
        try:
            answer = care_pb2.GetBillResponse.FromString(told)
        except DecodeError:
            return None
        return _found(act, request, answer) if answer.WhichOneof("found") else None

    async def _got_bill(self, cell: str, act: str, asked: care_pb2.GetBillRequest) -> Any:
        """The answer of the place of care; stays may have thousands of lines, so that each goes alone."""
        if act != STAY:
            try:
                return await stub_of(self._got_bills, cell)(asked)
            except Fault as fault:
                if fault.reason != _TOO_LARGE:
                    raise
        return await self._peers.call(stub_of(self._cares, cell).GetBill, asked)

    async def try_bill(self, cell: str, act: str, bill: FoundBill, filing: Filing | None) -> Any:
        """The trial of a carried bill in the insured cell."""
        request = order_pb2.TryOpenRequest(opener=OPENER, carried=_filed(bill.carried, filing))
        trial = (await self._peers.call(stub_of(self._orders, cell).TryOpen, request)).trial
        return _as(stay_bill_pb2.TrialStayResponse, trial) if act == STAY else trial

    async def settle_filed(self, cell: str, act: str, request: Any, filing: Filing | None, *, trial: bool) -> Any:
        """A bill of the cell's own, tried or settled with the filing."""
        form = act + _TRIAL if trial else act
        told = None if filing is None else _carried_filing(filing)
        asked = care_pb2.SettleFiledRequest(**{form: request}, filing=told)
        answer = await self._peers.call(stub_of(self._cares, cell).SettleFiled, asked)
        return getattr(answer, form)

    async def open(
        self, cell: str, order_no: str, bill: FoundBill, filing: Filing | None, expires_s: int = EXPIRES_S
    ) -> Any:
        """Opens a carried bill in the insured cell."""
        request = order_pb2.OpenRequest(**_step(order_no, "open"), expires_after_s=expires_s)
        request.carried.CopyFrom(_filed(bill.carried, filing))
        return await stub_of(self._opens, cell)(request)

    async def book(self, cell: str, order_no: str, act: str, request: Any, bill: FoundBill, opened: Any) -> Any:
        """Books at the place of care what the insured cell has opened; the answer that the institution gets."""
        asked = order_pb2.OpenRequest(**_step(order_no, "open"), expires_after_s=EXPIRES_S)
        booked = asked.booked
        booked.insured_cell, booked.care_hash = bill.insured_cell, bill.care_hash
        getattr(booked, act).CopyFrom(request)
        booked.opened.CopyFrom(opened)
        return _settled(act, (await stub_of(self._opens, cell)(asked)).settlement)

    async def renew(self, cell: str, order_no: str, expires_s: int) -> None:
        """Moves the expiry of an order, and marks it as charged."""
        request = order_pb2.RenewRequest(**_step(order_no, "renew"), expires_after_s=expires_s, charged=True)
        await self._peers.call(stub_of(self._orders, cell).Renew, request)

    async def confirm(self, cell: str, order_no: str) -> None:
        """Makes an order stand."""
        request = order_pb2.ConfirmRequest(**_step(order_no, "confirm"))
        await stub_of(self._confirms, cell)(request)

    async def void(self, cell: str, order_no: str) -> OrderAt:
        """Makes an order void, also before it is opened."""
        request = order_pb2.VoidRequest(**_step(order_no, "void"))
        return _order(await stub_of(self._voids, cell)(request))

    async def order(self, cell: str, order_no: str) -> OrderAt:
        """An order as it stands."""
        request = order_state_pb2.GetOrderRequest(order_no=order_no)
        return _order(await self._peers.call(stub_of(self._orders, cell).GetOrder, request))

    async def booked(self, cell: str, act: str, request: Any) -> MeantBill:
        """What an institution means that takes something back."""
        asked = care_pb2.FindBookedRequest(**{act: request})
        found = await self._peers.call(stub_of(self._cares, cell).FindBooked, asked)
        stands = _STANDS.get(found.state, Stands.STANDING)
        return MeantBill(found.insured_cell, found.order_no, found.setl_id, stands, found.mdtrt_id)

    async def pending(self, cell: str) -> list[PendingBill]:
        """Bills that a place of care has booked and that wait for their end longer than they should."""
        answer = await self._peers.call(stub_of(self._cares, cell).ListPendingBills, care_pb2.ListPendingBillsRequest())
        return [PendingBill(each.order_no, each.insured_cell, each.fixmedins_code) for each in answer.bills]

    async def reverse(self, cell: str, saga_no: str, order_no: str, desk: Any) -> Any:
        """The counter-entry of an order's settlement in the insured cell."""
        request = order_pb2.ReverseOrderRequest(
            request_id=f"{saga_no}:reverse", opener=OPENER, order_no=order_no, desk=desk
        )
        return (await self._peers.call(stub_of(self._orders, cell).ReverseOrder, request)).counter

    async def reverse_again(self, cell: str, saga_no: str, order_no: str, fixmedins_code: str) -> Any:
        """The same for whoever does not have the message any more; what was reversed before answers the same."""
        request = order_pb2.ReverseOrderRequest(
            request_id=f"{saga_no}:again",
            opener=OPENER,
            order_no=order_no,
            desk=common_pb2.Desk(fixmedins_code=fixmedins_code),
        )
        return (await self._peers.call(stub_of(self._orders, cell).ReverseOrder, request)).counter

    async def book_reversal(self, cell: str, act: str, request: Any, order_no: str, counter: Any) -> Any:
        """Books a counter-entry at the place of care under the institution's message; what that is answered."""
        asked = care_pb2.BookReversalRequest(**{act: request}, order_no=order_no, counter=counter)
        answer = await self._peers.call(stub_of(self._cares, cell).BookReversal, asked)
        return getattr(answer, act)

    async def book_reversal_again(
        self, cell: str, saga_no: str, act: str, fixmedins_code: str, order_no: str, setl_id: str, counter: Any
    ) -> None:
        """The same for whoever does not have the message any more, under a number of routing's own."""
        name = reversal_pb2.SettlementReference(
            setl_id=setl_id, mdtrt_id=counter.setlinfo.mdtrt_id, psn_no=counter.setlinfo.psn_no
        )
        make = reversal_pb2.ReverseStayRequest if act == STAY else reversal_pb2.ReverseRequest
        desk = common_pb2.Desk(fixmedins_code=fixmedins_code)
        request = make(request_id=f"{saga_no}:book", desk=desk, data=name)
        await self.book_reversal(cell, act, request, order_no, counter)

    def sought(self, filing: Filing | None) -> carried_pb2.SoughtFiling:
        """What a cell is told of the filing that was looked for."""
        return carried_pb2.SoughtFiling(filing=None if filing is None else _carried_filing(filing))

    def taken_back(self, order: OrderAt) -> Any:
        """What 2601 is told of a message whose order is void."""
        return reversal_pb2.ReverseMessageResponse(
            outcome=reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK, setl_id=order.setl_id, reversed_by=order.counter_setl_id
        )


def _found(act: str, request: Any, answer: care_pb2.GetBillResponse) -> FoundBill:
    """A bill as the place of care tells it."""
    match answer.WhichOneof("found"):
        case "carried":
            bill = answer.carried
            day = beijing_day(moment_of(bill.begin_time))
            begun = BegunBill(bill.psn_no, bill.desk.mdtrtarea_admvs, day)
            return FoundBill(answer.insured_cell, carried=bill, begun=begun, care_hash=answer.care_hash)
        case "own":
            begun = BegunBill(request.data.psn_no, answer.own.care_admdvs, told_day(answer.own.begin_day))
            return FoundBill(answer.insured_cell, own=True, begun=begun)
        case "settled":
            return FoundBill(answer.insured_cell, settled=_settled(act, answer.settled))
        case _:
            pending = _settled(act, answer.pending)
            return FoundBill(answer.insured_cell, pending_order_no=answer.pending_order_no, pending=pending)


def _step(order_no: str, step: str) -> dict[str, Any]:
    return {"request_id": f"{order_no}:{step}", "opener": OPENER, "order_no": order_no}


def _order(answer: Any) -> OrderAt:
    order = answer.order
    void, pending = (
        order.phase == each for each in (order_state_pb2.ORDER_PHASE_VOID, order_state_pb2.ORDER_PHASE_PENDING)
    )
    return OrderAt(void, order.setl_id, order.counter_setl_id, pending)


def _settled(act: str, settlement: settlement_pb2.SettleResponse) -> Any:
    return _as(stay_bill_pb2.SettleStayResponse, settlement) if act == STAY else settlement


def _as(made: Any, message: Any) -> Any:
    """The same fields under the name of another message, whose numbers are the same."""
    return made.FromString(message.SerializeToString())


def _filed(carried: carried_pb2.CarriedBill, filing: Filing | None) -> carried_pb2.CarriedBill:
    if filing is not None:
        carried.filing.CopyFrom(_carried_filing(filing))
    return carried


def _carried_filing(filing: Filing) -> carried_pb2.CarriedFiling:
    return carried_pb2.CarriedFiling(
        kind=_KINDS[filing.kind],
        filing_no=filing.filing_no,
        filed_from=day_message(filing.from_day),
        filed_to=None if filing.to_day is None else day_message(filing.to_day),
    )
