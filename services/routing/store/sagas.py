"""Rows of sagas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.routing.domain.sagas import Saga, SagaKind, State
from services.routing.store.saga_tables import AT_REST, OF_MESSAGE, RUNNING
from services.runtime.db import DriverConnection, sql

_COLUMNS: Final = (
    "order_no, kind, care_cell, insured_cell, scope, request_id, content_hash, act, target, state, setl_id, reason, attempts,"
    " due_at, created_at, changed_at"
)
_FIND: Final = sql(f"SELECT {_COLUMNS} FROM saga WHERE AMONG(order_no, ?1) ORDER BY order_no FOR UPDATE")
_READ: Final = sql(f"SELECT {_COLUMNS} FROM saga WHERE AMONG(order_no, ?1)")
_OF_MESSAGES: Final = sql(f"SELECT {_COLUMNS} FROM saga WHERE AMONG(request_id, ?1) AND {OF_MESSAGE}")
_OF_TARGETS: Final = sql(f"SELECT {_COLUMNS} FROM saga WHERE AMONG(target, ?1) AND target <> '' AND {RUNNING}")
_ANY_DUE: Final = sql(f"SELECT 1 FROM saga WHERE {RUNNING} AND due_at <= ?1 LIMIT 1")
_DUE: Final = sql(f"SELECT {_COLUMNS} FROM saga WHERE {RUNNING} AND due_at <= ?1 ORDER BY due_at LIMIT ?2 FOR UPDATE")
_RELEASE: Final = sql(
    f"UPDATE saga SET due_at = ?1 WHERE {RUNNING} AND due_at > ?1 AND NOT (kind = 'pay' AND state = 'begun')"
)
_OLD: Final = sql(f"SELECT order_no FROM saga WHERE {AT_REST} AND changed_at < ?1 ORDER BY changed_at LIMIT ?2")
_PRUNE: Final = sql(f"DELETE FROM saga WHERE AMONG(order_no, ?1) AND {AT_REST}")
_CHANGED: Final = ("state", "setl_id", "reason", "attempts", "due_at", "changed_at")
_CHANGE: Final = " ON CONFLICT (order_no) DO UPDATE SET " + ", ".join(f"{each} = excluded.{each}" for each in _CHANGED)


class SagaRows:
    """Sagas, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, numbers: Sequence[str], *, hold: bool = False) -> dict[str, Saga]:
        """Those of these numbers; `hold` keeps others from changing them until the transaction ends."""
        rows = await self._connection.run(_FIND if hold else _READ, sorted(numbers))
        return {saga.order_no: saga for saga in map(_saga, rows)}

    async def in_the_way(self, asked: Sequence[Saga]) -> list[Saga]:
        """Those that settle or have settled the same messages, and running ones of the same messages or targets."""
        found = [*await self._connection.run(_OF_MESSAGES, sorted({each.request_id for each in asked}))]
        if targets := sorted({each.target for each in asked if each.target}):
            found += await self._connection.run(_OF_TARGETS, targets)
        return [_saga(row) for row in found]

    async def any_due(self, now: int) -> bool:
        """Whether there are running ones that nobody has and that do not rest."""
        return bool(await self._connection.run(_ANY_DUE, now))

    async def due(self, now: int, most: int) -> list[Saga]:
        """Those, the longest first, held until the transaction ends."""
        return [_saga(row) for row in await self._connection.run(_DUE, now, most)]

    async def release(self, now: int) -> None:
        """From now on nobody has any; what payment holds open stays so."""
        await self._connection.run(_RELEASE, now)

    async def old(self, before: int, most: int) -> list[str]:
        """Numbers of those that came to rest before a moment, the oldest first."""
        return [str(order_no) for (order_no,) in await self._connection.run(_OLD, before, most)]

    async def prune(self, numbers: Sequence[str]) -> None:
        """Takes those away that are at rest."""
        await self._connection.run(_PRUNE, sorted(numbers))

    async def add(self, sagas: Sequence[Saga]) -> None:
        """New ones; that there is one for a message and a running one for a target is unique."""
        await self._connection.insert(
            self._insert, [_row(each) for each in sorted(sagas, key=lambda each: each.order_no)]
        )

    async def change(self, sagas: Sequence[Saga]) -> None:
        """What of these may change; they stand already."""
        rows = [_row(each) for each in sorted(sagas, key=lambda each: each.order_no)]
        await self._connection.insert(self._insert + _CHANGE, rows)


def _row(saga: Saga) -> tuple[Any, ...]:
    return (
        saga.order_no, saga.kind.value, saga.care_cell, saga.insured_cell, saga.scope, saga.request_id, saga.content_hash,
        saga.act, saga.target, saga.state.value, saga.setl_id, saga.reason, saga.attempts, saga.due_at, saga.created_at,
        saga.changed_at,
    )  # fmt: skip


def _saga(row: Sequence[Any]) -> Saga:
    (
        order_no, kind, care_cell, insured_cell, scope, request_id, content_hash, act, target, state, setl_id, reason,
        attempts, due_at, created_at, changed_at,
    ) = row  # fmt: skip
    return Saga(
        order_no=order_no,
        kind=SagaKind(kind),
        care_cell=care_cell,
        insured_cell=insured_cell,
        scope=scope,
        request_id=request_id,
        content_hash=content_hash,
        act=act,
        target=target,
        state=State(state),
        due_at=due_at,
        created_at=created_at,
        changed_at=changed_at,
        setl_id=setl_id,
        attempts=attempts,
        reason=reason,
    )
