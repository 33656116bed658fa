"""Rows of who is insured where, and of how far each cell's feed has been read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from services.routing.domain.registry import Cursor, Insured, Place
from services.runtime.db import DriverConnection, sql

_COLUMNS: Final = "psn_hash, cell, cert_hash, psn_cert_type, places, key_id"
_BY_PERSON: Final = sql(f"SELECT {_COLUMNS} FROM routing_insured WHERE AMONG(psn_hash, ?1)")
_BY_CERTIFICATE: Final = sql(f"SELECT {_COLUMNS} FROM routing_insured WHERE AMONG(cert_hash, ?1)")
_LEAVE: Final = sql("DELETE FROM routing_insured WHERE AMONG(psn_hash, ?1) AND cell = ?2")
_LEAVE_OTHERS: Final = sql("DELETE FROM routing_insured WHERE cell = ?1 AND key_id <> ?2")
_CURSORS: Final = sql("SELECT cell, key_id, seq, complete FROM routing_feed")
_CURSOR: Final = sql("SELECT cell, key_id, seq, complete FROM routing_feed WHERE cell = ?1")
_FORGET: Final = sql("DELETE FROM routing_feed WHERE cell = ?1")


class InsuredRows:
    """Both, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._inserts = inserts

    async def of_person(self, hashes: Sequence[str]) -> list[Insured]:
        """What cells told of a number, by its hash under each key that is held."""
        return [_insured(row) for row in await self._connection.run(_BY_PERSON, list(hashes))]

    async def of_certificate(self, hashes: Sequence[str]) -> list[Insured]:
        """The same of a certificate's number."""
        return [_insured(row) for row in await self._connection.run(_BY_CERTIFICATE, list(hashes))]

    async def replace(self, cell: str, insured: Sequence[Insured]) -> None:
        """What a cell told of persons, in the place of what it told before."""
        if not insured:
            return
        await self._connection.run(_LEAVE, [each.psn_hash for each in insured], cell, patient=True)
        rows = [
            (each.psn_hash, each.cell, each.cert_hash, each.psn_cert_type, _places_text(each.places), each.key_id)
            for each in insured
        ]
        await self._connection.insert(self._insert("routing_insured"), rows, patient=True)

    async def leave_others(self, cell: str, key_id: str) -> None:
        """Takes away what is kept of a cell under other keys."""
        await self._connection.run(_LEAVE_OTHERS, cell, key_id, patient=True)

    async def cursors(self) -> dict[str, Cursor]:
        """How far all feeds have been read, by cell."""
        found = (_cursor(row) for row in await self._connection.run(_CURSORS))
        return {each.cell: each for each in found}

    async def cursor(self, cell: str) -> Cursor | None:
        """How far a cell's feed has been read; None for never."""
        return next((_cursor(row) for row in await self._connection.run(_CURSOR, cell)), None)

    async def keep(self, cursor: Cursor) -> None:
        """How far it has been read now."""
        await self._connection.run(_FORGET, cursor.cell)
        row = (cursor.cell, cursor.key_id, cursor.seq, cursor.complete)
        await self._connection.insert(self._insert("routing_feed"), [row])

    def _insert(self, table: str) -> str:
        return self._inserts[table][self._connection.dialect]


def _cursor(row: Sequence[Any]) -> Cursor:
    cell, key_id, seq, complete = row
    return Cursor(cell, key_id, int(seq), bool(complete))


def _insured(row: Sequence[Any]) -> Insured:
    psn_hash, cell, cert_hash, psn_cert_type, places, key_id = row
    return Insured(psn_hash, cell, cert_hash, psn_cert_type, _places(places), key_id)


def _places_text(places: Sequence[Place]) -> str:
    return json.dumps(
        [
            [
                each.insutype,
                each.admdvs,
                each.from_day.isoformat(),
                each.to_day and each.to_day.isoformat(),
                each.in_force,
            ]
            for each in places
        ],
        separators=(",", ":"),
    )


def _places(text: str) -> tuple[Place, ...]:
    return tuple(
        Place(insutype, admdvs, date.fromisoformat(first), date.fromisoformat(last) if last else None, in_force)
        for insutype, admdvs, first, last, in_force in json.loads(text)
    )
