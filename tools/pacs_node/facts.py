"""What the node knows of what it keeps: facts of studies, series and instances, as read from the newest instance. Pure."""

from __future__ import annotations

import msgspec


class OtherId(msgspec.Struct, frozen=True):
    """Another number of the patient, (0010,1002), and who gave it."""

    number: str
    issuer: str


class StudyFacts(msgspec.Struct, frozen=True):
    """A study and its patient; texts are as in DICOM, empty where they are not said."""

    patient_id: str = ""
    issuer: str = ""
    other_ids: tuple[OtherId, ...] = ()
    patient_name: str = ""
    sex: str = ""
    birth_date: str = ""
    study_date: str = ""
    study_time: str = ""
    timezone: str = ""
    accession_no: str = ""
    accession_issuer: str = ""
    study_id: str = ""
    description: str = ""
    referring: str = ""
    institution_name: str = ""
    institution_code: str = ""
    item_code: str = ""
    item_system: str = ""


class SeriesFacts(msgspec.Struct, frozen=True):
    """A series. `number` is 0 where it is not said."""

    number: int = 0
    modality: str = ""
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    series_date: str = ""
    series_time: str = ""
    step_date: str = ""
    step_time: str = ""
    step_id: str = ""
    procedure_id: str = ""


class Pixels(msgspec.Struct, frozen=True):
    """Where the pixel data of a file lie, and their shape. `length` is -1 where they are encapsulated; `bits` are allocated."""

    offset: int
    length: int
    rows: int
    columns: int
    samples: int
    bits: int
    frames: int
    tag: int = 0x7FE00010

    @property
    def encapsulated(self) -> bool:
        """Whether each frame stands in items."""
        return self.length < 0

    @property
    def frame_bits(self) -> int:
        """Bits of one frame that is not compressed."""
        return self.rows * self.columns * self.samples * self.bits


class InstanceFacts(msgspec.Struct, frozen=True):
    """An instance: its UIDs, how it is encoded, and where its pixels lie, None where it has none."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str
    number: int = 0
    pixels: Pixels | None = None
