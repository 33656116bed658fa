"""`yibao reconcile YYYY-MM-DD`: has the mesh compare a day in four books, shows how far it is, and prints what differs as a table
or as JSON. It ends with 1 while something is open, or a bill or another cell could not be read.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import uuid4

from services.kernel.money import yuan_text
from services.runtime.wire import day_message, told_day
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient, pages
from yibao.payment.v1 import reconciliation_pb2 as pb

_SERVICE: Final = "yibao.payment.v1.ReconciliationService"
_LOOK_S: Final = 0.3
_PAGE: Final = 1000
_STAGES: Final = {
    pb.RECONCILIATION_STAGE_BILLS: "bills are read",
    pb.RECONCILIATION_STAGE_LINES: "lines of bills are compared",
    pb.RECONCILIATION_STAGE_CHARGES: "charges and refunds are looked for in the bills",
    pb.RECONCILIATION_STAGE_ORDERS: "orders are compared with settlements",
    pb.RECONCILIATION_STAGE_SETTLEMENTS: "settlements are compared with orders",
    pb.RECONCILIATION_STAGE_REPAIRS: "differences are mended",
}
_KINDS: Final = {
    pb.DIFFERENCE_KIND_CHARGE_MISSING_HERE: "charge missing here",
    pb.DIFFERENCE_KIND_CHARGE_MISSING_THERE: "charge missing at the channel",
    pb.DIFFERENCE_KIND_CHARGE_AMOUNT: "amount of a charge",
    pb.DIFFERENCE_KIND_CHARGE_BEHIND: "charge paid, order waits",
    pb.DIFFERENCE_KIND_CHARGE_LATE: "charge paid, order is over",
    pb.DIFFERENCE_KIND_CHARGE_TWICE: "charge twice",
    pb.DIFFERENCE_KIND_CHARGE_DAY: "charge on another day",
    pb.DIFFERENCE_KIND_CHARGE_NUMBER: "number of the channel",
    pb.DIFFERENCE_KIND_MERCHANT: "another merchant",
    pb.DIFFERENCE_KIND_CURRENCY: "another currency",
    pb.DIFFERENCE_KIND_REFUND_MISSING_HERE: "refund missing here",
    pb.DIFFERENCE_KIND_REFUND_MISSING_THERE: "refund missing at the channel",
    pb.DIFFERENCE_KIND_REFUND_AMOUNT: "amount of a refund",
    pb.DIFFERENCE_KIND_REFUND_BEHIND: "refund done, order waits",
    pb.DIFFERENCE_KIND_REFUND_TWICE: "refund twice",
    pb.DIFFERENCE_KIND_ORDER_AMOUNT: "sums of an order",
    pb.DIFFERENCE_KIND_ORDER_MISSING: "settlement without order",
    pb.DIFFERENCE_KIND_ORDER_BEHIND: "settled, order not paid",
    pb.DIFFERENCE_KIND_SETTLEMENT_MISSING: "order without settlement",
    pb.DIFFERENCE_KIND_SETTLEMENT_AMOUNT: "split of a settlement",
    pb.DIFFERENCE_KIND_SETTLEMENT_REVERSED: "settlement reversed, order not",
    pb.DIFFERENCE_KIND_SETTLEMENT_NOT_REVERSED: "order given back, settlement not",
    pb.DIFFERENCE_KIND_SETTLEMENT_NUMBER: "number of the settlement",
    pb.DIFFERENCE_KIND_INSTITUTION: "another institution",
    pb.DIFFERENCE_KIND_STATEMENT: "list of an institution",
}
_REPAIRS: Final = {
    pb.DIFFERENCE_REPAIR_ASK: "ask the channel",
    pb.DIFFERENCE_REPAIR_BRING_ON: "bring the order on",
    pb.DIFFERENCE_REPAIR_SEND_AGAIN: "send the refund again",
    pb.DIFFERENCE_REPAIR_PEOPLE: "for people",
}
_STATES: Final = {
    pb.DIFFERENCE_STATE_OPEN: "open",
    pb.DIFFERENCE_STATE_REPAIRED: "mended",
    pb.DIFFERENCE_STATE_RESOLVED: "resolved",
}


def run(
    client: MeshClient, day: date, words: Words = ENGLISH, *, as_json: bool = False, only_look: bool = False
) -> int:
    """Reconciles a day and prints what stands; `only_look` mends nothing."""
    asked = pb.ReconcileRequest(request_id=uuid4().hex, bill_day=day_message(day), only_look=only_look)
    client.call(f"{_SERVICE}.Reconcile", asked)
    told = _ended(client, day, words)
    kept = [each for each in _listed(client, day) if each.state != pb.DIFFERENCE_STATE_GONE]
    if as_json:
        print(json.dumps(_document(told, kept), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(told, kept, words)))
    whole = told.state == pb.RECONCILIATION_STATE_DONE and not told.unread_accounts and not told.unasked_order_count
    return 0 if whole and not told.open_count else 1


def _ended(client: MeshClient, day: date, words: Words) -> pb.Reconciliation:
    """Waits for the run's end, and says on the error output how far it is."""
    shown = ""
    while True:
        answer = client.call(f"{_SERVICE}.GetReconciliation", pb.GetReconciliationRequest(bill_day=day_message(day)))
        told: pb.Reconciliation = answer.reconciliation
        counted = told.line_count + told.charge_count + told.order_count + told.settlement_count
        now = f"{words(_STAGES.get(told.stage, 'bills are read'))}: {counted}"
        if now != shown and told.state == pb.RECONCILIATION_STATE_RUNNING:
            shown = now
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{shown:<72}" if end == "\r" else shown, end=end, file=sys.stderr, flush=True)
        if told.state != pb.RECONCILIATION_STATE_RUNNING:
            if shown and sys.stderr.isatty():
                print(" " * 72, end="\r", file=sys.stderr)
            return told
        time.sleep(_LOOK_S)


