"""Bills of care here for persons of other cells: their lines, and the books to which they are booked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from services.runtime.db import Database, Within, sql
from services.settlement.domain.books.care_bills import CareLine
from services.settlement.store.batch_books import BookReader
from services.settlement.store.keyed import keys_from

_DIALECTS: Final = ("sqlite", "postgresql")

_NUMBERS: Final = {
    dialect: f"SELECT k0, e.ipt_otp_no FROM {keys_from(dialect, 1)} JOIN encounter AS e ON e.mdtrt_id = k0"
    for dialect in _DIALECTS
}
# What a cancelling batch takes back is cancelled itself: what is left of open batches are their open lines.
_COUNTS: Final = sql(
    "SELECT fee_batch_id, COUNT(*) FROM fee_line WHERE AMONG(fee_batch_id, ?1) AND state = 'open' GROUP BY fee_batch_id"
)
_LINES: Final = sql(
    "SELECT fee_batch_id, detail, split FROM fee_line WHERE AMONG(fee_batch_id, ?1) AND state = 'open'"
    " ORDER BY fee_batch_id, line_no"
)
# In no order: it ends where there are too many.
_SOME_LINES: Final = sql(
    "SELECT fee_batch_id, detail, split, line_no FROM fee_line WHERE AMONG(fee_batch_id, ?1) AND state = 'open' LIMIT ?2"
)
_in_order = itemgetter(0, 3)
MANY: Final = 512
"""Statements that find more lines than these take SQLite some milliseconds: they run beside the loop (our decision)."""


class CareReader(BookReader):
    """Bills to be carried as one snapshot shows them."""

    async def numbers(self, encounters: Sequence[str]) -> dict[str, str]:
        """The institutions' own numbers of these encounters."""
        return {row[0]: row[1] for row in await self._rows(_NUMBERS, 1, encounters)}

    async def line_counts(self, batches: Sequence[str]) -> dict[str, int]:
        """How many lines of these fee batches are left, none where nothing is."""
        return {row[0]: row[1] for row in await self._connection.run(_COUNTS, list(batches))}

    async def lines(self, batches: Sequence[str], count: int) -> dict[str, list[CareLine]]:
        """The lines that are left of these fee batches, in the order they came; there are `count` of them."""
        return _by_batch(await self._connection.run(_LINES, list(batches), patient=count > MANY))

    async def few_lines(self, batches: Sequence[str]) -> dict[str, list[CareLine]] | None:
        """The same where they are at most MANY, which nobody need count before; None where they are more."""
        rows = await self._connection.run(_SOME_LINES, list(batches), MANY + 1)
        return _by_batch(sorted(rows, key=_in_order)) if len(rows) <= MANY else None


class CareBooks:
    """The care of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[CareReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), CareReader)


def _by_batch(rows: Iterable[Any]) -> dict[str, list[CareLine]]:
    found: dict[str, list[CareLine]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(CareLine(row[1], row[2]))
    return found
