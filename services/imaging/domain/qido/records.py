"""Studies and series of the index as records of QIDO-RS: values by tag, each as DICOM writes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.imaging.domain.qido import attributes
from services.imaging.domain.qido.attributes import Record
from services.imaging.domain.scopes import Copy
from services.imaging.domain.studies import Availability, Recognition, Series

_AVAILABILITY: Final[Mapping[Availability, str]] = {
    each: each.name for each in Availability if each is not Availability.UNKNOWN
}
_ZONE: Final = "+0800"
"""Of a study whose node does not tell one: that of Beijing."""


def study_record(copy: Copy, patient_id: str, root: str) -> Record:
    """A study; `patient_id` is the pseudonym under which the reader knows the person, `root` where the reader fetches studies."""
    study = copy.study
    return _told(
        {
            "00080020": study.study_date,
            "00080030": study.study_time,
            "00080050": study.accession_no,
            "00080056": _AVAILABILITY.get(copy.availability, ""),
            "00080080": study.fixmedins_code,
            "00080090": study.referring_physician,
            "00080201": study.timezone or _ZONE,
            **_recognised(study.recognition),
            "00081030": study.description,
            attributes.RETRIEVE_URL: f"{root}/studies/{copy.kept.uid}",
            "00100010": study.patient_name,
            attributes.PATIENT_ID: patient_id,
            "00100040": study.patient_sex,
            "00180015": study.body_part,
            attributes.STUDY_UID: copy.kept.uid,
            "00200010": study.study_id,
            "00201206": str(study.series_count),
            "00201208": str(study.instance_count),
        },
        {attributes.MODALITIES: study.modalities},
    )


def _recognised(recognition: Recognition) -> dict[str, str]:
    """The mark, and whose attribute that is; nothing of a study without one."""
    if recognition is Recognition.NONE:
        return {}
    return {attributes.CREATOR.tag: attributes.CREATOR_NAME, attributes.RECOGNITION.tag: recognition.name}


def series_record(of_study: Record, series: Series) -> Record:
    """A series, with what is told of its study."""
    (root,) = of_study[attributes.RETRIEVE_URL]
    told = _told(
        {
            "00080021": series.series_date,
            "00080031": series.series_time,
            "00080060": series.modality,
            "0008103E": series.description,
            attributes.RETRIEVE_URL: f"{root}/series/{series.series_instance_uid}",
            "00180015": series.body_part,
            attributes.SERIES_UID: series.series_instance_uid,
            "00200011": str(series.series_no),
            "00200060": series.laterality,
            "00201209": str(series.instance_count),
            "00400244": series.step_date,
            "00400245": series.step_time,
        },
        {},
    )
    if series.step_id or series.procedure_id:
        told = {**told, "00400275.00400009": (series.step_id,), "00400275.00401001": (series.procedure_id,)}
    # What a series does not tell is not its study's: a body part of the study is none of each series.
    return {**{tag: each for tag, each in of_study.items() if tag not in _OF_SERIES}, **told}


_OF_SERIES: Final = frozenset(each.tag for each in attributes.SERIES)


def _told(single: dict[str, str], several: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    told = {tag: (value,) for tag, value in single.items() if value}
    return told | {tag: values for tag, values in several.items() if values}
