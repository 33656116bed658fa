"""Rows of what institutions are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.payment.domain.notices import NoticeKind, NoticeState, OrderNotice
from services.payment.store.tables import GIVEN_UP, HELD, HELD_CHARGE, UNTOLD
from services.runtime.db import DriverConnection, sql

_COLUMNS: Final = (
    *("notice_no", "pay_ord_id", "kind", "refund_no", "state", "made_at", "due_at", "done_at", "tries", "reason"),
)
_ALL: Final = ", ".join(_COLUMNS)
_ANY_DUE: Final = sql(f"SELECT 1 FROM pay_notice WHERE {UNTOLD} AND due_at <= ?1 LIMIT 1")
# What an order became is told in the order in which it became so.
_DUE: Final = sql(
    f"SELECT {_ALL} FROM pay_notice WHERE {UNTOLD} AND due_at <= ?1 AND NOT EXISTS (SELECT 1 FROM pay_notice AS earlier"
    " WHERE earlier.pay_ord_id = pay_notice.pay_ord_id AND earlier.state = 'open' AND earlier.made_at < pay_notice.made_at)"
    " ORDER BY due_at LIMIT ?2 FOR UPDATE SKIP LOCKED"
)
_ONE: Final = sql(f"SELECT {_ALL} FROM pay_notice WHERE notice_no = ?1")
_GIVEN_UP: Final = sql(f"SELECT {_ALL} FROM pay_notice WHERE {GIVEN_UP} AND notice_no > ?1 ORDER BY notice_no LIMIT ?2")
_CHANGE: Final = " ON CONFLICT (notice_no) DO UPDATE SET " + ", ".join(
    f"{each} = excluded.{each}" for each in ("state", "due_at", "done_at", "tries", "reason")
)
_COUNTS: Final = sql(
    f"SELECT (SELECT count(*) FROM pay_order WHERE {HELD}), (SELECT count(*) FROM pay_charge WHERE {HELD_CHARGE}),"
    f" (SELECT count(*) FROM pay_notice WHERE {UNTOLD}), (SELECT count(*) FROM pay_notice WHERE {GIVEN_UP})"
)
COUNTED: Final = ("order", "charge", "notice_open", "notice_given_up")
"""What `counts` tells, by name."""


class NoticeRows:
    """Notices, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = inserts["pay_notice"][connection.dialect]

    async def add(self, notices: Sequence[OrderNotice]) -> None:
        """New ones; one that stands already stays as it is."""
        await self._connection.insert(self._insert + " ON CONFLICT (notice_no) DO NOTHING", _rows(notices))

    async def keep(self, notices: Sequence[OrderNotice]) -> None:
        """As they are now."""
        await self._connection.insert(self._insert + _CHANGE, _rows(notices))

    async def any_due(self, now: int) -> bool:
        """Whether there are some to be told."""
        return bool(await self._connection.run(_ANY_DUE, now))

    async def due(self, now: int, most: int) -> list[OrderNotice]:
        """Those, the longest first, held until the transaction ends; of an order one at a time."""
        return [_notice(row) for row in await self._connection.run(_DUE, now, most)]

    async def one(self, notice_no: str) -> OrderNotice | None:
        """One."""
        rows = await self._connection.run(_ONE, notice_no)
        return _notice(rows[0]) if rows else None

    async def given_up(self, after: str, most: int) -> list[OrderNotice]:
        """Those that were told in vain, by number."""
        return [_notice(row) for row in await self._connection.run(_GIVEN_UP, after, most)]

    async def counts(self) -> dict[str, int]:
        """How many orders and charges rest until people decide, how many notices are open, and how many were given up."""
        (row,) = await self._connection.run(_COUNTS)
        return {name: int(count) for name, count in zip(COUNTED, row, strict=True)}


def _rows(notices: Sequence[OrderNotice]) -> list[tuple[Any, ...]]:
    return [
        (
            *(each.notice_no, each.pay_ord_id, each.kind.value, each.refund_no, each.state.value),
            *(each.made_at, each.due_at, each.done_at, each.tries, each.reason),
        )
        for each in sorted(notices, key=lambda each: each.notice_no)
    ]


def _notice(row: Sequence[Any]) -> OrderNotice:
    at = dict(zip(_COLUMNS, row, strict=True))
    at["kind"], at["state"] = NoticeKind(at["kind"]), NoticeState(at["state"])
    return OrderNotice(**at)
