"""Cash at the window: nothing leaves the house. A clerk's word that the cash was taken is the charge, and that it was handed out
is the refund; who the clerk is stands beside the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from services.payment.channels.protocol import Delivery, Forged, Terms
from services.payment.domain.charges import BillLine, ChannelState, Heard, RefundSeen, RefundStanding, Seen
from yibao.payment.v1 import channel_pb2

TERMS: Final = Terms(
    name="cash",
    kind=channel_pb2.CHANNEL_KIND_CASH,
    forms=frozenset({channel_pb2.PAY_FORM_CODE}),
    notifies=False,
    moves_money=False,
)


class Cash:
    """The drawer of the window."""

    terms = TERMS

    async def place(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """The clerk has the cash in hand."""
        return _taken(charge)

    async def look(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """The word was given with the request: it stands."""
        return _taken(charge)

    async def close(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """What was taken was taken."""
        return _taken(charge)

    async def refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """The clerk hands it out."""
        return RefundSeen(RefundStanding.RETURNED, refund.refund_fen, refund.refund_no)

    async def look_refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """It is handed out with the request."""
        return RefundSeen(RefundStanding.RETURNED, refund.refund_fen, refund.refund_no)

    async def tell_returned(self, refund: channel_pb2.ChannelRefund) -> None:
        """Nobody is told."""

    def hear(self, delivery: Delivery) -> Heard:
        """Nobody calls back."""
        raise Forged("cash has no notify")

    async def bill(self, merchant: channel_pb2.Merchant, day: date) -> Sequence[BillLine]:
        """The drawer is counted by the institution; there is no bill of a provider."""
        return ()


def _taken(charge: channel_pb2.ChannelCharge) -> Seen:
    return Seen(ChannelState.CHARGED, charged_fen=charge.charge_fen, trade_no=charge.charge_no)
