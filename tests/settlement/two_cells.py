"""Two settlement members, of the cell of care and of the insured cell, and the messages that routing carries between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from services.kernel.errors import Fault
from services.runtime.call import CallContext, Caller, Role, use_call
from services.runtime.db import bulk_insert
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.reversal import ReversalRequest
from services.settlement.domain.care.bill import Desk
from services.settlement.domain.care.catalogue import Institution
from services.settlement.operations.books.settle import OpenedOrder
from services.settlement.servicer import care_bills
from services.settlement.servicer.convert_orders import OpeningReader, institution_stamp, open_response
from services.settlement.servicer.messages import take_back
from services.settlement.store.tables import FEE_BATCH, FEE_LINE
from services.settlement.wiring import bills_elsewhere
from tests.settlement.ordering import confirm, open_all, stamp_of
from tests.settlement.world import EMPLOYEE, Still, World, world_on
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import (
    care_pb2,
    carried_pb2,
    common_pb2,
    order_pb2,
    reversal_pb2,
    settlement_pb2,
    stay_bill_pb2,
)

HOSPITAL = "H37010000001"
HOME, CARE = "990000", "370000"
AREA = "370100"
PERSON = "P1"
ROUTING = Caller(Role.SERVICE, "routing", sandbox=True)
_NUMBERS = count(1)
_REVERSALS: dict[Any, str] = {
    reversal_pb2.ReverseRequest: "visit",
    reversal_pb2.ReverseStayRequest: "stay",
    reversal_pb2.ReverseMessageRequest: "message",
}


@dataclass
class Cells:
    """The member where care is given and the member whose ledgers pay, on clocks that stand."""

    care: World
    home: World

    def __post_init__(self) -> None:
        self.bills = bills_elsewhere(self.care.operations, CARE)
        self.opening = OpeningReader()

    async def lines(
        self, mdtrt_id: str, *amounts: int, batch: str = "1", presel: int = 0, cancelled: int = 0, over: int = 0
    ) -> str:
        """Uploads a charge batch of lines as they come; of the last `cancelled` of them nothing stands."""
        care, number = self.care, next(_NUMBERS)
        fee_batch_id, at = f"B{number:06d}", care.clock()
        rows = []
        for place, amount in enumerate(amounts, 1):
            part = presel if place == 1 else 0
            above = over if place == 1 else 0
            name = f"{number}.{place}"
            line = common_pb2.FeeLine(
                feedetl_sn=name, chrg_bchno=batch, med_list_codg="X1", det_item_fee_sumamt_fen=amount, cnt="1", pric="1"
            )
            line.fee_ocur_time.FromDatetime(at)
            split = common_pb2.FeeLineSplit(
                feedetl_sn=name,
                det_item_fee_sumamt_fen=amount,
                preselfpay_amt_fen=part,
                overlmt_amt_fen=above,
                inscp_scp_amt_fen=amount - part - above,
            )
            state = "cancelled" if place > len(amounts) - cancelled else "open"
            rows.append(
                (
                    *(f"L{name}", mdtrt_id, name, fee_batch_id, place, state, at, amount, 0, above, part),
                    *(amount - part - above, 0, "", "1", line.SerializeToString(), split.SerializeToString()),
                    f"C{number}" if state == "cancelled" else None,
                )
            )
        batches = [_batch(fee_batch_id, mdtrt_id, batch, "upload", sum(amounts), presel, over, len(amounts), at)]
        if cancelled:
            lost = -sum(amounts[-cancelled:])
            batches.append(_batch(f"C{number}", mdtrt_id, batch, "cancel", lost, 0, 0, cancelled, at))
        async with care.database.write() as connection:
            await bulk_insert(connection, FEE_BATCH, batches)
            await bulk_insert(connection, FEE_LINE, rows)
        return fee_batch_id

    async def visit(self, *amounts: int, psn_no: str = PERSON, **lines: Any) -> str:
        """A visit of somebody whom the other cell insures, with a charge batch."""
        mdtrt_id = await self.care.encounter(psn_no, hospital=HOSPITAL, insured_cell=HOME, area=AREA)
        await self.lines(mdtrt_id, *(amounts or (200_000, 31_000)), **lines)
        return mdtrt_id

    async def get(self, request: Any) -> care_pb2.GetBillResponse:
        """What the cell of care says of a bill."""
        kinds: dict[Any, str] = {
            settlement_pb2.SettleRequest: "visit",
            stay_bill_pb2.SettleStayRequest: "stay",
            settlement_pb2.TrialRequest: "visit_trial",
            stay_bill_pb2.TrialStayRequest: "stay_trial",
        }
        asked: Any = {kinds[type(request)]: request}
        with calling(self.care):
            return await self.bills.bill(care_pb2.GetBillRequest(**asked))

    async def open_home(
        self, carried: carried_pb2.CarriedBill, order_no: str, request: str = ""
    ) -> order_pb2.OpenResponse:
        """Opens the carried bill on the ledgers that pay."""
        return await self._open(self.home, order_no, request, carried=carried)

    async def open_care(
        self,
        request: Any,
        found: care_pb2.GetBillResponse,
        opened: order_pb2.OpenResponse,
        order_no: str,
        name: str = "",
    ) -> order_pb2.OpenResponse:
        """Books what the insured cell has answered at the place of care."""
        part: Any = {"visit" if isinstance(request, settlement_pb2.SettleRequest) else "stay": request}
        booked = order_pb2.BookedBill(insured_cell=found.insured_cell, care_hash=found.care_hash, opened=opened, **part)
        return await self._open(self.care, order_no, name, booked=booked)

    async def open_both(self, request: Any, order_no: str = "O1") -> order_pb2.OpenResponse:
        """Both halves as routing opens them."""
        found = await self.get(request)
        opened = await self.open_home(found.carried, order_no)
        return await self.open_care(request, found, opened, order_no)

    async def stand(self, request: Any, order_no: str = "O1") -> order_pb2.OpenResponse:
        """The bill opened and confirmed in both cells."""
        opened = await self.open_both(request, order_no)
        for world in (self.home, self.care):
            await confirm(world, order_no)
        return opened

    async def find(self, request: Any) -> care_pb2.FindBookedResponse:
        """Which bill a reversal means."""
        asked: Any = {_REVERSALS[type(request)]: request}
        with calling(self.care):
            return await self.bills.booked(care_pb2.FindBookedRequest(**asked))

    async def reverse_home(self, order_no: str, request: str) -> reversal_pb2.ReverseResponse:
        """The counter-entry on the ledgers that paid."""
        asked = ReversalRequest(
            stamp_of(request, order_no), Desk(HOSPITAL, request, "op2", "退费员"), self.home.clock()
        )
        answer = await self.home.reversing.reverse_order(asked, order_no, "routing")
        return reversal_pb2.ReverseResponse.FromString(answer)

    async def book(
        self, request: Any, order_no: str, counter: reversal_pb2.ReverseResponse
    ) -> care_pb2.BookReversalResponse:
        """Books that counter-entry at the place of care."""
        asked: Any = {_REVERSALS[type(request)]: request}
        with calling(self.care):
            return await self.bills.reversed(care_pb2.BookReversalRequest(order_no=order_no, counter=counter, **asked))

    async def unary(self, request: Any) -> Any:
        """2208, 2305 or 2601 as the institution's own message."""
        kind = _REVERSALS[type(request)]
        with calling(self.care):
            order = care_bills._reversal(kind, request)
            if kind == "message":
                stays, reversing = self.bills._stays, self.care.reversing
                answer = await take_back(stays, reversing, order, request.data)
                return reversal_pb2.ReverseMessageResponse.FromString(answer)
            answer = await self.care.reversing.reverse(order, care_bills._name(kind, request))
        return care_bills._REVERSALS[kind].FromString(answer)

    async def settled(self, request: Any) -> settlement_pb2.SettleResponse:
        """What the institution's own message is answered."""
        order = self.order(request)
        return await self.care.settle(order)

    def order(self, request: Any) -> BillRequest:
        """The institution's own message as a bill."""
        call = context(self.care)
        visit = isinstance(request, settlement_pb2.SettleRequest)
        read = self.bills._bills.visit if visit else self.bills._bills.stay
        return BillRequest(
            read(request.desk, request.data), call.now, institution_stamp(call, request), request.trial_hash
        )

    async def _open(self, world: World, order_no: str, request: str, **bill: Any) -> order_pb2.OpenResponse:
        sent = order_pb2.OpenRequest(
            request_id=request or f"open:{order_no}", opener="routing", order_no=order_no, expires_after_s=60, **bill
        )
        (found,) = await open_all(world, await self.opening.opened(sent, context(world)))
        if isinstance(found, BaseException):
            raise found
        assert isinstance(found, OpenedOrder)
        return open_response(found)


