"""An encounter names the cell that insures its person. Those that stand are of persons insured here."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """The column, empty where this cell insures."""
    op.add_column("encounter", sa.Column("insured_cell", sa.Text(), nullable=False, server_default=""))
