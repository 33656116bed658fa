"""The RPCs of statements."""

from __future__ import annotations

from typing import Any, Final

from services.kernel.clock import to_micros
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import sent_moment
from services.settlement.domain.statements import SettledOrder
from services.settlement.operations.statements import Statements
from yibao.settlement.v1 import statement_pb2, statement_pb2_grpc

_SUMS: Final = tuple(name for name in SettledOrder._fields if name.endswith("_fen"))


class StatementServicer(statement_pb2_grpc.StatementServiceServicer):
    """Answers StatementService."""

    def __init__(self, books: Statements) -> None:
        self._books = books

    async def ListSettledOrders(  # noqa: N802  # the name is the contract's
        self, request: statement_pb2.ListSettledOrdersRequest, context: Any
    ) -> statement_pb2.ListSettledOrdersResponse:
        """A page of them."""
        after, size = asked_page(request, int, str)
        span = (
            to_micros(sent_moment(request.from_time, "from_time")),
            to_micros(sent_moment(request.to_time, "to_time")),
        )
        place = None if after is None else (int(after[0]), str(after[1]))
        page = await self._books.settled(request.opener, span, place, size, reversed_ones=request.reversed)
        return statement_pb2.ListSettledOrdersResponse(
            orders=[_order(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def FindSettledOrders(  # noqa: N802
        self, request: statement_pb2.FindSettledOrdersRequest, context: Any
    ) -> statement_pb2.FindSettledOrdersResponse:
        """Those of the numbers."""
        found = await self._books.found(request.opener, request.order_nos)
        return statement_pb2.FindSettledOrdersResponse(orders=[_order(each) for each in found])


def _order(each: SettledOrder) -> statement_pb2.SettledOrder:
    return statement_pb2.SettledOrder(
        order_no=each.order_no,
        setl_id=each.setl_id,
        fixmedins_code=each.fixmedins_code,
        stands=each.phase == "confirmed",
        reversed=each.state == "reversed",
        **{name: getattr(each, name) for name in _SUMS},
    )
