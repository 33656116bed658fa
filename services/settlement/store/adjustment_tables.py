"""The table of adjustments: what replays leave to be settled outside the books. Money in fen; it holds no query.

A row changes once: when the place of care in another cell has booked it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from services.runtime.db import Fen, Moment
from services.settlement.store.outbox_tables import OUTBOX

_WAITING: Final = text("elsewhere = 1 AND booked_at IS NULL")

ADJUSTMENT: Final = Table(
    "adjustment",
    OUTBOX.metadata,
    # The settlement that the replay took back; it was taken back once.
    Column("setl_id", Text, primary_key=True),
    Column("counter_setl_id", Text, nullable=False),
    # What the replay put in its place; empty for the one that it took out.
    Column("replayed_by", Text, nullable=False),
    Column("replay_no", Text, nullable=False),
    Column("psn_no", Text, nullable=False),
    Column("insutype", Text, nullable=False),
    Column("fixmedins_code", Text, nullable=False),
    # Division of the institution, the other cell that it is of (empty also where that was not told), and whether it is of one.
    Column("care_admdvs", Text, nullable=False),
    Column("care_cell", Text, nullable=False),
    Column("elsewhere", Integer, nullable=False),
    # Positive is owed to the institution: by funds, own account, family account, and in cash by the person.
    *(Column(name, Fen, nullable=False) for name in ("fund_fen", "account_fen", "family_fen", "cash_fen")),
    Column("memo", Text, nullable=False),
    # Who asked for the replay.
    Column("scope", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("booked_at", Moment),
    CheckConstraint("elsewhere IN (0, 1)", name="adjustment_elsewhere"),
    CheckConstraint("booked_at IS NULL OR elsewhere = 1", name="adjustment_booked"),
    Index("adjustment_place", "counter_setl_id", unique=True),
    Index("adjustment_of_person", "psn_no", "counter_setl_id"),
    Index("adjustment_of_institution", "fixmedins_code", "counter_setl_id"),
    Index("adjustment_on_its_way", "replayed_by", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("adjustment_waiting", "counter_setl_id", sqlite_where=_WAITING, postgresql_where=_WAITING),
)
