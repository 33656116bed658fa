"""Rows of notices: how far each cell's were read, and those that were refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.routing.domain.clearing.journals import Journal
from services.routing.domain.clearing.notices import DAY_TO_COME, Notice, RefusedNotice
from services.runtime.db import DriverConnection, sql

_PLACE: Final = sql("SELECT seq FROM clearing_notice WHERE cell = ?1")
_MOVE: Final = sql(
    "INSERT INTO clearing_notice (cell, seq) VALUES (?1, ?2) ON CONFLICT (cell) DO UPDATE SET seq = excluded.seq"
)
_COLUMNS: Final = (
    "name, cell, seq, setl_id, kind, sides, journal, traceparent, setl_day, reason, detail, refused_at, memo"
)
_REFUSED: Final = sql(
    f"SELECT {_COLUMNS} FROM clearing_refused"
    " WHERE cell > ?1 OR cell = ?1 AND (seq > ?2 OR seq = ?2 AND setl_id > ?3) ORDER BY cell, seq, setl_id LIMIT ?4"
)
_COME: Final = sql(
    f"SELECT {_COLUMNS} FROM clearing_refused WHERE reason = '{DAY_TO_COME}' AND setl_day <= ?1"
    " ORDER BY setl_day LIMIT ?2"
)
_FORGET: Final = sql("DELETE FROM clearing_refused WHERE AMONG(name, ?1)")


class NoticeRows:
    """Both, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = inserts["clearing_refused"][connection.dialect]

    async def place(self, cell: str) -> int:
        """Behind which place a cell's notices are to be read; 0 for the beginning."""
        for (seq,) in await self._connection.run(_PLACE, cell):
            return int(seq)
        return 0

    async def move(self, cell: str, seq: int) -> None:
        """They were read up to that place."""
        await self._connection.run(_MOVE, cell, seq)

    async def refused(self, after: tuple[str, int, str], limit: int) -> list[RefusedNotice]:
        """Refused notices behind a place of their list."""
        return [_refused(row) for row in await self._connection.run(_REFUSED, *after, limit)]

    async def come(self, today: date, limit: int) -> list[RefusedNotice]:
        """Those that waited for a day that has come."""
        return [_refused(row) for row in await self._connection.run(_COME, today.isoformat(), limit)]

    async def forget(self, notices: Sequence[Notice]) -> None:
        """Takes them out of the list; one that was never in it is no harm."""
        if notices:
            await self._connection.run(_FORGET, [_name(each) for each in notices])

    async def refuse(self, refused: Sequence[RefusedNotice]) -> None:
        """Puts them into the list, with what is said of them now."""
        await self.forget([each.notice for each in refused])
        await self._connection.insert(self._insert, [_row(each) for each in refused])


def _name(notice: Notice) -> str:
    """A cell whose store came back from an earlier day gives a place twice, to two settlements."""
    return f"{notice.cell}:{notice.seq}:{notice.journal.setl_id}"


def _row(refused: RefusedNotice) -> tuple[Any, ...]:
    notice, journal = refused.notice, refused.notice.journal
    told = {**asdict(journal), "setl_at": to_micros(journal.setl_at), "setl_day": journal.setl_day.isoformat()}
    return (
        *(_name(notice), notice.cell, notice.seq, journal.setl_id, journal.kind, json.dumps(notice.sides)),
        *(json.dumps(told, ensure_ascii=False), notice.traceparent, journal.setl_day.isoformat()),
        *(refused.reason, refused.detail, to_micros(refused.refused_at), refused.memo),
    )


def _refused(row: Sequence[Any]) -> RefusedNotice:
    _, cell, seq, _, _, sides, text, traceparent, _, reason, detail, refused_at, memo = row
    told = json.loads(text)
    told |= {
        "setl_at": from_micros(told["setl_at"]),
        "setl_day": date.fromisoformat(told["setl_day"]),
        "parts": tuple((fund, fen) for fund, fen in told["parts"]),
    }
    notice = Notice(cell, int(seq), tuple(json.loads(sides)), Journal(**told), traceparent)
    return RefusedNotice(notice, reason, detail, from_micros(refused_at), memo)
