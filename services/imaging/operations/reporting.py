"""Reports of institutions (4501), and the authorisation of an institution by a person who shows a credential there (5461)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import astuple
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import Final, Protocol, TypeAlias

from services.imaging.domain.reports import KeptReport, Report, check_report
from services.imaging.domain.sessions import Grant
from services.imaging.operations.uploads import Keys
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.clock import beijing_day
from services.kernel.errors import denied, invalid, not_found
from services.kernel.pages import Page, page_of
from services.kernel.requests import Entry, RequestStamp, repeated
from services.runtime.writes import Frame, as_it_stands

BEGIN: Final = (2**31 - 1, 0)
"""Before the youngest report of a list."""
_HASH_BYTES: Final = 16

Read: TypeAlias = Callable[[], Report]
"""Reads a report out of a request, or refuses it: a repeat is found before."""


class ReportResult(IntEnum):
    """What became of a report."""

    ACCEPTED = 1
    UNCHANGED = 2
    WITHDRAWN = 3


class Proving(Protocol):
    """The cells that made credentials, through routing."""

    async def proved(self, request_id: str, fixmedins_code: str, shown: str) -> Grant:
        """The grant of a code or ecToken that is shown at an institution; what its cell refuses, CELL_UNAVAILABLE,
        PEER_UNAVAILABLE."""
        ...


class Reporting:
    """What ReportService keeps."""

    def __init__(self, store: ImagingStore, keys: Keys, proving: Proving) -> None:
        self._store = store
        self._keys = keys
        self._proving = proving
        self._frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def upload(
        self, stamp: RequestStamp, read: Read, psn_no: str, now: datetime, encode: Callable[[ReportResult], bytes]
    ) -> bytes:
        """Keeps a report, or the correction of one that stands; INVALID_REQUEST, PEER_UNAVAILABLE, REQUEST_ID_REUSED."""
        (key,) = await self._keys.keys([psn_no])

        async def told(work: Unit) -> ReportResult:
            report = read()
            check_report(report, beijing_day(now))
            kept = KeptReport(report, key, sha256(repr(astuple(report)).encode()).digest()[:_HASH_BYTES])
            standing = await work.reports.find(report.fixmedins_code, report.report_no)
            if standing is not None and (standing.person_key, standing.content_hash) == (key, kept.content_hash):
                return ReportResult.UNCHANGED
            await work.reports.put(kept, stood=standing is not None)
            return ReportResult.ACCEPTED

        return await self._once(stamp, told, now, encode)

    async def withdraw(
        self, stamp: RequestStamp, read: Read, psn_no: str, now: datetime, encode: Callable[[ReportResult], bytes]
    ) -> bytes:
        """Takes a report of the person out; REPORT_NOT_FOUND, PEER_UNAVAILABLE, REQUEST_ID_REUSED."""
        (key,) = await self._keys.keys([psn_no])

        async def told(work: Unit) -> ReportResult:
            report = read()
            standing = await work.reports.find(report.fixmedins_code, report.report_no)
            if standing is None or standing.person_key != key:
                raise not_found("REPORT_NOT_FOUND")
            await work.reports.drop(report.fixmedins_code, report.report_no)
            return ReportResult.WITHDRAWN

        return await self._once(stamp, told, now, encode)

    async def listed(self, fixmedins_code: str, behind: tuple[int, int], size: int) -> Page[Report]:
        """Reports of an institution, the youngest first, behind a place."""
        async with self._store.read() as work:
            found = await work.reports.own(fixmedins_code, behind, size + 1)
        return page_of([each.report for each in found], size, lambda each: (each.started, each.place))

    async def authorise(
        self,
        stamp: RequestStamp,
        fixmedins_code: str,
        shown: str,
        psn_no: str,
        now: datetime,
        encode: Callable[[Grant], bytes],
    ) -> bytes:
        """The grant of a code or ecToken, "" where another kind of credential is shown; EC_TOKEN_WRONG_PERSON where `psn_no` is
        told and another's."""
        async with self._store.read() as work:
            standing = repeated(stamp, await work.journal.find(stamp))
        if standing is not None:
            return standing.response
        if not shown:
            raise invalid("data.mdtrt_cert_type", "report.credential", "the electronic credential is expected")
        # One number of a request is of one institution; the cell knows imaging alone.
        asked = sha256(f"{stamp.scope}\0{stamp.request_id}".encode()).hexdigest()
        proved = await self._proving.proved(asked, fixmedins_code, shown)
        if psn_no and list(await self._keys.keys([psn_no])) != [proved.person_key]:
            raise denied("EC_TOKEN_WRONG_PERSON")

        async def act(work: Unit) -> Entry:
            return await _journalled(work, stamp, encode(proved), now)

        kept: Entry = await self._frame.once(stamp, act, as_it_stands)
        return kept.response

    async def _once(
        self,
        stamp: RequestStamp,
        told: Callable[[Unit], Awaitable[ReportResult]],
        now: datetime,
        encode: Callable[[ReportResult], bytes],
    ) -> bytes:
        async def act(work: Unit) -> Entry:
            return await _journalled(work, stamp, encode(await told(work)), now)

        kept: Entry = await self._frame.once(stamp, act, as_it_stands)
        return kept.response


async def _journalled(work: Unit, stamp: RequestStamp, answer: bytes, now: datetime) -> Entry:
    entry = Entry(stamp, answer, now)
    await work.journal.add(entry)
    return entry


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)
