"""Rows of charge batches and fee lines; and the store of encounters as a whole, whose transactions reach both."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.runtime.db import Database, Within, insert_sql, sql, to_json
from services.runtime.pieces import in_pieces
from services.settlement.domain.care.fees import MAX_LISTED, FeeBatch, FeeLine, StandingLine
from services.settlement.domain.care.lines import BillTotals, LineSplit
from services.settlement.domain.care.moments import FeeMoment, FeeWindow
from services.settlement.store.batch_books import LATEST
from services.settlement.store.diagnoses import DiagnosisReader, DiagnosisWriter
from services.settlement.store.encounters import EncounterReader, EncounterWriter
from services.settlement.store.reservations import ReservationReader, ReservationWriter
from services.settlement.store.tables import FEE_BATCH, FEE_LINE

BATCH_COLUMNS: Final = tuple(column.name for column in FEE_BATCH.columns)
_LINE_COLUMNS: Final = tuple(column.name for column in FEE_LINE.columns if column.name != "cancelled_by")
_ADD_BATCHES: Final = insert_sql(FEE_BATCH)
_ADD_LINES: Final = insert_sql(FEE_LINE)
# Statements on more lines than these take SQLite some milliseconds: they run beside the loop.
_MANY: Final = 100
# So many rows are inserted in two milliseconds: more are written beside the loop.
_MANY_ROWS: Final = 400
_NO_TAGS: Final = "{}"

_BATCHES: Final = sql(
    f"SELECT {', '.join(BATCH_COLUMNS)} FROM fee_batch WHERE mdtrt_id = ?1 ORDER BY created_at, fee_batch_id"
)
_SELECT: Final = (
    f"SELECT b.chrg_bchno, b.state, b.setl_id, b.created_at, b.opter, b.opter_name,"
    f" {', '.join(f'l.{name}' for name in _LINE_COLUMNS)}"
    " FROM fee_line AS l JOIN fee_batch AS b ON b.fee_batch_id = l.fee_batch_id"
)
_STANDING: Final = f"{_SELECT} WHERE l.mdtrt_id = ?1 AND l.state = 'open'"
_IN_ORDER: Final = "ORDER BY b.created_at, b.fee_batch_id, l.line_no"
_LINES: Final = sql(f"{_STANDING} AND AMONG(l.feedetl_sn, ?2)")
_RETURNS: Final = sql(f"{_STANDING} AND AMONG(l.init_feedetl_sn, ?2)")
_CANCELLED: Final = sql(
    "SELECT DISTINCT l.feedetl_sn FROM fee_batch AS b JOIN fee_line AS l ON l.fee_batch_id = b.fee_batch_id"
    " WHERE b.mdtrt_id = ?1 AND l.state = 'cancelled' AND AMONG(l.feedetl_sn, ?2)"
)
_LINE_COUNT: Final = sql("SELECT COALESCE(SUM(line_count), 0) FROM fee_batch WHERE mdtrt_id = ?1 AND kind = 'upload'")
_LISTED: Final = sql(f"{_STANDING} {_IN_ORDER} LIMIT ?2")
_MOMENTS: Final = (
    "SELECT l.feedetl_sn, l.fee_at FROM fee_line AS l JOIN fee_batch AS b ON b.fee_batch_id = l.fee_batch_id"
    f" WHERE l.mdtrt_id = ?1 AND l.state = 'open' AND {{0}} {_IN_ORDER} LIMIT {MAX_LISTED}"
)
_OUTSIDE: Final = sql(_MOMENTS.format("(l.fee_at < ?2 OR l.fee_at > ?3)"))
_UNSETTLED_BEFORE: Final = sql(_MOMENTS.format("b.state = 'open' AND l.fee_at < ?2"))
_RETURNS_LEFT: Final = sql(
    f"{_SELECT} JOIN fee_line AS o ON o.mdtrt_id = l.mdtrt_id AND o.feedetl_sn = l.init_feedetl_sn AND o.state = 'open'"
    " WHERE l.mdtrt_id = ?1 AND l.state = 'open' AND AMONG(o.fee_batch_id, ?2) AND NOT AMONG(l.fee_batch_id, ?2)"
    f" {_IN_ORDER}"
)
_SETTLED_BATCHES: Final = sql("SELECT fee_batches_json FROM settlement WHERE setl_id = ?1 AND mdtrt_id = ?2")
_COUNTERPART: Final = sql(
    # What stands in its place since a replay tells what has reversed it.
    "SELECT COALESCE((SELECT c.setl_id FROM settlement AS c WHERE c.reverses ="
    f" COALESCE({LATEST.format('COALESCE(s.replays, s.setl_id)')}, s.setl_id)), ''), COALESCE(s.reverses, '')"
    " FROM settlement AS s WHERE s.setl_id = ?1 AND s.mdtrt_id = ?2 AND s.state IN ('standing', 'reversed')"
)
# A settlement held every line of its batches but those that a cancelling batch among them takes back.
_SETTLED: Final = sql(
    f"{_SELECT} WHERE AMONG(l.fee_batch_id, ?1) AND (l.cancelled_by IS NULL OR NOT AMONG(l.cancelled_by, ?1))"
    f" {_IN_ORDER} LIMIT ?2 OFFSET ?3"
)
_CANCEL_LINES: Final = sql(
    "UPDATE fee_line SET state = 'cancelled', cancelled_by = ?1 WHERE AMONG(line_id, ?2) AND state = 'open'"
)
_CANCEL_LINES_OF: Final = sql(
    "UPDATE fee_line SET state = 'cancelled' WHERE AMONG(fee_batch_id, ?1) AND state = 'open'"
)
_CANCEL_BATCHES: Final = sql(
    "UPDATE fee_batch SET state = 'cancelled' WHERE AMONG(fee_batch_id, ?1) AND state = 'open'"
)


class FeeReader(EncounterReader, DiagnosisReader, ReservationReader):
    """Encounters with their diagnoses and fees as one snapshot shows them."""

    async def batches(self, mdtrt_id: str) -> list[FeeBatch]:
        """All charge batches, oldest first."""
        return [batch_of(row) for row in await self._connection.run(_BATCHES, mdtrt_id)]

    async def fees_outside(self, mdtrt_id: str, window: FeeWindow) -> list[FeeMoment]:
        """Standing fees that arose outside the window, settled ones too."""
        first, last = to_micros(window.first), to_micros(window.last)
        return _moments(await self._connection.run(_OUTSIDE, mdtrt_id, first, last))

    async def unsettled_before(self, mdtrt_id: str, first: datetime) -> list[FeeMoment]:
        """Unsettled fees that arose before a moment."""
        return _moments(await self._connection.run(_UNSETTLED_BEFORE, mdtrt_id, to_micros(first)))

    async def lines(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing lines of these numbers."""
        many = len(numbers) > _MANY
        return [_line(row) for row in await self._connection.run(_LINES, mdtrt_id, list(numbers), patient=many)]

    async def cancelled(self, mdtrt_id: str, numbers: Collection[str]) -> set[str]:
        """Those of these numbers under which a line of the encounter was cancelled."""
        many = len(numbers) > _MANY
        return {row[0] for row in await self._connection.run(_CANCELLED, mdtrt_id, list(numbers), patient=many)}

    async def returns(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing returns of the lines of these numbers."""
        many = len(numbers) > _MANY
        found = [_line(row) for row in await self._connection.run(_RETURNS, mdtrt_id, list(numbers), patient=many)]
        return [entry for entry in found if entry.line.is_return]

    async def returns_left(self, mdtrt_id: str, fee_batch_ids: Sequence[str]) -> list[StandingLine]:
        """The standing returns outside these batches of lines that stand in them."""
        found = [_line(row) for row in await self._connection.run(_RETURNS_LEFT, mdtrt_id, list(fee_batch_ids))]
        return [entry for entry in found if entry.line.is_return]

    async def listed_lines(self, mdtrt_id: str, limit: int) -> list[StandingLine]:
        """Standing lines in the order they came."""
        long = await self._is_long(mdtrt_id)
        return await in_pieces(_line, await self._connection.run(_LISTED, mdtrt_id, limit, patient=long))

    async def settled_lines(self, mdtrt_id: str, setl_id: str, limit: int, after: int = 0) -> list[StandingLine]:
        """The lines that a settlement of the encounter held when it was made, in the order they came, under its number.

        Behind the first `after` of them. None for a counter-entry or another encounter's settlement.
        """
        for kept in await self._connection.run(_SETTLED_BATCHES, setl_id, mdtrt_id):
            long = await self._is_long(mdtrt_id)
            rows = await self._connection.run(_SETTLED, json.loads(kept[0]), limit, after, patient=long)
            return await in_pieces(lambda row: replace(_line(row), setl_id=setl_id), rows)
        return []

    async def _is_long(self, mdtrt_id: str) -> bool:
        """Whether so many lines were uploaded that a list of them may take long; a sum over the few batches tells it."""
        return bool((await self._connection.run(_LINE_COUNT, mdtrt_id))[0][0] > _MANY)

    async def counterpart(self, mdtrt_id: str, setl_id: str) -> tuple[str, str] | None:
        """What has reversed a settlement of the encounter, and what it reverses itself; empty texts for nothing.

        None where the encounter has no such settlement.
        """
        for row in await self._connection.run(_COUNTERPART, setl_id, mdtrt_id):
            return row[0], row[1]
        return None


class FeeWriter(FeeReader, EncounterWriter, DiagnosisWriter, ReservationWriter):
    """Encounters with their diagnoses and fees inside one transaction."""

    async def add_fees(self, batches: Sequence[FeeBatch], lines: Sequence[FeeLine]) -> None:
        """New batches with their lines, each kind by one statement."""
        await self._connection.insert(_ADD_BATCHES[self._dialect], [_batch_row(batch) for batch in batches])
        rows = [_line_row(line) for line in lines]
        await self._connection.insert(_ADD_LINES[self._dialect], rows, patient=len(rows) > _MANY_ROWS)

    async def cancel_batches(self, fee_batch_ids: Sequence[str]) -> None:
        """Cancels batches with all their lines."""
        await self._connection.run(_CANCEL_LINES_OF, list(fee_batch_ids))
        await self._connection.run(_CANCEL_BATCHES, list(fee_batch_ids))

    async def cancel_lines(self, fee_batch_id: str, line_ids: Sequence[str]) -> None:
        """Cancels single lines, which a cancelling batch takes back."""
        await self._connection.run(_CANCEL_LINES, fee_batch_id, list(line_ids), patient=len(line_ids) > _MANY)


class EncounterBooks:
    """The encounters and fees of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[FeeReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), FeeReader)

    def looking(self) -> Within[FeeReader]:
        """A snapshot for one statement."""
        return Within(self._database.driver_look(), FeeReader)

    def writing(self) -> Within[FeeWriter]:
        """One transaction; `Moved` where a row that must be unique was written by another first."""
        return Within(self._database.driver_write(), FeeWriter, moved=True)


