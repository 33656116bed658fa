"""Prepayment accounts (预付金): what an insured region has left with a care region, how much of it is used, and when to warn.

Used is what the care region has claims on the insured one for that are not paid yet. A prepayment that is used up never
stops a settlement (our decision): it only warns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.kernel.errors import precondition
from services.routing.domain.clearing.parties import Pair
from services.routing.domain.clearing.terms import ClearingTerms

NORMAL, YELLOW, RED = "normal", "yellow", "red"
_LEVELS: Final = (NORMAL, YELLOW, RED)


@dataclass(frozen=True, slots=True)
class Account:
    """A prepayment in fen, and the level that was told last."""

    pair: Pair
    balance_fen: int
    told: str = NORMAL


@dataclass(frozen=True, slots=True)
class Movement:
    """A deposit, or below 0 a withdrawal, in fen; `source` names it in postings."""

    source: str
    amount_fen: int
    memo: str
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """How far an account is used. Without a balance any use is beyond it."""

    account: Account
    used_fen: int
    level: str

    @property
    def percent(self) -> int:
        """Whole hundredths of the balance that are used, rounded down; -1 without a balance."""
        return self.used_fen * 100 // self.account.balance_fen if self.account.balance_fen else -1

    @property
    def rises(self) -> bool:
        """Whether the level is above the one that was told last: then a warning is written."""
        return _LEVELS.index(self.level) > _LEVELS.index(self.account.told)


def usage(account: Account, used_fen: int, terms: ClearingTerms) -> Usage:
    """The level of an account: its share used reaches 70 % (yellow) or 90 % (red) by our defaults."""
    scaled, balance = used_fen * 100, account.balance_fen
    if used_fen <= 0 or scaled < terms.yellow_percent * balance:
        return Usage(account, used_fen, NORMAL)
    return Usage(account, used_fen, RED if scaled >= terms.red_percent * balance else YELLOW)


def moved(account: Account, amount_fen: int) -> Account:
    """After a deposit, or below 0 a withdrawal; PRECONDITION CLEARING_PREPAYMENT_SHORT where less is there."""
    balance = account.balance_fen + amount_fen
    if balance < 0:
        pair = account.pair
        raise precondition(
            "CLEARING_PREPAYMENT_SHORT",
            insured_region=pair.insured_region,
            care_region=pair.care_region,
            balance_fen=str(account.balance_fen),
        )
    return Account(account.pair, balance, account.told)
