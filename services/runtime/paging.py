"""Page tokens of lists (AIP-158): opaque to callers, the place of the last entry to whoever made them.

A token holds numbers and public words only, never a personal number.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Final

from services.kernel.errors import invalid

PAGE_DEFAULT: Final = 50
_LARGEST: Final = 1 << 63


def token_of(place: Sequence[int | str] | None) -> str:
    """The token of a page's end; empty where no page follows."""
    if place is None:
        return ""
    parts = json.dumps(list(place), separators=(",", ":"))
    return base64.urlsafe_b64encode(parts.encode()).decode().rstrip("=")


def place_of(token: str, *types: type) -> tuple[Any, ...] | None:
    """The place that a token names, its parts of these types; None for the first page; INVALID for a text that no answer
    held."""
    if not token:
        return None
    try:
        parts = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
        if type(parts) is not list or [type(part) for part in parts] != list(types):
            raise ValueError("not the parts of this list")
        if any(type(part) is int and not -_LARGEST <= part < _LARGEST for part in parts):
            raise ValueError("a number of no store")
        for part in parts:
            if type(part) is str:
                part.encode()  # Half of a surrogate pair is no text that a store takes.
        return tuple(parts)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise invalid("page_token", "page_token", "the next_page_token of an answer") from None
