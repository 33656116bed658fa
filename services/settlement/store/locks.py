"""Names of the locks that every write about a person holds: registration, fees, settlement and reversal take turns."""

from __future__ import annotations


def person_lock(psn_no: str) -> str:
    """The key for `advisory_lock`: all that is written about one person is written one after the other."""
    return f"person:{psn_no}"
