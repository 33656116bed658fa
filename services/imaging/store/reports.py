"""Rows of institutions' reports: one of each institution and number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.imaging.domain.reports import KeptReport, Picture, Report, ReportItem
from services.runtime.db import DriverConnection, sql
from services.runtime.packing import packed, unpacked

_COLUMNS: Final = "institution, report_no, person_key, started, place, content_hash, body"
_FIND: Final = sql(f"SELECT {_COLUMNS} FROM imaging_report WHERE institution = ?1 AND report_no = ?2")
_DROP: Final = sql("DELETE FROM imaging_report WHERE institution = ?1 AND report_no = ?2")
_OF_PERSON: Final = sql(
    f"SELECT {_COLUMNS} FROM imaging_report WHERE person_key = ?1 AND started >= ?2 ORDER BY started DESC LIMIT ?3"
)
_OWN: Final = sql(
    f"SELECT {_COLUMNS} FROM imaging_report WHERE institution = ?1 AND started <= ?2 AND (started, place) < (?2, ?3)"
    " ORDER BY started DESC, place DESC LIMIT ?4"
)
_TEXTS: Final = (
    "report_day",
    "kind",
    "name",
    "body_part",
    "positive",
    "abnormal",
    "organisation",
    "doctor",
    "conclusion",
)


class ReportRows:
    """Reports, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, fixmedins_code: str, report_no: str) -> KeptReport | None:
        """One by its number."""
        for row in await self._connection.run(_FIND, fixmedins_code, report_no):
            return _report(row)
        return None

    async def put(self, kept: KeptReport, *, stood: bool) -> None:
        """Writes one; `stood` where it had a row."""
        report = kept.report
        if stood:
            await self.drop(report.fixmedins_code, report.report_no)
        head = (
            report.fixmedins_code,
            report.report_no,
            kept.person_key,
            report.started,
            report.place,
            kept.content_hash,
        )
        await self._connection.insert(self._insert, [(*head, _body(report))])

    async def drop(self, fixmedins_code: str, report_no: str) -> None:
        """Takes one out."""
        await self._connection.run(_DROP, fixmedins_code, report_no)

    async def of_person(self, person_key: bytes, since: int, most: int) -> Sequence[KeptReport]:
        """A person's from a minute on, the newest first, at most so many."""
        return [_report(row) for row in await self._connection.run(_OF_PERSON, person_key, since, most)]

    async def own(self, fixmedins_code: str, behind: tuple[int, int], most: int) -> Sequence[KeptReport]:
        """An institution's list, the newest first, behind a minute and a place: the same cost at any depth."""
        return [_report(row) for row in await self._connection.run(_OWN, fixmedins_code, *behind, most)]


def _body(report: Report) -> bytes:
    items = [[each.code, each.name] for each in report.items]
    pictures = [[each.study_uid, each.modality] for each in report.pictures]
    return packed([int(report.day), items, pictures, *(getattr(report, name) for name in _TEXTS)])


def _report(row: Any) -> KeptReport:
    institution, report_no, person_key, _, _, content_hash, body = row
    day, *rest = unpacked(body)
    filled: list[Any] = [*rest, *[[], []][len(rest) :]]
    items, pictures, *texts = filled
    report = Report(
        *(institution, report_no, f"{day:08}"),
        **dict(zip(_TEXTS, texts, strict=False)),
        items=tuple(ReportItem(*each) for each in items),
        pictures=tuple(Picture(*each) for each in pictures),
    )
    return KeptReport(report, bytes(person_key), bytes(content_hash))