def _moments(rows: Sequence[Any]) -> list[FeeMoment]:
    return [FeeMoment(row[0], from_micros(row[1])) for row in rows]


def batch_of(row: Any) -> FeeBatch:
    """The charge batch of a row of BATCH_COLUMNS."""
    fee_batch_id, mdtrt_id, chrg_bchno, kind, state, setl_id = row[:6]
    medfee, fulamt_ownpay, overlmt, preselfpay, inscp, hosp_part, exempt = row[6:13]
    line_count, created_at, opter, opter_name = row[13:]
    exempts = {} if exempt == _NO_TAGS else json.loads(exempt)
    totals = BillTotals(medfee, fulamt_ownpay, overlmt, preselfpay, inscp, exempts, hosp_part)
    at = from_micros(created_at)
    return FeeBatch(fee_batch_id, mdtrt_id, chrg_bchno, kind, state, setl_id, totals, line_count, at, opter, opter_name)


def _batch_row(batch: FeeBatch) -> tuple[Any, ...]:
    totals = batch.totals
    exempt = to_json(dict(totals.exempt_inscp_by_tag))
    return (
        *(batch.fee_batch_id, batch.mdtrt_id, batch.chrg_bchno, batch.kind, batch.state, batch.setl_id),
        *(totals.medfee_fen, totals.fulamt_ownpay_fen, totals.overlmt_fen, totals.preselfpay_fen, totals.inscp_fen),
        *(totals.hosp_part_fen, exempt, batch.line_count, to_micros(batch.created_at), batch.opter, batch.opter_name),
    )


