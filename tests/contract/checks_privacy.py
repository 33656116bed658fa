"""Nothing that a person's field ever held may stand in a span or in a line of the log. It looks at a whole run at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from services.runtime.trace_store import StoredSpan
from tests.contract.checks import Finding
from tests.contract.faces import Watched

_LEAST_ASCII: Final = 8
_LEAST_DIGITS: Final = 12
_LEAST_OTHER: Final = 2
_NOT_SAID: Final = frozenset({"time", "trace_id", "ms"})


def telling(watched: Watched) -> dict[str, str]:
    """The values that tell something about somebody, with the field that held them.

    Left out: what is too short to be told from chance ("1", "01"), and business numbers.
    """
    return {
        value: name
        for value, name in watched.sensitive.items()
        if len(value) >= _least(value) and value not in watched.numbers
    }


def _least(value: str) -> int:
    if not value.isascii():
        return _LEAST_OTHER
    return _LEAST_DIGITS if value.isdigit() else _LEAST_ASCII


def check_personal_data(spans: Iterable[StoredSpan], log: str, watched: Watched) -> list[Finding]:
    """Every value of a personal field that occurs in a span's name, reason or attributes, or in a line of the log."""
    shown = {str(text) for span in spans for text in (span.name, span.code, span.reason, *span.attributes.values())}
    written = {text for line in log.splitlines() for text in _said(line)}
    values = telling(watched)
    return [
        Finding(name, where, f"a value of {name} stands in the {where}: {value!r}")
        for where, text in (("spans", "\n".join(shown)), ("log", "\n".join(written)))
        for value, name in values.items()
        if value in text
    ]


def _said(line: str) -> Iterator[str]:
    """What one line of the log says, less the time and the trace that every line has."""
    try:
        fields = json.loads(line)
    except ValueError:
        yield line
        return
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if name not in _NOT_SAID:
            yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)
