"""Rows of encounters and of the entries that accepted writes leave, read and written through one driver connection.

Conditions on kind and state stand in the texts as they stand in the indexes of what is open; a test looks at the plans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.kernel.requests import RequestStamp
from services.runtime.db import DriverConnection, advisory_lock, insert_sql, sql, update_sql
from services.settlement.domain.care.encounters import (
    DISCHARGE,
    OUTPATIENT,
    Encounter,
    EncounterFilter,
    Entry,
    FeePresence,
    OpenStay,
)
from services.settlement.domain.care.pending import PendingOrder
from services.settlement.store.locks import person_lock, stay_lock
from services.settlement.store.settlement_rows import regions_from, regions_text
from services.settlement.store.tables import ENCOUNTER, ENCOUNTER_ENTRY

ENCOUNTER_COLUMNS: Final = tuple(column.name for column in ENCOUNTER.columns)
_MOMENTS: Final = frozenset({"begin_at", "end_at", "created_at"})
_BEGIN, _END, _CREATED = (ENCOUNTER_COLUMNS.index(name) for name in ("begin_at", "end_at", "created_at"))
_FIXED: Final = ("mdtrt_id", "fixmedins_code", "psn_no", "insutype", "kind", "ipt_otp_no", "created_at", "insured_cell")
_CHANGING: Final = tuple(name for name in ENCOUNTER_COLUMNS if name not in _FIXED)
_SELECT: Final = f"SELECT {', '.join(ENCOUNTER_COLUMNS)} FROM encounter"
_OPEN_STAY: Final = "kind = 'stay' AND state = 'open'"
OPEN_VISIT: Final = "kind = 'visit' AND state = 'open'"

_ENCOUNTER: Final = sql(f"{_SELECT} WHERE mdtrt_id = ?1")
_VISIT: Final = sql(f"{_SELECT} WHERE {OPEN_VISIT} AND fixmedins_code = ?1 AND psn_no = ?2 AND ipt_otp_no = ?3")
# In this cell or, of a person insured here, in another one.
_STAY: Final = sql(
    f"SELECT mdtrt_id, fixmedins_code, '' FROM encounter WHERE {_OPEN_STAY} AND psn_no = ?1 UNION ALL"
    " SELECT mdtrt_id, fixmedins_code, care_cell FROM stay_reservation WHERE state = 'held' AND psn_no = ?1"
)
_LISTED: Final = sql(
    f"{_SELECT} WHERE fixmedins_code = ?1 AND psn_no = ?2 AND begin_at >= ?3 AND begin_at <= ?4 AND state <> 'cancelled'"
    " AND (?5 = '' OR AMONG(med_type, ?6)) AND (?7 = '' OR mdtrt_id = ?7) AND (?9 = '' OR local_med_type = ?9)"
    " ORDER BY begin_at DESC, mdtrt_id DESC LIMIT ?8"
)
ENTRY: Final = ", ".join(
    (
        *("scope", "request_id", "rpc", "content_hash", "content", "hash_version", "regions"),
        *("entry_id", "response", "mdtrt_id", "kind", "created_at"),
    )
)
"""What `entry_of` reads of a row of `encounter_entry`."""

_ENTRY: Final = sql(f"SELECT {ENTRY} FROM encounter_entry WHERE scope = ?1 AND request_id = ?2")
# The bill of a pending order takes the stay's fees as a settlement does.
_SETTLED_SINCE: Final = sql(
    "SELECT setl_id FROM settlement WHERE mdtrt_id = ?1 AND kind = 'settle' AND state IN ('standing', 'pending') AND setl_at >="
    " (SELECT MAX(created_at) FROM encounter_entry WHERE mdtrt_id = ?1 AND kind = ?2) LIMIT 1"
)
_AFTER: Final = sql("SELECT 1 FROM encounter_entry WHERE mdtrt_id = ?1 AND kind = ?2 AND entry_id > ?3 LIMIT 1")
_SETTLED_FEES: Final = sql("SELECT setl_id FROM fee_batch WHERE mdtrt_id = ?1 AND state = 'settled' LIMIT 1")
_UNSETTLED_FEES: Final = sql(
    "SELECT l.line_id FROM fee_line AS l JOIN fee_batch AS b ON b.fee_batch_id = l.fee_batch_id"
    " WHERE l.mdtrt_id = ?1 AND l.state = 'open' AND b.state = 'open' LIMIT 1"
)
_PENDING_ORDER: Final = sql(
    "SELECT order_no, setl_id, lapses_at, insured_cell FROM settle_order WHERE phase = 'pending' AND psn_no = ?1"
    " AND mdtrt_id = ?2 AND carried = 0"
)
_CHANGE: Final = update_sql(ENCOUNTER, "mdtrt_id", _CHANGING)
_ADD_ENTRY: Final = insert_sql(ENCOUNTER_ENTRY)
_ADD_ENCOUNTER: Final = insert_sql(ENCOUNTER)


class EncounterReader:
    """Encounters and entries as one snapshot shows them."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection
        self._dialect = connection.dialect

    async def entry(self, scope: str, request_id: str) -> Entry | None:
        """The accepted write of that request id."""
        for row in await self._connection.run(_ENTRY, scope, request_id):
            return entry_of(row)
        return None

    async def encounter(self, mdtrt_id: str) -> Encounter | None:
        """The encounter of that number."""
        return await self._one(_ENCOUNTER, mdtrt_id)

    async def encounters(self, wanted: EncounterFilter, limit: int) -> list[Encounter]:
        """Encounters that are not cancelled, newest first."""
        # A visit that was not described yet has no kind of care of its own.
        kinds = [wanted.med_type, ""] if wanted.med_type == OUTPATIENT else [wanted.med_type]
        begin, end = to_micros(wanted.begin), to_micros(wanted.end)
        of = (
            *(wanted.fixmedins_code, wanted.psn_no, begin, end, wanted.med_type, kinds, wanted.mdtrt_id, limit),
            wanted.local_med_type,
        )
        return [encounter_of(row) for row in await self._connection.run(_LISTED, *of)]

    async def open_visit(self, fixmedins_code: str, psn_no: str, ipt_otp_no: str) -> Encounter | None:
        """The open visit under the institution's own number."""
        return await self._one(_VISIT, fixmedins_code, psn_no, ipt_otp_no)

    async def open_stay(self, psn_no: str) -> OpenStay | None:
        """The person's open stay, at whatever institution, also of another cell where the person is insured here."""
        found = await self._connection.run(_STAY, psn_no)
        return OpenStay(*found[0]) if found else None

    async def entry_after(self, mdtrt_id: str, kind: str, entry_id: str) -> bool:
        """Whether an accepted write of a kind came to the encounter after an entry; "" stands before all.

        Numbers of entries grow with time.
        """
        return bool(await self._connection.run(_AFTER, mdtrt_id, kind, entry_id))

    async def settled_since_discharge(self, mdtrt_id: str) -> str:
        """The settlement made after the last discharge that stands, empty for none."""
        found = await self._connection.run(_SETTLED_SINCE, mdtrt_id, DISCHARGE)
        return str(found[0][0]) if found else ""

    async def pending_order(self, mdtrt_id: str, psn_no: str) -> PendingOrder | None:
        """The pending order whose bill is the encounter's."""
        for row in await self._connection.run(_PENDING_ORDER, psn_no, mdtrt_id):
            return PendingOrder(*row)
        return None

    async def fee_presence(self, mdtrt_id: str) -> FeePresence:
        """Whether unsettled lines or a settlement stand on the encounter."""
        settled = await self._connection.run(_SETTLED_FEES, mdtrt_id)
        unsettled = await self._connection.run(_UNSETTLED_FEES, mdtrt_id)
        return FeePresence(bool(unsettled), settled[0][0] if settled else "")

    async def _one(self, statement: Mapping[str, str], *parameters: Any) -> Encounter | None:
        found = await self._connection.run(statement, *parameters)
        return encounter_of(found[0]) if found else None


