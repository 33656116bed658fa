"""Orders on a real store: opened, confirmed, void, renewed, lifted and lapsed, once each whatever is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.kernel.errors import Fault
from services.settlement.domain.books import orders as domain
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.entries import StoredAnswer
from services.settlement.domain.books.orders import Order, Verb
from services.settlement.domain.care.pending import moment_text
from services.settlement.operations.books.queries import SettlementQuestion
from services.settlement.operations.books.settle import OpenedOrder
from tests.settlement.ordering import (
    confirm,
    insured,
    later,
    lift_at_window,
    lift_own,
    open_all,
    open_bill,
    opening,
    reason_of,
    renew,
    reverse_order,
    state,
    step_of,
    take,
    take_all,
    void,
)
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, Still, World, sqlite_url, world_on
from yibao.settlement.v1 import settlement_pb2


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite, and with three committers on PostgreSQL where the test says so."""
    sqlite = getattr(request, "param", "sqlite") == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with world_on(url, workers=1 if sqlite else 3, clock=Still()) as made:
        yield made


_RARELY = pytest.param("postgresql", marks=pytest.mark.torture)
both = pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)
both_rarely = pytest.mark.parametrize("world", ["sqlite", _RARELY], indirect=True)


async def test_a_confirmed_order_is_the_settlement_to_the_fen(world: World) -> None:
    one, other = await insured(world), await insured(world, "P2")
    bills = {}
    for psn_no in (one, other):
        mdtrt_id = await world.visit_with_fees(psn_no, 230_000, presel=1_000)
        bills[psn_no] = world.order(psn_no, mdtrt_id, 231_000, f"2207:{psn_no}", use_own=True)
    opened = await open_bill(world, bills[one], "O1")
    assert (opened.order.phase, opened.order.lapses_at) == (domain.PENDING, (opened.order.opened_at or 0) + 60_000_000)
    confirmed = await confirm(world, "O1")
    assert confirmed.phase == domain.CONFIRMED
    settled = (await world.settle(bills[other])).setlinfo
    info = settlement_pb2.SettleResponse.FromString(opened.response).setlinfo
    names = [field.name for field in info.DESCRIPTOR.fields if field.name.endswith("_fen")]
    assert {name: getattr(info, name) for name in names} == {name: getattr(settled, name) for name in names}
    assert await state(world, one) == await state(world, other)
    assert await world.findings() == ()
    # From now on it is a settlement like any other: told, repeated and reversed.
    assert (await world.settle(bills[one])).setlinfo == info
    question = SettlementQuestion(HOSPITAL, one, info.mdtrt_id, info.setl_id)
    assert (await world.queries.settlement(question)).setl_id == info.setl_id
    await world.reverse(settlement_pb2.SettleResponse(setlinfo=info), "2208:1")
    assert await state(world, one) == ({}, (100_000, 40_000))


@both_rarely
async def test_a_void_order_leaves_nothing_and_its_token_pays_again(world: World) -> None:
    psn_no = await insured(world)
    mdtrt_id = await world.visit_with_fees(psn_no, 230_000)
    token: dict[str, Any] = {"mdtrt_cert_type": "01", "mdtrt_cert_no": f"token:{psn_no}:1", "use_own": True}
    bill = world.order(psn_no, mdtrt_id, 230_000, "2207:1", **token)
    opened = await open_bill(world, bill, "O1")
    setl_id = opened.order.setl_id or ""
    again = world.order(psn_no, await world.visit_with_fees(psn_no, 100), 100, "2207:2", **token)
    assert await reason_of(world.settle(again)) == "ORDER_PENDING"
    ended = await void(world, "O1")
    assert (ended.phase, ended.cause, bool(ended.counter_setl_id)) == (domain.VOID, domain.OPENER, True)
    assert await state(world, psn_no) == ({}, (100_000, 40_000))
    assert await world.findings() == ()
    # No settlement for anybody: neither the bill nor its counter-entry is told, and its message is void.
    for number in (setl_id, ended.counter_setl_id):
        assert await reason_of(world.queries.settlement(SettlementQuestion(HOSPITAL, psn_no, mdtrt_id, number))) == (
            "SETTLEMENT_NOT_FOUND"
        )
    assert await reason_of(world.settle(bill)) == "MESSAGE_VOIDED"
    settled = await world.settle(world.order(psn_no, mdtrt_id, 230_000, "2207:3", **token))
    assert settled.setlinfo.hifp_pay_fen == 35_000
    assert await reason_of(world.settle(again)) == "EC_TOKEN_SPENT"


