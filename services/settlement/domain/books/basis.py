"""On what a settlement was decided: the totals of its lines, the facts, and which purses might pay.

It is kept with the settlement, so that a replay decides again without the message, the person or the catalogue of today. The
versions of the policies stand beside it, by their hashes. What was settled before it was kept has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.kernel.policy.document import FactValue
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.books.ledger import AccountHead, AccountKey
from services.settlement.domain.care.lines import BillTotals

_NO_ACCOUNT = AccountHead()


class Purses(NamedTuple):
    """The accounts that might pay a bill, and the person's choice among them. `bank_fen` is the balance that a bank told of a
    real account (实账户), None where it was not asked."""

    own: AccountKey
    family: AccountKey | None
    use_own: bool
    use_family: bool
    bank_fen: int | None = None

    def paid_by_bank(self, most_fen: int) -> Purses:
        """Where a bank told its balance: the same, with no more of it than it has paid. A replay takes nothing from a bank (our
        decision)."""
        return self if self.bank_fen is None else self._replace(bank_fen=min(self.bank_fen, most_fen))

    def state(self, heads: Mapping[AccountKey, AccountHead], year: str) -> AccountState:
        """The money at hand in a benefit year."""
        own = heads.get(self.own, _NO_ACCOUNT)
        family = _NO_ACCOUNT if self.family is None else heads.get(self.family, _NO_ACCOUNT)
        return AccountState(
            own_fen=own.balance_fen,
            own_current_year_fen=own.current_in(year),
            mutual_fen=family.balance_fen,
            use_own=self.use_own,
            use_mutual=self.use_family and self.family is not None,
            bank_fen=self.bank_fen,
        )


class Basis(NamedTuple):
    """What a bill is decided by. `facts` are those of a first settlement of its stay."""

    totals: BillTotals
    facts: Mapping[str, FactValue]
    purses: Purses
    stay: bool

    def facts_now(self, *, goes_on: bool) -> Mapping[str, FactValue]:
        """The facts where another bill of the stay stands, or none.

        A bill without charges is no admission: it counts none, and the first one with charges owes the deductible (our
        decision).
        """
        if goes_on or (self.stay and not self.totals.medfee_fen):
            return {**self.facts, "same_stay": True}
        return self.facts
