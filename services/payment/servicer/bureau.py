"""BureauService on the wire: what channels ask the bureau."""

from __future__ import annotations

from typing import Any

from services.payment.operations.paying import Paying
from services.payment.servicer.traces import joined
from yibao.payment.v1 import bureau_pb2, bureau_pb2_grpc


class BureauServicer(bureau_pb2_grpc.BureauServiceServicer):
    """The RPC."""

    def __init__(self, paying: Paying) -> None:
        self._paying = paying

    async def SettleInsuredPart(  # noqa: N802 - the contract's name
        self, request: bureau_pb2.SettleInsuredPartRequest, context: Any
    ) -> bureau_pb2.SettleInsuredPartResponse:
        """Agrees to the insured part. A repeat asks the same of the same order, and is answered by how that stands."""
        parts = (request.fund_fen, request.acct_fen, request.other_fen)
        order = joined(await self._paying.agreed(request.pay_ord_id, request.channel_code, request.pay_auth_no, parts))
        return bureau_pb2.SettleInsuredPartResponse(setl_id=order.setl_id)
