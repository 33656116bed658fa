"""Stays of persons insured here that are in other cells: one at a time with those here, whoever comes first.

A release may come before the reservation that it undoes, which is then refused for ever, as a message is that 2601 took back
before it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.kernel.errors import conflict
from services.kernel.requests import RequestStamp
from services.settlement.domain.care.encounters import VOID, Entry, check_no_open_stay
from services.settlement.domain.care.reservations import Reservation, check_same_stay
from services.settlement.operations.care.writes import Accepted, Writes
from services.settlement.store.fees import FeeWriter

_RESERVE: Final = "reserve_stay"
_RELEASE: Final = "release_stay"


@dataclass(frozen=True, slots=True)
class StayReservations:
    """Reserves and releases stays."""

    writes: Writes

    async def reserve(self, stamp: RequestStamp, wanted: Reservation, now: datetime) -> None:
        """Holds the person to a stay; one that is held already stays as it is, so that nobody else's undoing ends it.

        Raises STAY_OPEN, MESSAGE_VOIDED, REQUEST_ID_REUSED.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            known = await writing.reservation(wanted.mdtrt_id)
            check_same_stay(wanted, known)
            if known is None or not known.held:
                check_no_open_stay(await writing.open_stay(wanted.psn_no), wanted.fixmedins_code, wanted.care_cell)
                await (writing.add_reservation if known is None else writing.change_reservation)(wanted)
            return Accepted(b"", _RESERVE, None)

        await self.writes.once(stamp, wanted.psn_no, now, decide)

    async def release(self, stamp: RequestStamp, opener: str, mdtrt_id: str, undoes: str, now: datetime) -> None:
        """Lets go of a stay. `undoes` names the reservation that came to nothing, empty where the stay has ended.

        Raises REQUEST_ID_REUSED.
        """
        if undoes == stamp.request_id:
            raise conflict("REQUEST_ID_REUSED", request_id=undoes)
        async with self.writes.store.reading() as snapshot:
            seen = await snapshot.reservation(mdtrt_id)
        psn_no = "" if seen is None else seen.psn_no

        async def decide(writing: FeeWriter) -> Accepted:
            # First: what is not refused from here on stands already, with its entry.
            if undoes and await writing.entry(stamp.scope, undoes) is None:
                late = RequestStamp(stamp.scope, undoes, stamp.rpc, "")
                await writing.add_entry(Entry(self.writes.new_id(""), late, b"", None, VOID, now))
            known = await writing.reservation(mdtrt_id)
            if known is not None and known.psn_no != psn_no:
                # It came since the snapshot: its person is not the one that is locked.
                await writing.lock(known.psn_no)
                known = await writing.reservation(mdtrt_id)
            if known is not None and known.undone_by(opener, undoes):
                await writing.change_reservation(known.released(now))
            return Accepted(b"", _RELEASE, None)

        await self.writes.once(stamp, psn_no, now, decide)
