"""What a person sees of the own books: settlements with their counter-entries, accounts, movements, accumulators.

Values only. A movement that paid for somebody else of the family does not say for whom. The bill of a pending order is no
settlement yet, nor one whose order became void: they show as movements of the account, and as pending orders.
"""

from __future__ import annotations

from typing import NamedTuple

from services.kernel.errors import Fault, FaultKind, Violation
from services.settlement.domain.books.entries import PENDING, REVERSE, VOIDED

OPENING, SETTLEMENT, REVERSAL = "opening", "settlement", "reversal"
FAMILY_SETTLEMENT, FAMILY_REVERSAL = "family_settlement", "family_reversal"
ORDER, ORDER_VOIDED = "order", "order_voided"
UNSETTLED = (PENDING, VOIDED)
"""States of bills that were not confirmed, and of their counter-entries."""


class OwnSettlement(NamedTuple):
    """A settlement or counter-entry by its row; `counter_setl_id` is the other one of the two, or empty. Money in fen."""

    setl_id: str
    kind: str
    mdtrt_id: str
    insutype: str
    insuplc_admdvs: str
    benefit_year: str
    med_type: str
    setl_at: int
    counter_setl_id: str
    record: bytes
    medfee_sumamt_fen: int
    fund_pay_sumamt_fen: int
    psn_part_amt_fen: int
    acct_pay_fen: int
    acct_mulaid_pay_fen: int
    psn_cash_pay_fen: int
    hosp_part_amt_fen: int

    @property
    def place(self) -> tuple[int, str]:
        """Its place in the list."""
        return self.setl_at, self.setl_id

    @property
    def reversed_by(self) -> str:
        """The counter-entry that has reversed it; empty while it stands."""
        return "" if self.kind == REVERSE else self.counter_setl_id

    @property
    def reverses(self) -> str:
        """The settlement that this counter-entry reverses; empty on a settlement."""
        return self.counter_setl_id if self.kind == REVERSE else ""


class AccountMovement(NamedTuple):
    """A posting on an own account. `setl_id` and `kind` are those of the settlement that moved it, `own` whether it is the
    account owner's; both texts are empty where the account was opened. `unsettled` says that it is a bill that was not
    confirmed, or its counter-entry."""

    account_seq: int
    amount_fen: int
    balance_after_fen: int
    benefit_year: str
    moved_at: int
    setl_id: str
    kind: str
    own: bool
    unsettled: bool = False

    @property
    def place(self) -> tuple[int]:
        """Its place in the list."""
        return (self.account_seq,)

    @property
    def reason(self) -> str:
        """Why the account moved."""
        if not self.kind:
            return OPENING
        if self.unsettled:
            return ORDER_VOIDED if self.kind == REVERSE else ORDER
        if self.own:
            return REVERSAL if self.kind == REVERSE else SETTLEMENT
        return FAMILY_REVERSAL if self.kind == REVERSE else FAMILY_SETTLEMENT


class Accumulation(NamedTuple):
    """What stands under a key of a benefit year."""

    benefit_year: str
    insutype: str
    insuplc_admdvs: str
    key: str
    value: int

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Its place in the list."""
        return self[:4]


def not_own(setl_id: str) -> Fault:
    """NOT_FOUND (SETTLEMENT_NOT_FOUND), told to a person: of no institution."""
    broken = [Violation("setl_id", "own_settlement")]
    return Fault(FaultKind.NOT_FOUND, "SETTLEMENT_NOT_FOUND", {"setl_id": setl_id}, violations=broken)
