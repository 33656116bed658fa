"""The tables of files that institutions upload and download, of the requests that left them, and of what comparisons came to. It
holds no query.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from services.runtime.db import Moment
from services.runtime.journal import journal_table
from services.settlement.store.adjustment_tables import ADJUSTMENT

STATEMENT_ENTRY: Final = journal_table("statement_entry", ADJUSTMENT.metadata)

STATEMENT_FILE: Final = Table(
    "statement_file",
    ADJUSTMENT.metadata,
    Column("file_qury_no", Text, primary_key=True),
    Column("fixmedins_code", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index("statement_file_old", "ends_at"),
    Index("statement_file_of", "fixmedins_code", "ends_at"),
)

STATEMENT_COMPARED: Final = Table(
    "statement_compared",
    ADJUSTMENT.metadata,
    *(
        Column(name, Text, primary_key=True)
        for name in ("fixmedins_code", "first_day", "last_day", "setl_optins", "clr_type", "refd_setl_flag")
    ),
    Column("file_qury_no", Text, nullable=False),
    Column("compared_at", Moment, nullable=False),
    *(Column(name, Integer, nullable=False) for name in ("equal", "only_here", "only_there", "otherwise")),
    *(Column(name, BigInteger, nullable=False) for name in ("here_fen", "there_fen")),
    Index("statement_compared_at", "compared_at", "file_qury_no"),
    Index("statement_compared_of", "fixmedins_code", "compared_at"),
)
