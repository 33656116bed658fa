"""Facts of a study and of a series out of a data set. What cannot be read counts as not said: facts are for lists and for the
index, the file itself stays as it came."""

from __future__ import annotations

import re
from typing import Any, Final

from pydicom.dataset import Dataset

from tools.pacs_node.facts import OtherId, SeriesFacts, StudyFacts

_ESCAPED: Final = re.compile(r"\x1b(?:\$[()*+]?|[()*+,\-./])[\x30-\x7e]")


def text(dataset: Dataset, keyword: str) -> str:
    """A value as text without padding, the first of several; empty where there is none."""
    value = _value(dataset, keyword)
    if value is None:
        return ""
    if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue":
        value = value[0] if len(value) else ""
    return plain(str(value)).strip(" \0")


def plain(value: str) -> str:
    """A text without what decoding leaves in it: lone surrogates of bytes that fit no charset, and the escape sequences of
    ISO 2022 IR 58 (GB 2312), which pydicom does not take away."""
    return _ESCAPED.sub("", value).encode("utf-8", "replace").decode()


def whole(dataset: Dataset, keyword: str) -> int:
    """A value as a whole number of 32 bits; 0 where there is none."""
    try:
        number = int(text(dataset, keyword) or 0)
    except ValueError:
        return 0
    return number if -(2**31) <= number < 2**31 else 0


def _value(dataset: Dataset, keyword: str) -> Any:
    # pydicom has no one error for a value that cannot be converted.
    try:
        return dataset.get(keyword)
    except Exception:  # noqa: BLE001
        return None


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    value = _value(dataset, keyword)
    return [each for each in value if isinstance(each, Dataset)] if value and not isinstance(value, str | bytes) else []


def _first(dataset: Dataset, *keywords: str) -> str:
    return next((found for each in keywords if (found := text(dataset, each))), "")


def study_facts(dataset: Dataset) -> StudyFacts:
    """The study. Where no study date is said the series', the acquisition's or the content's stands for it (our decision: a study
    without a day cannot be found)."""
    item = next(iter(_items(dataset, "ProcedureCodeSequence")), Dataset())
    institution = next(iter(_items(dataset, "InstitutionCodeSequence")), Dataset())
    issuer = next(iter(_items(dataset, "IssuerOfAccessionNumberSequence")), Dataset())
    dated = text(dataset, "StudyDate")
    return StudyFacts(
        patient_id=text(dataset, "PatientID"),
        issuer=text(dataset, "IssuerOfPatientID"),
        other_ids=tuple(
            OtherId(text(each, "PatientID"), text(each, "IssuerOfPatientID"))
            for each in _items(dataset, "OtherPatientIDsSequence")[:20]
        ),
        patient_name=text(dataset, "PatientName"),
        sex=text(dataset, "PatientSex"),
        birth_date=text(dataset, "PatientBirthDate"),
        study_date=dated or _first(dataset, "SeriesDate", "AcquisitionDate", "ContentDate"),
        study_time=text(dataset, "StudyTime")
        if dated
        else _first(dataset, "SeriesTime", "AcquisitionTime", "ContentTime"),
        timezone=text(dataset, "TimezoneOffsetFromUTC"),
        accession_no=text(dataset, "AccessionNumber"),
        accession_issuer=_first(issuer, "LocalNamespaceEntityID", "UniversalEntityID"),
        study_id=text(dataset, "StudyID"),
        description=text(dataset, "StudyDescription"),
        referring=text(dataset, "ReferringPhysicianName"),
        institution_name=text(dataset, "InstitutionName"),
        institution_code=text(institution, "CodeValue"),
        item_code=text(item, "CodeValue"),
        item_system=text(item, "CodingSchemeDesignator"),
    )


def series_facts(dataset: Dataset) -> SeriesFacts:
    """The series."""
    request = next(iter(_items(dataset, "RequestAttributesSequence")), Dataset())
    return SeriesFacts(
        number=whole(dataset, "SeriesNumber"),
        modality=text(dataset, "Modality"),
        description=text(dataset, "SeriesDescription"),
        body_part=text(dataset, "BodyPartExamined"),
        laterality=_first(dataset, "Laterality", "ImageLaterality"),
        series_date=text(dataset, "SeriesDate"),
        series_time=text(dataset, "SeriesTime"),
        step_date=text(dataset, "PerformedProcedureStepStartDate"),
        step_time=text(dataset, "PerformedProcedureStepStartTime"),
        step_id=text(request, "ScheduledProcedureStepID"),
        procedure_id=text(request, "RequestedProcedureID"),
    )