def settle_request(
    mdtrt_id: str, total: int, request_id: str = "2207:1", *, psn_no: str = PERSON, trial_hash: str = "", **bill: Any
) -> settlement_pb2.SettleRequest:
    """2207 of the hospital."""
    return settlement_pb2.SettleRequest(
        request_id=request_id,
        desk=desk(request_id.rpartition(":")[2]),
        data=settlement_pb2.Bill(**_told(mdtrt_id, total, psn_no), chrg_bchno="1", med_type=_OUTPATIENT, **bill),
        trial_hash=trial_hash,
    )


_OUTPATIENT = codes_pb2.MED_TYPE_OUTPATIENT


def stay_request(mdtrt_id: str, total: int, request_id: str = "2304:1", **bill: Any) -> stay_bill_pb2.SettleStayRequest:
    """2304 of the hospital."""
    data = stay_bill_pb2.StayBill(**_told(mdtrt_id, total, PERSON), **bill)
    return stay_bill_pb2.SettleStayRequest(request_id=request_id, desk=desk(request_id.rpartition(":")[2]), data=data)


def reverse_request(
    info: common_pb2.Setlinfo, request_id: str = "2208:1", made: Any = reversal_pb2.ReverseRequest
) -> Any:
    """2208 (or 2305) of the hospital."""
    data = reversal_pb2.SettlementReference(setl_id=info.setl_id, mdtrt_id=info.mdtrt_id, psn_no=info.psn_no)
    return made(request_id=request_id, desk=desk(request_id.rpartition(":")[2]), data=data)


