"""Refunds of orders that are paid: the insured part whole or not at all, cash also in parts (C§4.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from services.kernel.requests import RequestStamp
from services.payment.domain import refusals
from services.payment.domain.orders import PayOrder, Refund, RefundKind, RefundState, bank_part_fen, moved
from services.payment.domain.phases import Phase
from services.payment.domain.refunds import Parts, checked
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.driving import Driving

_ROUNDS: Final = 8
_LOOK_S: Final = 0.05


class Refunding:
    """Begins refunds and tells how they stand."""

    def __init__(self, books: Books, driving: Driving, new_refund_no: Callable[[], str]) -> None:
        self._books = books
        self._driving = driving
        self._new_refund_no = new_refund_no

    async def refund(
        self, stamp: RequestStamp, order: PayOrder, asked_no: str, kind: RefundKind, parts: Parts, left_s: float
    ) -> tuple[PayOrder, Refund]:
        """Refunds, or tells how the refund of that number stands.

        PAY_ORDER_STATE, REFUND_UNBALANCED, REFUND_EXCEEDS_PAID, REFUND_EXISTS, REQUEST_ID_REUSED, of a deposit DEPOSITS_SHORT,
        OUTCOME_UNKNOWN, and settlement's refusals.
        """
        for _ in range(_ROUNDS):
            try:
                return await self._refunded(stamp, order, asked_no, kind, parts, left_s)
            except Stale:
                # Others are at the order, perhaps by this very request: what they made of it is read and judged anew.
                await asyncio.sleep(_LOOK_S)
                order = await self._driving.again(order)
        raise refusals.on_its_way(order)

    async def _refunded(
        self, stamp: RequestStamp, order: PayOrder, asked_no: str, kind: RefundKind, parts: Parts, left_s: float
    ) -> tuple[PayOrder, Refund]:
        """As `refund`; `Stale` where the order has changed since it was read."""
        known = await self._books.standing(stamp)
        refunds = await self._books.refunds(order.pay_ord_id)
        standing = next((each for each in refunds if each.asked_no == asked_no), None)
        if standing is not None:
            if (standing.kind, standing.cash_fen, standing.insured_fen) != (kind, parts.cash_fen, parts.insured_fen):
                raise refusals.refund_exists(asked_no)
            if known is not None or standing.state is not RefundState.REFUSED:
                return await self._told(await self._driving.joined(order, left_s), standing.refund_no)
        if order.phase is not Phase.PAID:
            raise refusals.wrong_phase(order, Phase.PAID.value)
        checked(order, kind, parts)
        now = self._books.now()
        refund = Refund(
            refund_no=standing.refund_no if standing is not None else self._new_refund_no(),
            pay_ord_id=order.pay_ord_id,
            asked_no=asked_no,
            kind=kind,
            insured_fen=parts.insured_fen,
            cash_fen=parts.cash_fen,
            state=RefundState.BEGUN,
            created_at=now,
            card_fen=bank_part_fen(order) if kind is not RefundKind.CASH else 0,
        )
        after = moved(order, Phase.REFUNDING, now, refund_no=refund.refund_no)
        entry = self._books.entry(stamp, refund.refund_no.encode())
        takes = refund.cash_fen if order.is_deposit else 0
        await self._books.keep(Write(after, order.version, refunds=(refund,), entry=entry, takes_fen=takes))
        return await self._told(await self._driving.drive(after, left_s), refund.refund_no)

    async def _told(self, order: PayOrder, refund_no: str) -> tuple[PayOrder, Refund]:
        return order, await self._books.known_refund(refund_no)
