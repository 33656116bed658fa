"""Ledgers opened, read and checked; properties of settling and reversing over small random histories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.runtime.db import bulk_insert
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, after_amount
from services.settlement.domain.books.opening import Opening
from services.settlement.domain.books.verification import CeilingCheck, LedgerGroup
from services.settlement.store.tables import LEDGER_ENTRY
from services.settlement.store.verify import RULES, LedgerChecks
from tests.settlement.world import EMPLOYEE, PLACE, START, World, sqlite_url, world_on
from yibao.settlement.v1 import settlement_pb2

HISTORY = st.lists(st.tuples(st.integers(0, 400_000), st.booleans(), st.booleans()), min_size=1, max_size=5)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        yield made


async def test_an_opened_ledger_is_read_back_by_key_and_by_national_code(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=5_000, current=2_000, op_dedc=100_000, adm_count=1)
    assert await world.accumulators(psn_no) == {"op_dedc": 100_000, "adm_count": 1}
    assert await world.balance(psn_no) == (5_000, 2_000)
    found = await world.ledgers.cumulations(psn_no, date(2025, 6, 1))
    assert [(entry.year, entry.code, entry.value, entry.counts) for entry in found] == [
        ("2025", "adm_count", 1, True),
        ("2025", "Q000011", 100_000, False),
    ]
    assert await world.findings() == ()
    with pytest.raises(Fault, match="PERSON_NOT_FOUND"):
        await world.ledgers.cumulations("nobody", date(2025, 6, 1))


async def test_a_ledger_is_opened_once_and_never_over_entries(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=5_000)
    with pytest.raises(Fault, match="LEDGER_OPEN"):
        await world.open_ledger(psn_no, balance=1)
    await world.open_ledger(psn_no, op_dedc=1)
    with pytest.raises(Fault, match="LEDGER_OPEN"):
        await world.open_ledger(psn_no, op_inscp=1)
    assert await world.accumulators(psn_no) == {"op_dedc": 1}


async def test_what_a_ledger_was_opened_with_may_be_given_again_and_changes_nothing(world: World) -> None:
    psn_no, counted = world.person("P1"), []

    async def given(name: str, balance: int, *values: tuple[str, int]) -> tuple[int, int]:
        opening = Opening(LedgerKey(psn_no, EMPLOYEE, PLACE, "2025"), balance, 0, values)
        stamp = RequestStamp("operator:test", name, "OpenLedger", name)

        def render(opened: int, unchanged: int) -> bytes:
            counted.append((opened, unchanged))
            return b""

        await world.ledgers.open(stamp, [opening], START, render)
        return counted[-1]

    assert await given("first", 5_000, ("op_dedc", 7)) == (1, 0)
    assert await given("again", 5_000, ("op_dedc", 7)) == (0, 1)
    with pytest.raises(Fault, match="LEDGER_OPEN"):
        await given("more", 5_001, ("op_dedc", 7))
    with pytest.raises(Fault, match="LEDGER_OPEN"):
        await given("other", 5_000, ("op_dedc", 7), ("op_inscp", 1))
    assert await world.accumulators(psn_no) == {"op_dedc": 7}
    head = await world.ledgers.account(AccountKey(psn_no, EMPLOYEE), START)
    assert head.balance_fen == 5_000


async def test_an_opening_is_all_or_none_and_repeats_by_its_request_id(world: World) -> None:
    one = Opening(LedgerKey("P1", EMPLOYEE, PLACE, "2025"), 5_000, 0, ())
    two = Opening(LedgerKey("P2", EMPLOYEE, PLACE, "2025"), 6_000, 6_001, (("op_dedc", -1),))
    stamp = RequestStamp("operator:test", "r1", "OpenLedger", "content")
    with pytest.raises(Fault) as caught:
        await world.ledgers.open(stamp, [one, two], START, lambda opened, unchanged: b"")
    assert [each.path for each in caught.value.violations] == [
        "openings[1].current_year_fen",
        "openings[1].accumulators",
    ]
    assert await world.balance("P1") == (0, 0)
    assert await world.ledgers.open(stamp, [one], START, lambda opened, unchanged: b"one") == b"one"
    assert await world.ledgers.open(stamp, [one], START, lambda opened, unchanged: b"two") == b"one"
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await world.ledgers.open(
            RequestStamp("operator:test", "r1", "OpenLedger", "other"), [one], START, lambda opened, unchanged: b""
        )


async def test_the_check_of_the_books_finds_what_was_tampered_with(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=100_000)
    settled = []
    for place in range(3):
        mdtrt_id = await world.visit_with_fees(psn_no, 200_000)
        settled.append(await world.settle(world.order(psn_no, mdtrt_id, 200_000, f"2207:A{place}", use_own=True)))
    await world.reverse(settled[-1], "2208:B1")
    assert await world.findings() == ()
    gone = """UPDATE settlement SET fee_batches_json = '["gone"]'"""
    tampered = {
        "postings_sum_to_zero": "UPDATE posting SET amount_fen = amount_fen + 1 WHERE ledger_account = 'cash'",
        "balance_equals_postings": "UPDATE posting SET balance_after = balance_after + 7 WHERE account_seq = 2",
        "accumulators_equal_standing": "UPDATE accumulator_entry SET delta = delta + 1 WHERE seq = 4",
        "accumulator_has_source": "UPDATE accumulator_entry SET source_id = 'gone' WHERE seq = 1",
        "accumulator_not_negative": "UPDATE accumulator_entry SET delta = -900000 WHERE seq = 2",
        "settled_batch_is_kept": f"{gone} WHERE kind = 'settle' AND state = 'standing'",
        "kept_batches_are_the_bill": f"{gone} WHERE state = 'reversed'",
        "settled_batch_stands": "UPDATE fee_batch SET setl_id = 'gone' WHERE setl_id IS NOT NULL",
        "reversed_has_counter_entry": "UPDATE settlement SET state = 'standing' WHERE state = 'reversed'",
        "account_postings_are_acct_pay": "UPDATE posting SET amount_fen = 0 WHERE ledger_account = 'account'",
        "fund_postings_are_fund_pay": "UPDATE posting SET amount_fen = 0 WHERE ledger_account LIKE 'fund:%'",
    }
    for rule, statement in tampered.items():
        async with world.database.write() as connection:
            await connection.exec_driver_sql(statement)
        found = await world.findings()
        assert rule in {finding.rule for finding in found}, rule
        assert all(psn_no not in finding.subject for finding in found)


async def test_an_accumulator_above_the_ceiling_of_its_policy_is_found(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, ip_fund=10_000_001)
    (finding,) = await world.findings()
    assert (finding.rule, finding.expected, finding.found) == ("accumulator_within_cap", 10_000_000, 10_000_001)


async def test_a_ceiling_bounds_its_own_key_only(world: World) -> None:
    values: dict[str, Any] = {"ip_fund:310": 9, "ipxfund:310": 9, "ip!fund:310": 9}
    await world.open_ledger(world.person("P1"), **values)
    group = LedgerGroup(EMPLOYEE, PLACE, "2025")
    for key, subjects in (("ip_fund:%", 1), ("ip!fund:%", 1), ("ip_fund:310", 1), ("ip_fund", 0)):
        assert len(await LedgerChecks(world.database).above(CeilingCheck(group, key, 8))) == subjects


def test_every_rule_of_the_check_is_one_statement() -> None:
    assert len(RULES) >= 18
    assert all(statement.startswith("SELECT ") and ";" not in statement for statement in RULES.values())


@given(
    st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(["2024", "2025", "2026"]), st.integers(0, 10_000)
)
def test_an_account_entry_and_its_negative_leave_the_balance_as_it_was(
    balance: int, current: int, year: str, amount: int
) -> None:
    before = AccountHead(3, balance, min(current, balance), "2025")
    paid = min(amount, balance)
    share = min(before.current_in(year), paid)
    after = after_amount(before, -paid, -share, year)
    assert 0 <= after.current_year_fen <= after.balance_fen
    back = after_amount(after, paid, share, year)
    assert back.balance_fen == before.balance_fen
    if year == "2025":
        assert back.current_year_fen == before.current_year_fen


async def _play(history: list[tuple[int, bool, bool]], folder: str) -> None:
    """Settles a history, reverses it whole, and looks at the books before, between and after."""
    async with world_on(sqlite_url(Path(folder))) as world:
        psn_no = world.person("P1")
        await world.open_ledger(psn_no, balance=150_000, current=40_000, op_dedc=1_000, op_inscp=1_500)
        states = []
        settled: list[settlement_pb2.SettleResponse] = []
        for place, (inscp, use_own, twice) in enumerate(history):
            states.append((await world.accumulators(psn_no), await world.balance(psn_no)))
            mdtrt_id = await world.visit_with_fees(psn_no, inscp, presel=inscp // 10)
            order = world.order(psn_no, mdtrt_id, inscp + inscp // 10, f"2207:A{place}", use_own=use_own)
            settled.append(await world.settle(order))
            if twice:
                state = await world.accumulators(psn_no)
                assert await world.settle(order) == settled[-1]
                assert await world.accumulators(psn_no) == state
        assert await world.findings() == ()
        for place in reversed(range(len(history))):
            counter = await world.reverse(settled[place], f"2208:B{place}")
            assert counter.setlinfo.fund_pay_sumamt_fen == -settled[place].setlinfo.fund_pay_sumamt_fen
            assert (await world.accumulators(psn_no), await world.balance(psn_no)) == states[place]
        assert await world.findings() == ()


@settings(max_examples=12)
@given(HISTORY)
def test_settling_and_reversing_any_history_restores_every_state_exactly(history: list[tuple[int, bool, bool]]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_play(history, folder))


async def test_the_first_settlement_of_a_new_benefit_year_sees_zeros(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=20_000, current=20_000, op_dedc=180_000, op_inscp=500_000)
    first = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 10_000), 10_000, "2207:A1"))
    assert first.setlinfo.act_pay_dedc_fen == 0
    world.clock.at = START + timedelta(days=365)
    fresh = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 10_000), 10_000, "2207:A2"))
    assert fresh.setlinfo.act_pay_dedc_fen == 10_000
    assert await world.balance(psn_no) == (20_000, 0)


async def test_entries_of_other_requests_do_not_disturb_an_opening(world: World) -> None:
    row = ("E1", "operator:test", "r9", "ReverseMessage", "h", b"x", START, 2, "")
    async with world.database.write() as connection:
        await bulk_insert(connection, LEDGER_ENTRY, [row])
    stamp = RequestStamp("operator:test", "r9", "OpenLedger", "content")
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await world.ledgers.open(stamp, [], START, lambda opened, unchanged: b"")