def _listed(client: MeshClient, day: date) -> Iterator[pb.ReconciliationDifference]:
    asked = pb.ListDifferencesRequest(bill_day=day_message(day), page_size=_PAGE)
    for page in pages(client, f"{_SERVICE}.ListDifferences", asked):
        yield from page.differences


def _document(told: pb.Reconciliation, kept: Sequence[pb.ReconciliationDifference]) -> dict[str, Any]:
    counts = ("line", "charge", "order", "settlement", "open", "repaired", "resolved")
    return {
        "day": f"{told_day(told.bill_day)}",
        "run_no": told.run_no,
        "state": _word(pb.ReconciliationState.Name(told.state), "RECONCILIATION_STATE_"),
        **{f"{name}_count": getattr(told, f"{name}_count") for name in counts},
        "other_cells_line_count": told.other_cells_line_count,
        "unasked_order_count": told.unasked_order_count,
        "statement_count": told.statement_count,
        "unread_accounts": [*told.unread_accounts],
        "differences": [_difference(each) for each in kept],
    }


def _difference(each: pb.ReconciliationDifference) -> Mapping[str, Any]:
    same = ("channel_name", "merchant_no", "fixmedins_code", "pay_ord_id", "number", "trade_no")
    return {
        "difference_no": each.difference_no,
        "kind": _word(pb.DifferenceKind.Name(each.kind), "DIFFERENCE_KIND_"),
        "repair": _word(pb.DifferenceRepair.Name(each.repair), "DIFFERENCE_REPAIR_"),
        "state": _word(pb.DifferenceState.Name(each.state), "DIFFERENCE_STATE_"),
        **{name: getattr(each, name) for name in (*same, "here_fen", "there_fen", "here", "there", "note")},
    }


def _word(name: str, before: str) -> str:
    return name.removeprefix(before).lower()


def _lines(told: pb.Reconciliation, kept: Sequence[pb.ReconciliationDifference], words: Words) -> Iterator[str]:
    yield words(
        "{day}: {lines} lines of bills, {charges} charges and refunds, {orders} orders, {settlements} settlements compared",
        day=told_day(told.bill_day),
        lines=told.line_count,
        charges=told.charge_count,
        orders=told.order_count,
        settlements=told.settlement_count,
    )
    if told.state != pb.RECONCILIATION_STATE_DONE:
        yield words("It came to nothing: run it again. The log of the member payment tells why.")
    for account in told.unread_accounts:
        yield words("The bill of {account} could not be read: run it again later.", account=account)
    if told.other_cells_line_count:
        yield words("{lines} lines are of other cells, which judge them.", lines=told.other_cells_line_count)
    if told.unasked_order_count:
        said = "{orders} orders could not be compared with their settlements in other cells: run it again later."
        yield words(said, orders=told.unasked_order_count)
    if told.statement_count:
        yield words("{lists} lists that institutions had compared (3202).", lists=told.statement_count)
    if kept:
        yield ""
        yield from _table(kept, words)
        yield ""
    said = "{open} open, {repaired} mended, {resolved} resolved; amounts in yuan"
    yield words(said, open=told.open_count, repaired=told.repaired_count, resolved=told.resolved_count)


def _table(kept: Sequence[pb.ReconciliationDifference], words: Words) -> Iterator[str]:
    heads = ("state", "difference", "channel", "number", "here", "there", "repair", "note")
    rows = [tuple(map(words, heads)), *(_row(each, words) for each in kept)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (wide - _width(cell)) for cell, wide in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _row(each: pb.ReconciliationDifference, words: Words) -> tuple[str, ...]:
    fen = (each.here_fen, each.there_fen)
    here, there = (yuan_text(amount) if amount else "·" for amount in fen)
    return (
        words(_STATES[each.state]),
        words(_KINDS[each.kind]),
        each.channel_name or "·",
        each.number,
        each.here or here,
        each.there or there,
        words(_REPAIRS[each.repair]),
        each.note,
    )


def _width(text: str) -> int:
    """Columns that a text takes: Chinese characters take two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
