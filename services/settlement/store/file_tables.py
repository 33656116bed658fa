"""The tables of files that institutions upload and download, and of the requests that left them. It holds no query."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, Text

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
