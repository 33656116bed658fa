"""A day of a hundred thousand orders in four books: bills of three providers in their own formats, read from their twins by the
adapters; payment's store and settlement's. One order in a hundred is spoiled, in every way that has a name: all are found, each
by its name, none is invented, within half a minute of a processor, the twins included.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.clock import BEIJING, beijing_day, day_start, system_clock, to_micros
from services.payment.channels.bill_desk import BillDesk
from services.payment.domain.charges import BillKind, BillLine
from services.payment.domain.compared import ComparedSettlement, Statement
from services.payment.domain.differences import Kind
from services.payment.domain.runs import DifferenceState, Run, RunState, Stage
from services.payment.operations.books import Books
from services.payment.operations.reconciling_books import Comparing
from services.payment.peers.bill_messages import split_of
from services.payment.store.unit import PaymentStore
from services.runtime.db import Database, insert_sql
from services.runtime.outgoing import Outgoing
from services.settlement.operations.books.statements import Statements
from services.settlement.store.order_tables import SETTLE_ORDER
from services.settlement.store.schema import schema
from services.settlement.store.statements import StatementRows
from services.settlement.store.tables import SETTLEMENT
from tests.payment import alipay_counter, terminal_lines, wechat_counter
from tests.payment.planted_days import HOSPITALS, Days, agreeing, keep, plant
from tests.twins.wechat_desk import PARTNER
from tools.twins.alipay.ledger import LINE
from tools.twins.bank.book import Book, Trade
from tools.twins.shelf import Shelf
from tools.twins.wechat.ground import REFUND, TRADE

pytestmark = pytest.mark.torture

PLANTED: Final = {*Kind} - {Kind.STATEMENT}
"""Kinds of these books; STATEMENT is an institution's to find."""
ORDERS: Final = 100_000
SHARE: Final = 100
LONGEST_S: Final = 30.0


