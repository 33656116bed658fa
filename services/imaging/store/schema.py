"""The revision of imaging's tables. A change of them is a migration: `services.runtime.stores` tells how."""

from __future__ import annotations

from typing import Final

from services.imaging.store.tables import make_tables
from services.runtime.db import Schema, migrations_of

MEMBER: Final = "imaging"
HEAD: Final = "0002"


def schema() -> Schema:
    """The tables and their revision."""
    return Schema(make_tables().metadata, MEMBER, HEAD, migrations_of(MEMBER))
