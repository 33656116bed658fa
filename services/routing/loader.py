"""Reads files of divisions: the public lists in the shape in which they circulate, insurance-only codes, and a format of our own.

divisions.csv: code name from_day [to_day] [successors] [kind], days as 2025-01-31, successors apart by blanks; every span of a
code is a row. divisions_current*.csv: code name [level parent_code], what stands today. divisions_changes*.csv: year type
old_code old_name new_code new_name [level doc_no curated]; rows without a code tell nothing here. *insurance_extra*.csv: code
name [kind], codes that only insurance has, or still has; they name no day and count from the first (our decision). What one
file says of a code, in this order, no later one says again. Every cell that cannot be read is told with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from services.kernel.errors import Violation, Violations
from services.routing.domain.divisions import FIRST_DAY, Change, Division, DivisionKind, Divisions, history, kind_of
from services.runtime.documents.csv_rows import CsvRow, read_csv
from services.runtime.documents.faults import document_invalid

SAMPLES: Final = Path(__file__).with_name("samples")
_CODE: Final = re.compile("[0-9]{6}")
_ABSORBS: Final = frozenset(("撤销", "区划调整", "划转"))
"""Kinds of change by which a code goes into one that stands already."""
_POOLS: Final = {
    "city_level_pool": DivisionKind.CITY_POOL,
    "province_level_pool": DivisionKind.PROVINCE_POOL,
    "national": DivisionKind.NATION,
}


@dataclass(slots=True)
class _Reading:
    """What has been read, and what could not be."""

    own: list[Division] = field(default_factory=list)
    current: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    extra: list[Division] = field(default_factory=list)
    broken: Violations = field(default_factory=Violations)


def read_folder(folder: Path) -> Divisions:
    """The divisions of all files of a folder that have a known name; DOCUMENT_INVALID names what cannot be read, also where
    no file has one.
    """
    reading = _Reading()
    found = [(path, form) for form in _FORMS for path in sorted(folder.glob(form.names))]
    for path, form in found:
        for row in read_csv(path.read_bytes(), form.required, form.optional, path.name):
            _read(form, row, f"{path.name}:{row.line}", reading)
    if not found:
        names = ", ".join(form.names for form in _FORMS)
        reading.broken.add(Violation(folder.name, "division.files", f"none of {names} is in the folder"))
    if reading.broken:
        raise document_invalid(reading.broken, folder.name)
    return Divisions(_first_said(reading), whole=bool(reading.current))


def _first_said(reading: _Reading) -> Iterator[Division]:
    """What each code is by the first of the kinds of files that names it."""
    said: set[str] = set()
    for part in (reading.own, history(reading.current, reading.changes), reading.extra):
        yield from (each for each in part if each.code not in said)
        said |= {each.code for each in part}


def _read(form: _Form, row: CsvRow, place: str, reading: _Reading) -> None:
    try:
        form.read(row, reading)
    except ValueError as error:
        if not reading.broken.full():
            reading.broken.append(Violation(f"{place}:{error}", "division.cell", "the cell cannot be read"))


def _own(row: CsvRow, reading: _Reading) -> None:
    code = _code(row, "code")
    kind = row.cells.get("kind", "")
    last = row.cells.get("to_day", "")
    successors = tuple(row.cells.get("successors", "").split())
    if not all(_CODE.fullmatch(each) for each in successors):
        raise ValueError("successors")
    from_day, to_day = _day(row, "from_day"), _day(row, "to_day") if last else None
    if to_day is not None and to_day < from_day:
        raise ValueError("to_day")
    named = _kind(kind) if kind else kind_of(code)
    reading.own.append(Division(code, row.cells["name"], named, from_day, to_day, successors))


def _current(row: CsvRow, reading: _Reading) -> None:
    reading.current[_code(row, "code")] = row.cells["name"]


def _change(row: CsvRow, reading: _Reading) -> None:
    cells = row.cells
    if not (cells["old_code"] or cells["new_code"]):
        return
    old, new = (_code(row, name) if cells[name] else "" for name in ("old_code", "new_code"))
    if not re.fullmatch("[0-9]{4}", cells["year"]):
        raise ValueError("year")
    founds = cells["type"] not in _ABSORBS
    reading.changes.append(Change(int(cells["year"]), old, cells["old_name"], new, cells["new_name"], founds))


def _extra(row: CsvRow, reading: _Reading) -> None:
    kind = _POOLS.get(row.cells.get("kind", ""), DivisionKind.ZONE)
    reading.extra.append(Division(_code(row, "code"), row.cells["name"], kind, FIRST_DAY))


def _code(row: CsvRow, column: str) -> str:
    text = row.cells[column]
    if not _CODE.fullmatch(text):
        raise ValueError(column)
    return text


def _day(row: CsvRow, column: str) -> date:
    try:
        return date.fromisoformat(row.cells[column])
    except ValueError:
        raise ValueError(column) from None


def _kind(text: str) -> DivisionKind:
    try:
        return DivisionKind(text)
    except ValueError:
        raise ValueError("kind") from None


@dataclass(frozen=True, slots=True)
class _Form:
    """One kind of file: which names it has, its columns, and what a row says."""

    names: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[CsvRow, _Reading], None]


_FORMS: Final = (
    _Form("divisions.csv", ("code", "name", "from_day"), ("to_day", "successors", "kind"), _own),
    _Form("divisions_current*.csv", ("code", "name"), ("level", "parent_code"), _current),
    _Form(
        "divisions_changes*.csv",
        ("year", "type", "old_code", "old_name", "new_code", "new_name"),
        ("level", "doc_no", "curated"),
        _change,
    ),
    _Form("*insurance_extra*.csv", ("code", "name"), ("kind",), _extra),
)
