"""A bill as it was asked to be settled, opened or tried: the bill, whose request it is, and what came along with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.kernel.requests import RequestStamp
from services.settlement.domain.books.booked import BookedCare
from services.settlement.domain.books.orders import OrderOpening
from services.settlement.domain.care.bill import Bill, CarriedCare
from services.settlement.domain.care.carried import Filing, Sought

NO_STAMP = RequestStamp("", "", "", "")
"""A trial is no write: it has no request id."""


@dataclass(frozen=True, slots=True)
class BillRequest:
    """A bill to be settled, or (without a stamp) tried, and when it is decided; in a sandbox perhaps on a business date.

    `traceparent` names the span of the request itself, "" where that is the current one. `opening` says that the bill is
    opened and not settled, `carried` that its care was given in another cell, `sought` that a filing was looked for, `booked`
    that another cell has decided it.
    """

    bill: Bill
    now: datetime
    stamp: RequestStamp = NO_STAMP
    trial_hash: str = ""
    business_date: date | None = None
    traceparent: str = ""
    opening: OrderOpening | None = None
    carried: CarriedCare | None = None
    sought: Sought | None = None
    booked: BookedCare | None = None

    @property
    def filing(self) -> Filing | None:
        """The filing that came along."""
        came = self.carried or self.sought
        return None if came is None else came.filing
