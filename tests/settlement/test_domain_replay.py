"""A replay against the independent slow reading of the policies: without the bill that is taken out, the others come to what
they would have come to had they been settled alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.kernel.requests import Regions
from services.settlement.domain.benefits.outcome import national_components
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.books.basis import Basis, Purses
from services.settlement.domain.books.booking import settlement_postings
from services.settlement.domain.books.entries import SETTLE, STANDING, Books
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger, after_deltas
from services.settlement.domain.books.replay import Replay, Scene, StandingSettlement, replay
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.store.settlement_rows import basis_from, basis_text
from tests.settlement import oracle
from tests.settlement.stacks import Line, bills, document, facts_for, ledgers, stack_of, totals

KEY = LedgerKey("P1", "310", "990100", "2025")
OWN = AccountKey("P1", "310")
CHOSEN = (
    ("beijing-employee@2023-01-01",),
    ("jinan-resident@2025-01-01", "shandong-resident-cii@2020-01-01", "national-medical-assistance@2021-11-19"),
    ("wuhan-employee@2024-04-01",),
)


def settled(books: Books, basis: Basis, setl_id: str, names: tuple[str, ...]) -> StandingSettlement:
    """A bill settled on the books as they are."""
    year = books.years.get(KEY, YearLedger())
    account = basis.purses.state(books.accounts, KEY.benefit_year)
    decided = settle(stack_of(*names), basis.totals, basis.facts, year.accumulators, account)
    postings = settlement_postings(setl_id, decided, OWN, None, books.accounts, KEY.benefit_year, 0)
    books.years[KEY] = after_deltas(year, decided.accumulator_deltas)
    row = BookedSettlement(
        *(setl_id, "H1", setl_id, "/Settle", SETTLE, STANDING, "", f"M{setl_id}", KEY, year.seq + 1, "11", "", ""),
        *((), decided.preselfpay_in_base, b"", b"", Regions("990100", "990100"), decided.components),
    )
    kept = basis_from(basis_text(basis), KEY)
    return StandingSettlement(row, postings, dict(decided.accumulator_deltas), kept, ("B",), "H1", 0, "", "")


def zero(done: Replay) -> bool:
    """Whether what every source has posted adds up to nothing."""
    sums: dict[str, int] = {}
    for line in done.postings:
        sums[line.source_id] = sums.get(line.source_id, 0) + line.amount_fen
    return not any(sums.values())


@pytest.mark.parametrize("names", CHOSEN, ids="+".join)
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_left_is_settled_as_if_nothing_had_stood_before(names: tuple[str, ...], data: st.DataObject) -> None:
    facts = data.draw(facts_for(names))
    lines: list[list[Line]] = data.draw(st.lists(bills(), min_size=3, max_size=3))
    before, balance, use = data.draw(ledgers(names)), data.draw(st.integers(0, 3_000_000)), data.draw(st.booleans())
    place = data.draw(st.integers(0, 2))
    purses = Purses(OWN, None, use, False)
    bases = [Basis(totals(each), facts, purses, stay=False) for each in lines]
    books = Books(years={KEY: YearLedger(1, before)}, accounts={OWN: AccountHead(1, balance, 0, "2025")})
    try:
        standing = [settled(books, each, f"S{number}", names) for number, each in enumerate(bases)]
    except Fault:
        # What no policy covers is not settled in the first place.
        return
    scene, numbers = Scene(standing[place], tuple(standing[place + 1 :])), count(1)
    stacks = [stack_of(*names)] * len(scene.later)
    done = replay(scene, stacks, books, (), lambda _: f"N{next(numbers)}", 1)
    now, purse, expected = dict(before), balance, []
    for number, each in enumerate(lines):
        if number == place:
            continue
        parts, moved = oracle.settle(
            *([document(name) for name in names], [line.for_oracle() for line in each], facts, now),
            {"own": purse, "current": 0, "mutual": 0, "use": use},
        )
        purse -= parts["acct_pay"]
        now |= {key: now.get(key, 0) + fen for key, fen in moved.items()}
        expected.append({name: fen for name, fen in parts.items() if name != "pool_prop_selfpay"})
    untouched = [each.settlement.components for each in standing[:place]]
    actual = [*untouched, *(each.settlement.components for each in done.renewed)]
    assert [national_components(each) for each in actual] == expected
    assert _something(books.years[KEY].accumulators) == _something(now)
    assert books.accounts[OWN].balance_fen == purse
    assert zero(done)
    for counter, renewed, left in done.differences():
        whole = counter.components.medfee_sumamt_fen - counter.components.hosp_part_amt_fen
        parts_of = left.fund_fen + left.account_fen + left.family_fen + left.cash_fen
        assert parts_of == (0 if renewed is not None else whole)


def _something(accumulators: Mapping[str, int]) -> dict[str, int]:
    return {key: value for key, value in accumulators.items() if value}