async def test_the_family_account_gets_its_money_back_and_its_owner_is_not_held_up(world: World) -> None:
    owner, child = await insured(world), world.person("P2")
    world.family(child, owner)
    bill = world.order(child, await world.visit_with_fees(child, 30_000), 30_000, "2207:1", use_family=True)
    await open_bill(world, bill, "O1")
    assert await world.balance(owner) == (70_000, 10_000)
    own = world.order(owner, await world.visit_with_fees(owner, 20_000), 20_000, "2207:2", use_own=True)
    await world.settle(own)
    await void(world, "O1")
    assert (await world.balance(owner))[0] == 80_000
    assert await world.findings() == ()


async def test_a_family_account_with_an_order_on_it_is_not_used_meanwhile(world: World) -> None:
    owner, child = await insured(world), world.person("P2")
    world.family(child, owner)
    await open_bill(world, world.order(owner, await world.visit_with_fees(owner, 100), 100, "2207:1"), "O1")
    mdtrt_id = await world.visit_with_fees(child, 30_000)
    with_family = world.order(child, mdtrt_id, 30_000, "2207:2", use_family=True)
    assert await reason_of(world.settle(with_family)) == "ORDER_PENDING"
    await world.settle(world.order(child, mdtrt_id, 30_000, "2207:3"))


async def test_while_an_order_is_pending_everything_on_its_ledger_waits_and_a_trial_says_so(world: World) -> None:
    psn_no = await insured(world)
    first = await world.settle(world.order(psn_no, await world.visit_with_fees(psn_no, 100_000), 100_000, "2207:0"))
    mdtrt_id = await world.visit_with_fees(psn_no, 230_000)
    bill = world.order(psn_no, mdtrt_id, 230_000, "2207:1")
    opened = await open_bill(world, bill, "O1")
    other = world.order(psn_no, await world.visit_with_fees(psn_no, 5_000), 5_000, "2207:2")
    with pytest.raises(Fault) as caught:
        await world.settle(other)
    told = caught.value.metadata
    assert (told["order_no"], told["lapses_at"]) == ("O1", moment_text(opened.order.lapses_at or 0))
    assert await reason_of(world.settle(bill)) == "ORDER_PENDING"
    assert await reason_of(open_bill(world, other, "O2")) == "ORDER_PENDING"
    assert await reason_of(world.reverse(first, "2208:1")) == "ORDER_PENDING"
    assert await reason_of(world.open_ledger(psn_no, balance=1, op_dedc=5)) == "ORDER_PENDING"
    tried = await world.try_bill(other)
    assert (tried.pending_order_no, tried.pending_lapses_at) == ("O1", told["lapses_at"])
    await confirm(world, "O1")
    # What the trial said holds: the order's money counted in it already.
    settled = await world.settle(world.order(psn_no, other.bill.mdtrt_id, 5_000, "2207:3", trial_hash=tried.trial_hash))
    assert settled.setlinfo.hifp_pay_fen == tried.setlinfo.hifp_pay_fen
    assert (await world.try_bill(world.order(psn_no, await world.visit_with_fees(psn_no, 1), 1))).pending_order_no == ""
    assert await reason_of(world.reverse(first, "2208:2")) == "LATER_SETTLEMENT_EXISTS"


