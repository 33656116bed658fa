"""What identity, routing and imaging say alike of consent: the number of a grant says which cell keeps it."""

from __future__ import annotations

import re
from typing import Final

from services.kernel.credential_marks import UNMARKED_CELL

_NUMBER: Final = re.compile(r"G(?:S|(?P<cell>[0-9]{6}))[0-9]{20}")


def grant_prefix(cell: str) -> str:
    """How the numbers of a cell's grants begin: G and the cell's code, GS in the sandbox's. 20 digits follow."""
    return "GS" if cell == UNMARKED_CELL else f"G{cell}"


def cell_of_grant(grant_no: str) -> str | None:
    """Code of the cell that keeps a grant; None for what is no number of one. Whether there is such a grant is not told."""
    found = _NUMBER.fullmatch(grant_no)
    return (found["cell"] or UNMARKED_CELL) if found else None
