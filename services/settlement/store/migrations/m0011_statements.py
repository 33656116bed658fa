"""Statements read what was confirmed, reversed or settled in a span of time, and institutions exchange files."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """The indexes, and the tables of files."""
    op.create_table(
        "statement_entry",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("scope", "request_id", "rpc", "content_hash")),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id"),
    )
    op.create_table(
        "statement_file",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("file_qury_no", "fixmedins_code", "filename")),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("made_at", "ends_at")),
        sa.PrimaryKeyConstraint("file_qury_no"),
    )
    op.create_index("statement_file_old", "statement_file", ["ends_at"], unique=False)
    op.create_index("statement_file_of", "statement_file", ["fixmedins_code", "ends_at"], unique=False)
    key = ("fixmedins_code", "first_day", "last_day", "setl_optins", "clr_type", "refd_setl_flag")
    op.create_table(
        "statement_compared",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*key, "file_qury_no")),
        sa.Column("compared_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("equal", "only_here", "only_there", "otherwise")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("here_fen", "there_fen")),
        sa.PrimaryKeyConstraint(*key),
    )
    op.create_index("statement_compared_at", "statement_compared", ["compared_at", "file_qury_no"], unique=False)
    op.create_index("statement_compared_of", "statement_compared", ["fixmedins_code", "compared_at"], unique=False)
    op.create_index("settlement_of_institution", "settlement", ["scope", "setl_at"], unique=False)
    for name, table, columns, where in (
        ("settle_order_confirmed", "settle_order", ["opener", "ended_at", "order_no"], "phase = 'confirmed'"),
        ("settlement_reversed_at", "settlement", ["setl_at", "reverses"], "kind = 'reverse'"),
    ):
        told = sa.text(where)
        op.create_index(name, table, columns, unique=False, sqlite_where=told, postgresql_where=told)
