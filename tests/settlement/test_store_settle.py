"""The books on SQLite and on PostgreSQL: round trips, constraints, and two processes that settle at the same time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import Moved
from services.runtime.db import ConstraintViolation, UniqueViolation
from services.settlement.domain.books.booking import Posting
from services.settlement.domain.books.entries import BookChanges, StoredAnswer, Wanted
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger
from services.settlement.store.settlements import SettlementBooks
from tests.round_trips import sent_to_postgresql
from tests.settlement.world import EMPLOYEE, HOSPITAL, PLACE, World, sqlite_url, world_on
from yibao.settlement.v1 import settlement_pb2


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def world(url: str) -> AsyncIterator[World]:
    async with world_on(url) as made:
        yield made


async def test_what_was_settled_is_read_back_whole(world: World) -> None:
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=10_000, current=3_000, op_dedc=170_000)
    mdtrt_id = await world.visit_with_fees(psn_no, 30_000)
    settled = await world.settle(world.order(psn_no, mdtrt_id, 30_000, "2207:A1", use_own=True))
    setl_id = settled.setlinfo.setl_id
    key, account = LedgerKey(psn_no, EMPLOYEE, PLACE, "2025"), AccountKey(psn_no, EMPLOYEE)
    wanted = Wanted(
        requests=((HOSPITAL, "2207:A1"), (HOSPITAL, "2207:none")),
        encounters=(mdtrt_id, "none"),
        batches=(mdtrt_id,),
        digests=("none",),
        ledgers=(key, key._replace(benefit_year="2024")),
        accounts=(account, AccountKey("none", EMPLOYEE)),
        stays=(mdtrt_id,),
    )
    async with world.books.reading() as snapshot:
        books = await snapshot.load(wanted)
    assert books.answers[HOSPITAL, "2207:A1"].setl_id == setl_id
    assert list(books.answers) == [(HOSPITAL, "2207:A1")]
    assert list(books.encounters) == [mdtrt_id]
    assert books.encounters[mdtrt_id].insured_cell == ""
    assert [(batch.setl_id, batch.medfee_fen) for batch in books.batches[mdtrt_id]] == [(setl_id, 30_000)]
    assert books.years == {
        key: YearLedger(2, {"op_dedc": 180_000, "op_inscp": 30_000}),
        key._replace(benefit_year="2024"): YearLedger(0, {}),
    }
    assert books.accounts == {account: AccountHead(2, 0, 0, "2025")}
    assert books.spent == {}
    async with SettlementBooks(world.database).reading() as settlements:
        found = await settlements.settlement(setl_id)
        assert found is not None
        assert (found.state, found.ledger_seq, found.key, found.counter_setl_id) == ("standing", 2, key, "")
        assert found.components.psn_part_amt_fen == settled.setlinfo.psn_part_amt_fen
        assert await settlements.deltas(setl_id) == {"op_dedc": 10_000, "op_inscp": 30_000}
        assert sum(line.amount_fen for line in await settlements.postings(setl_id)) == 0


async def test_a_bill_is_told_which_cell_insures_its_person(world: World) -> None:
    mdtrt_id = await world.encounter("P1", insured_cell="990200")
    async with world.books.reading() as snapshot:
        books = await snapshot.load(Wanted(encounters=(mdtrt_id,)))
    assert books.encounters[mdtrt_id].insured_cell == "990200"


async def test_a_whole_history_passes_the_check_of_the_books(world: World) -> None:
    owner, psn_no = world.person("P1"), world.person("P2")
    world.family(psn_no, owner)
    await world.open_ledger(owner, balance=50_000, current=20_000)
    orders = [
        world.order(
            psn_no,
            await world.visit_with_fees(psn_no, amount),
            amount,
            f"2207:A{amount}",
            use_own=True,
            use_family=True,
        )
        for amount in (20_000, 150_000, 90_000)
    ]
    answers = await world.settle_all(*orders)
    for answer in reversed(answers):
        assert isinstance(answer, StoredAnswer)
        await world.reverse(settlement_pb2.SettleResponse.FromString(answer.response), f"2208:{answer.request_id}")
    await world.take_back("2207", "never", "2601:B1")
    verification = await world.verifying.verify(world.clock.at.date())
    assert verification.findings == ()
    assert (verification.settlements, verification.accumulators) == (6, 12)
    assert await world.balance(owner) == (50_000, 20_000)


async def test_a_message_and_its_2601_at_the_same_moment_end_as_reversed_or_as_void_and_never_as_paid(url: str) -> None:
    async with world_on(url, workers=3) as world:
        people = [world.person(f"P{number}") for number in range(8)]
        orders = [
            world.order(psn_no, await world.visit_with_fees(psn_no, 200_000), 200_000, f"2207:A{number}")
            for number, psn_no in enumerate(people)
        ]
        bills = [world.settle(order) for order in orders]
        backs = [world.take_back("2207", f"A{number}", f"2601:B{number}", psn) for number, psn in enumerate(people)]
        ends = await asyncio.gather(
            *(one for pair in zip(bills, backs, strict=True) for one in pair), return_exceptions=True
        )
        for settled, void in zip(ends[::2], ends[1::2], strict=True):
            assert void in (True, False), void
            reason = settled.reason if isinstance(settled, Fault) else ""
            assert reason == ("MESSAGE_VOIDED" if void else "")
        for number, psn_no in enumerate(people):
            assert await world.accumulators(psn_no) == {}
            assert await world.take_back("2207", f"A{number}", f"2601:C{number}") is ends[2 * number + 1]
        assert await world.findings() == ()


async def test_the_sum_rules_are_constraints_of_the_row(world: World) -> None:
    psn_no = world.person("P1")
    await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 200_000), 200_000, "2207:A1"))
    for column in ("hifp_pay_fen", "medfee_sumamt_fen", "psn_cash_pay_fen", "fund_pay_sumamt_fen", "inscp_scp_amt_fen"):
        with pytest.raises(ConstraintViolation):
            async with world.database.driver_write() as connection:
                await connection.fetch(f"UPDATE settlement SET {column} = {column} + 1")  # a name of the table
    with pytest.raises(ConstraintViolation):
        async with world.database.driver_write() as connection:
            await connection.fetch("UPDATE settlement SET kind = 'reverse', reverses = 'X'")
    with pytest.raises(ConstraintViolation):
        async with world.database.driver_write() as connection:
            await connection.fetch("UPDATE settlement SET fee_batches_json = '[]'")
    assert await world.findings() == ()


async def test_a_batch_of_bills_is_four_round_trips_and_its_preparation_one(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_on(postgres_database) as world:
        people = [world.person(f"P{number}") for number in range(3)]
        orders = [
            world.order(psn_no, await world.visit_with_fees(psn_no, 200_000), 200_000, f"2207:A{number}")
            for number, psn_no in enumerate(people)
        ]
        sent = sent_to_postgresql(monkeypatch)
        answers = await world.settle_all(*orders)
        assert all(isinstance(answer, StoredAnswer) for answer in answers)
        prepared, locked, read, written, committed = sent
        assert prepared.startswith("SELECT")
        assert locked.startswith("BEGIN;SELECT pg_advisory_xact_lock")
        assert read.startswith("SELECT")
        assert written.startswith("WITH w0 AS (INSERT INTO settlement")
        assert committed == "COMMIT"
        assert await world.findings() == ()


async def test_two_counter_entries_of_one_settlement_cannot_stand(world: World) -> None:
    psn_no = world.person("P1")
    settled = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:A1"))
    await world.reverse(settled, "2208:B1")
    with pytest.raises(UniqueViolation):
        async with world.database.driver_write() as connection:
            await connection.fetch(
                "INSERT INTO settlement (setl_id, scope, request_id, rpc, content_hash, response, kind, state, reverses,"
                " mdtrt_id, psn_no, insutype, insuplc_admdvs, benefit_year, med_type, setl_at, msgid, opter, opter_name,"
                " invono, policies_json, fee_batches_json, record)"
                " SELECT 'X', scope, 'other', rpc, content_hash, response, kind, state,"
                " reverses, mdtrt_id, psn_no, insutype, insuplc_admdvs, benefit_year, med_type, setl_at, msgid, opter,"
                " opter_name, invono, policies_json, fee_batches_json, record FROM settlement WHERE kind = 'reverse'"
            )


async def test_a_settlement_keeps_its_fee_batches_through_its_reversal(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.encounter(psn_no)
    kept = [await world.fees(mdtrt_id, 5_000, batch=number) for number in ("1", "2")]
    other = await world.fees(mdtrt_id, 7_000, batch="3")
    first = await world.settle(world.order(psn_no, mdtrt_id, 5_000, "2207:A1"))
    second = await world.settle(world.order(psn_no, mdtrt_id, 12_000, "2207:A2", chrg_bchno="0000"))
    counter = await world.reverse(second, "2208:B1")
    async with world.database.driver_read() as connection:
        rows = await connection.fetch("SELECT setl_id, fee_batches_json FROM settlement")
    assert {row[0]: json.loads(row[1]) for row in rows} == {
        first.setlinfo.setl_id: kept[:1],
        second.setlinfo.setl_id: [kept[1], other],
        counter.setlinfo.setl_id: [],
    }
    assert await world.findings() == ()


async def test_a_failed_transaction_leaves_nothing(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 9_000)
    posting = Posting("S1", 0, "cash", None, None, 5, 0, None, None, None, "2025", 0)

    async def settle_a_batch_that_is_gone() -> None:
        async with world.books.writing() as work:
            await work.lock([psn_no])
            await work.save(BookChanges(postings=[posting], settled=[("no such batch", "S1")]))

    with pytest.raises(Moved):
        await settle_a_batch_that_is_gone()
    await world.settle(world.order(psn_no, mdtrt_id, 9_000, "2207:A1"))
    assert await world.findings() == ()


async def test_two_processes_that_settle_one_person_lose_no_update(url: str) -> None:
    """Two committers with pools of their own, as two processes have, on the same persons at the same time."""
    async with world_on(url) as one, world_on(url) as two:
        people = [one.person(f"P{place}") for place in range(3)]
        for psn_no in people:
            two.person(psn_no)
            await one.open_ledger(psn_no, balance=400_000)
        visits = [(psn_no, await one.visit_with_fees(psn_no, 90_000)) for psn_no in people for _ in range(8)]
        orders = [one.order(psn_no, mdtrt_id, 90_000, f"2207:{mdtrt_id}", use_own=True) for psn_no, mdtrt_id in visits]
        # Every second request is sent to both: it must have one effect and one answer.
        halves = await asyncio.gather(
            *(one.settle_all(order) for order in orders), *(two.settle_all(order) for order in orders[::2])
        )
        answers = [answer for half in halves for answer in half]
        assert all(isinstance(answer, StoredAnswer) for answer in answers), answers
        first, second = answers[: len(orders)], answers[len(orders) :]
        assert second == first[::2]
        for psn_no in people:
            values = await one.accumulators(psn_no)
            assert (values["op_dedc"], values["op_inscp"]) == (180_000, 720_000)
        assert await one.findings() == ()


async def test_a_batch_is_settled_once_by_two_requests_at_the_same_time(url: str) -> None:
    async with world_on(url) as one, world_on(url) as two:
        psn_no = one.person("P1")
        two.person(psn_no)
        mdtrt_id = await one.visit_with_fees(psn_no, 90_000)
        (first,), (second,) = await asyncio.gather(
            one.settle_all(one.order(psn_no, mdtrt_id, 90_000, "2207:A1")),
            two.settle_all(one.order(psn_no, mdtrt_id, 90_000, "2207:A2")),
        )
        refusals = [answer for answer in (first, second) if isinstance(answer, Fault)]
        assert [refusal.reason for refusal in refusals] == ["BATCH_SETTLED"]
        assert await one.findings() == ()


async def test_a_message_taken_back_while_it_arrives_is_settled_and_reversed_or_void(url: str) -> None:
    async with world_on(url) as one, world_on(url) as two:
        for place in range(6):
            psn_no = one.person(f"P{place}")
            two.person(psn_no)
            mdtrt_id = await one.visit_with_fees(psn_no, 90_000)
            (answer,), never = await asyncio.gather(
                one.settle_all(one.order(psn_no, mdtrt_id, 90_000, f"2207:A{place}")),
                two.take_back("2207", f"A{place}", f"2601:B{place}"),
            )
            assert isinstance(answer, Fault if never else StoredAnswer)
            assert await one.accumulators(psn_no) == {}
        assert await one.findings() == ()
