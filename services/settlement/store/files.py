"""Rows of files, and of the requests that left them."""

from __future__ import annotations

from typing import Final

from services.kernel.clock import MICROSECOND
from services.runtime.db import Database, DriverConnection, Within, insert_sql, sql
from services.runtime.journal import JournalRows, journal_of
from services.settlement.domain.books.detail_files import Comparison
from services.settlement.domain.books.files import COMPARED_FOR, MOST_COMPARED, MOST_FILES, File
from services.settlement.store.file_tables import STATEMENT_COMPARED, STATEMENT_ENTRY, STATEMENT_FILE

_JOURNAL: Final = journal_of(STATEMENT_ENTRY)
_ADD: Final = insert_sql(STATEMENT_FILE)
_FIND: Final = sql(
    "SELECT file_qury_no, fixmedins_code, filename, content, made_at, ends_at FROM statement_file"
    " WHERE file_qury_no = ?1 AND ends_at > ?2"
)
_FORGET: Final = sql("DELETE FROM statement_file WHERE ends_at <= ?1")

_ROOM: Final = sql(
    "DELETE FROM statement_file WHERE fixmedins_code = ?1 AND ends_at <="
    " (SELECT ends_at FROM statement_file WHERE fixmedins_code = ?1 ORDER BY ends_at DESC LIMIT 1 OFFSET ?2)"
)
_COMPARED: Final = insert_sql(STATEMENT_COMPARED)
_AGAIN: Final = (
    " ON CONFLICT (fixmedins_code, first_day, last_day, setl_optins, clr_type, refd_setl_flag) DO UPDATE SET "
)
_CHANGED: Final = _AGAIN + ", ".join(f"{name} = excluded.{name}" for name in Comparison._fields[6:])
_OLD_COMPARED: Final = sql("DELETE FROM statement_compared WHERE compared_at <= ?1")
_COMPARED_ROOM: Final = sql(
    "DELETE FROM statement_compared WHERE fixmedins_code = ?1 AND compared_at <="
    " (SELECT compared_at FROM statement_compared WHERE fixmedins_code = ?1 ORDER BY compared_at DESC LIMIT 1 OFFSET ?2)"
)
_COMPARED_PAGE: Final = sql(
    f"SELECT {', '.join(Comparison._fields)} FROM statement_compared WHERE compared_at >= ?1 AND compared_at < ?2"
    " AND (compared_at > ?1 OR file_qury_no > ?3) ORDER BY compared_at, file_qury_no LIMIT ?4"
)


class FileRows:
    """Files in one transaction."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection
        self.journal = JournalRows(connection, _JOURNAL)

    async def find(self, file_qury_no: str, now: int) -> File | None:
        """One that is still kept."""
        rows = await self._connection.run(_FIND, file_qury_no, now)
        return File._make((*rows[0][:3], bytes(rows[0][3]), *rows[0][4:])) if rows else None

    async def add(self, file: File, now: int) -> None:
        """A new one; those whose time is over go, and the institution's oldest where it has too many."""
        await self._connection.run(_FORGET, now)
        await self._connection.run(_ROOM, file.fixmedins_code, MOST_FILES - 1)
        await self._connection.insert(_ADD[self._connection.dialect], [tuple(file)], patient=True)

    async def keep_compared(self, compared: Comparison) -> None:
        """What a comparison came to, in place of the one that the institution made before; old ones go."""
        await self._connection.run(_OLD_COMPARED, compared.compared_at - COMPARED_FOR // MICROSECOND)
        await self._connection.run(_COMPARED_ROOM, compared.fixmedins_code, MOST_COMPARED - 1)
        await self._connection.insert(_COMPARED[self._connection.dialect] + _CHANGED, [tuple(compared)])

    async def compared(self, span: tuple[int, int], after: tuple[int, str] | None, most: int) -> list[Comparison]:
        """Those that were made from a moment and before another, behind a place."""
        at, number = (span[0], "") if after is None else (max(after[0], span[0]), after[1])
        rows = await self._connection.run(_COMPARED_PAGE, at, span[1], number, most)
        return [Comparison._make(row) for row in rows]


class FileBooks:
    """The files of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self) -> Within[FileRows]:
        """A transaction; `Moved` where another was first."""
        return Within(self._database.driver_write(), FileRows, moved=True)

    def read(self) -> Within[FileRows]:
        """A snapshot."""
        return Within(self._database.driver_read(patient=True), FileRows)
