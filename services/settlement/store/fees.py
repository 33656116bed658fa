"""Rows of charge batches and fee lines; and the store of encounters as a whole, whose transactions reach both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import Row, Select, select, update

from services.runtime.db import Database, UniqueViolation, bulk_insert, fetch, in_values
from services.settlement.domain.entries import Moved
from services.settlement.domain.fees import CANCELLED, OPEN, FeeBatch, FeeLine, StandingLine
from services.settlement.domain.lines import BillTotals, LineSplit
from services.settlement.store.encounters import EncounterReader, EncounterWriter
from services.settlement.store.tables import FEE_BATCH, FEE_LINE

_B: Final = FEE_BATCH.c
_L: Final = FEE_LINE.c


class FeeReader(EncounterReader):
    """Encounters and their fees as one snapshot shows them."""

    async def batches(self, mdtrt_id: str) -> list[FeeBatch]:
        """All charge batches, oldest first."""
        query = select(FEE_BATCH).where(_B.mdtrt_id == mdtrt_id).order_by(_B.created_at, _B.fee_batch_id)
        return [_batch(row) for row in await fetch(self._connection, query)]

    async def lines(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing lines of these numbers."""
        query = _standing(mdtrt_id).where(in_values(_L.feedetl_sn, "numbers"))
        return [_line(row) for row in await fetch(self._connection, query, {"numbers": list(numbers)})]

    async def returns(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing returns of the lines of these numbers."""
        query = _standing(mdtrt_id).where(in_values(_L.init_feedetl_sn, "numbers"))
        found = [_line(row) for row in await fetch(self._connection, query, {"numbers": list(numbers)})]
        return [entry for entry in found if entry.line.is_return]

    async def listed_lines(self, mdtrt_id: str, setl_id: str, limit: int) -> list[StandingLine]:
        """Standing lines in the order they came, of one settlement where its number is given."""
        query = _standing(mdtrt_id)
        if setl_id:
            query = query.where(_B.setl_id == setl_id)
        query = query.order_by(_B.created_at, _B.fee_batch_id, _L.line_no).limit(limit)
        return [_line(row) for row in await fetch(self._connection, query)]


class FeeWriter(FeeReader, EncounterWriter):
    """Encounters and their fees inside one transaction."""

    async def add_fees(self, batches: Sequence[FeeBatch], lines: Sequence[FeeLine]) -> None:
        """New batches with their lines, each kind by one statement."""
        await bulk_insert(self._connection, FEE_BATCH, [_batch_row(batch) for batch in batches])
        await bulk_insert(self._connection, FEE_LINE, [_line_row(line) for line in lines])

    async def cancel_batches(self, fee_batch_ids: Sequence[str]) -> None:
        """Cancels batches with all their lines."""
        ids = {"ids": list(fee_batch_ids)}
        lines = update(FEE_LINE).where(in_values(_L.fee_batch_id, "ids"), _L.state == OPEN).values(state=CANCELLED)
        await self._connection.execute(lines, ids)
        batches = update(FEE_BATCH).where(in_values(_B.fee_batch_id, "ids"), _B.state == OPEN).values(state=CANCELLED)
        await self._connection.execute(batches, ids)

    async def cancel_lines(self, line_ids: Sequence[str]) -> None:
        """Cancels single lines."""
        query = update(FEE_LINE).where(in_values(_L.line_id, "ids"), _L.state == OPEN).values(state=CANCELLED)
        await self._connection.execute(query, {"ids": list(line_ids)})


class EncounterBooks:
    """The encounters and fees of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[FeeReader]:
        """A snapshot."""
        async with self._database.read() as connection:
            yield FeeReader(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[FeeWriter]:
        """One transaction; `Moved` where a row that must be unique was written by another first."""
        try:
            async with self._database.write() as connection:
                yield FeeWriter(connection)
        except UniqueViolation:
            raise Moved from None


def _standing(mdtrt_id: str) -> Select[Any]:
    return (
        select(
            FEE_LINE,
            _B.chrg_bchno.label("chrg_bchno"),
            _B.state.label("batch_state"),
            _B.setl_id.label("setl_id"),
            _B.created_at.label("created_at"),
            _B.opter.label("opter"),
            _B.opter_name.label("opter_name"),
        )
        .join(FEE_BATCH, _B.fee_batch_id == _L.fee_batch_id)
        .where(_L.mdtrt_id == mdtrt_id, _L.state == OPEN)
    )


def _batch(row: Row[Any]) -> FeeBatch:
    return FeeBatch(
        fee_batch_id=row.fee_batch_id,
        mdtrt_id=row.mdtrt_id,
        chrg_bchno=row.chrg_bchno,
        kind=row.kind,
        state=row.state,
        setl_id=row.setl_id,
        totals=BillTotals(
            row.medfee_fen,
            row.fulamt_ownpay_fen,
            row.overlmt_fen,
            row.preselfpay_fen,
            row.inscp_fen,
            row.exempt_json,
        ),
        line_count=row.line_count,
        created_at=row.created_at,
        opter=row.opter,
        opter_name=row.opter_name,
    )


def _batch_row(batch: FeeBatch) -> tuple[Any, ...]:
    totals = batch.totals
    return (
        batch.fee_batch_id,
        batch.mdtrt_id,
        batch.chrg_bchno,
        batch.kind,
        batch.state,
        batch.setl_id,
        totals.medfee_fen,
        totals.fulamt_ownpay_fen,
        totals.overlmt_fen,
        totals.preselfpay_fen,
        totals.inscp_fen,
        dict(totals.exempt_inscp_by_tag),
        batch.line_count,
        batch.created_at,
        batch.opter,
        batch.opter_name,
    )


def _line(row: Row[Any]) -> StandingLine:
    line = FeeLine(
        line_id=row.line_id,
        mdtrt_id=row.mdtrt_id,
        feedetl_sn=row.feedetl_sn,
        fee_batch_id=row.fee_batch_id,
        line_no=row.line_no,
        state=row.state,
        fee_at=row.fee_at,
        split=LineSplit(row.amount_fen, row.fulamt_ownpay_fen, row.overlmt_fen, row.preselfpay_fen, row.inscp_fen),
        init_feedetl_sn=row.init_feedetl_sn,
        cnt=row.cnt,
        detail=row.detail,
        answer=row.split,
    )
    whose = (row.created_at, row.opter, row.opter_name)
    return StandingLine(line, row.chrg_bchno, row.batch_state, row.setl_id or "", *whose)


def _line_row(line: FeeLine) -> tuple[Any, ...]:
    split = line.split
    return (
        line.line_id,
        line.mdtrt_id,
        line.feedetl_sn,
        line.fee_batch_id,
        line.line_no,
        line.state,
        line.fee_at,
        split.amount_fen,
        split.fulamt_ownpay_fen,
        split.overlmt_fen,
        split.preselfpay_fen,
        split.inscp_fen,
        line.init_feedetl_sn,
        line.cnt,
        line.detail,
        line.answer,
    )
