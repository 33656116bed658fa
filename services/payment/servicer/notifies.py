"""NotifyService on the wire: what channels send by themselves."""

from __future__ import annotations

from typing import Any

from services.payment.operations.loop import OrderLoop
from services.payment.operations.paying import Paying
from services.payment.servicer.traces import joined
from yibao.payment.v1 import notify_pb2, notify_pb2_grpc


class NotifyServicer(notify_pb2_grpc.NotifyServiceServicer):
    """The RPC. `delivery` makes of a request what a channel hears."""

    def __init__(self, paying: Paying, loop: OrderLoop, delivery: Any) -> None:
        self._paying = paying
        self._loop = loop
        self._delivery = delivery

    async def Hear(  # noqa: N802 - the contract's name
        self, request: notify_pb2.HearRequest, context: Any
    ) -> notify_pb2.HearResponse:
        """Answers once what was heard is durable; what follows from it is brought on without the channel's waiting."""
        delivery = self._delivery(request.door_name, request.query, dict(request.headers), request.body)
        body, content_type, order = await self._paying.hear(request.door_name, delivery)
        if order is not None:
            self._loop.later(joined(order))
        return notify_pb2.HearResponse(content_type=content_type, body=body)
