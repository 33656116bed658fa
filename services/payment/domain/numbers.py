"""Numbers under which channels know charges (C), refunds (F) and returns of a whole charge (B and the charge's number).

A number says which cell made it (our decision): six digits of the cell's code after the letter, none in the sandbox's cell, then
the twenty digits of `time_ordered_ids`. So cells may share a merchant, as the institutions of a group do, and each of them
judges its own lines of the one bill.
"""

from __future__ import annotations

import re
from typing import Final

_MADE: Final = re.compile(r"B?[CF](\d{6})?\d{20}")


def mark(cell: str) -> str:
    """What follows the letter in the numbers of a cell; "" for the sandbox's, whose code is a word."""
    return cell if cell.isdecimal() else ""


def of_another_cell(number: str, own_mark: str) -> bool:
    """Whether payment of another cell made this number; False for one that none of ours can have made."""
    found = _MADE.fullmatch(number)
    return found is not None and (found[1] or "") != own_mark
