"""The revision of settlement's tables. A change of them is a migration: `services.runtime.stores` tells how."""

from __future__ import annotations

from typing import Final

from services.runtime.db import Schema, migrations_of
from services.settlement.store.tables import METADATA

MEMBER: Final = "settlement"
HEAD: Final = "0004"


def schema() -> Schema:
    """The tables and their revision."""
    return Schema(METADATA, MEMBER, HEAD, migrations_of(MEMBER))
