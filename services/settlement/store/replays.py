"""What a replay reads and writes beside what reversals and bills do: what stands after a settlement, and adjustments.

Statements are over lists of settlements: a replay of a hundred has as many statements as one of two.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from services.runtime.db import Database, Within, insert_sql, sql
from services.settlement.domain.books.adjustments import Adjustment, AdjustmentFilter, Replaced, UnbookedReplay
from services.settlement.domain.books.replay import MOST, Scene, StandingSettlement
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.store.adjustment_tables import ADJUSTMENT
from services.settlement.store.keyed import keys_from
from services.settlement.store.order_tables import CARRIED_BILL
from services.settlement.store.orders import OrderReader, OrderWriter
from services.settlement.store.settlement_rows import basis_from

_DIALECTS: Final = ("sqlite", "postgresql")
_STANDS: Final = "l.kind = 'settle' AND l.state = 'standing'"
# In its own ledger, and of its stay in another one, as `later` of settlements has it for one.
_LATER: Final = {
    dialect: f"SELECT l.setl_id FROM {keys_from(dialect, 1)} JOIN settlement AS s ON s.setl_id = k0"
    " JOIN settlement AS l ON l.psn_no = s.psn_no AND l.insutype = s.insutype AND l.insuplc_admdvs = s.insuplc_admdvs"
    f" AND l.benefit_year = s.benefit_year AND l.ledger_seq > s.ledger_seq WHERE {_STANDS}"
    f" UNION SELECT l.setl_id FROM {keys_from(dialect, 1)} JOIN settlement AS s ON s.setl_id = k0"
    " JOIN settlement AS l ON l.mdtrt_id = s.mdtrt_id AND l.setl_id > s.setl_id"
    f" AND (l.insuplc_admdvs <> s.insuplc_admdvs OR l.benefit_year <> s.benefit_year) WHERE {_STANDS}"
    f" ORDER BY 1 LIMIT {MOST + 2}"
    for dialect in _DIALECTS
}
_KEPT: Final = {
    dialect: "SELECT s.setl_id, s.basis, s.fee_batches_json, s.setl_at, s.opter, s.opter_name,"
    " COALESCE(c.fixmedins_code, s.scope), COALESCE(c.mdtrtarea_admvs, ''),"
    " COALESCE(c.care_cell, '')"
    f" FROM {keys_from(dialect, 1)} JOIN settlement AS s ON s.setl_id = k0"
    " LEFT JOIN carried_bill AS c ON c.setl_id = s.setl_id"
    for dialect in _DIALECTS
}
_BILLED: Final = {
    dialect: f"SELECT DISTINCT k0, s.setl_id FROM {keys_from(dialect, 1)} JOIN settlement AS s ON s.mdtrt_id = k0"
    " WHERE s.kind = 'settle' AND s.state = 'standing' AND s.medfee_sumamt_fen > 0"
    for dialect in _DIALECTS
}
_REVERSE: Final = {
    dialect: f"UPDATE settlement SET state = 'reversed' FROM {keys_from(dialect, 1)}"
    " WHERE setl_id = k0 AND state = 'standing' RETURNING setl_id"
    for dialect in _DIALECTS
}
_ORDERS: Final = {
    dialect: f"UPDATE settle_order SET setl_id = k1 FROM {keys_from(dialect, 2)} WHERE setl_id = k0"
    for dialect in _DIALECTS
}


_CARRIED: Final = [column.name for column in CARRIED_BILL.columns]
# Under the number of the settlement that replaces it.
_COPY: Final = {
    dialect: f"INSERT INTO carried_bill ({', '.join(_CARRIED)})"
    f" SELECT {', '.join('k1' if name == 'setl_id' else f'c.{name}' for name in _CARRIED)} FROM {keys_from(dialect, 2)}"
    " JOIN carried_bill AS c ON c.setl_id = k0"
    for dialect in _DIALECTS
}
_COLUMNS: Final = ", ".join(Adjustment._fields)
_ADD: Final = insert_sql(ADJUSTMENT)
_ALL: Final = sql(f"SELECT {_COLUMNS} FROM adjustment WHERE counter_setl_id > ?1 ORDER BY counter_setl_id LIMIT ?2")
_OF_INSTITUTION: Final = sql(
    f"SELECT {_COLUMNS} FROM adjustment WHERE fixmedins_code = ?2 AND (?1 = '' OR psn_no = ?1) AND counter_setl_id > ?3"
    " ORDER BY counter_setl_id LIMIT ?4"
)
_OF_PERSON: Final = sql(
    f"SELECT {_COLUMNS} FROM adjustment WHERE psn_no = ?1 AND counter_setl_id > ?2 ORDER BY counter_setl_id LIMIT ?3"
)
_WAITING: Final = sql(
    "SELECT a.setl_id, a.counter_setl_id, a.care_cell, a.care_admdvs, a.replay_no, a.memo, c.response, n.response, n.record"
    " FROM adjustment AS a JOIN settlement AS c ON c.setl_id = a.counter_setl_id"
    " LEFT JOIN settlement AS n ON n.setl_id = a.replayed_by"
    " WHERE a.elsewhere = 1 AND a.booked_at IS NULL AND a.counter_setl_id > ?1 ORDER BY a.counter_setl_id LIMIT ?2"
)
_BOOKED: Final = sql(
    "UPDATE adjustment SET booked_at = ?2 WHERE AMONG(setl_id, ?1) AND elsewhere = 1 AND booked_at IS NULL RETURNING setl_id"
)


class ReplayReader(OrderReader):
    """Settlements and what stands after them, as one snapshot shows it."""

    async def scene(self, target: BookedSettlement) -> Scene | None:
        """The settlement and all that stands after it, whose order it has decided: in its ledger, of the stays there in other
        ledgers, and after those again. None where more stand than one replay takes."""
        found = {target.setl_id}
        fresh = [target.setl_id]
        while fresh:
            later = {row[0] for row in await self._rows(_LATER, 1, fresh)}
            fresh = sorted(later - found)
            found |= later
            if len(found) > MOST + 1:
                return None
        first, *later_ones = await self.standing(
            sorted(found, key=lambda setl_id: (setl_id != target.setl_id, setl_id))
        )
        return Scene(first, tuple(later_ones))

    async def billed(self, scene: Scene) -> set[str]:
        """Stays of these of which another settlement stands."""
        stays = {each.settlement.mdtrt_id for each in scene.later if each.basis is not None and each.basis.stay}
        rows = await self._rows(_BILLED, 1, sorted(stays)) if stays else []
        replayed = set(scene.setl_ids)
        return {mdtrt_id for mdtrt_id, setl_id in rows if setl_id not in replayed}

    async def adjustments(self, asked: AdjustmentFilter, after: str, limit: int) -> list[Adjustment]:
        """Adjustments behind a place, the oldest first; of whom is named."""
        if asked.fixmedins_code:
            rows = await self._connection.run(_OF_INSTITUTION, *asked, after, limit)
        elif asked.psn_no:
            rows = await self._connection.run(_OF_PERSON, asked.psn_no, after, limit)
        else:
            rows = await self._connection.run(_ALL, after, limit)
        return [Adjustment(*row) for row in rows]

    async def waiting(self, after: str, limit: int) -> list[UnbookedReplay]:
        """What places of care in other cells are not known to have booked, behind a place, the oldest first."""
        rows = await self._connection.run(_WAITING, after, limit)
        return [UnbookedReplay(*(*row[:7], row[7] or b"", row[8] or b"")) for row in rows]

    async def standing(self, setl_ids: Sequence[str]) -> list[StandingSettlement]:
        """Settlements with all that their rows keep and what they moved, in that order."""
        bills, postings = await self.bills(setl_ids), await self.postings_of(setl_ids)
        deltas, kept = await self.deltas_of(setl_ids), {row[0]: row for row in await self._rows(_KEPT, 1, setl_ids)}
        found = []
        for setl_id in setl_ids:
            _, basis, batches, setl_at, opter, opter_name, institution, place, cell = kept[setl_id]
            bill = bills[setl_id]
            found.append(
                StandingSettlement(
                    settlement=bill,
                    postings=postings[setl_id],
                    deltas=deltas[setl_id],
                    basis=basis_from(basis, bill.key),
                    fee_batches=tuple(json.loads(batches)),
                    fixmedins_code=institution,
                    setl_at=setl_at,
                    opter=opter,
                    opter_name=opter_name,
                    care_admdvs=place,
                    care_cell=cell,
                )
            )
        return found


class ReplayWriter(ReplayReader, OrderWriter):
    """The same inside one transaction."""

    async def take_back(self, setl_ids: Sequence[str]) -> int:
        """Settlements that stood are reversed, and their fee batches open again; how many stood."""
        stood = len(await self._rows(_REVERSE, 1, setl_ids))
        await self.reopen_batches(setl_ids)
        return stood

    async def put_in_place(self, replaced: Sequence[Replaced]) -> None:
        """What a settlement brought along from another cell is kept under the new number too, and its order is of that one."""
        if replaced:
            await self._rows(_COPY, 2, replaced)
            await self._rows(_ORDERS, 2, replaced)

    async def booked_at_care(self, setl_ids: Sequence[str], at: int) -> int:
        """Keeps that places of care have booked these, at a moment in microseconds; how many of them had waited."""
        return len(await self._connection.run(_BOOKED, [*setl_ids], at))

    async def add_adjustments(self, rows: Sequence[Adjustment]) -> None:
        """New adjustments."""
        await self._connection.insert(_ADD[self._dialect], rows)


class ReplayBooks:
    """The settlements of one database, as replays read and write them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[ReplayReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), ReplayReader)

    def writing(self) -> Within[ReplayWriter]:
        """One transaction; `Moved` where another process wrote what this one meant to write."""
        return Within(self._database.driver_write(), ReplayWriter, moved=True)
