"""Pages of lists on the wire (AIP-158): a page token is opaque to callers, the place of the last entry to whoever made it.

A token holds numbers, days and public words only, never a personal number. A servicer asks `asked_page` where the page
begins, and writes `token_of` of the page that `services.kernel.pages` cut.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date
from typing import Any, Final

from services.kernel.errors import Fault, invalid
from services.kernel.pages import Place

PAGE_DEFAULT: Final = 50
_LARGEST: Final = 1 << 63


def asked_page(request: Any, *types: type) -> tuple[tuple[Any, ...] | None, int]:
    """Behind which place a page is asked for, and how many entries, from `page_token` and `page_size` of a request.

    The place is None for the first page; the size is 50 where none is asked. INVALID as `place_of`.
    """
    return place_of(request.page_token, *types), request.page_size or PAGE_DEFAULT


def token_of(place: Place | None) -> str:
    """The token of a page's end; empty where no page follows."""
    if place is None:
        return ""
    parts = json.dumps([str(part) if isinstance(part, date) else part for part in place], separators=(",", ":"))
    return base64.urlsafe_b64encode(parts.encode()).decode().rstrip("=")


def place_of(token: str, *types: type) -> tuple[Any, ...] | None:
    """The place that a token names, its parts of these types (int, str, date); None for the first page; INVALID for a text
    that no answer held."""
    if not token:
        return None
    try:
        parts = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
        if type(parts) is not list or len(parts) != len(types):
            raise ValueError("not the parts of this list")
        return tuple(_part(part, wanted) for part, wanted in zip(parts, types, strict=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise no_such_page() from None


def no_such_page() -> Fault:
    """INVALID: the page token is a text that no answer held."""
    return invalid("page_token", "page_token", "the next_page_token of an answer")


def _part(part: Any, wanted: type) -> int | str | date:
    if wanted is int and type(part) is int and -_LARGEST <= part < _LARGEST:
        return part
    if wanted is str and type(part) is str:
        part.encode()  # Half of a surrogate pair is no text that a store takes.
        return part
    if wanted is date and type(part) is str:
        return date.fromisoformat(part)
    raise ValueError("not a part of this list")