async def test_a_repeat_is_one_order_under_its_request_and_under_its_number(world: World) -> None:
    psn_no = await insured(world)
    mdtrt_id = await world.visit_with_fees(psn_no, 230_000)
    bill = opening(world.order(psn_no, mdtrt_id, 230_000, "2207:1", use_own=True), "O1")
    twice = await open_all(world, bill, bill)
    again = await open_all(world, bill, opening(bill, "O1", request="another"))
    assert all(isinstance(each, OpenedOrder) for each in twice)
    assert [*twice, *again] == [twice[0]] * 4
    other = opening(bill, "O1", expires=61, request="another")
    changed = opening(bill, "O2", request="open:O1")
    assert [each.reason for each in await open_all(world, other, changed) if isinstance(each, Fault)] == [
        "ORDER_EXISTS",
        "REQUEST_ID_REUSED",
    ]
    assert await reason_of(open_bill(world, bill, "O1", opener="payment")) == "ORDER_EXISTS"
    # Two contents under one request harm nobody else in their list.
    away, beside = await insured(world, "P2"), await insured(world, "P3")
    visits = {each: await world.visit_with_fees(each, 1_000) for each in (away, beside)}
    fresh = [
        opening(world.order(each, visits[each], 1_000, f"2207:{each}"), f"O{each}", request="r") for each in visits
    ]
    found = await open_all(world, *fresh, opening(fresh[1], "O5", request="r5"))
    assert [getattr(each, "reason", "") for each in found] == ["", "REQUEST_ID_REUSED", ""]
    step = step_of(Verb.CONFIRM, "O1", request="c1")
    confirmed = await take_all(world, step, step)
    assert confirmed == [confirmed[0]] * 2 == await take_all(world, step, step)
    assert await reason_of(void(world, "O1", request="c1")) == "REQUEST_ID_REUSED"
    assert await world.accumulators(psn_no) == {"op_dedc": 180_000, "op_inscp": 230_000}
    assert await world.findings() == ()


@both_rarely
async def test_steps_that_come_in_another_order_end_as_if_they_had_not(world: World) -> None:
    psn_no = await insured(world)
    bill = world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, "2207:1")
    assert await reason_of(confirm(world, "O1")) == "ORDER_NOT_FOUND"
    early = await void(world, "O1", request="v1")
    assert (early.phase, early.setl_id) == (domain.VOID, None)
    assert await reason_of(open_bill(world, bill, "O1")) == "ORDER_VOID"
    assert await void(world, "O1", request="v1") == await void(world, "O1") == early
    assert await reason_of(confirm(world, "O1")) == "ORDER_VOID"
    await open_bill(world, bill, "O2")
    await confirm(world, "O2")
    assert await reason_of(void(world, "O2")) == "ORDER_CONFIRMED"
    assert await reason_of(confirm(world, "O2", opener="payment")) == "ORDER_NOT_FOUND"


async def test_person_and_window_lift_an_order_until_money_was_charged_for_it(world: World) -> None:
    psn_no, other = await insured(world), await insured(world, "P2")
    for number, lifted in enumerate((lift_own(world, "O0", psn_no), lift_at_window(world, "O1"))):
        bill = world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, f"2207:{number}")
        await open_bill(world, bill, f"O{number}")
        assert [each.order_no for each in await world.orders.pending_of(psn_no)] == [f"O{number}"]
        assert (await lifted).cause in (domain.PERSON, domain.INSTITUTION)
    bill = world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, "2207:2")
    await open_bill(world, bill, "O2")
    assert await reason_of(lift_own(world, "O2", other)) == "ORDER_NOT_FOUND"
    assert await reason_of(lift_at_window(world, "O2", OTHER_HOSPITAL)) == "ORDER_NOT_FOUND"
    assert (await renew(world, "O2", charged=True)).charged
    assert (await renew(world, "O2")).charged
    assert await reason_of(lift_own(world, "O2", psn_no)) == "ORDER_CHARGED"
    assert await reason_of(lift_at_window(world, "O2")) == "ORDER_CHARGED"
    assert (await confirm(world, "O2")).phase == domain.CONFIRMED
    assert await reason_of(lift_own(world, "O2", psn_no)) == "ORDER_CONFIRMED"


