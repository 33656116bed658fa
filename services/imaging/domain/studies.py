"""Studies and series as a node tells them and as the index keeps them. Pure.

Dates, times and names are texts as in DICOM: yyyyMMdd, HHmmss, names in groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

_FIRST_DAY: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock's, as DICOM has it
_MINUTE_S: Final = 60


class Availability(IntEnum):
    """How fast a study can be fetched, (0008,0056)."""

    UNKNOWN = 0
    ONLINE = 1
    NEARLINE = 2
    OFFLINE = 3
    UNAVAILABLE = 4


class Recognition(IntEnum):
    """Within what range a result is recognised, 0 where it bears no mark."""

    NONE = 0
    CITY = 1
    PROVINCE = 2
    REGION = 3
    NATION = 4


class State(IntEnum):
    """Whether a study is found: by all who may, by nobody, by its own institution alone (three kinds)."""

    ACTIVE = 0
    WITHDRAWN = 1
    # Another node tells the same study of another person.
    CONFLICT = 2
    # An operator decided that another node is right.
    WRONG = 3
    # Another node tells it of another person and is found still: this one's node had caused too many conflicts.
    HELD = 4


class WithdrawReason(IntEnum):
    """Why a study was taken out."""

    WRONG_PATIENT = 1
    WRONG_STUDY = 2
    PATIENT_REQUEST = 3
    RETENTION_END = 4
    REJECTED = 5


@dataclass(frozen=True, slots=True)
class Study:
    """Attributes of a study. `study_time` is empty where it is not known, `timezone` means +0800 then, `birth_year` 0.

    `patient_name` has up to three groups and stands as its node tells it: it is folded where it is compared (`qido.names`).
    `index_minute`, `index_technique` and `index_device` are parts 2 to 4 of the index code, "" where there was none, or zeros;
    part 5 is the node's.
    """

    fixmedins_code: str
    study_date: str
    study_time: str = ""
    timezone: str = ""
    accession_no: str = ""
    accession_issuer: str = ""
    study_id: str = ""
    modalities: tuple[str, ...] = ()
    description: str = ""
    body_part: str = ""
    item_code: str = ""
    item_system: str = ""
    patient_name: str = ""
    patient_sex: str = ""
    birth_year: int = 0
    referring_physician: str = ""
    size_bytes: int = 0
    availability: Availability = Availability.UNKNOWN
    recognition: Recognition = Recognition.NONE
    report_no: str = ""
    report_hash: str = ""
    index_minute: str = ""
    index_technique: str = ""
    index_device: str = ""
    series_count: int = 0
    instance_count: int = 0
    source_micros: int = 0

    @property
    def started(self) -> int:
        """By what studies stand in order: minutes of the wall clock since 1970; the beginning of the day without a time."""
        return minutes_of(self.study_date, self.study_time)


@dataclass(frozen=True, slots=True)
class Series:
    """Attributes of a series; what is not known is empty."""

    series_instance_uid: str
    modality: str
    instance_count: int
    series_no: int = 0
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    series_date: str = ""
    series_time: str = ""
    step_date: str = ""
    step_time: str = ""
    step_id: str = ""
    procedure_id: str = ""
    sop_hash: str = ""


@dataclass(frozen=True, slots=True)
class KeptStudy:
    """A study as the index keeps it: one for each node and study UID.

    `ref` is its number in the store, which begins with the node's. A withdrawn one is a tombstone: it has neither person, nor
    hash, nor attributes, but a reason and the moment.
    """

    ref: int
    node_ref: int
    uid: str
    version: int
    state: State
    person_key: bytes | None = field(default=None, repr=False)
    entry_hash: bytes | None = None
    study: Study | None = None
    reason: WithdrawReason | None = None
    withdrawn_at: datetime | None = None

    @property
    def place(self) -> tuple[int, int]:
        """By what the studies of persons stand in order, the latest first; (0, ref) of a tombstone."""
        return (self.study.started if self.study is not None else 0), self.ref

    @property
    def day(self) -> int:
        """The day of the examination as a number, 20260305; 0 of a tombstone."""
        return int(self.study.study_date) if self.study is not None else 0


def minutes_of(study_date: str, study_time: str = "") -> int:
    """Minutes of the wall clock since 1970 of a DICOM date and time that were checked; what is missing of the time is 0."""
    day = datetime(int(study_date[:4]), int(study_date[4:6]), int(study_date[6:8]))  # noqa: DTZ001 - a wall clock's
    hours, minutes = int(study_time[:2] or 0), int(study_time[2:4] or 0)
    return (day - _FIRST_DAY).days * 24 * 60 + hours * 60 + minutes
