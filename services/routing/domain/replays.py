"""Bills that a replay has changed, on their way to the place of care. Values only; routing keeps none of them."""

from __future__ import annotations

from typing import Any, NamedTuple


class ReplayedSettlement(NamedTuple):
    """A settlement that was taken back, the cell of its institution (empty where the insured cell was not told), its division,
    and the whole as the insured cell tells it."""

    setl_id: str
    care_cell: str
    care_admdvs: str
    message: Any


class ReplayPage(NamedTuple):
    """A page of them; `next` is the place at which to go on, empty where nothing more waits."""

    told: tuple[ReplayedSettlement, ...]
    next: str
