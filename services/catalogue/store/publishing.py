"""The transaction of one publication: what stands, the new rows, the closed ones, and the row of the request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.domain.publishing import Decision, Publication
from services.catalogue.domain.records import EMPTY_HEAD, KINDS, Key, PolicyVersion, Record, key_of
from services.catalogue.store.rows import records_of, select_records, storable, values_of
from services.catalogue.store.tables import DIVISION, POLICY, PUBLICATION, TABLES
from services.runtime.db import bulk_insert, fetch, in_values

LOCK: Final = "catalogue.publication"
"""Held by whoever publishes: each head follows from the one before."""


class PublishingTransaction:
    """One open transaction that holds the lock."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find_publication(self, scope: str, request_id: str) -> Publication | None:
        """The row of an earlier request of that id."""
        columns = [PUBLICATION.columns[name] for name in Publication.__dataclass_fields__]
        wanted = and_(PUBLICATION.columns.scope == scope, PUBLICATION.columns.request_id == request_id)
        rows = await fetch(self._connection, select(*columns).where(wanted))
        make: Callable[..., Publication] = Publication
        return make(*rows[0]) if rows else None

    async def head(self) -> str:
        """The catalogue's hash."""
        return (await self._last())[1]

    async def standing(self, kind: type[Record], keys: Collection[Key]) -> Sequence[Record]:
        """All records of those keys. Asked by the first part and the second where there is one; the rest is sieved here."""
        table = TABLES[kind]
        statement = select_records(kind)
        values: dict[str, list[str]] = {}
        for place, name in enumerate(kind.KEY[:2]):
            statement = statement.where(in_values(table.columns[name], name))
            values[name] = sorted({key[place] for key in keys})
        rows = await fetch(self._connection, statement, values)
        return [record for record in records_of(kind, rows) if key_of(record) in keys]

    async def policy_kinds(self, policy_ids: Collection[str]) -> Mapping[str, str]:
        """Which of these policies are published, and of which kind."""
        statement = select(POLICY.columns.policy_id, POLICY.columns.kind).where(
            in_values(POLICY.columns.policy_id, "ids")
        )
        return {
            row.policy_id: row.kind for row in await fetch(self._connection, statement, {"ids": storable(policy_ids)})
        }

    async def divisions(self, codes: Collection[str]) -> frozenset[str]:
        """Which of these divisions are published, for whatever days."""
        statement = select(DIVISION.columns.admdvs).where(in_values(DIVISION.columns.admdvs, "codes"))
        return frozenset(row[0] for row in await fetch(self._connection, statement, {"codes": storable(codes)}))

    async def constraints(self) -> Sequence[PolicyVersion]:
        """All policies that only constrain others."""
        statement = select_records(PolicyVersion).where(POLICY.columns.kind == "constraint")
        return records_of(PolicyVersion, await fetch(self._connection, statement))

    async def save(self, publication: Publication, decision: Decision) -> None:
        """Writes the new records, closes the ended ones, and the row of the request."""
        seq = (await self._last())[0] + 1
        for kind in KINDS:
            new = [record for record in decision.inserts if isinstance(record, kind)]
            await bulk_insert(self._connection, TABLES[kind], [(*values_of(record), seq, None) for record in new])
            await self._close(kind, [record for record in decision.closings if isinstance(record, kind)], seq)
        row = tuple(getattr(publication, name) for name in Publication.__dataclass_fields__)
        await bulk_insert(self._connection, PUBLICATION, [(seq, *row)])

    async def _close(self, kind: type[Record], records: Sequence[Record], seq: int) -> None:
        if not records:
            return
        table = TABLES[kind]
        same = [table.columns[name] == bindparam(f"b_{name}") for name in (*kind.KEY, "from_day")]
        statement = (
            update(table)
            .where(*same, table.columns.to_day.is_(None))
            .values(to_day=bindparam("b_to_day"), closed_in=bindparam("b_seq"))
        )
        rows = [
            {f"b_{name}": getattr(record, name) for name in (*kind.KEY, "from_day", "to_day")} | {"b_seq": seq}
            for record in records
        ]
        await self._connection.execute(statement, rows)

    async def _last(self) -> tuple[int, str]:
        columns = PUBLICATION.columns
        rows = await fetch(self._connection, select(columns.seq, columns.head).order_by(columns.seq.desc()).limit(1))
        return (rows[0].seq, rows[0].head) if rows else (0, EMPTY_HEAD)
