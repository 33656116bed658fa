"""EgressService on the wire: what channels were told for an order."""

from __future__ import annotations

import json
from typing import Any

from services.payment.domain.orders import Charge
from services.payment.domain.told import ToldRequest
from services.payment.operations.egress import FIRST, Egress
from services.payment.servicer.convert import channel_kind
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import micros_message
from yibao.payment.v1 import channel_pb2, egress_pb2, egress_pb2_grpc


class EgressServicer(egress_pb2_grpc.EgressServiceServicer):
    """The RPC."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def ListEgress(  # noqa: N802 - the contract's name
        self, request: egress_pb2.ListEgressRequest, context: Any
    ) -> egress_pb2.ListEgressResponse:
        """A page of what was told, and on the first what was to be told."""
        after, size = asked_page(request, int, str)
        page = await self._egress.page(request.pay_ord_id, (after[0], after[1]) if after else FIRST, size)
        charges = [] if after else await self._egress.charges(request.pay_ord_id)
        return egress_pb2.ListEgressResponse(
            told=[_told(each) for each in page.entries],
            charges=[_charge(each) for each in charges],
            next_page_token=token_of(page.end),
        )


def _told(told: ToldRequest) -> egress_pb2.ToldRequest:
    return egress_pb2.ToldRequest(
        channel=channel_kind(told.channel),
        step=egress_pb2.EgressStep.Value(f"EGRESS_STEP_{told.step.upper()}"),
        number=told.number,
        verb=told.verb,
        target=told.target,
        content=json.dumps(json.loads(told.content), ensure_ascii=False),
        first_time=micros_message(told.first_at),
        last_time=micros_message(told.last_at),
        times=told.times,
    )


def _charge(charge: Charge) -> egress_pb2.ToldCharge:
    return egress_pb2.ToldCharge(
        channel=channel_kind(charge.channel),
        charge=channel_pb2.ChannelCharge.FromString(charge.message),
        asked_time=micros_message(charge.asked_at) if charge.asked_at else None,
    )
