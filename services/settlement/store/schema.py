"""The revision of settlement's tables. A change of them is a migration: `services.runtime.stores` tells how."""

from __future__ import annotations

from typing import Final

from services.runtime.db import Schema, migrations_of
from services.settlement.store.adjustment_tables import ADJUSTMENT

MEMBER: Final = "settlement"
HEAD: Final = "0011"


def schema() -> Schema:
    """The tables and their revision."""
    return Schema(ADJUSTMENT.metadata, MEMBER, HEAD, migrations_of(MEMBER))
