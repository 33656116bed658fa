"""Rows of filings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.routing.domain.filing_terms import FilingKind
from services.routing.domain.filings import Filing
from services.runtime.db import DriverConnection, advisory_lock, sql

_COLUMNS: Final = (
    "filing_no, psn_no, kind, care_admdvs, from_day, to_day, filed_by, filed_at, fixmedins_code, detail, withdrawn_at,"
    " withdrawn_why"
)
_ONE: Final = sql(f"SELECT {_COLUMNS} FROM routing_filing WHERE filing_no = ?1 AND psn_no = ?2")
_OF_PERSON: Final = sql(
    f"SELECT {_COLUMNS} FROM routing_filing WHERE psn_no = ?1 ORDER BY filed_at DESC, filing_no DESC LIMIT ?2"
)
_STANDING: Final = sql(f"SELECT {_COLUMNS} FROM routing_filing WHERE psn_no = ?1 AND withdrawn_at IS NULL")
_STANDING_OF: Final = sql(f"SELECT {_COLUMNS} FROM routing_filing WHERE AMONG(psn_no, ?1) AND withdrawn_at IS NULL")
_WITHDRAW: Final = sql("UPDATE routing_filing SET withdrawn_at = ?2, withdrawn_why = ?3 WHERE filing_no = ?1")


class FilingRows:
    """Filings, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def hold(self, psn_no: str) -> None:
        """Holds a person's filings against other writers until the transaction ends."""
        await advisory_lock(self._connection, [f"routing_filing:{psn_no}"])

    async def find(self, filing_no: str, psn_no: str) -> Filing | None:
        """A person's filing by its number."""
        return next((_filing(row) for row in await self._connection.run(_ONE, filing_no, psn_no)), None)

    async def of_person(self, psn_no: str, limit: int) -> list[Filing]:
        """Those of a person, made last first."""
        return [_filing(row) for row in await self._connection.run(_OF_PERSON, psn_no, limit)]

    async def standing(self, psn_no: str) -> list[Filing]:
        """All of a person that are not withdrawn: no list is so long that it hides one that counts."""
        return [_filing(row) for row in await self._connection.run(_STANDING, psn_no)]

    async def standing_of(self, persons: Sequence[str]) -> dict[str, list[Filing]]:
        """The same of several persons; who has none is left out."""
        found: dict[str, list[Filing]] = {}
        for row in await self._connection.run(_STANDING_OF, list(persons)):
            filing = _filing(row)
            found.setdefault(filing.psn_no, []).append(filing)
        return found

    async def add(self, filing: Filing) -> None:
        """A new one; its number is unique."""
        row = (
            filing.filing_no,
            filing.psn_no,
            filing.kind.value,
            filing.care_admdvs,
            filing.from_day.isoformat(),
            filing.to_day.isoformat() if filing.to_day else None,
            filing.filed_by,
            to_micros(filing.filed_at),
            filing.fixmedins_code,
            json.dumps(dict(filing.detail), ensure_ascii=False, separators=(",", ":")),
            None,
            "",
        )
        await self._connection.insert(self._insert, [row])

    async def withdraw(self, filing: Filing) -> None:
        """Keeps that it is withdrawn."""
        if filing.withdrawn_at is None:
            raise ValueError("the filing stands")
        moment = to_micros(filing.withdrawn_at)
        await self._connection.run(_WITHDRAW, filing.filing_no, moment, filing.withdrawn_why)


def _filing(row: Sequence[Any]) -> Filing:
    (
        filing_no, psn_no, kind, care_admdvs, first, last, filed_by, filed_at, fixmedins_code, detail, withdrawn_at, why,
    ) = row  # fmt: skip
    told: Mapping[str, str] = json.loads(detail)
    return Filing(
        filing_no,
        psn_no,
        FilingKind(kind),
        care_admdvs,
        date.fromisoformat(first),
        date.fromisoformat(last) if last else None,
        filed_by,
        from_micros(filed_at),
        fixmedins_code,
        told,
        from_micros(withdrawn_at) if withdrawn_at is not None else None,
        why,
    )
