"""A twin's own time, in China's zone: the machine's, or one that the control door has moved. A restart keeps it.

The time of signatures moves apart from that of business, so that a client that lives today can fetch yesterday's bill.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from tools.twins.shelf import Shelf

BEIJING: Final = timezone(timedelta(hours=8))
_KIND: Final = "clock"


class Clock:
    """Tells the time that the twin writes into answers and bills. It does not drive when notifies are sent."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        kept = shelf.get(_KIND, "")
        self._offset_s = float(kept["offset_s"]) if kept else 0.0
        self._skew_s = 0.0

    def now(self) -> datetime:
        """The moment, with zone +08:00."""
        return datetime.fromtimestamp(time.time() + self._offset_s, UTC).astimezone(BEIJING)

    def signing(self) -> datetime:
        """The moment that stands in signatures and is compared with those of others: the machine's, or off by the skew."""
        return datetime.fromtimestamp(time.time() + self._skew_s, UTC).astimezone(BEIJING)

    def skew(self, skew_s: float) -> None:
        """Lets signatures be `skew_s` seconds early (negative: late). A restart forgets it."""
        self._skew_s = skew_s

    def move(self, offset_s: float) -> None:
        """Goes `offset_s` seconds before (negative: behind) the machine's clock."""
        self._offset_s = offset_s
        self._shelf.put(_KIND, "", {"offset_s": offset_s})

    def set(self, moment: datetime) -> None:
        """Goes on from `moment`, which has a zone."""
        self.move(moment.timestamp() - time.time())
