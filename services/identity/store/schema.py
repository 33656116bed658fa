"""The revision of identity's tables. A change of them is a migration: `services.runtime.stores` tells how."""

from __future__ import annotations

from typing import Final

from services.identity.store.tables import make_tables
from services.runtime.db import Schema, migrations_of

MEMBER: Final = "identity"
HEAD: Final = "0007"


def schema() -> Schema:
    """The tables and their revision."""
    return Schema(make_tables().metadata, MEMBER, HEAD, migrations_of(MEMBER))
