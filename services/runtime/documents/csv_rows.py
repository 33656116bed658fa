"""Comma-separated files with a header: every cell is text, and every row has as many as the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.kernel.errors import Violation
from services.runtime.documents.faults import MAX_ROWS, MAX_TABLE_BYTES, document_invalid, text_of


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A data row: the line of the file it ends on, and its cells by column, all text, nothing trimmed or guessed."""

    line: int
    cells: dict[str, str]


def read_csv(
    data: bytes | str, required: Sequence[str], optional: Sequence[str] | None = (), source: str = ""
) -> tuple[CsvRow, ...]:
    """The rows of a comma-separated file with a header.

    The header names every required column once, optional ones at will, no others, in any order; with `optional` None any
    other column is the caller's to judge. Every row has exactly as many cells. Raises DOCUMENT_INVALID with every bad line.
    """
    reader = csv.reader(io.StringIO(text_of(data, source, MAX_TABLE_BYTES), newline=""), strict=True)
    violations: list[Violation] = []
    rows: list[CsvRow] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            if header is None:
                header = cells
                violations.extend(_header_violations(header, required, optional))
                if violations:
                    break
            elif len(cells) != len(header):
                counts = {"cells": str(len(cells)), "columns": str(len(header))}
                told = f"{len(cells)} cells under {len(header)} columns"
                violations.append(Violation(f"line {reader.line_num}", "csv.cells", told, counts))
            elif len(rows) >= MAX_ROWS:
                told = f"more than {MAX_ROWS} rows"
                violations.append(Violation(f"line {reader.line_num}", "csv.rows", told, {"most": str(MAX_ROWS)}))
                break
            else:
                rows.append(CsvRow(reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        violations.append(Violation(f"line {reader.line_num}", "csv", str(error)))
    if header is None:
        violations.append(Violation("line 1", "csv.header", "a header is required"))
    if violations:
        raise document_invalid(violations, source)
    return tuple(rows)


def _header_violations(
    header: Sequence[str], required: Sequence[str], optional: Sequence[str] | None
) -> Iterator[Violation]:
    for name in required:
        if name not in header:
            yield Violation("line 1", "csv.column.missing", f"the column {name} is missing", {"name": name})
    for place, name in enumerate(header):
        if name in header[:place]:
            yield Violation("line 1", "csv.column.twice", f"the column {name} stands twice", {"name": name})
        elif optional is not None and name not in required and name not in optional:
            yield Violation("line 1", "csv.column.unknown", f"the column {name[:80]} is unknown", {"name": name[:80]})
