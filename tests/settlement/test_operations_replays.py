"""A settlement taken out from under later ones, on a real store: the later ones stand as if it had never been."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.kernel.errors import Fault
from services.kernel.policy.document import HELD_BY_BANK
from services.settlement.domain.benefits.stack import compile_stack
from services.settlement.operations.books.queries import SettlementQuestion
from services.settlement.store import replays as rows
from services.settlement.store.fees import EncounterBooks
from tests.plans import scanned, statements_in
from tests.settlement import world as played
from tests.settlement.ordering import confirm, open_bill
from tests.settlement.replaying import MEMO, adjustments, left, paid, planned, replayed, told
from tests.settlement.stacks import stack_of
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, World, sqlite_url, world_on
from yibao.settlement.v1 import settlement_pb2

STAY: dict[str, Any] = {"kind": "stay", "med_type": "", "chrg_bchno": "0000", "interim": True}


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else request.getfixturevalue("postgres_database")
    async with world_on(url) as made:
        yield made


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        yield made


async def visits(world: World, psn_no: str, *amounts: int, **bill: Any) -> list[settlement_pb2.SettleResponse]:
    """Visits settled one after the other; of the first person under the messages A1, A2, …"""
    settled, serial = [], "A" if psn_no == "P1" else psn_no
    for place, amount in enumerate(amounts, 1):
        mdtrt_id = await world.visit_with_fees(psn_no, amount)
        settled.append(await world.settle(world.order(psn_no, mdtrt_id, amount, f"2207:{serial}{place}", **bill)))
    return settled


async def asked(world: World, settled: Any, hospital: str = HOSPITAL) -> Any:
    """5203 by the number that the institution was told."""
    info = settled.setlinfo
    found = await world.queries.settlement(
        SettlementQuestion(hospital, info.psn_no, info.mdtrt_id, setl_id=info.setl_id)
    )
    return found, settlement_pb2.SettleResponse.FromString(found.response).setlinfo


async def test_later_settlements_are_as_if_the_one_had_never_been(any_world: World) -> None:
    world, psn_no, twin = any_world, any_world.person("P1"), any_world.person("P2")
    for person in (psn_no, twin):
        await world.open_ledger(person, balance=60_000, current=10_000)
    first, second, third = await visits(world, psn_no, 150_000, 90_000, 250_000, use_own=True)
    fresh = await visits(world, twin, 90_000, 250_000, use_own=True)
    plan = await planned(world, first)
    answer = await replayed(world, first)
    taken_out, *later = answer.settlements
    assert [each.setl_id for each in answer.settlements] == [each.setlinfo.setl_id for each in (first, second, third)]
    assert [paid(each.after) for each in later] == [told(each.setlinfo) for each in fresh]
    assert [paid(each.before) for each in answer.settlements] == [
        told(each.setlinfo) for each in (first, second, third)
    ]
    assert not taken_out.HasField("after")
    assert any(any(left(each)) for each in later)
    assert [sum(left(each)) for each in answer.settlements] == [-150_000, 0, 0]
    assert await world.accumulators(psn_no) == await world.accumulators(twin)
    assert await world.balance(psn_no) == await world.balance(twin)
    assert [(paid(each.before), paid(each.after), left(each)) for each in plan.settlements] == [
        (paid(each.before), paid(each.after), left(each)) for each in answer.settlements
    ]
    assert [(each.setl_id, each.replayed_by, left(each)) for each in await adjustments(world, psn_no)] == [
        (each.setl_id, each.replayed_by, left(each)) for each in reversed(answer.settlements)
    ]
    assert await adjustments(world, twin) == []
    assert {(each.memo, each.replay_no, each.elsewhere) for each in await adjustments(world)} == {
        (MEMO, answer.replay_no, False)
    }
    assert await world.findings() == ()


async def test_a_plan_and_a_refused_replay_write_nothing(world: World) -> None:
    psn_no = world.person("P1")
    first, *_ = await visits(world, psn_no, 150_000, 90_000)
    before = await _rows(world)
    await planned(world, first)

    # It dies in the midst of what it writes.
    object.__setattr__(world.replaying, "scribe", None)
    with pytest.raises(AttributeError):
        await replayed(world, first)
    assert await _rows(world) == before


async def test_whoever_asks_by_the_old_number_or_message_is_told_what_stands(world: World) -> None:
    psn_no = world.person("P1")
    first, _, third = await visits(world, psn_no, 150_000, 90_000, 250_000)
    taken_out, _, last = (await replayed(world, first)).settlements
    found, info = await asked(world, third)
    assert (found.setl_id, found.replays, found.reversed_by) == (last.replayed_by, third.setlinfo.setl_id, "")
    assert told(info) == paid(last.after)
    assert (info.setl_time, info.medins_setl_id) == (third.setlinfo.setl_time, "A3")
    by_message = SettlementQuestion(HOSPITAL, psn_no, third.setlinfo.mdtrt_id, msgid="A3")
    assert (await world.queries.settlement(by_message)).setl_id == last.replayed_by
    assert (await asked(world, first))[0].reversed_by == taken_out.reversed_by
    # The message itself is answered as before, with what has happened since.
    (again,) = await world.settle_all(world.order(psn_no, third.setlinfo.mdtrt_id, 250_000, "2207:A3"))
    assert not isinstance(again, BaseException)
    assert settlement_pb2.SettleResponse.FromString(again.response) == third
    assert (again.replayed_by, again.reversed_by) == (last.replayed_by, "")
    async with EncounterBooks(world.database).reading() as snapshot:
        assert await snapshot.counterpart(third.setlinfo.mdtrt_id, third.setlinfo.setl_id) == ("", "")
    # What is taken back is what stands, by whatever name.
    counter = await world.reverse(third, "2208:B3")
    assert told(counter.setlinfo) == tuple(-fen for fen in paid(last.after))
    assert await world.take_back("2207", "A2", "2601:B2", psn_no) is False
    assert await world.reverse(third, "2208:B4") == counter
    (again,) = await world.settle_all(world.order(psn_no, third.setlinfo.mdtrt_id, 250_000, "2207:A3"))
    assert not isinstance(again, BaseException)
    assert (again.replayed_by, again.reversed_by) == (last.replayed_by, counter.setlinfo.setl_id)
    assert await world.accumulators(psn_no) == {}
    assert await world.findings() == ()


async def test_the_same_request_is_answered_again_and_another_one_under_its_id_is_refused(world: World) -> None:
    psn_no = world.person("P1")
    first, second = await visits(world, psn_no, 150_000, 90_000)
    answer = await replayed(world, first)
    assert await replayed(world, first) == answer
    for settled, request, reason in (
        (second, "R1", "REQUEST_ID_REUSED"),
        (first, "R2", "SETTLEMENT_REFUNDED"),
        ("none", "R3", "SETTLEMENT_NOT_FOUND"),
        (answer.settlements[0].reversed_by, "R4", "SETTLEMENT_NOT_FOUND"),
    ):
        with pytest.raises(Fault, match=reason):
            await replayed(world, settled, request)
    assert len(await adjustments(world)) == 2


async def test_one_replay_after_another_and_of_what_was_replayed(world: World) -> None:
    psn_no, twin = world.person("P1"), world.person("P2")
    first, second, third, fourth = await visits(world, psn_no, 150_000, 90_000, 250_000, 40_000)
    (fresh,) = await visits(world, twin, 250_000)
    await replayed(world, first)
    taken_out, *later = (await replayed(world, second, "R2")).settlements
    assert paid(later[0].after) == told(fresh.setlinfo)
    assert taken_out.setl_id not in {each.setlinfo.setl_id for each in (first, second)}
    # By the first number, by that in between, or by the present one: the same stands.
    for setl_id in (third.setlinfo.setl_id, later[0].setl_id, later[0].replayed_by):
        third.setlinfo.setl_id = setl_id
        assert (await asked(world, third))[0].setl_id == later[0].replayed_by
    with pytest.raises(Fault, match="LATER_SETTLEMENT_EXISTS"):
        await world.reverse(third, "2208:B1")
    await world.reverse(fourth, "2208:B2")
    await world.reverse(third, "2208:B3")
    assert await world.accumulators(psn_no) == {}
    assert await world.findings() == ()


async def test_the_last_settlement_is_taken_out_alone(world: World) -> None:
    (only,) = await visits(world, world.person("P1"), 150_000)
    (taken_out,) = (await replayed(world, only)).settlements
    assert (taken_out.replayed_by, sum(left(taken_out))) == ("", -150_000)
    # Its charges can be settled again.
    await world.settle(world.order("P1", only.setlinfo.mdtrt_id, 150_000, "2207:N1"))
    assert await world.findings() == ()


async def test_money_goes_back_to_the_family_account_and_is_taken_from_it_anew(world: World) -> None:
    owner, psn_no, twin = world.person("P1"), world.person("P2"), world.person("P3")
    world.family(psn_no, owner)
    await world.open_ledger(owner, balance=120_000)
    await world.open_ledger(psn_no, balance=10_000)
    purses: dict[str, Any] = {"use_own": True, "use_family": True}
    first, _ = await visits(world, psn_no, 100_000, 60_000, **purses)
    (others,) = await visits(world, twin, 60_000)
    assert first.setlinfo.acct_mulaid_pay_fen == 90_000
    # The link has ended since: what held when it was settled holds.
    world.person(psn_no)
    _, later = (await replayed(world, first)).settlements
    assert (later.before.acct_mulaid_pay_fen, later.before.psn_cash_pay_fen) == (30_000, 30_000)
    assert (later.after.acct_pay_fen, later.after.acct_mulaid_pay_fen) == (60_000, 50_000)
    assert left(later) == (0, 10_000, 20_000, -30_000)
    assert (await world.balance(owner), await world.balance(psn_no)) == ((70_000, 0), (0, 0))
    assert others.setlinfo.fund_pay_sumamt_fen == later.after.fund_pay_sumamt_fen
    assert await world.findings() == ()


async def test_a_real_account_pays_no_more_than_its_bank_has_paid(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    psn_no = world.person("P1")
    name = "beijing-employee@2023-01-01"
    held = replace(stack_of(name).policies[0].account, held=HELD_BY_BANK)  # type: ignore[type-var]  # it has one
    policy = replace(stack_of(name).policies[0], account=held)
    made = compile_stack([policy])
    monkeypatch.setattr(played, "stack_of", lambda *_: made)
    first, second = await visits(world, psn_no, 210_000, 90_000, use_own=True, bank_fen=200_000)
    assert second.setlinfo.acct_pay_fen < 90_000
    _, later = (await replayed(world, first)).settlements
    # Nobody asks the bank: what the person owes more is cash.
    assert (later.after.acct_pay_fen, later.after.fund_pay_sumamt_fen) == (later.before.acct_pay_fen, 0)
    assert left(later) == (-later.before.fund_pay_sumamt_fen, 0, 0, later.before.fund_pay_sumamt_fen)
    assert await world.findings() == ()


async def test_the_rest_of_a_stay_in_the_next_year_is_decided_anew_with_that_years_bills(world: World) -> None:
    psn_no = world.person("P1")
    world.clock.at = datetime(2025, 12, 30, 1, 0, tzinfo=UTC)
    mdtrt_id = await world.encounter(psn_no, kind="stay")
    settled = []
    for place, (amount, day) in enumerate(((1_000_000, 30), (500_000, 36))):
        world.clock.at = datetime(2025, 12, 1, 1, 0, tzinfo=UTC) + timedelta(days=day - 1)
        await world.fees(mdtrt_id, amount)
        settled.append(await world.settle(world.order(psn_no, mdtrt_id, amount, f"2304:A{place}", **STAY)))
    settled += await visits(world, psn_no, 250_000)
    taken_out, rest, visit = (await replayed(world, settled[0])).settlements
    # The first bill of the stay that stands owes the deductible of the admission, in its own year.
    assert [each.benefit_year for each in (taken_out, rest, visit)] == ["2025", "2026", "2026"]
    _, info = await asked(world, settled[1])
    assert (settled[1].setlinfo.act_pay_dedc_fen, info.act_pay_dedc_fen) == (0, 130_000)
    assert await world.accumulators(psn_no, "2025") == {}
    assert (await world.accumulators(psn_no, "2026"))["adm_count"] == 1
    assert left(visit) == (0, 0, 0, 0)
    # The stay goes on: what the first bill held is charged with the rest.
    again = await world.settle(world.order(psn_no, mdtrt_id, 1_000_000, "2304:A9", **STAY))
    assert again.setlinfo.act_pay_dedc_fen == 0
    assert await world.findings() == ()


async def test_a_replay_decides_by_the_versions_of_then(world: World) -> None:
    psn_no = world.person("P1")
    world.catalogue.stacks["310"] = ("wuhan-employee@2023-02-01",)
    first, _ = await visits(world, psn_no, 150_000, 90_000)
    (fresh,) = await visits(world, world.person("P2"), 90_000)
    world.catalogue.stacks["310"] = ("wuhan-employee@2024-04-01",)
    (other,) = await visits(world, world.person("P3"), 90_000)
    _, later = (await replayed(world, first)).settlements
    assert paid(later.after) == told(fresh.setlinfo)
    assert told(other.setlinfo) != told(fresh.setlinfo)


async def test_what_cannot_be_decided_anew_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    psn_no = world.person("P1")
    first, second, third = await visits(world, psn_no, 150_000, 90_000, 9_000)
    monkeypatch.setattr(rows, "MOST", 1)
    with pytest.raises(Fault, match="REPLAY_TOO_LONG"):
        await replayed(world, first)
    monkeypatch.undo()
    published, world.catalogue.published = world.catalogue.published, {}
    with pytest.raises(Fault) as caught:
        await replayed(world, first)
    assert caught.value.metadata == {"setl_id": second.setlinfo.setl_id, "cause": "POLICY_NOT_FOUND"}
    world.catalogue.published = published
    # As a release wrote it that did not keep on what it had decided.
    async with world.database.write() as connection:
        await connection.execute(
            text("UPDATE settlement SET basis = '' WHERE setl_id = :one"), {"one": third.setlinfo.setl_id}
        )
    for refused in (planned(world, first), replayed(world, first)):
        with pytest.raises(Fault) as caught:
            await refused
        assert (caught.value.reason, caught.value.metadata) == (
            "REPLAY_IMPOSSIBLE",
            {"setl_id": third.setlinfo.setl_id},
        )
    # What is taken out itself needs nothing.
    await replayed(world, third, "R3")
    await replayed(world, first, "R4")
    assert await world.findings() == ()


async def test_a_replay_waits_for_an_order_on_the_ledger_or_on_an_account_that_paid(world: World) -> None:
    owner, psn_no = world.person("P1"), world.person("P2")
    world.family(psn_no, owner)
    await world.open_ledger(owner, balance=50_000)
    first, _ = await visits(world, psn_no, 60_000, 20_000, use_family=True)
    for person, order_no in ((owner, "O1"), (psn_no, "O2")):
        bill = world.order(person, await world.visit_with_fees(person, 9_000), 9_000, f"2207:{order_no}")
        await open_bill(world, bill, order_no)
        for refused in (planned(world, first), replayed(world, first)):
            with pytest.raises(Fault) as caught:
                await refused
            assert (caught.value.reason, caught.value.metadata["order_no"]) == ("ORDER_PENDING", order_no)
        await confirm(world, order_no)
    # That of the person stands now, and is a later one; its order is of what stands.
    *_, ordered = (await replayed(world, first)).settlements
    async with world.orders.store.reading() as snapshot:
        known = (await snapshot.orders(["O2"]))["O2"]
    assert known.setl_id == ordered.replayed_by
    assert await world.findings() == ()


async def test_a_lapsed_order_is_ended_and_the_replay_goes_on(world: World) -> None:
    psn_no = world.person("P1")
    first, _ = await visits(world, psn_no, 60_000, 20_000)
    bill = world.order(psn_no, await world.visit_with_fees(psn_no, 9_000), 9_000, "2207:L1")
    await open_bill(world, bill, "O1")
    world.clock.at += timedelta(minutes=2)
    assert len((await replayed(world, first)).settlements) == 2
    assert await world.findings() == ()


async def test_a_bill_at_the_same_moment_is_decided_before_or_after(any_world: World) -> None:
    world, twin = any_world, any_world.person("P3")
    await visits(world, twin, 90_000, 70_000)
    for number, psn_no in enumerate((world.person("P1"), world.person("P2"))):
        first, *_ = await visits(world, psn_no, 150_000, 90_000)
        elsewhere = await world.encounter(psn_no, hospital=OTHER_HOSPITAL)
        await world.fees(elsewhere, 70_000)
        bill = world.settle(world.order(psn_no, elsewhere, 70_000, f"2207:C{number}", hospital=OTHER_HOSPITAL))
        replay = replayed(world, first, f"R{number}")
        await asyncio.gather(*((replay, bill) if number else (bill, replay)))
        assert await world.accumulators(psn_no) == await world.accumulators(twin)
    assert await world.findings() == ()


async def test_two_replays_at_once_are_one_and_a_refusal(world: World) -> None:
    first, *_ = await visits(world, world.person("P1"), 150_000, 90_000)
    both = await asyncio.gather(replayed(world, first), replayed(world, first, "R2"), return_exceptions=True)
    assert sorted(getattr(each, "reason", "") for each in both) == ["", "SETTLEMENT_REFUNDED"]
    assert len(await adjustments(world)) == 2


async def test_what_a_place_of_care_has_booked_waits_no_more(any_world: World) -> None:
    world, psn_no = any_world, any_world.person("P1")
    first, *_ = await visits(world, psn_no, 150_000, 90_000, 40_000)
    await replayed(world, first)
    assert (await world.replaying.waiting("")).entries == ()
    # As if the institution were another cell's.
    async with world.database.write() as connection:
        await connection.execute(text("UPDATE adjustment SET elsewhere = 1, care_cell = '370000'"))
    waiting = (await world.replaying.waiting("")).entries
    assert [(each.care_cell, bool(each.replacement)) for each in waiting] == [("370000", True)] * 2 + [
        ("370000", False)
    ]
    assert [each.setl_id for each in (await world.replaying.waiting(waiting[0].counter_setl_id)).entries] == [
        each.setl_id for each in waiting[1:]
    ]
    last = (await adjustments(world))[0].replayed_by
    async with world.orders.store.reading() as snapshot:
        assert await snapshot.on_its_way(last)
    assert await world.replaying.booked([waiting[0].setl_id, "none"]) == 1
    assert await world.replaying.booked([waiting[0].setl_id]) == 0
    async with world.orders.store.reading() as snapshot:
        assert not await snapshot.on_its_way(last)
    assert len((await world.replaying.waiting("")).entries) == 2


async def test_every_statement_of_replays_begins_at_an_index(world: World) -> None:
    assert await scanned(world.database, statements_in(rows)) == []


async def _rows(world: World) -> list[int]:
    async with world.database.read() as connection:
        return [
            (await connection.execute(text(f"SELECT COUNT(*) FROM {name}"))).scalar_one()
            for name in ("settlement", "posting", "accumulator_entry", "adjustment", "ledger_entry")
        ]
