"""The tables of POS terminals: the open batch of each, and every line that it has sent. No card stands in them."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, Table, Text, text

from services.runtime.db import Moment

OPEN_LINES: Final = "state IN ('sent', 'undoing')"


class TerminalTables(NamedTuple):
    """Terminals, and their lines."""

    terminal: Table
    line: Table


def terminal_tables(metadata: MetaData) -> TerminalTables:
    """Both, in this MetaData."""
    open_lines = text(OPEN_LINES)
    terminal = Table(
        "pay_terminal",
        metadata,
        Column("merchant_no", Text, primary_key=True),
        Column("terminal_no", Text, primary_key=True),
        Column("batch", Text, nullable=False),
        Column("trace", Integer, nullable=False),
    )
    line = Table(
        "pay_terminal_line",
        metadata,
        Column("number", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("merchant_no", "terminal_no", "move", "of_number")),
        Column("amount_fen", BigInteger, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("batch", "trace", "state", "day", "rrn", "code")),
        Column("begun_at", Moment, nullable=False),
        Column("changed_at", Moment, nullable=False),
        CheckConstraint("amount_fen >= 0", name="pay_terminal_line_amount"),
        Index("pay_terminal_line_batch", "merchant_no", "terminal_no", "batch", "begun_at"),
        Index(
            "pay_terminal_line_open",
            "merchant_no",
            "terminal_no",
            "begun_at",
            sqlite_where=open_lines,
            postgresql_where=open_lines,
        ),
        Index("pay_terminal_line_of", "of_number"),
    )
    return TerminalTables(terminal, line)
