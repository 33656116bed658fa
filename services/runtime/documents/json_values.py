"""JSON without floats, duplicate keys and NaN."""

from __future__ import annotations

import json
from typing import Final

from services.kernel.errors import Violation
from services.runtime.documents.faults import document_invalid, text_of

_SHOWN: Final = 40


def read_json(data: bytes | str, source: str = "") -> object:
    """One JSON document without floats, duplicate keys or NaN. Raises DOCUMENT_INVALID."""
    violations: list[Violation] = []

    def refuse_number(text: str) -> str:
        violations.append(Violation("", "json.number", f"{text[:_SHOWN]} is no whole number; write it as text"))
        return text

    def whole(text: str) -> int | str:
        return int(text) if len(text) <= 19 else refuse_number(text)

    def refuse_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
        content = dict(pairs)
        if len(content) != len(pairs):
            violations.append(Violation("", "key.duplicate", f"a key stands twice among {', '.join(content)[:200]}"))
        return content

    try:
        value: object = json.loads(
            text_of(data, source),
            parse_float=refuse_number,
            parse_int=whole,
            parse_constant=refuse_number,
            object_pairs_hook=refuse_twice,
        )
    except json.JSONDecodeError as error:
        raise document_invalid([Violation(f"line {error.lineno}", "json", error.msg)], source) from error
    except RecursionError as error:
        raise document_invalid([Violation("", "depth", "nested too deep")], source) from error
    if violations:
        raise document_invalid(violations, source)
    return value
