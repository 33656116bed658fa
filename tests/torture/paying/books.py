"""How an order stands in payment, in settlement and at its channel, read beside them while they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.runtime.config import Config
from services.runtime.db import place_of
from tests.torture.cells.books import reading

_ORDER: Final = (
    "SELECT phase, charged_fen, refunded_fen, insured_returned, open_no, reason FROM pay_order WHERE pay_ord_id = ?"
)
_CHARGES: Final = "SELECT charge_no, state FROM pay_charge WHERE pay_ord_id = ? ORDER BY created_at"
_REFUNDS: Final = "SELECT state FROM pay_refund WHERE pay_ord_id = ?"
_SETTLED: Final = (
    "SELECT state, psn_cash_pay_fen FROM settlement WHERE psn_no = ? AND kind = 'settle' AND state <> 'voided'"
)
_PENDING: Final = "SELECT order_no FROM settle_order WHERE psn_no = ? AND phase = 'pending'"
RESTING: Final = frozenset({"saved", "tried", "paid", "failed", "revoked", "held"})


@dataclass(frozen=True, slots=True)
class Stand:
    """An order in payment; amounts in fen."""

    phase: str
    charged_fen: int
    refunded_fen: int
    insured_returned: bool
    reason: str
    charges: tuple[str, ...]
    strays: int
    refunds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """A person's bills: what stands with its cash, how many were reversed, orders that are pending."""

    standing: tuple[int, ...]
    reversed: int
    pending: int


class Books:
    """The stores of payment and of settlement."""

    def __init__(self, config: Config) -> None:
        self._payment = Path(place_of(config.database_url("payment")))
        self._settlement = Path(place_of(config.database_url("settlement")))

    def stand(self, number: str) -> Stand:
        """An order."""
        with reading(self._payment) as rows:
            ((phase, charged, refunded, returned, _, reason),) = rows(_ORDER, number)
            charges = rows(_CHARGES, number)
            refunds = tuple(state for (state,) in rows(_REFUNDS, number))
        strays = sum(state == "returning" for _, state in charges)
        return Stand(
            *(phase, charged, refunded, bool(returned), reason, tuple(each for each, _ in charges), strays, refunds)
        )

    def settled(self, psn_no: str) -> Settled:
        """A person's bills."""
        with reading(self._settlement) as rows:
            bills, pending = rows(_SETTLED, psn_no), rows(_PENDING, psn_no)
        standing = tuple(cash for state, cash in bills if state == "standing")
        return Settled(standing, sum(state == "reversed" for state, _ in bills), len(pending))
