"""Cards, terminals and amounts with an outcome of their own: published, so that whoever integrates can choose what happens.

Card numbers begin with 9000: 9 is left to countries, and there is no country 000, so that none can exist. Check digits are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.runtime.pos.seals import Algorithm
from tools.twins.faults import Fault, of_amount

MASTER: Final = bytes.fromhex("31313131313131313232323232232323")
"""Master key of every terminal; a real one is loaded by hand and differs for each."""
STATEMENT_SECRET: Final = "twin-of-a-bank"
"""Seals statements (ours)."""


@dataclass(frozen=True, slots=True)
class Card:
    """An account at its first use: balance and limit of one purchase in fen, PIN (empty: none is asked), what becomes of it."""

    balance_fen: int
    limit_fen: int = 5_000_000
    pin: str = ""
    expiry: str = "4912"
    lost: bool = False
    takes_refunds: bool = True


PLAIN: Final = "9000000000000000019"
WITH_PIN: Final = "9000000000000000027"
EMPTY: Final = "9000000000000000035"
LIMITED: Final = "9000000000000000043"
LOST: Final = "9000000000000000050"
EXPIRED: Final = "9000000000000000068"
NO_REFUND: Final = "9000000000000000076"
FULL_FEN: Final = 10_000_000
CARDS: Final[Mapping[str, Card]] = {
    PLAIN: Card(FULL_FEN),
    WITH_PIN: Card(FULL_FEN, pin="123456"),
    EMPTY: Card(0),
    LIMITED: Card(FULL_FEN, limit_fen=10_000),
    LOST: Card(FULL_FEN, lost=True),
    EXPIRED: Card(FULL_FEN, expiry="2001"),
    NO_REFUND: Card(FULL_FEN, takes_refunds=False),
}
"""The published cards, each with what its name says."""

ANSWERS: Final[Mapping[int, str]] = {
    9104: "05",
    9151: "51",
    9155: "55",
    9161: "61",
    9168: "68",
    9191: "91",
    9194: "94",
    9196: "96",
    9198: "98",
}
"""Answers (F39) by the last four digits of an amount, beside the amounts of all twins: ¥91.51 is refused for want of funds."""
_DIGITS: Final = 10_000
UNAVAILABLE: Final = "96"


def chosen_answer(fen: int) -> str | None:
    """The answer that an amount chooses."""
    if of_amount(fen) is Fault.UNAVAILABLE:
        return UNAVAILABLE
    return ANSWERS.get(fen % _DIGITS)


def algorithm_of(terminal: str) -> Algorithm | None:
    """Terminals that begin with 1 have DES, with 2 SM4 (ours); there are no others."""
    if len(terminal) != 8 or not terminal.isdigit():
        return None
    return {"1": Algorithm.DES, "2": Algorithm.SM4}.get(terminal[0])


def is_merchant(merchant: str) -> bool:
    """Merchants of the twin are 15 digits that begin with 9000."""
    return len(merchant) == 15 and merchant.isdigit() and merchant.startswith("9000")