@both_rarely
async def test_a_message_taken_back_lifts_its_own_pending_order(world: World) -> None:
    psn_no = await insured(world)
    bill = world.order(psn_no, await world.visit_with_fees(psn_no, 230_000), 230_000, "2207:1", use_own=True)
    await open_bill(world, bill, "O1")
    assert await world.take_back("2207", "1", "2601:1", psn_no) is False
    assert (await world.orders.order("O1")).cause == domain.INSTITUTION
    assert await world.take_back("2207", "1", "2601:2", psn_no) is False
    assert await reason_of(world.settle(bill)) == "MESSAGE_VOIDED"
    assert await state(world, psn_no) == ({}, (100_000, 40_000))
    bill = world.order(psn_no, bill.bill.mdtrt_id, 230_000, "2207:2", use_own=True)
    await open_bill(world, bill, "O2")
    await renew(world, "O2", charged=True)
    assert await reason_of(world.take_back("2207", "2", "2601:3", psn_no)) == "ORDER_PENDING"
    await confirm(world, "O2")
    assert await world.take_back("2207", "2", "2601:4", psn_no) is False
    assert await state(world, psn_no) == ({}, (100_000, 40_000))
    assert await world.findings() == ()


async def test_a_message_that_was_taken_back_is_not_opened_when_it_comes_late(world: World) -> None:
    psn_no = await insured(world)
    bill = world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, "2207:1")
    assert await world.take_back("2207", "1", "2601:1", psn_no) is True
    assert await reason_of(open_bill(world, bill, "O1")) == "MESSAGE_VOIDED"
    settled = world.order(psn_no, bill.bill.mdtrt_id, 1_000, "2207:2")
    await world.settle(settled)
    assert await reason_of(open_bill(world, settled, "O1")) == "REQUEST_ID_REUSED"


async def test_a_trial_of_the_bill_that_is_pending_says_that_it_is(world: World) -> None:
    psn_no = await insured(world)
    mdtrt_id = await world.visit_with_fees(psn_no, 1_000)
    await open_bill(world, world.order(psn_no, mdtrt_id, 1_000, "2207:1"), "O1")
    trial = world.order(psn_no, mdtrt_id, 1_000)
    assert await reason_of(world.try_bill(trial)) == "ORDER_PENDING"
    await confirm(world, "O1")
    assert await reason_of(world.try_bill(trial)) == "BATCH_SETTLED"


async def test_an_order_that_was_confirmed_is_reversed_by_its_opener_last_in_first_out(world: World) -> None:
    psn_no = await insured(world)
    visits = {number: await world.visit_with_fees(psn_no, 90_000) for number in (1, 2)}
    for number, mdtrt_id in visits.items():
        bill = world.order(psn_no, mdtrt_id, 90_000, f"2207:{number}", use_own=True)
        await open_bill(world, bill, f"O{number}")
        assert await reason_of(reverse_order(world, f"O{number}")) == "ORDER_PENDING"
        await confirm(world, f"O{number}")
    assert await reason_of(reverse_order(world, "O1")) == "LATER_SETTLEMENT_EXISTS"
    assert await reason_of(reverse_order(world, "O2", opener="payment")) == "ORDER_NOT_FOUND"
    counter = await reverse_order(world, "O2", request="r2")
    assert await reverse_order(world, "O2", request="r2") == await reverse_order(world, "O2", request="r3") == counter
    await reverse_order(world, "O1")
    assert await state(world, psn_no) == ({}, (100_000, 40_000))
    await open_bill(world, world.order(psn_no, visits[2], 90_000, "2207:3"), "O3")
    await void(world, "O3")
    assert await reason_of(reverse_order(world, "O3")) == "ORDER_VOID"
    assert await world.findings() == ()


@both
async def test_of_steps_at_the_same_moment_one_decides(world: World) -> None:
    for number in range(4):
        psn_no = await insured(world, f"P{number}")
        mdtrt_id = await world.visit_with_fees(psn_no, 230_000)
        order_no = f"O{number}"
        await open_bill(world, world.order(psn_no, mdtrt_id, 230_000, f"2207:{number}", use_own=True), order_no)
        other = world.order(psn_no, await world.visit_with_fees(psn_no, 500), 500, f"2207:B{number}")
        late = number % 2
        later(world, 60 * late)
        confirmed, voided, settled, _ = await asyncio.gather(
            *(take(world, Verb.CONFIRM, order_no), take(world, Verb.VOID, order_no), world.settle(other)),
            world.orders.lapse([order_no]),
            return_exceptions=True,
        )
        found = await world.orders.order(order_no)
        won = {domain.CONFIRMED: (Order, Fault), domain.VOID: (Fault, Order)}[found.phase]
        assert [isinstance(each, kind) for each, kind in zip((confirmed, voided), won, strict=True)] == [True, True]
        assert found.phase == domain.VOID or not late
        stands = 230_000 if found.phase == domain.CONFIRMED else 0
        stands += 500 if not isinstance(settled, BaseException) else 0
        assert (await world.accumulators(psn_no)).get("op_inscp", 0) == stands
    assert await world.findings() == ()


