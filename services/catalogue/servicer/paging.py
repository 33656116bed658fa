"""The page token of the list of policies: opaque to callers, the place of the last entry to us."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date

from services.catalogue.domain.queries import PolicyPlace
from services.kernel.errors import invalid


def token_of(place: PolicyPlace | None) -> str:
    """The token of a page's end; empty where no page follows."""
    if place is None:
        return ""
    parts = json.dumps([place.policy_id, place.from_day.isoformat(), place.version], separators=(",", ":"))
    return base64.urlsafe_b64encode(parts.encode()).decode().rstrip("=")


def place_of(token: str) -> PolicyPlace | None:
    """The place that a token names, None for the first page; INVALID for a text that no answer held."""
    if not token:
        return None
    try:
        parts = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
        policy_id, day, version = parts
        if not isinstance(policy_id, str) or not isinstance(version, str):
            raise ValueError("parts of a token are texts")
        return PolicyPlace(policy_id, date.fromisoformat(day), version)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise invalid("page_token", "page_token", "the next_page_token of an answer") from None
