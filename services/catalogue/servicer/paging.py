"""The page token of the list of policies: opaque to callers, the place of the last entry to us."""

from __future__ import annotations

from datetime import date

from services.catalogue.domain.queries import PolicyPlace
from services.kernel.errors import invalid
from services.runtime import paging


def token_of(place: PolicyPlace | None) -> str:
    """The token of a page's end; empty where no page follows."""
    return paging.token_of(None if place is None else (place.policy_id, place.from_day.isoformat(), place.version))


def place_of(token: str) -> PolicyPlace | None:
    """The place that a token names, None for the first page; INVALID for a text that no answer held."""
    parts = paging.place_of(token, str, str, str)
    if parts is None:
        return None
    policy_id, day, version = parts
    try:
        return PolicyPlace(policy_id, date.fromisoformat(day), version)
    except ValueError:
        raise invalid("page_token", "page_token", "the next_page_token of an answer") from None
