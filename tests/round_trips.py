"""What is sent to PostgreSQL, statement by statement: each is a round trip."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest


def sent_to_postgresql(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that is sent from now on, as it is sent."""
    sent: list[str] = []

    def note(name: str) -> None:
        kept = getattr(asyncpg.Connection, name)

        async def noting(self: Any, query: str, *args: Any, **more: Any) -> Any:
            sent.append(query)
            return await kept(self, query, *args, **more)

        monkeypatch.setattr(asyncpg.Connection, name, noting)

    for name in ("execute", "fetch", "executemany", "fetchrow", "fetchval", "prepare"):
        note(name)
    return sent
