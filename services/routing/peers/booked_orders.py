"""The books of all cells' settlement, as reconciliation reads orders of routing in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.routing.peers.cells import stub_of
from services.routing.peers.settlements import MEMBER, OPENER
from services.runtime.outbound import Peers
from yibao.settlement.v1 import statement_pb2, statement_pb2_grpc


class BookedOrderCells:
    """Asks the settlement of any cell; raises its refusal, and CELL_UNAVAILABLE for a cell that this mesh has not."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._statements = {code: peers.stub(statement_pb2_grpc.StatementServiceStub, MEMBER, code) for code in cells}

    async def booked_orders(self, cell: str, order_nos: Sequence[str]) -> Sequence[Any]:
        """Orders as that cell has booked them; unknown ones are left out."""
        request = statement_pb2.FindSettledOrdersRequest(opener=OPENER, order_nos=order_nos)
        answer = await self._peers.call(stub_of(self._statements, cell).FindSettledOrders, request)
        return list(answer.orders)
