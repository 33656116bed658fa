"""What a mobile envelope signs: its members and its `data` as one text, the same on both sides (C§4.3 step 1).

`data` is compact JSON with names in order, numbers and flags as texts, and without what is empty. Public clients differ in
the rows of lists: some treat them like everything else, some only put their names in order. Whoever verifies tries both.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from json.encoder import encode_basestring
from typing import Any, Final

UNSIGNED: Final = frozenset({"signData", "encData", "extra"})

_NEVER_EMPTY: Final = (bool, int)


class Rows(Enum):
    """How the objects inside lists are written."""

    LIKE_ALL = "like all"
    """Numbers and flags as texts, nothing empty: as Java clients with sorted maps do."""
    AS_SENT = "as sent"
    """Names in order, values as they were: as the portal's client does."""


class SecretForm(Enum):
    """How the appSecret ends the text: sources differ, so the partner's profile says it (C§9)."""

    KEY = "&key="
    """`&key=` and the secret, as public client code has it."""
    APPENDED = ""
    """The secret alone, as one region's interface text has it."""


def signed_text(members: Mapping[str, Any], data: object, secret: str, form: SecretForm, rows: Rows) -> bytes:
    """The text in UTF-8; `members` are those of the envelope, `data` what was or will be encrypted.

    Fractions are bytes, as they were written. UnicodeEncodeError for half of a pair of escapes.
    """
    signed = {name: value for name, value in members.items() if name not in UNSIGNED}
    signed["data"] = data
    parts = (f"{name}={_member(signed[name], rows)}" for name in sorted(signed) if not _is_empty(signed[name]))
    return f"{'&'.join(parts)}{form.value}{secret}".encode()


def _member(value: object, rows: Rows) -> str:
    """A member of the envelope itself: texts without quotes."""
    if isinstance(value, dict | list):
        return _json(value, rows)
    return _plain(value)


def _json(value: object, rows: Rows) -> str:
    if isinstance(value, dict):
        parts: list[str] = []
        for name in sorted(value):
            each = value[name]
            # Nearly all values are texts: a call for each would be felt in a bill of many lines.
            if type(each) is str:
                if each:
                    parts.append(f"{encode_basestring(name)}:{encode_basestring(each)}")
            elif not _is_empty(each):
                parts.append(f"{encode_basestring(name)}:{_json(each, rows)}")
        return f"{{{','.join(parts)}}}"
    if isinstance(value, list):
        return f"[{','.join(_element(each, rows) for each in value)}]"
    return encode_basestring(_plain(value))


def _is_empty(value: object) -> bool:
    return not value and type(value) not in _NEVER_EMPTY


def _element(value: object, rows: Rows) -> str:
    if rows is Rows.LIKE_ALL:
        return _json(value, rows)
    return _as_sent(dict(sorted(value.items())) if isinstance(value, dict) else value)


def _as_sent(value: object) -> str:
    """JSON in the order and with the types that it has."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{encode_basestring(name)}:{_as_sent(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_as_sent, value))}]"
    if isinstance(value, str):
        return encode_basestring(value)
    return "null" if value is None else _plain(value)


def _plain(value: object) -> str:
    """A single value as text: a fraction with the digits that it came with."""
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode()
        case None:
            return ""
    return str(value)
