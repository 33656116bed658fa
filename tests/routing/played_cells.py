"""Two cells as routing sees them, played: what CareService and OrderService promise about bills, in a few dictionaries.

They keep what is kept for ever (messages, orders, tombstones), count what their ledgers hold, and let a test stand at every call:
before it comes in, and before its answer goes out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.kernel.elsewhere import bill_changed, insured_elsewhere
from services.kernel.errors import Fault, FaultKind, conflict, not_found, precondition
from services.runtime.idempotency import content_hash
from tests.routing.sagas import NOON
from yibao.settlement.v1 import (
    care_pb2,
    carried_pb2,
    common_pb2,
    order_pb2,
    order_state_pb2,
    reversal_pb2,
    settlement_pb2,
)

PENDING, CONFIRMED, VOID = "pending", "confirmed", "void"
BEFORE, AFTER = "before", "after"
AREA: Final = "110105"
_PHASES: Final = {
    PENDING: order_state_pb2.ORDER_PHASE_PENDING,
    CONFIRMED: order_state_pb2.ORDER_PHASE_CONFIRMED,
    VOID: order_state_pb2.ORDER_PHASE_VOID,
}


def dark(cell: str) -> Fault:
    """The cell does not answer."""
    return Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": f"{cell}/settlement"})


@dataclass
class Order:
    """An order of one cell; `message` names whose it is at the place of care."""

    phase: str
    setl_id: str = ""
    answer: Any = None
    message: tuple[str, str] = ("", "")
    mdtrt_id: str = ""
    fen: int = 0
    counter: Any = None


@dataclass
class Care:
    """An encounter of the place of care with its fee lines; `version` changes with them."""

    psn_no: str
    insured_cell: str
    fen: int = 10_000
    version: int = 1


@dataclass
class Kept:
    """What a message left at the place of care: its content, and the order or the void."""

    content: str
    order_no: str = ""
    void: bool = False


@dataclass
class PlayedCell:
    """One cell: a place of care and a place of insurance."""

    code: str
    cares: dict[str, Care] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    messages: dict[tuple[str, str], Kept] = field(default_factory=dict)
    ledger: list[tuple[str, int]] = field(default_factory=list)
    refuse: dict[str, Fault] = field(default_factory=dict)
    carried: list[carried_pb2.CarriedBill] = field(default_factory=list)
    held: list[tuple[str, int, bool]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    # What its own gateway asks first.

    def settle_at_home(self, request: Any) -> Any:
        """2207, 2304 of one whom another cell insures: a repeat of what stands is answered, all else is routing's."""
        kept = self._kept(request)
        if kept is not None and (order := self.orders[kept.order_no]).phase == CONFIRMED:
            return order.answer.settlement
        raise insured_elsewhere(self.cares[request.data.mdtrt_id].insured_cell)

    def take_back_at_home(self, request: Any) -> Any:
        """2601: what is not known is void from now on; what is undone is told; all else is routing's."""
        key = (request.desk.fixmedins_code, request.data.omsgid)
        kept = self.messages.get(key)
        if kept is None:
            self.messages[key] = Kept("", void=True)
        if kept is None or not kept.order_no:
            return reversal_pb2.ReverseMessageResponse(outcome=reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED)
        order = self.orders[kept.order_no]
        if order.phase == PENDING or (order.phase == CONFIRMED and order.counter is None):
            raise insured_elsewhere(self.cares[order.mdtrt_id].insured_cell)
        return self._taken_back(order)

    # CareService.

    def get_bill(self, request: Any) -> Any:
        """What a bill comes to, or what stands already."""
        form = request.WhichOneof("request")
        unary = getattr(request, form)
        care = self.cares[unary.data.mdtrt_id]
        answer = care_pb2.GetBillResponse(insured_cell=care.insured_cell, care_hash=str(care.version))
        kept = None if form.endswith("_trial") else self._kept(unary)
        if kept is not None:
            order = self.orders[kept.order_no]
            if order.phase == CONFIRMED:
                answer.settled.CopyFrom(order.answer.settlement)
            else:
                answer.pending_order_no = kept.order_no
                answer.pending.CopyFrom(order.answer.settlement)
            return answer
        if care.insured_cell == self.code:
            answer.own.care_admdvs = AREA
            answer.own.begin_day.CopyFrom(Date(year=2026, month=3, day=5))
            return answer
        answer.carried.CopyFrom(
            carried_pb2.CarriedBill(
                desk=common_pb2.Desk(fixmedins_code=unary.desk.fixmedins_code, mdtrtarea_admvs=AREA),
                mdtrt_id=unary.data.mdtrt_id,
                psn_no=care.psn_no,
                begin_time=Timestamp(seconds=int(NOON.timestamp())),
                medfee_sumamt_fen=care.fen,
            )
        )
        return answer

    def settle_filed(self, request: Any) -> Any:
        """A bill of the cell's own, in one commit."""
        form = request.WhichOneof("request")
        info = common_pb2.Setlinfo(setl_id=f"S{request.filing.filing_no}")
        answer = care_pb2.SettleFiledResponse()
        getattr(answer, form).setlinfo.CopyFrom(info)
        return answer

    def find_booked(self, request: Any) -> Any:
        """What is meant by who takes something back."""
        form = request.WhichOneof("request")
        unary = getattr(request, form)
        if form == "message":
            kept = self.messages.get((unary.desk.fixmedins_code, unary.data.omsgid))
            found = (kept.order_no, self.orders[kept.order_no]) if kept and kept.order_no else None
        else:
            found = next(((no, each) for no, each in self.orders.items() if each.setl_id == unary.data.setl_id), None)
        if found is None:
            raise not_found("SETTLEMENT_NOT_FOUND", setl_id="")
        order_no, order = found
        undone = order.phase == VOID or order.counter is not None
        return care_pb2.FindBookedResponse(
            insured_cell=self.cares[order.mdtrt_id].insured_cell,
            order_no=order_no,
            setl_id=order.setl_id,
            state=care_pb2.BOOKED_STATE_PENDING
            if order.phase == PENDING
            else care_pb2.BOOKED_STATE_UNDONE
            if undone
            else care_pb2.BOOKED_STATE_STANDING,
        )

    def list_pending(self, request: Any) -> Any:
        """What is booked here and pending."""
        booked = [(no, each) for no, each in self.orders.items() if each.phase == PENDING and each.message[0]]
        return care_pb2.ListPendingBillsResponse(
            bills=[
                care_pb2.PendingBill(
                    order_no=no, insured_cell=self.cares[each.mdtrt_id].insured_cell, fixmedins_code=each.message[0]
                )
                for no, each in booked
            ]
        )

    def book_reversal(self, request: Any) -> Any:
        """Books a counter-entry once."""
        form = request.WhichOneof("request")
        unary = getattr(request, form)
        order = self.orders[request.order_no]
        if form != "message" and (unary.data.setl_id, unary.data.psn_no) != (
            order.setl_id,
            self.cares[order.mdtrt_id].psn_no,
        ):
            raise not_found("SETTLEMENT_NOT_FOUND", setl_id=unary.data.setl_id)
        if order.counter is None:
            order.counter = request.counter
        answer = care_pb2.BookReversalResponse()
        if form == "message":
            answer.message.CopyFrom(self._taken_back(order))
        else:
            getattr(answer, form).setlinfo.CopyFrom(order.counter.setlinfo)
        return answer

    # OrderService.

    def open(self, request: Any) -> Any:
        """Opens a bill of another cell on the ledger, or books one of care here."""
        known = self.orders.get(request.order_no)
        if known is not None:
            if known.phase == VOID:
                raise precondition("ORDER_VOID", order_no=request.order_no)
            return known.answer
        order = self._carried(request.carried) if request.HasField("carried") else self._booked(request)
        self.orders[request.order_no] = order
        return order.answer

    def confirm(self, request: Any) -> Any:
        """Makes it stand."""
        order = self._known(request.order_no)
        if order.phase == VOID:
            raise precondition("ORDER_VOID", order_no=request.order_no)
        order.phase = CONFIRMED
        return order_pb2.ConfirmResponse(order=self._told(request.order_no))

    def void(self, request: Any) -> Any:
        """Makes it void, also before it comes."""
        order = self.orders.setdefault(request.order_no, Order(VOID))
        if order.phase == CONFIRMED:
            raise precondition("ORDER_CONFIRMED", order_no=request.order_no, setl_id=order.setl_id)
        if order.phase == PENDING and order.fen:
            self.ledger.append((order.setl_id, -order.fen))
        if order.phase == PENDING and order.message in self.messages:
            self.messages[order.message].void = True
        order.phase = VOID
        return order_pb2.VoidResponse(order=self._told(request.order_no))

    def renew(self, request: Any) -> Any:
        """Says that it is still there."""
        order = self._known(request.order_no)
        if order.phase != PENDING:
            raise precondition("ORDER_VOID" if order.phase == VOID else "ORDER_CONFIRMED", order_no=request.order_no)
        self.held.append((request.order_no, request.expires_after_s, request.charged))
        return order_pb2.RenewResponse(order=self._told(request.order_no))

    def get_order(self, request: Any) -> Any:
        """As it stands."""
        self._known(request.order_no)
        return order_state_pb2.GetOrderResponse(order=self._told(request.order_no))

    def try_open(self, request: Any) -> Any:
        """A trial."""
        self.carried.append(request.carried)
        info = common_pb2.Setlinfo(medfee_sumamt_fen=request.carried.medfee_sumamt_fen)
        return order_pb2.TryOpenResponse(trial=settlement_pb2.TrialResponse(setlinfo=info, trial_hash="t"))

    def reverse_order(self, request: Any) -> Any:
        """The counter-entry, once."""
        order = self._known(request.order_no)
        if order.phase != CONFIRMED:
            raise precondition("ORDER_VOID" if order.phase == VOID else "ORDER_PENDING", order_no=request.order_no)
        if order.counter is None:
            self._no_other(order.answer.settlement.setlinfo.psn_no)
            self.ledger.append((order.setl_id, -order.fen))
            info = order.answer.settlement.setlinfo
            order.counter = reversal_pb2.ReverseResponse(
                setlinfo=common_pb2.Setlinfo(setl_id=f"C{order.setl_id}", psn_no=info.psn_no, mdtrt_id=info.mdtrt_id)
            )
        return order_pb2.ReverseOrderResponse(counter=order.counter)

    def _carried(self, bill: Any) -> Order:
        self.carried.append(bill)
        self._no_other(bill.psn_no)
        setl_id = f"{self.code}S{next(self.numbers)}"
        info = common_pb2.Setlinfo(
            setl_id=setl_id, psn_no=bill.psn_no, mdtrt_id=bill.mdtrt_id, medfee_sumamt_fen=bill.medfee_sumamt_fen
        )
        answer = order_pb2.OpenResponse(settlement=settlement_pb2.SettleResponse(setlinfo=info))
        self.ledger.append((setl_id, bill.medfee_sumamt_fen))
        return Order(PENDING, setl_id, answer, mdtrt_id=bill.mdtrt_id, fen=bill.medfee_sumamt_fen)

    def _no_other(self, psn_no: str) -> None:
        """One order is pending on a ledger at a time."""
        for order_no, each in self.orders.items():
            if each.phase == PENDING and each.fen and each.answer.settlement.setlinfo.psn_no == psn_no:
                raise precondition("ORDER_PENDING", order_no=order_no, lapses_at="")

    def _booked(self, request: Any) -> Order:
        booked = request.booked
        unary = getattr(booked, booked.WhichOneof("request"))
        if self._kept(unary) is not None:
            raise conflict("REQUEST_ID_REUSED", request_id=unary.request_id)
        care = self.cares[unary.data.mdtrt_id]
        if booked.care_hash != str(care.version):
            raise bill_changed(unary.data.mdtrt_id)
        key = (unary.desk.fixmedins_code, unary.request_id)
        self.messages[key] = Kept(content_hash(unary), request.order_no)
        setl_id = booked.opened.settlement.setlinfo.setl_id
        answer = order_pb2.OpenResponse(settlement=booked.opened.settlement)
        return Order(PENDING, setl_id, answer, key, unary.data.mdtrt_id)

    def _kept(self, unary: Any) -> Kept | None:
        kept = self.messages.get((unary.desk.fixmedins_code, unary.request_id))
        if kept is not None and kept.void:
            raise precondition("MESSAGE_VOIDED", request_id=unary.request_id)
        if kept is not None and kept.content != content_hash(unary):
            raise conflict("REQUEST_ID_REUSED", request_id=unary.request_id)
        return kept

    def _known(self, order_no: str) -> Order:
        if order_no not in self.orders:
            raise not_found("ORDER_NOT_FOUND", order_no=order_no)
        return self.orders[order_no]

    def _told(self, order_no: str) -> Any:
        order = self.orders[order_no]
        return order_state_pb2.Order(order_no=order_no, phase=_PHASES[order.phase], setl_id=order.setl_id)

    def _taken_back(self, order: Order) -> Any:
        counter = order.counter.setlinfo.setl_id if order.counter else ""
        return reversal_pb2.ReverseMessageResponse(
            outcome=reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK, setl_id=order.setl_id, reversed_by=counter
        )


