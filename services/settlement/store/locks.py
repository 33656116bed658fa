"""Names of the locks that every write about a person holds: registration, fees, settlement and reversal take turns."""

from __future__ import annotations


def person_lock(psn_no: str) -> str:
    """The key for `advisory_lock`: all that is written about one person is written one after the other."""
    return f"person:{psn_no}"


def stay_lock(mdtrt_id: str) -> str:
    """The key under which a stay is begun or kept from beginning by whoever knows its number, and not the person, alone.

    Taken after the person's.
    """
    return f"stay:{mdtrt_id}"