class EncounterWriter(EncounterReader):
    """Encounters and entries inside one transaction."""

    async def lock(self, psn_no: str) -> None:
        """Holds what is written about the person until the transaction ends."""
        await advisory_lock(self._connection, [person_lock(psn_no)])

    async def lock_stay(self, mdtrt_id: str) -> None:
        """Holds the beginning of a stay that goes by its number alone."""
        await advisory_lock(self._connection, [stay_lock(mdtrt_id)])

    async def add_entry(self, entry: Entry) -> None:
        """Keeps an accepted write."""
        await self.add_entries([entry])

    async def add_entries(self, entries: Sequence[Entry]) -> None:
        """Keeps accepted writes, in the order of their keys: of two transactions that wait for each other's none would end."""
        rows = [_entry_row(each) for each in sorted(entries, key=attrgetter("stamp.scope", "stamp.request_id"))]
        await self._connection.insert(_ADD_ENTRY[self._dialect], rows)

    async def add_encounter(self, encounter: Encounter) -> None:
        """A new encounter."""
        await self.add_encounters([encounter])

    async def add_encounters(self, encounters: Sequence[Encounter]) -> None:
        """New encounters."""
        rows = [_stored(each, ENCOUNTER_COLUMNS) for each in encounters]
        await self._connection.insert(_ADD_ENCOUNTER[self._dialect], rows)

    async def change_encounter(self, encounter: Encounter) -> None:
        """The encounter as it stands now."""
        await self.change_encounters([encounter])

    async def change_encounters(self, encounters: Sequence[Encounter]) -> None:
        """Encounters as they stand now, none twice."""
        rows = [[each.mdtrt_id, *_stored(each, _CHANGING)] for each in encounters]
        await self._connection.insert(_CHANGE[self._dialect], rows)


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry of a row of ENTRY."""
    scope, request_id, rpc, content_hash, content, version, regions, entry_id, response, mdtrt_id, kind, created_at = (
        row
    )
    stamp = RequestStamp(scope, request_id, rpc, content_hash, content, version, regions_from(regions))
    return Entry(entry_id, stamp, response, mdtrt_id, kind, from_micros(created_at))


def _entry_row(entry: Entry) -> tuple[Any, ...]:
    stamp = entry.stamp
    return (
        *(entry.entry_id, stamp.scope, stamp.request_id, stamp.rpc, stamp.content_hash, stamp.content),
        *(entry.response, entry.mdtrt_id, entry.kind, to_micros(entry.created_at)),
        *(stamp.hash_version, regions_text(stamp.regions)),
    )


def encounter_of(row: Sequence[Any]) -> Encounter:
    """The encounter of a row of all columns."""
    values = list(row)
    values[_BEGIN], values[_CREATED] = from_micros(values[_BEGIN]), from_micros(values[_CREATED])
    if values[_END] is not None:
        values[_END] = from_micros(values[_END])
    return Encounter(*values)


def _stored(encounter: Encounter, names: Sequence[str]) -> list[Any]:
    values = [getattr(encounter, name) for name in names]
    for place, name in enumerate(names):
        if name in _MOMENTS and values[place] is not None:
            values[place] = to_micros(values[place])
    return values