Point = tuple[str, str, str]
"""Cell, method, and whether it has been taken."""
Gate = Callable[[Point], Awaitable[None]]


async def open_gate(_: Point) -> None:
    return


@dataclass
class PlayedPeers:
    """What `Peers` is to routing: calls of stubs come to the played cells, each by way of the gate, and are noted."""

    cells: dict[str, PlayedCell]
    gate: Gate = open_gate
    seen: list[Point] = field(default_factory=list)

    def stub(self, stub_class: Any, member: str, cell: str = "") -> Any:
        """A stub whose methods name what is called."""
        return _Stub(cell)

    def gathered(self, unary: tuple[str, str], batch: tuple[str, str], **_: Any) -> Any:
        """Each item is played alone, as a list of one."""
        return partial(self.call, unary)

    async def call(self, method: tuple[str, str], request: Any) -> Any:
        """The answer of a cell, from a copy of the request as it was sent; its refusal, or whatever the gate raises."""
        cell, name = method
        sent = type(request).FromString(request.SerializeToString())
        await self._at((cell, name, BEFORE))
        refusal: Fault | None = None
        played, answer = self.cells[cell], None
        try:
            if name in played.refuse:
                raise played.refuse[name]
            answer = getattr(played, _METHODS[name])(sent)
        except Fault as fault:
            refusal = fault
        await self._at((cell, name, AFTER))
        if refusal is not None:
            raise refusal
        return answer

    async def _at(self, point: Point) -> None:
        self.seen.append(point)
        await self.gate(point)


class _Stub:
    def __init__(self, cell: str) -> None:
        self._cell = cell

    def __getattr__(self, name: str) -> tuple[str, str]:
        return self._cell, name


_METHODS: Final = {
    "GetBill": "get_bill",
    "SettleFiled": "settle_filed",
    "FindBooked": "find_booked",
    "ListPendingBills": "list_pending",
    "BookReversal": "book_reversal",
    "Open": "open",
    "Confirm": "confirm",
    "Void": "void",
    "GetOrder": "get_order",
    "Renew": "renew",
    "TryOpen": "try_open",
    "ReverseOrder": "reverse_order",
}
