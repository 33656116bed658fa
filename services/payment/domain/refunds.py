"""What may go back of an order: the insured part whole or not at all, cash at most as much as is left (C§4.5)."""

from __future__ import annotations

from dataclasses import dataclass

from services.payment.domain import refusals
from services.payment.domain.orders import PayOrder, RefundKind, bank_part_fen


@dataclass(frozen=True, slots=True)
class Parts:
    """What an institution asks to go back, in fen."""

    total_fen: int
    acct_fen: int
    fund_fen: int
    cash_fen: int

    @property
    def insured_fen(self) -> int:
        """Account and funds."""
        return self.acct_fen + self.fund_fen


def checked(order: PayOrder, kind: RefundKind, parts: Parts) -> None:
    """REFUND_UNBALANCED where the parts are not those of the order, or do not add up; REFUND_EXCEEDS_PAID where more cash is
    asked for than is left. `totlRefdAmt` is the sum of what goes back.
    """
    split = order.split
    if split is None or (kind is not RefundKind.CASH and order.insured_returned):
        raise refusals.refund_exceeds(order, 0)
    whole = (split.acct_fen, split.fund_fen + split.other_fen)
    wanted = (0, 0) if kind is RefundKind.CASH else whole
    if (parts.acct_fen, parts.fund_fen) != wanted:
        raise refusals.refund_unbalanced("data.fund_refd_amt_fen", *wanted)
    left = order.charged_fen - order.refunded_fen - bank_part_fen(order)
    if parts.cash_fen > left:
        raise refusals.refund_exceeds(order, left)
    if kind is RefundKind.INSURED and parts.cash_fen:
        raise refusals.refund_unbalanced("data.cash_refd_amt_fen", *wanted)
    if kind is RefundKind.CASH and not parts.cash_fen:
        raise refusals.refund_unbalanced("data.cash_refd_amt_fen", 0, 0)
    if kind is RefundKind.ALL and parts.cash_fen != left:
        raise refusals.refund_unbalanced("data.cash_refd_amt_fen", *wanted)
    if parts.total_fen not in (parts.insured_fen + parts.cash_fen, split.total_fen):
        raise refusals.refund_unbalanced("data.totl_refd_amt_fen", *wanted)
