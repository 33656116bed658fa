"""Filings, and when one may be registered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.kernel.errors import conflict, not_found


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing. Its number is made by whoever registers it, and stands for one filing for ever."""

    filing_no: str
    filing_name: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A filing that stands, and when it was registered first."""

    filing: Filing
    registered_at: datetime


def registration(wanted: Filing, standing: Registered | None, now: datetime) -> Registered:
    """What stands after a filing was told: the one of before where it is the same.

    CONFLICT FILING_EXISTS where its number stands for other content.
    """
    if standing is None:
        return Registered(wanted, now)
    if standing.filing != wanted:
        raise conflict("FILING_EXISTS", filing_no=wanted.filing_no)
    return standing


def found(filing_no: str, standing: Registered | None) -> Registered:
    """What stands under a number; NOT_FOUND FILING_NOT_FOUND."""
    if standing is None:
        raise not_found("FILING_NOT_FOUND", filing_no=filing_no)
    return standing
