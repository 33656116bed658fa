"""The books of a person: accumulators of a benefit year, heads of accounts, and how an entry moves them.

Every value here is the state after a certain entry; the next state is a new value. It knows no table and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple


class LedgerKey(NamedTuple):
    """Whose accumulators of which year: a person, an insurance type, an insured place, the label of a benefit year."""

    psn_no: str
    insutype: str
    insuplc_admdvs: str
    benefit_year: str


class AccountKey(NamedTuple):
    """Whose personal account."""

    psn_no: str
    insutype: str


class YearLedger(NamedTuple):
    """The accumulators of a year after its entry number `seq` (0: no entry yet); a missing key is 0."""

    seq: int = 0
    accumulators: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AccountHead:
    """An account after its entry number `seq`. `current_year_fen` is the part that came in during `benefit_year`."""

    seq: int = 0
    balance_fen: int = 0
    current_year_fen: int = 0
    benefit_year: str = ""

    def current_in(self, year: str) -> int:
        """The current year's part as seen from a benefit year: money of another year has become the past's."""
        return self.current_year_fen if self.benefit_year == year else 0


def after_deltas(ledger: YearLedger, deltas: Mapping[str, int]) -> YearLedger:
    """The accumulators after an entry that moves them by `deltas`."""
    values = dict(ledger.accumulators)
    for key, delta in deltas.items():
        values[key] = values.get(key, 0) + delta
    return YearLedger(ledger.seq + 1, values)


def after_amount(head: AccountHead, amount_fen: int, current_year_fen: int, year: str) -> AccountHead:
    """The account after an entry of a benefit year; `current_year_fen` is the share of `amount_fen` in that year's part.

    The account's year never goes back: an entry of an earlier year moves the past's money, and the present year's part
    gives way only where the balance would not hold it any more (our decision).
    """
    balance = head.balance_fen + amount_fen
    if year > head.benefit_year:
        current, latest = current_year_fen, year
    elif year == head.benefit_year:
        current, latest = head.current_year_fen + current_year_fen, year
    else:
        current, latest = head.current_year_fen, head.benefit_year
    return AccountHead(head.seq + 1, balance, min(current, balance), latest)
