"""Examination reports that institutions tell (4501): what recognition needs of them, and what 5402 shows. Pure.

A report is its institution's own, by its number there. The index has no picture of it: that lies with a node under the UIDs that
the report names, or with the institution alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from services.imaging.domain.dicom_forms import FIRST_DAY, MODALITIES, uid_holds
from services.imaging.domain.studies import minutes_of
from services.kernel.errors import Fault, FaultKind, Violation, Violations

_PLACE_BYTES: Final = 6
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Picture:
    """A study that a report is of."""

    study_uid: str
    modality: str = ""


@dataclass(frozen=True, slots=True)
class ReportItem:
    """An item that was examined, as a code of the insurance catalogue where it is one, and by its name."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A report. Days are yyyyMMdd; `positive` and `abnormal` are the codes as they came."""

    fixmedins_code: str
    report_no: str
    day: str
    report_day: str = ""
    kind: str = ""
    name: str = ""
    body_part: str = ""
    positive: str = ""
    abnormal: str = ""
    conclusion: str = field(default="", repr=False)
    organisation: str = ""
    doctor: str = field(default="", repr=False)
    items: tuple[ReportItem, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def started(self) -> int:
        """By what reports stand in order: minutes of the wall clock since 1970 at the begin of the day."""
        return minutes_of(self.day)

    def is_clear_of(self, study_uids: frozenset[str]) -> bool:
        """Whether it is of none of these studies."""
        return study_uids.isdisjoint(each.study_uid for each in self.pictures)

    @property
    def place(self) -> int:
        """Orders the reports of one day: a number out of the hash of the report's, which page tokens may tell."""
        return int.from_bytes(sha256(self.report_no.encode()).digest()[:_PLACE_BYTES], "big")

    @property
    def modalities(self) -> tuple[str, ...]:
        """Of its pictures, in their order."""
        return tuple(dict.fromkeys(each.modality for each in self.pictures if each.modality))


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report as the index keeps it."""

    report: Report
    person_key: bytes = field(repr=False)
    content_hash: bytes = b""


def check_report(report: Report, today: date) -> None:
    """INVALID_REQUEST where number or day are missing, or a day, a UID or a modality is none."""
    broken = Violations()
    for each in _wrong(report, today):
        broken.add(each)
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)


def _wrong(report: Report, today: date) -> Iterator[Violation]:
    if not report.report_no:
        yield Violation("examinfo.rpotc_no", "entry.needed", "a report has a number")
    if not report.day:
        yield Violation("examinfo.exam_date", "entry.needed", "an examination has a day")
    elif report.day < FIRST_DAY:
        yield Violation("examinfo.exam_date", "entry.day", "there was no picture before")
    elif report.day > f"{today + _AHEAD:%Y%m%d}":
        yield Violation("examinfo.exam_date", "entry.day_to_come", "the day is still to come")
    seen: set[str] = set()
    for place, picture in enumerate(report.pictures):
        path = f"imageinfo[{place}]"
        if not uid_holds(picture.study_uid):
            yield Violation(f"{path}.study_uid", "entry.uid", "no UID")
        if picture.study_uid in seen:
            yield Violation(f"{path}.study_uid", "entry.twice", "the study stands twice")
        seen.add(picture.study_uid)
        if picture.modality and picture.modality not in MODALITIES:
            yield Violation(f"{path}.modality", "entry.modality", "no modality of DICOM")
