"""What the bank remembers: accounts, terminals, transactions, arrivals. What is right is decided in `host` and `batches`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from services.runtime.pos.messages import Malformed
from services.runtime.pos.parts import Kind, Original
from services.runtime.pos.seals import PosKeys
from tools.twins.bank.cards import CARDS, algorithm_of, is_merchant
from tools.twins.shelf import Shelf

_ACCOUNT: Final = "account"
_TERMINAL: Final = "terminal"
_TRADE: Final = "trade"
_TRACE: Final = "trace"
_ARRIVAL: Final = "arrival"


class Account(msgspec.Struct):
    """A real personal account and its card."""

    card: str
    balance_fen: int
    limit_fen: int
    pin: str
    expiry: str
    lost: bool
    takes_refunds: bool


class Terminal(msgspec.Struct):
    """A terminal of a merchant: its open batch, and the working keys of its last sign-on as hex (empty: it has to sign on)."""

    number: str
    merchant: str
    batch: int = 1
    pin_key: str = ""
    seal_key: str = ""
    unequal: bool = False
    uploaded: list[list[Any]] = msgspec.field(default_factory=list)

    @property
    def batch_no(self) -> str:
        """F60.2."""
        return f"{self.batch:06d}"

    @property
    def keys(self) -> PosKeys | None:
        """The working keys; None where it has to sign on."""
        algorithm = algorithm_of(self.number)
        if not self.seal_key or algorithm is None:
            return None
        return PosKeys(bytes.fromhex(self.pin_key), bytes.fromhex(self.seal_key), algorithm)


class Trade(msgspec.Struct):
    """A purchase, void or refund that was accepted. `day` is its settlement date, `reference` the merchant's own number (ours).

    A void or refund names the purchase in `of`; a purchase counts what went back. `reversed` takes a trade out of everything.
    """

    rrn: str
    kind: str
    terminal: str
    merchant: str
    batch: str
    trace: str
    day: str
    at: str
    card: str
    amount_fen: int
    reference: str = ""
    of: str = ""
    returned_fen: int = 0
    voided: bool = False
    reversed: bool = False
    settled: bool = False

    @property
    def credit(self) -> bool:
        """Whether money went back to the card."""
        return self.kind != Kind.PURCHASE.name


class Book:
    """Rows of the bank in its shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def account(self, card: str) -> Account | None:
        """An account by its card; the published ones are opened at their first use."""
        kept = self.shelf.get(_ACCOUNT, card)
        if kept is not None:
            return msgspec.convert(kept, Account)
        if card not in CARDS:
            return None
        new = CARDS[card]
        return Account(card, new.balance_fen, new.limit_fen, new.pin, new.expiry, new.lost, new.takes_refunds)

    def keep_account(self, account: Account) -> None:
        """Keeps an account."""
        self.shelf.put(_ACCOUNT, account.card, msgspec.to_builtins(account))

    def move(self, card: str, fen: int) -> int:
        """Adds to the balance of a card, or takes where `fen` is negative; the balance then. KeyError where there is no card."""
        account = self.account(card)
        if account is None:
            raise KeyError(card)
        account.balance_fen += fen
        self.keep_account(account)
        return account.balance_fen

    def terminal(self, number: str, merchant: str) -> Terminal | None:
        """A terminal of this merchant, known from its first message on; None where it is another's, or no terminal at all."""
        if algorithm_of(number) is None or not is_merchant(merchant):
            return None
        kept = self.shelf.get(_TERMINAL, number)
        terminal = Terminal(number, merchant) if kept is None else msgspec.convert(kept, Terminal)
        return terminal if terminal.merchant == merchant else None

    def keep_terminal(self, terminal: Terminal) -> None:
        """Keeps a terminal."""
        self.shelf.put(_TERMINAL, terminal.number, msgspec.to_builtins(terminal))

    def spent(self, terminal: str, batch: str, trace: str) -> bool:
        """Whether this trace was used in this batch."""
        return self.shelf.get(_TRACE, _key(terminal, batch, trace)) is not None

    def spend(self, terminal: str, batch: str, trace: str, rrn: str) -> None:
        """Uses a trace; `rrn` is empty where nothing was booked under it."""
        self.shelf.put(_TRACE, _key(terminal, batch, trace), {"rrn": rrn})

    def traced(self, terminal: str, batch: str, trace: str) -> Trade | None:
        """What was booked under a trace."""
        kept = self.shelf.get(_TRACE, _key(terminal, batch, trace))
        return None if kept is None or not kept["rrn"] else self.trade(kept["rrn"])

    def original(self, terminal: str, original: Original, rrn: str) -> Trade | None:
        """The purchase that a void or refund means: its trace and its retrieval reference must name the same one."""
        found = self.traced(terminal, original.batch, original.trace)
        return found if found is not None and found.rrn == rrn and found.kind == Kind.PURCHASE.name else None

    def trade(self, rrn: str) -> Trade | None:
        """A trade by its retrieval reference."""
        kept = self.shelf.get(_TRADE, rrn)
        return None if kept is None else msgspec.convert(kept, Trade)

    def keep(self, trade: Trade) -> None:
        """Keeps a trade."""
        self.shelf.put(_TRADE, trade.rrn, msgspec.to_builtins(trade), trade.day)

    def trades(self, day: str | None = None) -> Iterator[Trade]:
        """The trades of a settlement date, or all of them, in the order in which they were booked."""
        for _, kept in self.shelf.each(_TRADE, day):
            yield msgspec.convert(kept, Trade)

    def next_rrn(self, day: str) -> str:
        """F37: the date without its century, and a number of six digits (ours)."""
        number = self.shelf.next_number(f"rrn {day}")
        if number >= 10**6:
            raise Malformed("field 37: a million transactions in a day")
        return f"{day[2:4]}{day[5:7]}{day[8:10]}{number:06d}"

    def arrival(self, merchant: str, day: str) -> int | None:
        """What of a day's money has arrived at a merchant, in fen; None where it has not."""
        kept = self.shelf.get(_ARRIVAL, f"{merchant}/{day}")
        return None if kept is None else int(kept["amount_fen"])

    def arrive(self, merchant: str, day: str, amount_fen: int, on: str) -> None:
        """A day's money arrives at a merchant."""
        told = {"merchant": merchant, "day": day, "amount_fen": amount_fen, "on": on}
        self.shelf.put(_ARRIVAL, f"{merchant}/{day}", told, day)

    def arrivals(self, merchant: str) -> list[dict[str, Any]]:
        """All of a merchant's arrivals, by day."""
        return [kept for _, kept in self.shelf.each(_ARRIVAL) if kept["merchant"] == merchant]


def _key(terminal: str, batch: str, trace: str) -> str:
    return f"{terminal}/{batch}/{trace}"
