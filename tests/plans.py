"""What SQLite means to do for a store's statements: tests prove by it that nothing reads a whole table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType

from services.runtime.db import Database


def statements_in(module: ModuleType) -> list[str]:
    """The SQLite texts of all statements that a module holds by dialect, but for inserts: those look for nothing."""
    return [
        value["sqlite"]
        for value in vars(module).values()
        if isinstance(value, Mapping) and set(value) == {"sqlite", "postgresql"} and "INSERT" not in value["sqlite"]
    ]


async def scanned(database: Database, statements: Iterable[str]) -> list[str]:
    """Every step that reads a whole table of the store, and whatever uses no index at all, with its statement."""
    found: list[str] = []
    async with database.driver_write() as connection:
        for statement in statements:
            most = max((place for place in range(1, 30) if f"?{place}" in statement), default=0)
            plan = await connection.fetch(f"EXPLAIN QUERY PLAN {statement}", ("[]",) * (most or statement.count("?")))
            steps = [str(row[3]) for row in plan]
            if not any(step.startswith("SEARCH") for step in steps):
                found.append(f"searches nothing: {statement}")
            found += [
                f"{step}: {statement}"
                for step in steps
                if step.startswith("SCAN") and not any(word in step for word in ("json_each", "SCAN k", "CONSTANT"))
            ]
    return found
