"""Undoes the bills of orders that have become void: a counter-entry for each, its ecToken free, its fee batches open again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.kernel.requests import Moved, RequestStamp
from services.settlement.domain.books.booking import reversal_postings
from services.settlement.domain.books.entries import (
    REVERSE,
    VOIDED,
    BookChanges,
    Heading,
    NewSettlement,
    Wanted,
    accumulator_entries,
)
from services.settlement.domain.books.ledger import AccountKey, YearLedger, after_deltas
from services.settlement.domain.books.orders import Order
from services.settlement.domain.books.refund import refund, refund_deltas
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.operations.care.ports import NewId
from services.settlement.store.orders import OrderWriter

_SCOPE = "service:settlement"
"""Nobody's request makes the counter-entry of an order: the order does, in settlement's own name."""


async def undo(work: OrderWriter, orders: Sequence[Order], at: int, new_id: NewId) -> list[Order]:
    """Undoes the bills of these orders, in microseconds; the orders come back with their counter-entries.

    Nothing stands after a pending bill in its ledger, as everything else waits for it: it needs no place in line.
    """
    setl_ids = [order.setl_id for order in orders if order.setl_id is not None]
    if not setl_ids:
        return list(orders)
    bills = await work.bills(setl_ids)
    if len(bills) != len(setl_ids):
        raise Moved
    lines, deltas = await work.postings_of(setl_ids), await work.deltas_of(setl_ids)
    payers = (line for own in lines.values() for line in own if line.owner_psn_no)
    accounts = (AccountKey(line.owner_psn_no or "", line.owner_insutype or "") for line in payers)
    ledgers = tuple(dict.fromkeys(bill.key for bill in bills.values()))
    books = await work.load(Wanted(ledgers=ledgers, accounts=tuple(dict.fromkeys(accounts))))
    changes, undone = BookChanges(), []
    for order in orders:
        if order.setl_id is None:
            undone.append(order)
            continue
        bill, counter, moved = bills[order.setl_id], new_id(""), refund_deltas(deltas[order.setl_id])
        year = books.years.get(bill.key, YearLedger())
        seq = None if bill.insured_cell else year.seq + 1
        heading = _heading(order.order_no, bill, counter, seq, at)
        changes.settlements.append(NewSettlement(heading, refund(bill.components), b"", b""))
        changes.postings += reversal_postings(counter, lines[order.setl_id], books.accounts, at)
        if seq is not None:
            changes.accumulators += accumulator_entries(bill.key, seq, moved, counter)
            books.years[bill.key] = after_deltas(year, moved)
        undone.append(replace(order, counter_setl_id=counter))
    await work.move_bills([(setl_id, VOIDED) for setl_id in setl_ids])
    await work.reopen_batches(setl_ids)
    await work.save(changes)
    return undone


def _heading(order_no: str, bill: BookedSettlement, setl_id: str, seq: int | None, at: int) -> Heading:
    return Heading(
        setl_id=setl_id,
        stamp=RequestStamp(_SCOPE, f"void:{order_no}", "Void", "", regions=bill.regions),
        kind=REVERSE,
        mdtrt_id=bill.mdtrt_id,
        key=bill.key,
        ledger_seq=seq,
        med_type=bill.med_type,
        setl_at=at,
        msgid="",
        invono=bill.invono,
        reverses=bill.setl_id,
        policies=bill.policies,
        preselfpay_in_base=bill.preselfpay_in_base,
        state=VOIDED,
        insured_cell=bill.insured_cell,
    )
