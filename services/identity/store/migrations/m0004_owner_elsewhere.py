"""A family link may name an owner whom another cell insures, and who need not be registered here."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"

# As PostgreSQL names a foreign key that has no name; SQLite's have none.
_NAMES: Final = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}


def upgrade() -> None:
    """The column; all owners until now are of this cell."""
    op.add_column("family_link", sa.Column("owner_cell", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("family_link", naming_convention=_NAMES) as batch:
        batch.drop_constraint("family_link_owner_psn_no_fkey", type_="foreignkey")
        batch.alter_column("owner_cell", server_default=None)