@pytest.mark.parametrize("first", ["opened", "settled"])
async def test_bills_that_are_opened_and_settled_in_one_batch_go_one_after_the_other(world: World, first: str) -> None:
    psn_no = await insured(world)
    visits = [await world.visit_with_fees(psn_no, fen) for fen in (1_000, 2_000)]
    bills = [
        opening(world.order(psn_no, visits[0], 1_000, "2207:1"), "O1"),
        world.order(psn_no, visits[1], 2_000, "2207:2"),
    ]
    bills = bills if first == "opened" else bills[::-1]
    prepared = [each for each in await world.opens.preparation.prepare(bills) if isinstance(each, PreparedBill)]
    outcomes = await world.settling.commit(prepared)
    if first == "opened":
        assert isinstance(outcomes[0], OpenedOrder)
        assert isinstance(outcomes[1], Fault)
        assert outcomes[1].reason == "ORDER_PENDING"
    else:
        assert [type(each) for each in outcomes] == [StoredAnswer, OpenedOrder]
    assert await world.accumulators(psn_no) == dict.fromkeys(
        ("op_dedc", "op_inscp"), 1_000 if first == "opened" else 3_000
    )
    assert await world.findings() == ()


async def test_a_trial_beside_the_interim_bill_of_its_stay_comes_to_what_is_settled_then(world: World) -> None:
    psn_no = await insured(world)
    mdtrt_id = await world.encounter(psn_no, kind="stay", state="discharged")
    await world.fees(mdtrt_id, 300_000)
    stay: dict[str, Any] = {"kind": "stay", "chrg_bchno": "0000", "med_type": ""}
    await open_bill(world, world.order(psn_no, mdtrt_id, 300_000, "2304:1", interim=True, **stay), "O1")
    await world.fees(mdtrt_id, 100_000, batch="2")
    tried = await world.try_bill(world.order(psn_no, mdtrt_id, 100_000, **stay))
    assert (tried.pending_order_no, tried.setlinfo.act_pay_dedc_fen) == ("O1", 0)
    await confirm(world, "O1")
    settled = await world.settle(world.order(psn_no, mdtrt_id, 100_000, "2304:2", trial_hash=tried.trial_hash, **stay))
    assert settled.setlinfo.hifp_pay_fen == tried.setlinfo.hifp_pay_fen


async def test_an_institution_is_told_the_counter_entry_by_which_the_opener_reversed_its_bill(world: World) -> None:
    psn_no = await insured(world)
    mdtrt_id = await world.visit_with_fees(psn_no, 1_000)
    opened = await open_bill(world, world.order(psn_no, mdtrt_id, 1_000, "2207:1"), "O1")
    await confirm(world, "O1")
    await reverse_order(world, "O1")
    original = await world.queries.settlement(
        SettlementQuestion(HOSPITAL, psn_no, mdtrt_id, opened.order.setl_id or "")
    )
    question = SettlementQuestion(HOSPITAL, psn_no, mdtrt_id, original.reversed_by)
    assert (await world.queries.settlement(question)).reverses == original.setl_id
    other = replace(question, scope=OTHER_HOSPITAL)
    assert await reason_of(world.queries.settlement(other)) == "SETTLEMENT_NOT_FOUND"


@pytest.mark.parametrize(
    "change", ["psn_no = 'P2'", "insutype = '390'", "mdtrt_id = 'X'", "fixmedins_code = 'X'", "carried = 1"]
)
async def test_a_check_finds_an_order_that_is_not_its_bill_s(world: World, change: str) -> None:
    psn_no = await insured(world)
    await open_bill(world, world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, "2207:1"), "O1")
    assert await world.findings() == ()
    async with world.database.write() as connection:
        await connection.execute(text(f"UPDATE settle_order SET {change}"))
    assert [(each.rule, each.subject) for each in await world.findings()] == [("order_is_its_bill", "O1")]
