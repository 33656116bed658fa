"""Adjustments as they are kept: what a replay leaves of one settlement, and where it is to be booked."""

from __future__ import annotations

from typing import Final, NamedTuple

MOST: Final = 200
"""Adjustments of a page."""


class Adjustment(NamedTuple):
    """One; money in fen as `replay.Difference` has it, moments in microseconds.

    `replayed_by` is empty for the settlement that was taken out. `elsewhere` says that the institution is another cell's,
    `care_cell` (empty where that was not told), which has booked it at `booked_at`.
    """

    setl_id: str
    counter_setl_id: str
    replayed_by: str
    replay_no: str
    psn_no: str
    insutype: str
    fixmedins_code: str
    care_admdvs: str
    care_cell: str
    elsewhere: int
    fund_fen: int
    account_fen: int
    family_fen: int
    cash_fen: int
    memo: str
    scope: str
    created_at: int
    booked_at: int | None = None

    @property
    def place(self) -> tuple[str]:
        """Where it stands in lists: numbers grow with time."""
        return (self.counter_setl_id,)


class UnbookedReplay(NamedTuple):
    """What a replay has made of a settlement whose institution is another cell's: the answers of the counter-entry and of what
    stands in its place, with the record of that; both empty for the one that was taken out."""

    setl_id: str
    counter_setl_id: str
    care_cell: str
    care_admdvs: str
    replay_no: str
    memo: str
    counter: bytes
    replacement: bytes
    record: bytes


class AdjustmentFilter(NamedTuple):
    """Whose adjustments are asked for; an empty text is everybody's."""

    psn_no: str = ""
    fixmedins_code: str = ""


class Replaced(NamedTuple):
    """A settlement, and the one that a replay puts in its place."""

    setl_id: str
    replayed_by: str
