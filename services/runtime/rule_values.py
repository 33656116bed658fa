"""The numbers of a broken field rule (protovalidate), as its text names them.

The validator tells a rule by id, one of its values and a sentence; a range is told by its lower end alone, so that both ends
are read from the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.kernel.money import yuan_text

_WHOLE: Final = re.compile(r"-?[0-9]+")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z")
_NUMBERS: Final = ("int32.", "int64.")
_FEN: Final = "_fen"


def rule_values(path: str, rule: str, value: Any, message: str) -> Mapping[str, str]:
    """The values of a rule that the field at `path` breaks; amounts in fen are told in yuan."""
    if rule.startswith(_NUMBERS):
        return _range(_WHOLE.findall(message), path)
    if rule.startswith("timestamp."):
        return _range([each.partition("T")[0] for each in _MOMENT.findall(message)], "")
    if rule == "string.pattern":
        return {"form": str(value)}
    if rule == "string.in":
        return {"allowed": ", ".join(str(each) for each in value if each)}
    return {"limit": str(value)} if isinstance(value, int) and not isinstance(value, bool) else {}


def _range(ends: Sequence[str], path: str) -> Mapping[str, str]:
    """One end as `limit`, two as `least` and `most`."""
    in_fen = path.endswith(_FEN)
    told = [yuan_text(int(each)) for each in ends] if in_fen else list(ends)
    unit = "yuan" if in_fen else ""
    match told:
        case [limit]:
            return {"limit": limit, "unit": unit}
        case [least, most]:
            return {"least": least, "most": most, "unit": unit}
    return {}
