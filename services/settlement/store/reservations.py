"""Rows of stays in other cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, insert_sql, sql
from services.settlement.domain.care.reservations import Reservation
from services.settlement.store.tables import STAY_RESERVATION

_COLUMNS: Final = tuple(column.name for column in STAY_RESERVATION.columns)
_MOMENTS: Final = tuple(place for place, name in enumerate(_COLUMNS) if name.endswith("_at"))
_ONE: Final = sql(f"SELECT {', '.join(_COLUMNS)} FROM stay_reservation WHERE mdtrt_id = ?1")
_ADD: Final = insert_sql(STAY_RESERVATION)
_CHANGE: Final = sql(
    f"UPDATE stay_reservation SET {', '.join(f'{name} = ?{place}' for place, name in enumerate(_COLUMNS[1:], 2))}"
    " WHERE mdtrt_id = ?1"
)


class ReservationReader:
    """Stays in other cells as one snapshot shows them."""

    _connection: DriverConnection

    async def reservation(self, mdtrt_id: str) -> Reservation | None:
        """That of a number, held or released."""
        for row in await self._connection.run(_ONE, mdtrt_id):
            values = list(row)
            for place in _MOMENTS:
                values[place] = None if values[place] is None else from_micros(values[place])
            return Reservation(*values)
        return None


class ReservationWriter(ReservationReader):
    """Stays in other cells inside one transaction."""

    async def add_reservation(self, reservation: Reservation) -> None:
        """A new one."""
        await self._connection.insert(_ADD[self._connection.dialect], [_stored(reservation)])

    async def change_reservation(self, reservation: Reservation) -> None:
        """One as it stands now."""
        await self._connection.run(_CHANGE, *_stored(reservation))


def _stored(reservation: Reservation) -> Sequence[Any]:
    values = [getattr(reservation, name) for name in _COLUMNS]
    for place in _MOMENTS:
        values[place] = None if values[place] is None else to_micros(values[place])
    return values
