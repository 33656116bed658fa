"""What settlement has booked for payment, in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from services.kernel.clock import from_micros
from services.payment.domain.compared import Settled
from services.payment.peers.bill_messages import MEMBER, split_of
from services.payment.peers.settlements import OPENER
from services.runtime.outbound import Peers
from services.runtime.wire import moment_message
from yibao.settlement.v1 import statement_pb2, statement_pb2_grpc

_PAGE: Final = 1000


class Statements:
    """Implements `StatementPort`."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._statements = peers.stub(statement_pb2_grpc.StatementServiceStub, MEMBER)

    async def settled(self, span: tuple[int, int], *, reversed_ones: bool) -> AsyncIterator[Sequence[Settled]]:
        """Page by page those that were confirmed from a moment and before another, or reversed."""
        asked = statement_pb2.ListSettledOrdersRequest(
            opener=OPENER,
            from_time=moment_message(from_micros(span[0])),
            to_time=moment_message(from_micros(span[1])),
            reversed=reversed_ones,
            page_size=_PAGE,
        )
        while True:
            answer = await self._peers.call(self._statements.ListSettledOrders, asked)
            yield [_settled(each) for each in answer.orders]
            if not answer.next_page_token:
                return
            asked.page_token = answer.next_page_token

    async def found(self, order_nos: Sequence[str]) -> dict[str, Settled]:
        """Those of these numbers, as they stand."""
        if not order_nos:
            return {}
        asked = statement_pb2.FindSettledOrdersRequest(opener=OPENER, order_nos=order_nos)
        answer = await self._peers.call(self._statements.FindSettledOrders, asked)
        return {each.order_no: _settled(each) for each in answer.orders}


def _settled(each: Any) -> Settled:
    return Settled(each.order_no, each.setl_id, each.fixmedins_code, each.stands, each.reversed, split_of(each))
