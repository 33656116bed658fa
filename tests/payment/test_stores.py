"""What payment keeps comes back as it was, and its days are found, on both databases alike."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.kernel.clock import day_start, to_micros
from services.kernel.requests import Entry, Moved, RequestStamp
from services.payment.domain.charges import ChannelState, Half
from services.payment.domain.differences import Kind
from services.payment.domain.orders import Bill, Charge, ChargeState, Goal, PayOrder, Refund, RefundKind, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.runs import Run, RunState, Stage
from services.payment.domain.splits import Split
from services.payment.operations.books import Write
from services.runtime.db import sql
from services.runtime.store_errors import ConstraintViolation
from tests.payment.planted_days import DAY, Days, agreeing
from tests.payment.test_reconciling import Office, office
from tests.payment.test_reconciling_statements import LIST, NOON

SPLIT = Split(10_000, 6_000, 1_000, 400, 300, 2_300, 200, 100)
ORDER = PayOrder(
    *("ORD1", "H11010000001", "HIS1", "digest", 3, "02", "110100"),
    Bill("P1", "310", "M1", "B1", 21, "2101", "01", 1, 10_000, stay=True, invono="I1", ipt_otp_no="OP1"),
    *(True, Phase.HELD, 1, 2, 3, Goal.REVOKED),
    split=SPLIT,
    trial_hash="hash",
    insured_cell="370000",
    opened=replace(SPLIT, cash_fen=2_301, hosp_fen=299),
    setl_id="S1",
    auth="a" * 40,
    attempt=2,
    open_no="ORD1-2",
    charge_no="C1",
    refund_no="F1",
    charged_fen=2_300,
    refunded_fen=100,
    insured_returned=True,
    agreed=True,
    balance_fen=7,
    deposit_fen=50,
    reason="RETURN_NOT_HEARD",
    channel_code="RULE_LIMIT",
    paid_at=to_micros(day_start(DAY)) + 5,
    tries=4,
    version=9,
    traceparent="00-1-2-01",
)
CHARGE = Charge(
    *("C1", "ORD1", "wechat", 2, 2_300, b"message", ChargeState.RETURNED, 1, 2, 3, 4),
    *(ChannelState.RETURNED, Half.RETURNED, 2_300, "T1", "X1", 5, "BC1", 10_000, 2_299, 6),
    front={"code_url": "weixin://1"},
    tries=3,
    traceparent="00-1-2-01",
)
REFUND = Refund(
    *("F1", "ORD1", "A1", RefundKind.ALL, 7_700, 100, RefundState.TOLD, 1, "R1", 2, "TAKEN_AS_TOLD", 99, 20),
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)])
def url(request: pytest.FixtureRequest) -> str:
    """Where the store is: "" for SQLite."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_database"))


def empty() -> Days:
    return Days(agreeing(1, 1).dice)


async def test_every_field_of_an_order_a_charge_and_a_refund_comes_back(tmp_path: Path, url: str) -> None:
    for value in (ORDER, CHARGE, REFUND):
        for each in fields(value):
            assert getattr(value, each.name) != each.default, f"{each.name} would not be missed"
    async with office(tmp_path, empty(), url) as desk:
        await desk.books.keep(Write(ORDER, charges=(CHARGE,), refunds=(REFUND,)))
        assert await desk.books.order("ORD1") == ORDER
        assert await desk.books.charge("C1") == CHARGE
        assert await desk.books.refund("F1") == REFUND
        later = replace(ORDER, phase=Phase.REFUNDING, balance_fen=None, insured_cell="", version=10)
        await desk.books.keep(Write(later, 9, charges=(replace(CHARGE, front={}),)))
        assert await desk.books.order("ORD1") == later
        assert (await desk.books.known_charge("C1")).front == {}
        async with desk.store.read() as work:
            assert await work.compared.first_paid() == ORDER.paid_at


async def test_of_two_that_write_under_one_number_the_second_is_told_that_another_was_first(
    tmp_path: Path, url: str
) -> None:
    async with office(tmp_path, empty(), url) as desk:
        first = Entry(RequestStamp("institution:H1", "R1", "/p/Pay", "c"), b"first", day_start(DAY))
        async with desk.store.write() as work:
            await work.journal.add(first)
        with pytest.raises(Moved):
            async with desk.store.write() as work:
                await work.journal.add(replace(first, response=b"second"))
        async with desk.store.read() as work:
            assert await work.journal.find(first.stamp) == first


BROKEN = (
    ("pay_order", "tried_fund_fen = tried_fund_fen + 1"),
    ("pay_order", "opened_cash_fen = opened_cash_fen + 1"),
    ("pay_order", "fee_fen = fee_fen + 1"),
    ("pay_order", "refunded_fen = charged_fen + 1"),
    ("pay_charge", "charged_fen = -1"),
    ("pay_refund", "card_fen = -1"),
)


async def test_amounts_that_do_not_add_up_are_kept_by_no_database(tmp_path: Path, url: str) -> None:
    """The equations of C§1.2 hold also against a program that forgot them."""
    async with office(tmp_path, empty(), url) as desk:
        await desk.books.keep(Write(ORDER, charges=(CHARGE,), refunds=(REFUND,)))
        for table, change in BROKEN:
            with pytest.raises(ConstraintViolation):
                async with desk.store._database.driver_write() as connection:
                    await connection.run(sql(f"UPDATE {table} SET {change}"))
        assert await desk.books.order("ORD1") == ORDER


def run(number: int, days_ago: int) -> Run:
    day = DAY - timedelta(days=days_ago)
    return Run(
        *(f"R{number}", day, RunState.DONE, Stage.REPAIRS, True, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        unread=("wechat 1900099901 STATUS_500",),
        memo="daily",
    )


async def test_the_last_run_of_each_day_is_found_with_all_that_it_counted(tmp_path: Path, url: str) -> None:
    made = [run(1, 2), run(2, 1), run(3, 1), run(4, 30)]
    async with office(tmp_path, empty(), url) as desk:
        async with desk.store.read() as work:
            assert (await work.recon.last_runs(DAY), await work.compared.first_paid()) == ({}, None)
        async with desk.store.write() as work:
            for each in made:
                await work.recon.keep_run(each)
        async with desk.store.read() as work:
            found = await work.recon.last_runs(DAY - timedelta(days=7))
        assert found == {each.day: each for each in (made[0], made[2])}
        again = replace(made[2], lines=40, statements=41, unread=())
        async with desk.store.write() as work:
            await work.recon.keep_run(again)
        async with desk.store.read() as work:
            assert await work.recon.last_run(again.day) == again


async def listed(desk: Office, *told: object) -> dict[str, str]:
    desk.statements.lists = [(NOON, each) for each in told]  # type: ignore[misc]  # statements, all of them
    await desk.reconciled(DAY)
    return {
        each.difference.trade_no: each.state.value
        for each in await desk.kept(DAY)
        if each.difference.kind is Kind.STATEMENT
    }


async def test_lists_of_institutions_are_kept_and_replaced(tmp_path: Path, url: str) -> None:
    async with office(tmp_path, empty(), url) as desk:
        other = replace(LIST, number="H2 2026-11-28..2026-11-28", file_qury_no="F2")
        assert await listed(desk, LIST, other) == {"F1": "open", "F2": "open"}
        assert await listed(desk, replace(LIST, file_qury_no="F3"), other) == {"F1": "gone", "F2": "open", "F3": "open"}
        assert (await desk.reconciling.last(DAY)).run.statements == 2
