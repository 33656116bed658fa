"""Who pays the personal part: own account, family account, cash, and account money before the deductible."""

from __future__ import annotations

from typing import Any

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.account import AccountState
from services.settlement.domain.outcome import Settlement
from services.settlement.domain.settle import settle
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
