"""What settlement has booked for payment, in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from services.kernel.clock import from_micros
from services.kernel.elsewhere import ROUTING_UNAVAILABLE
from services.kernel.errors import Fault
from services.payment.domain.compared import ComparedSettlement, Statement
from services.payment.peers.bill_messages import MEMBER, split_of
from services.payment.peers.elsewhere import ROUTING, asked
from services.payment.peers.settlements import OPENER
from services.runtime.outbound import Peers
from services.runtime.wire import moment_message, told_day
from yibao.routing.v1 import elsewhere_orders_pb2, elsewhere_orders_pb2_grpc
from yibao.settlement.v1 import statement_compared_pb2, statement_pb2, statement_pb2_grpc

_PAGE: Final = 1000


class Statements:
    """Implements `StatementPort`."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._statements = peers.stub(statement_pb2_grpc.StatementServiceStub, MEMBER)
        self._elsewhere = peers.stub(elsewhere_orders_pb2_grpc.ElsewhereOrderServiceStub, ROUTING)

    async def settled(
        self, span: tuple[int, int], *, reversed_ones: bool
    ) -> AsyncIterator[Sequence[ComparedSettlement]]:
        """Page by page those that were confirmed from a moment and before another, or reversed."""
        request = statement_pb2.ListSettledOrdersRequest(
            opener=OPENER,
            from_time=moment_message(from_micros(span[0])),
            to_time=moment_message(from_micros(span[1])),
            reversed=reversed_ones,
            page_size=_PAGE,
        )
        while True:
            answer = await self._peers.call(self._statements.ListSettledOrders, request)
            yield [_settled(each) for each in answer.orders]
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def compared(self, span: tuple[int, int]) -> AsyncIterator[Sequence[Statement]]:
        """Page by page what comparisons of details came to that institutions made from a moment and before another."""
        request = statement_compared_pb2.ListComparedDetailsRequest(
            from_time=moment_message(from_micros(span[0])),
            to_time=moment_message(from_micros(span[1])),
            page_size=_PAGE,
        )
        while True:
            answer = await self._peers.call(self._statements.ListComparedDetails, request)
            yield [_compared(each) for each in answer.comparisons]
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def found(self, order_nos: Sequence[str]) -> dict[str, ComparedSettlement]:
        """Those of these numbers, as they stand."""
        if not order_nos:
            return {}
        request = statement_pb2.FindSettledOrdersRequest(opener=OPENER, order_nos=order_nos)
        answer = await self._peers.call(self._statements.FindSettledOrders, request)
        return {each.order_no: _settled(each) for each in answer.orders}

    async def found_elsewhere(self, cells: Mapping[str, str]) -> tuple[dict[str, ComparedSettlement], frozenset[str]]:
        """The same of numbers that other cells settle, which routing asks; and of which numbers something is known."""
        if not cells:
            return {}, frozenset()
        orders = [elsewhere_orders_pb2.OrderElsewhere(order_no=no, insured_cell=cell) for no, cell in cells.items()]
        request = elsewhere_orders_pb2.FindOrdersRequest(orders=orders)
        try:
            answer = await asked(self._peers, self._elsewhere.FindOrders, request)
        except Fault as fault:
            if fault.reason != ROUTING_UNAVAILABLE:
                raise
            return {}, frozenset()
        told = {each.order_no: _settled(each) for each in answer.orders}
        return told, frozenset(no for no, cell in cells.items() if cell not in answer.silent_cells)


def _compared(each: Any) -> Statement:
    """`number` has what the institution asked for, so that the same comparison made anew has the same."""
    days = f"{told_day(each.first_day)}..{told_day(each.last_day)}"
    asked = (each.fixmedins_code, days, each.setl_optins, each.clr_type, each.refd_setl_flag)
    return Statement(
        each.fixmedins_code,
        " ".join(word or "*" for word in asked).removesuffix(" * * *"),
        each.file_qury_no,
        each.only_here_count,
        each.only_there_count,
        each.otherwise_count,
        each.here_fen,
        each.there_fen,
    )


def _settled(each: Any) -> ComparedSettlement:
    return ComparedSettlement(
        each.order_no, each.setl_id, each.fixmedins_code, each.stands, each.reversed, split_of(each)
    )
