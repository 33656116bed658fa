"""Files of institutions: taken in, compared with what is booked, handed out. Each request leaves one file, whoever repeats it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple

from services.kernel.clock import MICROSECOND, to_micros
from services.kernel.codes import clr_type, pooling_area
from services.kernel.pages import Page, page_of
from services.kernel.requests import Entry, Moved, RequestStamp, repeated
from services.settlement.domain.books.detail_files import (
    BookedLine,
    Comparison,
    ComparisonCounts,
    ComparisonResult,
    read_listed,
)
from services.settlement.domain.books.files import KEPT_FOR, File, no_file
from services.settlement.operations.books.archives import text_of, zipped
from services.settlement.operations.books.statements import AskedTotals
from services.settlement.store.files import FileBooks
from services.settlement.store.statements import StatementRows

_PAGE = 2000
_FLAGS: Final = {"": "", "settle": "0", "reverse": "1"}
"""refd_setl_flag of kinds of rows."""


class _Made(NamedTuple):
    """A file as a request makes it, and what its comparison came to."""

    filename: str
    content: bytes
    found: ComparisonCounts = ComparisonCounts()


@dataclass(frozen=True, slots=True)
class Files:
    """Keeps, compares and tells files."""

    books: FileBooks
    statements: StatementRows
    new_id: Callable[[str], str]

    async def upload(
        self, stamp: RequestStamp, fixmedins_code: str, filename: str, content: bytes, now: datetime
    ) -> File:
        """Keeps a file; REQUEST_ID_REUSED."""

        async def made() -> _Made:
            return _Made(filename, content)

        return await self._kept(stamp, fixmedins_code, now, made)

    async def compare(self, stamp: RequestStamp, asked: AskedTotals, file_qury_no: str, now: datetime) -> File:
        """Compares an uploaded file with what is booked; the result. FILE_NOT_FOUND, FILE_MALFORMED, REQUEST_ID_REUSED."""

        async def made() -> _Made:
            uploaded = await self.find(asked.fixmedins_code, file_qury_no, now)
            result = ComparisonResult(await asyncio.to_thread(lambda: read_listed(text_of(uploaded.content))))
            for back in (False, True):
                if asked.kind in ("", "reverse" if back else "settle"):
                    await self._compared(result, asked, back=back)
            content = await asyncio.to_thread(lambda: zipped("result.txt", result.text()))
            return _Made("result.zip", content, result.found)

        return await self._kept(stamp, asked.fixmedins_code, now, made, asked)

    async def comparisons(self, span: tuple[int, int], after: tuple[int, str] | None, size: int) -> Page[Comparison]:
        """A page of what comparisons came to that were made from a moment and before another, in microseconds UTC."""
        async with self.books.read() as work:
            found = await work.compared(span, after, size + 1)
        return page_of(found, size, attrgetter("place"))

    async def find(self, fixmedins_code: str, file_qury_no: str, now: datetime) -> File:
        """A file of the institution; FILE_NOT_FOUND."""
        async with self.books.read() as work:
            found = await work.find(file_qury_no, to_micros(now))
        if found is None or found.fixmedins_code != fixmedins_code:
            raise no_file(file_qury_no)
        return found

    async def _compared(self, result: ComparisonResult, asked: AskedTotals, *, back: bool) -> None:
        after = (0, "")
        while True:
            rows = await self.statements.booked(asked.fixmedins_code, asked.span, after, _PAGE, back=back)
            result.add([each for each in rows if _meant(each, asked)])
            if len(rows) < _PAGE:
                return
            after = rows[-1].at, rows[-1].setl_id

    async def _kept(
        self,
        stamp: RequestStamp,
        fixmedins_code: str,
        now: datetime,
        made: Callable[[], Awaitable[_Made]],
        asked: AskedTotals | None = None,
    ) -> File:
        standing = await self._standing(stamp, fixmedins_code, now)
        if standing is not None:
            return standing
        told, at = await made(), to_micros(now)
        file = File(self.new_id("F"), fixmedins_code, told.filename, told.content, at, at + KEPT_FOR // MICROSECOND)
        try:
            async with self.books.write() as work:
                if repeated(stamp, await work.journal.find(stamp)) is None:
                    await work.add(file, at)
                    if asked is not None:
                        await work.keep_compared(_compared(asked, file, told.found))
                    await work.journal.add(Entry(stamp, file.file_qury_no.encode(), now))
                    return file
        except Moved:
            pass
        found = await self._standing(stamp, fixmedins_code, now)
        if found is None:
            raise AssertionError("whoever was first has left an entry")
        return found

    async def _standing(self, stamp: RequestStamp, fixmedins_code: str, now: datetime) -> File | None:
        async with self.books.read() as work:
            entry = repeated(stamp, await work.journal.find(stamp))
        return None if entry is None else await self.find(fixmedins_code, entry.response.decode(), now)


def _compared(asked: AskedTotals, file: File, found: ComparisonCounts) -> Comparison:
    classed = (asked.setl_optins, asked.clr_type, _FLAGS[asked.kind])
    return Comparison(asked.fixmedins_code, *asked.days, *classed, file.file_qury_no, file.made_at, *found)


def _meant(each: BookedLine, asked: AskedTotals) -> bool:
    classed = asked.clr_type in ("", clr_type(each.med_type))
    return classed and asked.setl_optins in ("", pooling_area(each.insuplc_admdvs))
