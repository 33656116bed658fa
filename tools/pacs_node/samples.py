"""A CT examination of an invented person for the demo and for tests: 3 series, the same bytes at every call.

The person is of the sandbox (`tools/sandbox/people.yaml`), the institution too. Pictures are drawn: a body, two lungs, a spine
and noise of a fixed seed, in Hounsfield units; nobody was ever scanned for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from pydicom import uid as uids
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

SEED: Final = 20261201
SIDE: Final = 192
_ISSUER: Final = "NHSA"
_PIXEL_MM: Final = 380 / SIDE


@dataclass(frozen=True, slots=True)
class Person:
    """Whose examination it is. `name` has its Latin and its ideographic group."""

    psn_no: str = "37010000000000000201"
    name: str = "Ji^Cejia=济测甲"
    sex: str = "M"
    birth_date: str = "19790506"


@dataclass(frozen=True, slots=True)
class _Series:
    number: int
    description: str
    slices: int
    thickness_mm: float
    noise: float
    kernel: str
    window: tuple[int, int]


_SERIES: Final = (
    _Series(1, "定位像", 1, 380.0, 4.0, "T20f", (40, 800)),
    _Series(2, "胸部平扫 5mm 软组织", 12, 5.0, 9.0, "B30f", (40, 400)),
    _Series(3, "胸部平扫 1.5mm 肺窗", 8, 1.5, 28.0, "B70f", (-600, 1500)),
)


def chest_ct(
    person: Person | None = None,
    day: str = "20260525",
    fixmedins_code: str = "H37010200901",
    accession_no: str = "CT2605250001",
) -> Iterator[bytes]:
    """The files of a plain chest CT, one for each slice; `day` is yyyyMMdd. UIDs follow from person, day and accession number."""
    person = person or Person()
    generator = np.random.default_rng(SEED)
    study = _uid(person.psn_no, day, accession_no)
    for series in _SERIES:
        for place in range(series.slices):
            dataset = _dataset(person, day, fixmedins_code, accession_no, study, series, place)
            _draw(dataset, generator, series, place)
            yield _file(dataset)


def study_uid(person: Person | None = None, day: str = "20260525", accession_no: str = "CT2605250001") -> str:
    """The Study Instance UID of `chest_ct` for the same arguments."""
    return _uid((person or Person()).psn_no, day, accession_no)


def _uid(*parts: object) -> str:
    return str(uids.generate_uid(prefix="2.25.", entropy_srcs=[f"{SEED}", *(str(each) for each in parts)]))[:44]


def _dataset(
    person: Person, day: str, fixmedins_code: str, accession_no: str, study: str, series: _Series, place: int
) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "GB18030"
    dataset.SOPClassUID = uids.CTImageStorage
    dataset.SOPInstanceUID = _uid(study, series.number, place)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, _uid(study, series.number)
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = day
    dataset.StudyTime, dataset.SeriesTime = "093000", f"09{30 + series.number}00"
    dataset.ContentTime, dataset.TimezoneOffsetFromUTC = dataset.SeriesTime, "+0800"
    dataset.AccessionNumber, dataset.StudyID, dataset.Modality = accession_no, accession_no[-4:], "CT"
    dataset.Manufacturer, dataset.InstitutionName = "YIBAO SAMPLES", "济南测试医院"
    dataset.InstitutionCodeSequence = [_code(fixmedins_code, "NHSA", "institution")]
    dataset.ReferringPhysicianName = "Ce^Shi=测^试"
    dataset.StudyDescription, dataset.SeriesDescription = "胸部CT平扫", series.description
    dataset.ProcedureCodeSequence = [_code("002103009010000", _ISSUER, "plain CT")]
    dataset.PatientName, dataset.PatientID, dataset.IssuerOfPatientID = person.name, person.psn_no, _ISSUER
    dataset.PatientBirthDate, dataset.PatientSex, dataset.BodyPartExamined = person.birth_date, person.sex, "CHEST"
    dataset.PatientPosition, dataset.KVP, dataset.ConvolutionKernel = "HFS", "120", series.kernel
    dataset.SliceThickness, dataset.FrameOfReferenceUID = series.thickness_mm, _uid(study, "frame")
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.AcquisitionNumber = series.number, place + 1, 1
    dataset.ImagePositionPatient = [-190.0, -190.0, round(place * series.thickness_mm, 2)]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    return dataset


def _code(code: str, system: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, system, meaning
    return item


def _draw(dataset: Dataset, generator: np.random.Generator, series: _Series, place: int) -> None:
    """Air, a body with a soft gradient, lungs that grow and shrink with the slice, a spine."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    share = (place + 1) / (series.slices + 1)
    lung = 0.24 + 0.2 * np.sin(np.pi * share)
    picture = np.full((SIDE, SIDE), -1000.0)
    body = (x / 0.86) ** 2 + (y / 0.62) ** 2 < 1
    picture[body] = (45 - 60 * (x**2 + y**2))[body]
    for side in (-0.38, 0.38):
        inside = ((x - side) / (lung * 0.75)) ** 2 + ((y + 0.03) / lung) ** 2 < 1
        picture[inside] = (-860 + 120 * np.cos(9 * x) * np.cos(7 * y))[inside]
    picture[(x / 0.11) ** 2 + ((y - 0.38) / 0.12) ** 2 < 1] = 420
    picture += generator.normal(0, series.noise, picture.shape)
    stored = np.clip(picture + 1024, 0, 4095).astype("<u2")
    dataset.Rows = dataset.Columns = SIDE
    dataset.PixelSpacing = [round(_PIXEL_MM, 4)] * 2
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = series.window
    dataset.PixelData = stored.tobytes()


def _file(dataset: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
    whole: Any = FileDataset("", dataset, file_meta=meta, preamble=b"\0" * 128)
    sink = BytesIO()
    whole.save_as(sink, enforce_file_format=True)
    return sink.getvalue()
