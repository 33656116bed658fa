"""The revision of settlement's tables. A change of them is a migration: `services.runtime.stores` tells how."""

from __future__ import annotations

from typing import Final

from services.runtime.db import Schema, migrations_of
from services.settlement.store.outbox_tables import OUTBOX

MEMBER: Final = "settlement"
HEAD: Final = "0009"


def schema() -> Schema:
    """The tables and their revision."""
    return Schema(OUTBOX.metadata, MEMBER, HEAD, migrations_of(MEMBER))
