"""The revision of settlement's tables. A change of them is a migration: `services.runtime.stores` tells how."""

from __future__ import annotations

from typing import Final

from services.runtime.db import Schema, migrations_of
from services.settlement.store.file_tables import STATEMENT_FILE

MEMBER: Final = "settlement"
HEAD: Final = "0011"


def schema() -> Schema:
    """The tables and their revision."""
    return Schema(STATEMENT_FILE.metadata, MEMBER, HEAD, migrations_of(MEMBER))
