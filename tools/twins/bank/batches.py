"""The end of a batch and of a day: totals and uploads of a terminal, the statement of a merchant, its money on the next day.

The statement is our own format, and so is the rule that a day's money arrives as one sum when the next day begins.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from services.runtime.pos import parts
from services.runtime.pos.messages import PosMessage
from services.runtime.pos.parts import Totals, Uploaded
from tools.twins.bank.book import Book, Terminal, Trade
from tools.twins.bank.cards import STATEMENT_SECRET

EQUAL, DIFFERENT = 1, 2
_OTHER_BATCH: Final = "77"
_NOT_ASKED: Final = "12"


def settle(book: Book, terminal: Terminal, route: parts.Route, message: PosMessage) -> dict[int, str]:
    """0500: compares the totals of the open batch; equal ones close it, others wait for an upload."""
    if route.batch != terminal.batch_no:
        return {39: _OTHER_BATCH}
    told, _ = parts.totals_of(message.get(48))
    own = totals(_batch(book, terminal))
    verdict = EQUAL if told == own else DIFFERENT
    if verdict == EQUAL:
        _close(book, terminal)
    else:
        terminal.unequal, terminal.uploaded = True, []
        book.keep_terminal(terminal)
    return {39: parts.ACCEPTED, 48: parts.totals_field(own, verdict)}


def upload(book: Book, terminal: Terminal, route: parts.Route, message: PosMessage) -> dict[int, str]:
    """0320: keeps the lines of a batch whose totals differ; the last message closes it. What differs is kept for operators."""
    if not terminal.unequal or route.batch != terminal.batch_no:
        return {39: _NOT_ASKED}
    if route.network == parts.UPLOADED:
        _compare(book, terminal)
        _close(book, terminal)
        return {39: parts.ACCEPTED}
    for line in parts.details_of(message.get(48)):
        terminal.uploaded.append([line.trace, line.card, line.amount_fen, line.credit])
    book.keep_terminal(terminal)
    return {39: parts.ACCEPTED}


def totals(trades: Iterable[Trade]) -> Totals:
    """What came in and went back by these trades; those that were reversed count nowhere."""
    sums = {True: [0, 0], False: [0, 0]}
    for trade in trades:
        if not trade.reversed:
            sums[trade.credit][0] += trade.amount_fen
            sums[trade.credit][1] += 1
    return Totals(*sums[False], *sums[True])


def net_fen(trades: Iterable[Trade]) -> int:
    """What a merchant is owed for these trades: negative where more went back than came in."""
    sums = totals(trades)
    return sums.debit_fen - sums.credit_fen


def arrive(book: Book, today: date) -> None:
    """Every day before `today` whose money has not arrived does so now."""
    owed: dict[tuple[str, str], list[Trade]] = {}
    for trade in book.trades():
        if trade.day < today.isoformat():
            owed.setdefault((trade.merchant, trade.day), []).append(trade)
    for (merchant, day), trades in owed.items():
        if book.arrival(merchant, day) is None:
            on = date.fromisoformat(day) + timedelta(days=1)
            book.arrive(merchant, day, net_fen(trades), on.isoformat())


def statement(book: Book, merchant: str, day: date) -> str:
    """A merchant's trades of a day, one line each, then their totals and a seal (HMAC-SHA-256 over all lines before it).

    day|time|kind|terminal|batch|trace|rrn|merchant's number|amount in fen|last digits of the card
    """
    trades = [trade for trade in book.trades(day.isoformat()) if trade.merchant == merchant and not trade.reversed]
    lines = [
        f"{trade.day}|{trade.at[11:19]}|{trade.kind}|{trade.terminal}|{trade.batch}|{trade.trace}|{trade.rrn}"
        f"|{trade.reference}|{trade.amount_fen}|{trade.card[-4:]}"
        for trade in trades
    ]
    sums = totals(trades)
    lines.append(f"TOTAL|{merchant}|{day}|{sums.debits}|{sums.debit_fen}|{sums.credits}|{sums.credit_fen}")
    text = "".join(f"{line}\n" for line in lines)
    seal = hmac.digest(STATEMENT_SECRET.encode(), text.encode(), hashlib.sha256).hex()
    return f"{text}SEAL|{seal}\n"


def differences(book: Book) -> list[dict[str, object]]:
    """What uploads had and the bank had not, and the other way round, of all batches."""
    return [kept for _, kept in book.shelf.each(_DIFFERENCE)]


_DIFFERENCE: Final = "difference"


def _batch(book: Book, terminal: Terminal) -> list[Trade]:
    return [trade for trade in book.trades() if trade.terminal == terminal.number and trade.batch == terminal.batch_no]


def _compare(book: Book, terminal: Terminal) -> None:
    own = {
        trade.trace: Uploaded(trade.trace, "", trade.amount_fen, trade.credit)
        for trade in _batch(book, terminal)
        if not trade.reversed
    }
    told = {trace: Uploaded(trace, "", amount_fen, credit) for trace, _, amount_fen, credit in terminal.uploaded}
    for trace in sorted({*own, *told}):
        if own.get(trace) != told.get(trace):
            at_bank, at_terminal = own.get(trace), told.get(trace)
            document = {
                "terminal": terminal.number,
                "batch": terminal.batch_no,
                "trace": trace,
                "bank_fen": None if at_bank is None else at_bank.amount_fen,
                "terminal_fen": None if at_terminal is None else at_terminal.amount_fen,
            }
            book.shelf.put(_DIFFERENCE, f"{terminal.number}/{terminal.batch_no}/{trace}", document)


def _close(book: Book, terminal: Terminal) -> None:
    """The next batch begins, and with it a sign-on (ours)."""
    for trade in _batch(book, terminal):
        trade.settled = True
        book.keep(trade)
    terminal.batch, terminal.unequal, terminal.uploaded = terminal.batch % 999_999 + 1, False, []
    terminal.pin_key = terminal.seal_key = ""
    book.keep_terminal(terminal)
