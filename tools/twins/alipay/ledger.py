"""The trades, bill lines and numbers of the platform, on the twin's shelf. Every change is made within `Ledger.change`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

import msgspec

from tools.twins.alipay.fields import Fields
from tools.twins.alipay.refusals import failed, missing
from tools.twins.alipay.trades import Form, Trade, aged
from tools.twins.clock import BEIJING
from tools.twins.shelf import Document
from tools.twins.twin import Stand

_TRADE: Final = "trade"
_KEY_OF: Final = "trade_by_number"
LINE: Final = "bill_line"


def key_of(trade: Trade) -> str:
    """The key of a trade: its merchant's application and the merchant's own number."""
    return f"{trade.app_id}|{trade.out_trade_no}"


class Ledger:
    """What the platform knows of trades."""

    def __init__(self, stand: Stand) -> None:
        self._stand, self._shelf = stand, stand.shelf

    def now(self) -> datetime:
        """The twin's moment."""
        return self._stand.clock.now()

    def change(self) -> AbstractContextManager[None]:
        """A block that is kept whole or not at all."""
        return self._shelf.change()

    def by_key(self, key: str) -> Trade | None:
        """A trade as it stands at this moment."""
        found = self._shelf.get(_TRADE, key)
        return None if found is None else aged(msgspec.convert(found, Trade), self.now())

    def by_number(self, number: str) -> Trade | None:
        """A trade by one of the platform's own numbers or codes."""
        found = self._shelf.get(_KEY_OF, number)
        return None if found is None else self.by_key(found["key"])

    def find(self, app_id: str, fields: Fields, *, medical: bool) -> Trade:
        """The trade that a request names by `trade_no`, else by `out_trade_no`; a Refusal where there is none."""
        trade_no, out_trade_no = fields.text("trade_no"), fields.text("out_trade_no")
        if not (trade_no or out_trade_no):
            raise missing("out_trade_no")
        trade = self.by_number(trade_no) if trade_no else self.by_key(f"{app_id}|{out_trade_no}")
        if trade is None or trade.app_id != app_id or not trade.seen or (trade.form is Form.MEDICAL) is not medical:
            raise failed("ACQ.TRADE_NOT_EXIST")
        return trade

    def keep(self, trade: Trade, *numbers: str) -> None:
        """Keeps a trade, and the numbers by which it is found as well."""
        key = key_of(trade)
        self._shelf.put(_TRADE, key, msgspec.to_builtins(trade))
        for number in numbers:
            self._shelf.put(_KEY_OF, number, {"key": key})

    def number(self, series: str) -> str:
        """A number of the platform: 28 digits that begin with the day."""
        return f"{self.now():%Y%m%d}{self._shelf.next_number(series):020}"

    def note(self, kind: str, key: str, document: Document) -> None:
        """Keeps something beside trades: an authorisation, a code."""
        self._shelf.put(kind, key, document)

    def noted(self, kind: str, key: str) -> Document | None:
        """What was kept so."""
        return self._shelf.get(kind, key)

    def book(self, kind: str, at: datetime, line: Document) -> None:
        """Adds a line to the records of that day, which bills and order lists are made of."""
        day = f"{at.astimezone(BEIJING):%Y-%m-%d}"
        self._shelf.put(kind, f"{self._shelf.next_number(kind):012}", line, day=day)

    def booked(self, kind: str, day: str) -> Iterator[Document]:
        """The lines of a day (`2026-11-30`), in the order in which they came."""
        return (line for _, line in self._shelf.each(kind, day))