def _line(row: Any) -> StandingLine:
    chrg_bchno, batch_state, setl_id, created_at, opter, opter_name = row[:6]
    line_id, mdtrt_id, feedetl_sn, fee_batch_id, line_no, state, fee_at = row[6:13]
    amount, fulamt_ownpay, overlmt, preselfpay, inscp, hosp_part, init_feedetl_sn, cnt, detail, answer = row[13:]
    line = FeeLine(
        line_id=line_id,
        mdtrt_id=mdtrt_id,
        feedetl_sn=feedetl_sn,
        fee_batch_id=fee_batch_id,
        line_no=line_no,
        state=state,
        fee_at=from_micros(fee_at),
        split=LineSplit(amount, fulamt_ownpay, overlmt, preselfpay, inscp, hosp_part),
        init_feedetl_sn=init_feedetl_sn,
        cnt=cnt,
        detail=detail,
        answer=answer,
    )
    return StandingLine(line, chrg_bchno, batch_state, setl_id or "", from_micros(created_at), opter, opter_name)


def _line_row(line: FeeLine) -> tuple[Any, ...]:
    split = line.split
    return (
        *(line.line_id, line.mdtrt_id, line.feedetl_sn, line.fee_batch_id, line.line_no, line.state),
        to_micros(line.fee_at),
        *(split.amount_fen, split.fulamt_ownpay_fen, split.overlmt_fen, split.preselfpay_fen, split.inscp_fen),
        *(split.hosp_part_fen, line.init_feedetl_sn, line.cnt, line.detail, line.answer, None),
    )