async def test_a_thousand_differences_in_a_hundred_thousand_orders_are_found_and_named(tmp_path: Path) -> None:
    day = beijing_day(system_clock()) - timedelta(days=3)
    async with AsyncExitStack() as stack:
        wechat = await stack.enter_async_context(wechat_counter.counter())
        alipay = await stack.enter_async_context(alipay_counter.counter())
        files = Outgoing(terminal_lines.quiet())
        stack.push_async_callback(files.close)
        bank = await stack.enter_async_context(terminal_lines.counter(files, tmp_path))
        bank.twin.stand.clock.set(system_clock())
        direct = replace(wechat.account, fixmedins_code=HOSPITALS[0])
        partner = replace(wechat_counter.account_of(wechat.desk, PARTNER), fixmedins_code=HOSPITALS[1])
        shared = [replace(alipay.account, fixmedins_code=each) for each in HOSPITALS]
        window = replace(bank.account, fixmedins_code=HOSPITALS[0])
        accounts = (direct, partner, *shared, window)
        channels = (wechat.channel_of(direct, partner), alipay.channel, bank.channel)
        desk = BillDesk(channels, accounts)

        days = agreeing(ORDERS, 1, day, {(each.channel, each.merchant_no): each.owners for each in desk.accounts()})
        plant(days, ORDERS // SHARE // len(PLANTED) + 1)
        told = {key: [*_lines(days, key)] for key in days.accounts}
        _tell_wechat(wechat.desk.twin.stand.shelf, direct, told, days)
        _tell_wechat(wechat.desk.twin.stand.shelf, partner, told, days)
        _tell_alipay(alipay.twin.stand.shelf, alipay.account.merchant_no, told)
        _tell_bank(bank.bank.book, window.merchant_no, told)

        payment, settlement = await _stores(stack, tmp_path, days, day)
        numbers = count(1)
        books = Books(payment, system_clock)
        comparing = Comparing(
            payment, books, desk, SettledThere(Statements(StatementRows(settlement))), lambda: f"D{next(numbers):09}"
        )
        for on in (day, day + timedelta(days=1)):
            await _compared(payment, comparing, books.now(), on, {*days.planted} if on == day else set())
        assert {kind for kind, _ in days.planted} == PLANTED
        assert len(days.planted) >= ORDERS // SHARE


async def _compared(
    payment: PaymentStore, comparing: Comparing, now: int, on: date, planted: set[tuple[Kind, str]]
) -> None:
    """Compares a day; it finds what was planted, and that alone."""
    run = Run(f"R{on}", on, RunState.RUNNING, Stage.BILLS, True, now, now)
    began, busy = time.perf_counter(), time.process_time()
    run = await comparing.compare(run)
    wall, spent = time.perf_counter() - began, time.process_time() - busy
    async with payment.read() as work:
        kept = await work.recon.differences(on, "", "", 10**6)
    told_figures(run, len(kept), wall, spent)
    assert run.unread == ()
    found = {(each.difference.kind, each.difference.number) for each in kept if each.state is DifferenceState.OPEN}
    assert found == planted
    assert len(kept) == len(found)
    # By its own clock: whoever else is on the machine is no fault of it.
    assert spent <= LONGEST_S


async def _stores(stack: AsyncExitStack, folder: Path, days: Days, day: date) -> tuple[PaymentStore, Database]:
    """Payment's and settlement's, with the days' books."""
    stores = [Database(f"sqlite:///{folder}/{name}.sqlite", system_clock) for name in ("payment1", "settlement")]
    for each in stores:
        stack.push_async_callback(each.close)
    payment = PaymentStore(stores[0])
    await payment.start()
    await keep(payment, days)
    await stores[1].start(schema())
    await _settle(stores[1], days, day)
    return payment, stores[1]


def told_figures(run: Run, found: int, wall: float, spent: float) -> None:
    """What a run took; the twins' processor time is in it."""
    counted = f"{run.lines} lines, {run.charges} charges, {run.orders} orders, {run.settlements} settlements"
    sys.stderr.write(f"\n{run.day}: {counted}; {found} differences; {wall:.1f} s, processor {spent:.1f} s\n")


class SettledThere:
    """Settlement's own rows, as its servicer reads them, without a wire."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def settled(
        self, span: tuple[int, int], *, reversed_ones: bool
    ) -> AsyncIterator[Sequence[ComparedSettlement]]:
        after: Any = None
        while True:
            page = await self._statements.settled("payment", span, after, 1000, reversed_ones=reversed_ones)
            yield [_settled(each) for each in page.entries]
            if page.end is None:
                return
            after = page.end

    async def compared(self, span: tuple[int, int]) -> AsyncIterator[Sequence[Statement]]:
        """No institution has compared its lists."""
        yield ()

    async def found(self, order_nos: Sequence[str]) -> dict[str, ComparedSettlement]:
        return {each.order_no: _settled(each) for each in await self._statements.found("payment", order_nos)}

    async def found_elsewhere(self, cells: Mapping[str, str]) -> tuple[dict[str, ComparedSettlement], frozenset[str]]:
        """All is settled here."""
        return await self.found(sorted(cells)), frozenset(cells)


def _settled(each: Any) -> ComparedSettlement:
    stands, back = each.phase == "confirmed", each.state == "reversed"
    return ComparedSettlement(each.order_no, each.setl_id, each.fixmedins_code, stands, back, split_of(each))


def _lines(days: Days, key: tuple[str, str]) -> list[tuple[BillLine, str]]:
    """Lines of an account with the charge that each belongs to."""
    dealt = [(line, each.charge.charge_no) for each in days.deals if each.account == key for line in each.lines]
    return dealt + [(line, line.number) for of, line in days.alone if of == key]


Told = dict[tuple[str, str], list[tuple[BillLine, str]]]


def _tell_wechat(shelf: Shelf, account: Any, told: Told, days: Days) -> None:
    owner = account.sub_merchant_no or account.merchant_no
    key = "wechat", "/".join(filter(None, (account.merchant_no, account.sub_merchant_no)))
    at = {each.charge.charge_no: each.charge for each in days.deals}
    with shelf.change():
        for place, (line, charge_no) in enumerate(told[key]):
            noon = datetime(line.day.year, line.day.month, line.day.day, 12, tzinfo=BEIJING).isoformat()
            own = f"{owner}/{charge_no}"
            trade = {
                "owner": owner,
                "appid": account.app_no,
                "mchid": account.merchant_no,
                "openid": "oTest",
                "sub_mchid": account.sub_merchant_no,
                "sub_openid": "",
                "kind": "JSAPI",
                "description": "医疗费用",
                "attach": "",
                "out_trade_no": charge_no,
                "total": line.amount_fen,
                "paid_at": noon,
                "transaction_id": line.trade_no,
                "currency": line.currency,
            }
            if line.kind is BillKind.CHARGE:
                known = shelf.get(TRADE, own) is not None
                shelf.put(TRADE, f"{own}#{place}" if known else own, trade, line.day.isoformat())
                continue
            if shelf.get(TRADE, own) is None:
                charge = at.get(charge_no)
                shelf.put(TRADE, own, trade | {"total": charge.charge_fen if charge else line.amount_fen}, "")
            refund = {"owner": owner, "trade": own, "refund": line.amount_fen, "created_at": noon, "done_at": noon}
            refund |= {"refund_id": line.trade_no, "out_refund_no": "" if line.number == charge_no else line.number}
            # Of a refund that is told alone the number is no trade's.
            refund["out_refund_no"] = line.number if charge_no not in at else refund["out_refund_no"]
            shelf.put(REFUND, f"{owner}/{line.number}#{place}", refund, line.day.isoformat())


def _tell_alipay(shelf: Shelf, app_id: str, told: Told) -> None:
    with shelf.change():
        for place, (line, charge_no) in enumerate(told["alipay", app_id]):
            noon = datetime(line.day.year, line.day.month, line.day.day, 12, tzinfo=BEIJING).isoformat()
            back = line.kind is BillKind.REFUND
            document = {
                "app_id": app_id,
                "trade_no": line.trade_no,
                "out_trade_no": charge_no,
                "subject": "医疗费用",
                "kind": "退款" if back else "交易",
                "created_at": noon,
                "done_at": noon,
                "store": "",
                "fen": -line.amount_fen if back else line.amount_fen,
                "request_no": line.number if back and line.number != charge_no else "",
            }
            shelf.put(LINE, f"{place:012}", document, day=line.day.isoformat())


def _tell_bank(book: Book, merchant_no: str, told: Told) -> None:
    with book.shelf.change():
        for place, (line, _) in enumerate(told["bank", merchant_no]):
            kind = "REFUND" if line.kind is BillKind.REFUND else "PURCHASE"
            at = f"{line.day} 12:00:00"
            book.keep(
                Trade(
                    rrn=line.trade_no,
                    kind=kind,
                    terminal="10000001",
                    merchant=merchant_no,
                    batch="000001",
                    trace=f"{place:06}",
                    day=line.day.isoformat(),
                    at=at,
                    card="6200000000000000",
                    amount_fen=line.amount_fen,
                    reference=line.number,
                )
            )


async def _settle(database: Database, days: Days, day: date) -> None:
    """Settlement's rows: orders of payment, their settlements, and counter-entries of those that are reversed."""
    middle = to_micros(day_start(day)) + 12 * 3600 * 10**6
    at = {each.order.open_no: each.order.paid_at or middle for each in days.deals}
    orders, settlements = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for each in days.settlements():
        booked = at.get(each.order_no, middle)
        orders.append(_row(SETTLE_ORDER, _order(each, booked)))
        settlements.append(_row(SETTLEMENT, _settlement(each, booked)))
        if each.reversed:
            settlements.append(_row(SETTLEMENT, _settlement(each, booked + 10**6, counter=True)))
    for table, rows in ((SETTLEMENT, settlements), (SETTLE_ORDER, orders)):
        statement = insert_sql(table)["sqlite"]
        for begin in range(0, len(rows), 10_000):
            async with database.driver_write() as connection:
                await connection.insert(statement, rows[begin : begin + 10_000])


def _order(each: ComparedSettlement, booked: int) -> dict[str, Any]:
    moments = {"opened_at": booked - 10**6, "lapses_at": booked + 10**9, "ended_at": booked}
    same = {"order_no": each.order_no, "setl_id": each.setl_id, "fixmedins_code": each.fixmedins_code}
    return {**same, "opener": "payment", "phase": "confirmed", "psn_no": "P1", "insutype": "310", **moments}


def _settlement(each: ComparedSettlement, booked: int, *, counter: bool = False) -> dict[str, Any]:
    split, sign = each.split, -1 if counter else 1
    sums = {
        "medfee_sumamt_fen": split.total_fen,
        "inscp_scp_amt_fen": split.total_fen,
        "fund_pay_sumamt_fen": split.fund_fen,
        "hifp_pay_fen": split.fund_fen,
        "psn_part_amt_fen": split.acct_fen + split.cash_fen,
        "acct_pay_fen": split.acct_fen,
        "psn_cash_pay_fen": split.cash_fen,
    }
    number = f"R{each.setl_id}" if counter else each.setl_id
    return {
        "setl_id": number,
        "scope": each.fixmedins_code,
        "request_id": number,
        "kind": "settle",
        "state": "standing",
        **({"state": "reversed"} if each.reversed and not counter else {}),
        **({"kind": "reverse", "reverses": each.setl_id} if counter else {}),
        "psn_no": "P1",
        "setl_at": booked,
        "fee_batches_json": "[]" if counter else '["B1"]',
        "policies_json": "{}",
        **{name: sign * fen for name, fen in sums.items()},
    }


def _row(table: Any, given: dict[str, Any]) -> tuple[Any, ...]:
    """A row in the order of the table's columns; what is not given is empty."""
    values = []
    for column in table.columns:
        empty: Any = None if column.nullable else {"TEXT": "", "BLOB": b""}.get(str(column.type), 0)
        if column.name in given:
            empty = given[column.name]
        elif str(column.type) not in ("TEXT", "BLOB") and not column.nullable:
            empty = "" if "TEXT" in str(column.type.compile()) else 0
        values.append(empty)
    assert not set(given) - {column.name for column in table.columns}, set(given) - {c.name for c in table.columns}
    return tuple(values)
