"""What care has to wait for: an order that is pending and whose bill is that of the person.

The order itself is of the books; of it care knows number and expiry.
"""

from __future__ import annotations

from typing import NamedTuple

from services.kernel.clock import BEIJING, from_micros
from services.kernel.errors import Fault, precondition


class PendingOrder(NamedTuple):
    """What blocks a person's ledgers and account of an insurance type: the pending order, its bill and its expiry, and the
    other cell that holds these ledgers."""

    order_no: str
    setl_id: str
    lapses_at: int
    insured_cell: str = ""

    def lapsed(self, now: int) -> bool:
        """Whether its time is over; the cell that holds its ledgers alone can say so."""
        return not self.insured_cell and self.lapses_at <= now


def order_pending(blocking: PendingOrder) -> Fault:
    """PRECONDITION ORDER_PENDING: with the order's number and when it lapses."""
    return precondition("ORDER_PENDING", order_no=blocking.order_no, lapses_at=moment_text(blocking.lapses_at))


def moment_text(micros: int) -> str:
    """A moment as refusals tell it, in Beijing."""
    return f"{from_micros(micros).astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