def take_back_request(
    omsgid: str, request_id: str = "2601:1", oinfno: str = "2207"
) -> reversal_pb2.ReverseMessageRequest:
    """2601 of the hospital."""
    data = reversal_pb2.MessageReference(psn_no=PERSON, omsgid=omsgid, oinfno=oinfno)
    return reversal_pb2.ReverseMessageRequest(
        request_id=request_id, desk=desk(request_id.rpartition(":")[2]), data=data
    )


def desk(msgid: str) -> common_pb2.Desk:
    """The hospital's counter."""
    return common_pb2.Desk(fixmedins_code=HOSPITAL, msgid=msgid, opter="op1", opter_name="收费员")


def context(world: World) -> CallContext:
    """A call of routing."""
    return CallContext(ROUTING, "/yibao.settlement.v1.OrderService/Open", None, None, world.clock.at)


@contextmanager
def calling(world: World) -> Iterator[None]:
    """While routing calls."""
    with use_call(context(world)):
        yield


async def reason(work: Any) -> str:
    """The reason of what must be refused."""
    try:
        await work
    except Fault as fault:
        return fault.reason
    raise AssertionError("it was not refused")


@asynccontextmanager
async def two_cells(care: str, home: Path) -> AsyncIterator[Cells]:
    """Both members; `care` is the address of the store that books."""
    clock = Still()
    workers = 1 if care.startswith("sqlite") else 3
    async with world_on(care, workers, clock) as there, world_on(f"sqlite:///{home}/home.sqlite", clock=clock) as here:
        for world in (there, here):
            world.catalogue.institutions[HOSPITAL] = Institution(HOSPITAL, "济南测试医院", "1", "1", "", "3", AREA)
        here.person(PERSON)
        await here.open_ledger(PERSON, balance=100_000)
        yield Cells(there, here)


def _told(mdtrt_id: str, total: int, psn_no: str) -> dict[str, Any]:
    return {
        "psn_no": psn_no,
        "mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
        "medfee_sumamt_fen": total,
        "mdtrt_id": mdtrt_id,
        "insutype": EMPLOYEE,
        "acct_used_flag": codes_pb2.ACCT_USED_FLAG_OWN,
    }


def _batch(
    fee_batch_id: str, mdtrt_id: str, batch: str, kind: str, total: int, presel: int, over: int, lines: int, at: Any
) -> tuple[object, ...]:
    return (
        *(fee_batch_id, mdtrt_id, batch, kind, "open", None, total, 0, over, presel, total - presel - over, 0),
        *({}, lines, at, "op1", "收费员"),
    )
