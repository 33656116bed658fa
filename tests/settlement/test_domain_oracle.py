"""The engine against an independent slow reading of the same policy files, on random bills over every stack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.outcome import national_components
from services.settlement.domain.benefits.settle import settle
from tests.rounds import rounds
from tests.settlement import oracle
from tests.settlement.stacks import STACKS, Line, accounts, bills, document, facts_for, ledgers, stack_of, totals


@pytest.mark.parametrize("names", STACKS, ids="+".join)
@rounds(10)
@given(data=st.data())
def test_the_engine_and_the_slow_oracle_agree_to_the_fen(names: tuple[str, ...], data: st.DataObject) -> None:
    lines: list[Line] = data.draw(bills())
    facts = data.draw(facts_for(names))
    before = data.draw(ledgers(names))
    account: AccountState = data.draw(accounts())
    purse = {
        "own": account.own_fen,
        "current": account.own_current_year_fen,
        "mutual": account.mutual_fen,
        "use": account.use_own,
    }
    documents = [document(name) for name in names]
    try:
        expected, moved = oracle.settle(documents, [line.for_oracle() for line in lines], facts, before, purse)
    except oracle.NotCoveredError:
        with pytest.raises(Fault, match="NOT_COVERED_BY_POLICY"):
            settle(stack_of(*names), totals(lines), facts, before, account)
        return
    answer = settle(stack_of(*names), totals(lines), facts, before, account)
    actual = national_components(answer.components) | {"pool_prop_selfpay": answer.components.pool_prop_selfpay_e4}
    assert actual == expected
    assert answer.accumulator_deltas == moved
