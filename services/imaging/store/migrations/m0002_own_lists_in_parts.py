"""Own lists stand in rows of their own, and are counted in parts of bounded size: a day was walked to a page's depth.

What stands is told by the studies. Parts are made half full, so that the next uploads cut none.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"

_LISTED: Final = """
INSERT INTO imaging_own (institution, started, study_ref)
SELECT institution, started, study_ref FROM imaging_study AS one
WHERE institution IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM imaging_study AS other
    WHERE other.uid = one.uid AND other.node_ref < one.node_ref AND other.institution = one.institution
)
"""
_PARTS: Final = """
INSERT INTO imaging_own_part (institution, level, started, study_ref, count)
SELECT institution, {level}, CASE number WHEN 0 THEN {start} ELSE started END, CASE number WHEN 0 THEN 0 ELSE study_ref END,
    CASE WHEN whole - number < {studies} THEN whole - number ELSE {studies} END
FROM (
    SELECT institution, started, study_ref, count(*) OVER (PARTITION BY institution) AS whole,
        row_number() OVER (PARTITION BY institution ORDER BY started, study_ref) - 1 AS number
    FROM imaging_own
) AS listed
WHERE number % {studies} = 0
"""
_START: Final = -89_411_040
"""The first minute of the year 1800, where every list begins."""


def upgrade() -> None:
    """Tables, their rows, and the index that nothing reads any more."""
    op.drop_table("imaging_own")
    op.create_table(
        "imaging_own",
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("study_ref", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("institution", "started", "study_ref"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imaging_own_part",
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("started", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("study_ref", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("institution", "level", "started", "study_ref"),
        sqlite_with_rowid=False,
    )
    op.execute(_LISTED)
    for level, studies in ((0, 128), (1, 128 * 64)):
        op.execute(_PARTS.format(level=level, studies=studies, start=_START))
    op.drop_index("imaging_study_institution", table_name="imaging_study")
