"""The cells as one table: which there are, on which ports each listens by default, and whose divisions are whose.

A cell (属地单元) is one province's or city's deployment of the members whose scope is `cell`, with databases and a key of its
own. The sandbox's cell has every division that no other cell has, so that a mesh of one cell serves everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SANDBOX: Final = "sandbox"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its code (six digits of its division, or SANDBOX), the first of its ports, and what its divisions begin with."""

    code: str
    port_base: int
    divisions: tuple[str, ...] = ()


CELLS: Final[tuple[Cell, ...]] = (
    Cell(SANDBOX, 7400),
    Cell("110000", 7500, ("11",)),
    Cell("310000", 7600, ("31",)),
    Cell("370000", 7700, ("37",)),
)


def cell(code: str) -> Cell:
    """The cell of that code; KeyError where the table has none."""
    for entry in CELLS:
        if entry.code == code:
            return entry
    raise KeyError(f"no cell {code!r}; there are {', '.join(codes())}")


def codes() -> tuple[str, ...]:
    """Codes of all cells, the sandbox's first."""
    return tuple(entry.code for entry in CELLS)


def of_division(division: str) -> str:
    """Code of the cell to which a division (医保区划, six digits) belongs: the longest beginning decides, else the sandbox's."""
    found = [(len(each), entry.code) for entry in CELLS for each in entry.divisions if division.startswith(each)]
    return max(found)[1] if found else SANDBOX


def of_institution(fixmedins_code: str) -> str:
    """Code of the cell to which an institution belongs: its code has six digits of its division behind the first letter (H for
    hospitals, P for pharmacies)."""
    return of_division(fixmedins_code[1:7])
