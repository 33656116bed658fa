"""The import contract of the project: which rooms a service has, and what each room and program may import.

import-linter runs it as a contract type of our own; its rows stand in `pyproject.toml` and read like the table of the
README. A row is complete: what it does not name is forbidden, and a module of `services` that fits no row breaks the
build. It checks who imports whom, never what is done with it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

PURE = frozenset(
    "__future__ abc base64 bisect calendar collections contextlib copy dataclasses datetime decimal enum fractions functools "
    "hashlib heapq hmac itertools json math numbers operator re string textwrap types typing unicodedata".split()
)
"""The part of the standard library that neither waits nor reads a clock, a file, a network or a source of chance.

`datetime` stands here for its types; `tools.tidy` refuses `now` and `today` in the same rooms."""


@dataclass(frozen=True, slots=True)
class Row:
    """One room or program: the modules it speaks of and what they may import beside themselves.

    `*` in the module stands for a service; the same `*` in an allowed name stands for that same service.
    """

    module: str
    allowed: tuple[str, ...]

    def matches(self, module: str) -> bool:
        """Whether the row speaks of this module or of one above it."""
        wanted, given = self.module.split("."), module.split(".")
        return len(given) >= len(wanted) and all(w in ("*", g) for w, g in zip(wanted, given, strict=False))

    def allows(self, importer: str, imported: str) -> bool:
        """Whether an importer of this row may import the module."""
        service = importer.split(".")[self.module.split(".").index("*")] if "*" in self.module else ""
        return any(_covers(name.replace("*", service), imported) for name in (self.module, *self.allowed))


def _covers(allowed: str, imported: str) -> bool:
    top = imported.partition(".")[0]
    match allowed:
        case "pure":
            return top in PURE
        case "stdlib":
            return top in sys.stdlib_module_names
        case "anything":
            return True
        case "packages":
            return top not in {"services", "gateway", "tools", "deploy", "tests", "sqlalchemy"}
    return imported == allowed or imported.startswith(f"{allowed}.")


class RowField(fields.Field[Row]):
    """Parses `module: name, name`."""

    def parse(self, raw_data: str | list[str]) -> Row:
        """One row; ValidationError where the colon is missing."""
        module, colon, allowed = str(raw_data).partition(":")
        if not colon:
            raise fields.ValidationError(f"expected 'module: allowed, allowed', got {raw_data!r}")
        return Row(module.strip(), tuple(name.strip() for name in allowed.split(",") if name.strip()))


class RoomsContract(Contract):
    """Every module of `packages` falls under one row, the first that matches, and imports only what that row names."""

    packages = fields.ListField(subfield=fields.StringField())
    rows = fields.ListField(subfield=RowField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Kept when no module is without a row and no import is outside its importer's row."""
        problems = sorted(self._problems(graph))
        return ContractCheck(kept=not problems, metadata={"problems": problems})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints one line for each problem."""
        for problem in check.metadata["problems"]:
            output.print_error(problem)

    def _problems(self, graph: ImportGraph) -> Iterator[str]:
        packages: Any = self.packages
        for module in graph.modules:
            if module.partition(".")[0] not in packages or graph.is_module_squashed(module):
                continue
            row = self._row(module)
            if row is None:
                if not graph.find_children(module):
                    yield f"{module} fits no room (rows of the import contract in pyproject.toml)"
                continue
            for imported in graph.find_modules_directly_imported_by(module):
                if not row.allows(module, imported):
                    lines = {d["line_number"] for d in graph.get_import_details(importer=module, imported=imported)}
                    yield f"{module}:{min(lines, default=0)} may not import {imported} (row {row.module!r})"

    def _row(self, module: str) -> Row | None:
        rows: Any = self.rows
        return next((row for row in rows if row.matches(module)), None)
