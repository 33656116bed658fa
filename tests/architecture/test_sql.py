"""SQL is written in one way for each purpose, as the READMEs say: who reads one store's statements can read the next one's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.tidy import ROOT

STATEMENTS: Final = frozenset({"select", "insert", "update", "delete", "text", "union", "union_all"})
"""What SQLAlchemy Core makes statements of; the rest of it describes tables. `text` of a table is a condition of an index."""
CORE: Final = ("services/catalogue/store/", "services/runtime/stores/")
DRIVER: Final = frozenset({"sql", "DriverConnection"})


def imported(module: Path, package: str) -> Iterator[str]:
    """The names that a module imports from a package or what lies in it."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
            yield from (each.name for each in node.names)


def users(package: str, names: frozenset[str]) -> set[str]:
    """The modules of services that import one of the names; tables and migrations are no statements."""
    found = {each.relative_to(ROOT).as_posix(): each for each in (ROOT / "services").rglob("*.py")}
    return {
        name
        for name, module in found.items()
        if not name.endswith("tables.py") and "/migrations/" not in name and names & {*imported(module, package)}
    }


def test_statements_of_the_catalogue_are_made_by_sqlalchemy_and_nobody_elses() -> None:
    by_core = users("sqlalchemy", STATEMENTS)
    assert {each for each in by_core if not each.startswith(CORE)} == set()
    assert any(each.startswith(CORE[0]) for each in by_core)


def test_the_other_stores_speak_to_the_driver() -> None:
    by_driver = {each.split("/")[1] for each in users("services.runtime.db", DRIVER) if "/store/" in each}
    stores = {each.parent.name for each in (ROOT / "services").glob("*/store")}
    assert by_driver == stores - {"catalogue"}
