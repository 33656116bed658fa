"""Who pays the personal part: own account, family account, cash, by the rules of the insured place.

`acct_pay` contains family money; it is never added twice. Moving the money is the ledger's business, not this module's.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.kernel.errors import invalid, precondition
from services.kernel.policy.document import HELD_BY_BANK, Account
from services.settlement.domain.benefits.facts import Facts, applies
from services.settlement.domain.benefits.outcome import AccountUse


@dataclass(frozen=True, slots=True)
class AccountState:
    """The money at hand. `own_fen` is the whole own balance, `own_current_year_fen` the part that came in this year (None
    where nobody keeps it apart); `use_own` and `use_mutual` are the person's choice for this bill. `bank_fen` is what the bank
    says that the account has, where the policy lets a bank keep it (实账户); None where it was not asked."""

    own_fen: int = 0
    own_current_year_fen: int | None = None
    mutual_fen: int = 0
    use_own: bool = False
    use_mutual: bool = False
    bank_fen: int | None = None


def check_account(state: AccountState) -> None:
    """Refuses (ACCOUNT_INVALID) a negative balance and a current-year part above the whole."""
    current = state.own_current_year_fen
    if state.own_fen < 0 or state.mutual_fen < 0 or (current is not None and not 0 <= current <= state.own_fen):
        raise invalid(
            "account", "balance", "balances are not negative, parts not above the whole", reason="ACCOUNT_INVALID"
        )


def account_first(rule: Account | None, state: AccountState, facts: Facts, inscp_fen: int, where: str) -> int:
    """What the current year's account money pays of the in-scope cost before any deductible.

    Only where the policy says so (上海市职工基本医疗保险办法) and only if the person uses the account (our decision).
    Raises FACT_MISSING when the current year's part is needed and unknown.
    """
    if rule is None or rule.first_when is None or not state.use_own:
        return 0
    if not applies((rule.first_when,), facts, f"{where}/account"):
        return 0
    if state.own_current_year_fen is None:
        raise precondition("FACT_MISSING", facts="own_current_year_balance", where=f"{where}/account")
    return min(inscp_fen, state.own_current_year_fen)


def pay_from_accounts(
    rule: Account | None, state: AccountState, first_fen: int, personal_fen: int, personal_inscp_fen: int
) -> AccountUse:
    """Splits the personal part over the purses in the order of the policy; what they do not pay is cash.

    `payable` is the whole personal part, or only its in-scope share, by region. Of own money the current year's part
    goes first (our decision). Where a bank keeps own accounts, its word on the balance counts and ours does not; without one
    the own account pays nothing, and the person may still pay the cash by the same card (our decision).
    """
    left = 0
    at_bank = rule is not None and rule.held == HELD_BY_BANK
    held_fen = max(0, state.bank_fen or 0) if at_bank else state.own_fen
    if rule is not None and rule.scope != "none":
        payable = personal_fen if rule.scope == "all_personal" else min(personal_fen, personal_inscp_fen)
        left = max(0, payable - first_fen)
    own, mutual = first_fen, 0
    for purse in rule.order if rule is not None else ():
        if purse == "own" and state.use_own:
            part = min(held_fen - first_fen, left)
            own += part
        elif purse == "mutual_aid" and state.use_mutual:
            part = min(state.mutual_fen, left)
            mutual += part
        else:
            part = 0
        left -= part
    current = 0 if at_bank else min(state.own_current_year_fen or 0, own)
    return AccountUse(first_fen, own, current, mutual, held_fen - own, at_bank)
