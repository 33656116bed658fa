"""Stays that persons insured here have in other cells: reserved before they are admitted there, released when they end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.kernel.errors import conflict

HELD: Final = "held"
RELEASED: Final = "released"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A stay by the number that it has where it is; `request_id` is that of the reservation that holds it, or held it last."""

    mdtrt_id: str
    opener: str
    request_id: str
    psn_no: str
    fixmedins_code: str
    care_cell: str
    state: str
    begin_at: datetime
    reserved_at: datetime
    released_at: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether the person lies there."""
        return self.state == HELD

    def undone_by(self, opener: str, undoes: str) -> bool:
        """Whether a release ends it: of its opener and, where it undoes a reservation, that which holds it."""
        return self.held and self.opener == opener and undoes in ("", self.request_id)

    def released(self, now: datetime) -> Reservation:
        """The same when the stay has ended."""
        return replace(self, state=RELEASED, released_at=now)


def check_same_stay(wanted: Reservation, known: Reservation | None) -> None:
    """CONFLICT (REQUEST_ID_REUSED) where the number is that of another stay."""
    if known is None:
        return
    named = ((each.opener, each.psn_no, each.fixmedins_code, each.care_cell) for each in (known, wanted))
    if next(named) != next(named):
        raise conflict("REQUEST_ID_REUSED", request_id=wanted.request_id)
