"""Deposits beside settlements: nothing of them is settled, but the stay that one is for has to be there and unsettled."""

from __future__ import annotations

from services.payment.domain import refusals
from services.payment.domain.opened import OpenedBill, Tried
from services.payment.domain.orders import PayOrder
from services.payment.domain.splits import Split
from services.payment.peers.bill_messages import MEMBER
from services.runtime.outbound import Peers
from yibao.settlement.v1 import encounter_pb2, encounter_pb2_grpc


class Deposits:
    """The port of settlements for orders that have none; the cell of the care knows the stay, whoever insures the person."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._encounters = peers.stub(encounter_pb2_grpc.EncounterServiceStub, MEMBER)

    async def tried(self, order: PayOrder) -> Tried:
        """Cash alone. ENCOUNTER_NOT_FOUND, DEPOSIT_STAY_SETTLED."""
        await self._unsettled(order)
        return Tried(_cash(order), "")

    async def open(self, order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        """The same, as late as that."""
        await self._unsettled(order)
        return OpenedBill(_cash(order), "", held=charged)

    async def hold(self, order: PayOrder, expires_s: int) -> None:
        """Nothing is pending."""

    async def confirm(self, order: PayOrder) -> None:
        """Nothing is confirmed."""

    async def void(self, order: PayOrder) -> None:
        """Nothing stands."""

    async def reverse(self, order: PayOrder, refund_no: str) -> str:
        """Nothing is taken back: there is no number."""
        return ""

    async def _unsettled(self, order: PayOrder) -> None:
        asked = encounter_pb2.GetCareStateRequest(
            fixmedins_code=order.fixmedins_code, mdtrt_id=order.bill.mdtrt_id, psn_no=order.bill.psn_no
        )
        if (await self._peers.call(self._encounters.GetCareState, asked)).settled:
            raise refusals.deposit_late(order)


def _cash(order: PayOrder) -> Split:
    return Split(total_fen=order.bill.fee_fen, cash_fen=order.bill.fee_fen)
