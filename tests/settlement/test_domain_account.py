"""Who pays the personal part: own account, family account, cash, and account money before the deductible."""

from __future__ import annotations

from typing import Any

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.outcome import Settlement
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.books.booking import reversal_postings, settlement_postings
from services.settlement.domain.books.ledger import AccountHead, AccountKey
from tests.settlement.stacks import a_class, stack_of, totals
from tests.settlement.synthetic import layer, play, policy

BOTH = {"scope": "all_personal", "order": ["own", "mutual_aid"]}
RICH = AccountState(100_000, None, 100_000, True, True)


def test_own_money_goes_first_then_the_familys_then_cash() -> None:
    answer = play(policy(layer(), account=BOTH), inscp=100_000, account=AccountState(4_000, None, 3_000, True, True))
    c = answer.components
    assert (c.acct_pay_fen, c.acct_mulaid_pay_fen, c.psn_cash_pay_fen) == (7_000, 3_000, 8_000)
    assert answer.account.balc_fen == 0


@pytest.mark.parametrize(
    ("account", "paid"),
    [
        (BOTH, 30_000),
        ({"scope": "in_scope_only", "order": ["own"]}, 15_000),
        ({"scope": "none", "order": []}, 0),
        (None, 0),
    ],
)
def test_the_region_says_what_account_money_may_pay(account: dict[str, Any] | None, paid: int) -> None:
    document = policy(layer())
    if account is not None:
        document["account"] = account
    c = play(document, inscp=100_000, fulamt=15_000, account=RICH).components
    assert (c.acct_pay_fen, c.psn_cash_pay_fen) == (paid, 30_000 - paid)


def test_money_that_the_person_does_not_use_stays() -> None:
    answer = play(policy(layer(), account=BOTH), inscp=100_000, account=AccountState(9_000, None, 5_000, False, True))
    assert (answer.account.own_fen, answer.account.mutual_fen, answer.account.balc_fen) == (0, 5_000, 9_000)


def test_the_order_of_the_purses_is_the_policys() -> None:
    turned = {"scope": "all_personal", "order": ["mutual_aid", "own"]}
    use = play(
        policy(layer(), account=turned), inscp=100_000, account=AccountState(9_000, None, 10_000, True, True)
    ).account
    assert (use.mutual_fen, use.own_fen) == (10_000, 5_000)


def shanghai(inscp: int, account: AccountState, **facts: Any) -> Settlement:
    known = {"med_type": "outpatient", "hosp_lv": "1", "status": "active", "remote": "local", **facts}
    return settle(stack_of("shanghai-employee@2025-07-01"), totals([a_class(inscp)]), known, {}, account)


def test_the_current_years_money_goes_before_the_deductible_and_is_reported_once() -> None:
    answer = shanghai(100_000, AccountState(60_000, 30_000, 0, True, True))
    c = answer.components
    assert answer.account.first_fen == 30_000
    assert c.act_pay_dedc_fen == 50_000
    assert c.hifp_pay_fen == 16_000, "80 % of 1000 - 300 - 500 yuan"
    assert (c.psn_part_amt_fen, c.acct_pay_fen, c.psn_cash_pay_fen) == (84_000, 60_000, 24_000)
    assert (answer.account.current_year_fen, answer.account.balc_fen) == (30_000, 0)


def test_a_rich_account_never_pays_more_than_the_personal_part() -> None:
    answer = shanghai(100_000, AccountState(900_000, 30_000, 0, True, True))
    assert answer.components.acct_pay_fen == answer.components.psn_part_amt_fen == 84_000
    assert answer.account.balc_fen == 816_000


def test_account_first_is_for_out_patients_who_use_the_account() -> None:
    state = AccountState(60_000, 30_000, 0, True, True)
    assert shanghai(100_000, state, med_type="inpatient").account.first_fen == 0
    assert shanghai(100_000, AccountState(60_000, 30_000, 0, False, False)).account.first_fen == 0


def test_an_unknown_current_year_part_is_a_missing_fact_only_where_it_is_needed() -> None:
    state = AccountState(60_000, None, 0, True, True)
    with pytest.raises(Fault) as caught:
        shanghai(100_000, state)
    assert (caught.value.reason, caught.value.metadata["facts"]) == ("FACT_MISSING", "own_current_year_balance")
    assert shanghai(100_000, state, med_type="inpatient").account.first_fen == 0


@pytest.mark.parametrize(
    "state", [AccountState(-1), AccountState(0, None, -1), AccountState(5, 6), AccountState(5, -1)]
)
def test_a_balance_that_cannot_be_is_refused(state: AccountState) -> None:
    with pytest.raises(Fault, match="ACCOUNT_INVALID"):
        play(policy(layer()), inscp=100, account=state)


AT_BANK = {"scope": "all_personal", "order": ["own", "mutual_aid"], "held": "bank"}


@pytest.mark.parametrize(("bank_fen", "own"), [(4_000, 4_000), (20_000, 15_000), (0, 0), (-1, 0), (None, 0)])
def test_a_real_account_pays_what_its_bank_says_that_it_has(bank_fen: int | None, own: int) -> None:
    state = AccountState(99_000, 99_000, 0, True, False, bank_fen)
    answer = play(policy(layer(), account=AT_BANK), inscp=100_000, account=state)
    assert (answer.components.acct_pay_fen, answer.components.psn_cash_pay_fen) == (own, 15_000 - own)
    assert (answer.account.current_year_fen, answer.account.balc_fen) == (0, max(0, bank_fen or 0) - own)


def test_where_a_bank_keeps_the_own_account_a_family_account_still_pays_from_the_ledger() -> None:
    answer = play(
        policy(layer(), account=AT_BANK), inscp=100_000, account=AccountState(0, None, 3_000, True, True, 4_000)
    )
    assert (answer.account.own_fen, answer.account.mutual_fen, answer.account.at_bank) == (4_000, 3_000, True)


def test_what_a_bank_says_counts_for_nothing_where_the_ledger_keeps_accounts() -> None:
    answer = play(
        policy(layer(), account=BOTH), inscp=100_000, account=AccountState(4_000, None, 0, True, False, 90_000)
    )
    assert (answer.account.own_fen, answer.account.at_bank) == (4_000, False)


def test_what_a_real_account_pays_is_owed_by_the_bank_and_moves_no_ledger() -> None:
    account = AccountState(0, None, 3_000, True, True, 4_000)
    answer = play(policy(layer(), account=AT_BANK), inscp=100_000, account=account)
    own, family = AccountKey("P1", "310"), AccountKey("P2", "310")
    heads = {own: AccountHead(1, 500), family: AccountHead(1, 3_000)}
    rows = settlement_postings("S1", answer, own, family, heads, "2026", 0)
    assert sum(row.amount_fen for row in rows) == 0
    assert [(row.ledger_account, row.amount_fen) for row in rows if row.ledger_account in ("bank", "account")] == [
        ("bank", -4_000),
        ("account", -3_000),
    ]
    assert (heads[own].balance_fen, heads[family].balance_fen) == (500, 0)
    back = reversal_postings("S2", rows, heads, 0)
    assert ("bank", 4_000) in [(row.ledger_account, row.amount_fen) for row in back]
    assert (heads[own].balance_fen, heads[family].balance_fen) == (500, 3_000)
