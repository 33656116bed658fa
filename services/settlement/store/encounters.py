"""Rows of encounters and of the entries that accepted writes leave, read and written through one connection."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.db import advisory_lock, fetch
from services.settlement.domain.encounters import (
    CANCELLED,
    DISCHARGE,
    OPEN,
    OUTPATIENT,
    Encounter,
    EncounterFilter,
    Entry,
    FeePresence,
    RequestStamp,
)
from services.settlement.store.locks import person_lock
from services.settlement.store.tables import ENCOUNTER, ENCOUNTER_ENTRY, FEE_BATCH, FEE_LINE, SETTLEMENT

_E: Final = ENCOUNTER.c
_N: Final = ENCOUNTER_ENTRY.c
_FIXED: Final = ("mdtrt_id", "fixmedins_code", "psn_no", "insutype", "kind", "ipt_otp_no", "created_at")
_CHANGING: Final = tuple(column.name for column in ENCOUNTER.columns if column.name not in _FIXED)


class EncounterReader:
    """Encounters and entries as one snapshot shows them."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def entry(self, scope: str, request_id: str) -> Entry | None:
        """The accepted write of that request id."""
        found = await fetch(
            self._connection, select(ENCOUNTER_ENTRY).where(_N.scope == scope, _N.request_id == request_id)
        )
        return _entry(found[0]) if found else None

    async def encounter(self, mdtrt_id: str) -> Encounter | None:
        """The encounter of that number."""
        return await self._one(_E.mdtrt_id == mdtrt_id)

    async def encounters(self, wanted: EncounterFilter, limit: int) -> list[Encounter]:
        """Encounters that are not cancelled, newest first."""
        query = select(ENCOUNTER).where(
            _E.fixmedins_code == wanted.fixmedins_code,
            _E.psn_no == wanted.psn_no,
            _E.begin_at >= wanted.begin,
            _E.begin_at <= wanted.end,
            _E.state != CANCELLED,
        )
        if wanted.med_type:
            # A visit that was not described yet has none of its own.
            told = (wanted.med_type, "") if wanted.med_type == OUTPATIENT else (wanted.med_type,)
            query = query.where(_E.med_type.in_(told))
        if wanted.mdtrt_id:
            query = query.where(_E.mdtrt_id == wanted.mdtrt_id)
        query = query.order_by(_E.begin_at.desc(), _E.mdtrt_id.desc()).limit(limit)
        return [_encounter(row) for row in await fetch(self._connection, query)]

    async def open_visit(self, fixmedins_code: str, psn_no: str, ipt_otp_no: str) -> Encounter | None:
        """The open visit under the institution's own number."""
        return await self._one(
            _E.kind == "visit",
            _E.state == OPEN,
            _E.fixmedins_code == fixmedins_code,
            _E.psn_no == psn_no,
            _E.ipt_otp_no == ipt_otp_no,
        )

    async def open_stay(self, psn_no: str) -> Encounter | None:
        """The person's open stay, at whatever institution."""
        return await self._one(_E.kind == "stay", _E.state == OPEN, _E.psn_no == psn_no)

    async def settled_since_discharge(self, mdtrt_id: str) -> bool:
        """Whether a settlement made after the last discharge stands."""
        discharged = (
            select(func.max(_N.created_at)).where(_N.mdtrt_id == mdtrt_id, _N.kind == DISCHARGE).scalar_subquery()
        )
        query = select(SETTLEMENT.c.setl_id).where(
            SETTLEMENT.c.mdtrt_id == mdtrt_id,
            SETTLEMENT.c.kind == "settle",
            SETTLEMENT.c.state == "standing",
            SETTLEMENT.c.setl_at >= discharged,
        )
        return bool(await fetch(self._connection, query.limit(1)))

    async def fee_presence(self, mdtrt_id: str) -> FeePresence:
        """Whether unsettled lines or a settlement stand on the encounter."""
        settled = await fetch(
            self._connection,
            select(FEE_BATCH.c.setl_id)
            .where(FEE_BATCH.c.mdtrt_id == mdtrt_id, FEE_BATCH.c.state == "settled")
            .limit(1),
        )
        lines = select(FEE_LINE.c.line_id).join(FEE_BATCH, FEE_BATCH.c.fee_batch_id == FEE_LINE.c.fee_batch_id)
        unsettled = await fetch(
            self._connection,
            lines.where(FEE_LINE.c.mdtrt_id == mdtrt_id, FEE_LINE.c.state == OPEN, FEE_BATCH.c.state == OPEN).limit(1),
        )
        return FeePresence(bool(unsettled), settled[0].setl_id if settled else "")

    async def _one(self, *conditions: Any) -> Encounter | None:
        found = await fetch(self._connection, select(ENCOUNTER).where(*conditions))
        return _encounter(found[0]) if found else None


class EncounterWriter(EncounterReader):
    """Encounters and entries inside one transaction."""

    async def lock(self, psn_no: str) -> None:
        """Holds what is written about the person until the transaction ends."""
        await advisory_lock(self._connection, [person_lock(psn_no)])

    async def add_entry(self, entry: Entry) -> None:
        """Keeps an accepted write."""
        values = {
            "entry_id": entry.entry_id,
            "scope": entry.stamp.scope,
            "request_id": entry.stamp.request_id,
            "rpc": entry.stamp.rpc,
            "content_hash": entry.stamp.content_hash,
            "content": entry.stamp.content,
            "response": entry.response,
            "mdtrt_id": entry.mdtrt_id,
            "kind": entry.kind,
            "created_at": entry.created_at,
        }
        await self._connection.execute(insert(ENCOUNTER_ENTRY), values)

    async def add_encounter(self, encounter: Encounter) -> None:
        """A new encounter."""
        values = {column.name: getattr(encounter, column.name) for column in ENCOUNTER.columns}
        await self._connection.execute(insert(ENCOUNTER), values)

    async def change_encounter(self, encounter: Encounter) -> None:
        """The encounter as it stands now."""
        values = {name: getattr(encounter, name) for name in _CHANGING}
        await self._connection.execute(update(ENCOUNTER).where(_E.mdtrt_id == encounter.mdtrt_id).values(values))


def _encounter(row: Row[Any]) -> Encounter:
    return Encounter(**row._mapping)


def _entry(row: Row[Any]) -> Entry:
    stamp = RequestStamp(row.scope, row.request_id, row.rpc, row.content_hash, row.content)
    return Entry(row.entry_id, stamp, row.response, row.mdtrt_id, row.kind, row.created_at)
