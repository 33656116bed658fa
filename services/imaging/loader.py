"""Reads the tables by which recognition judges: a folder of CSV files, described in `samples/recognition/README.md`.

Every cell that cannot be read is told with file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from services.imaging.domain.recognition_tables import Cover, DayRange, RecognitionTables, Region, Validity
from services.kernel.errors import Violation, Violations
from services.runtime.documents.csv_rows import CsvRow, read_csv
from services.runtime.documents.faults import document_invalid

SAMPLES: Final = Path(__file__).with_name("samples") / "recognition"
_DAYS: Final = ("from_day", "to_day")
_MOST_DAYS: Final = 3_660

Row = TypeVar("Row")


@dataclass(slots=True)
class _Reading:
    """A folder, and what could not be read in it."""

    folder: Path
    broken: Violations = field(default_factory=Violations)

    def rows(self, name: str, columns: Sequence[str], read: Callable[[CsvRow], Row]) -> list[Row]:
        """What the rows of a file say."""
        found: list[Row] = []
        for row in read_csv((self.folder / name).read_bytes(), columns, (), name):
            try:
                found.append(read(row))
            except ValueError as error:
                if not self.broken.full():
                    self.broken.append(
                        Violation(f"{name}:{row.line}:{error}", "division.cell", "the cell cannot be read")
                    )
        return found


def read_folder(folder: Path) -> RecognitionTables:
    """The tables of a folder; DOCUMENT_INVALID names what cannot be read, OSError where a file is missing."""
    reading = _Reading(folder)
    parts = reading.rows("parts.csv", ("part", "paired"), lambda row: (_named(row, "part"), _flag(row, "paired")))
    known = frozenset(part for part, _ in parts)
    tables = RecognitionTables(
        items=dict(
            reading.rows(
                "items.csv",
                ("system", "code", "modality"),
                lambda row: ((row.cells["system"], _named(row, "code")), _named(row, "modality")),
            )
        ),
        item_covers=tuple(
            reading.rows("item_covers.csv", ("system", "code", "by_system", "by_code", *_DAYS), _item_cover)
        ),
        parts=known,
        paired=frozenset(part for part, paired in parts if paired),
        part_covers=tuple(
            reading.rows("part_covers.csv", ("part", "by", "modalities", *_DAYS), lambda row: _part_cover(row, known))
        ),
        words=dict(
            reading.rows("words.csv", ("word", "term"), lambda row: (_named(row, "word").upper(), _named(row, "term")))
        ),
        alike=dict(
            reading.rows(
                "alike.csv",
                ("modality", "stands_for"),
                lambda row: (_named(row, "modality"), _named(row, "stands_for")),
            )
        ),
        validities=tuple(
            reading.rows(
                "validity.csv",
                ("modality", "part", "system", "code", "acute", "days", *_DAYS),
                lambda row: _validity(row, known),
            )
        ),
        regions=tuple(reading.rows("regions.csv", ("region", "province", *_DAYS), _region)),
    )
    if reading.broken:
        raise document_invalid(reading.broken, folder.name)
    return tables


def _item_cover(row: CsvRow) -> Cover:
    return Cover(
        *(_named(row, "code"), _named(row, "by_code"), _days(row)),
        of_system=row.cells["system"],
        by_system=row.cells["by_system"],
    )


def _part_cover(row: CsvRow, known: frozenset[str]) -> Cover:
    ends = (_part(row, "part", known), _part(row, "by", known))
    return Cover(*ends, _days(row), frozenset(row.cells["modalities"].split()))


def _validity(row: CsvRow, known: frozenset[str]) -> Validity:
    text = row.cells["days"]
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_DAYS):
        raise ValueError("days")
    part = _part(row, "part", known) if row.cells["part"] else ""
    return Validity(
        *(row.cells["modality"], part, row.cells["code"], _flag(row, "acute"), int(text), _days(row)),
        row.cells["system"],
    )


def _region(row: CsvRow) -> Region:
    province = row.cells["province"]
    if not (len(province) == len("11") and province.isascii() and province.isdigit()):
        raise ValueError("province")
    return Region(_named(row, "region"), province, _days(row))


def _named(row: CsvRow, column: str) -> str:
    if not row.cells[column]:
        raise ValueError(column)
    return row.cells[column]


def _part(row: CsvRow, column: str, known: frozenset[str]) -> str:
    if row.cells[column] not in known:
        raise ValueError(column)
    return row.cells[column]


def _flag(row: CsvRow, column: str) -> bool:
    if row.cells[column] not in ("0", "1"):
        raise ValueError(column)
    return row.cells[column] == "1"


def _days(row: CsvRow) -> DayRange:
    first, last = _day(row, "from_day"), _day(row, "to_day") if row.cells["to_day"] else None
    if last is not None and last < first:
        raise ValueError("to_day")
    return DayRange(first, last)


def _day(row: CsvRow, column: str) -> date:
    try:
        return date.fromisoformat(row.cells[column])
    except ValueError:
        raise ValueError(column) from None
