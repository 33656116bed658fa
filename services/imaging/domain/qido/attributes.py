"""The attributes that the index answers and is asked by: DICOM PS3.18 tables 10.6.1-5, 10.6.3-3 and 10.6.3-4, and those that
viewers ask for beside them. What it does not keep, a full date of birth for one, is not asked by: such a question is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

Record = Mapping[str, tuple[str, ...]]
"""Values of one study or series by tag, `0020000D`, each as DICOM writes it: dates yyyyMMdd, times HHmmss, names in groups.
An attribute of a sequence stands under both tags, `00400275.00401001`. One without a value is absent.
"""


class Level(Enum):
    """Of what an attribute tells."""

    STUDY = "study"
    SERIES = "series"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: tag, keyword and value representation of DICOM PS3.6, of what it tells, whether it can be asked by, and
    whether it is answered without being asked for. A private one has no keyword."""

    tag: str
    keyword: str
    vr: str
    level: Level
    key: bool = True
    default: bool = True


def _rows(level: Level, text: str) -> tuple[Attribute, ...]:
    rows: list[Attribute] = []
    for line in text.split("\n"):
        tag, keyword, vr, *marks = line.split()
        rows.append(Attribute(tag, keyword, vr, level, "answer" not in marks, "more" not in marks))
    return tuple(rows)


CREATOR: Final = Attribute("00090010", "", "LO", Level.STUDY, key=False, default=False)
"""Whose the private attributes of group 0009 are: told with each of them (PS3.5, 7.8)."""
CREATOR_NAME: Final = "YIBAO INDEX"
RECOGNITION: Final = Attribute("00091001", "", "CS", Level.STUDY, key=False, default=False)
"""Within what range the result is recognised (检查检验结果互认): CITY, PROVINCE, REGION, NATION. DICOM has none for it."""

STUDY: Final = (
    *_rows(
        Level.STUDY,
        """00080020 StudyDate DA
00080030 StudyTime TM
00080050 AccessionNumber SH
00080056 InstanceAvailability CS
00080061 ModalitiesInStudy CS
00080080 InstitutionName LO more
00080090 ReferringPhysicianName PN
00080201 TimezoneOffsetFromUTC SH answer
00081030 StudyDescription LO more
00081190 RetrieveURL UR answer
00100010 PatientName PN
00100020 PatientID LO
00100040 PatientSex CS
00180015 BodyPartExamined CS more
0020000D StudyInstanceUID UI
00200010 StudyID SH
00201206 NumberOfStudyRelatedSeries IS
00201208 NumberOfStudyRelatedInstances IS""",
    ),
    CREATOR,
    RECOGNITION,
)
SERIES: Final = _rows(
    Level.SERIES,
    """00080021 SeriesDate DA more
00080031 SeriesTime TM more
00080060 Modality CS
0008103E SeriesDescription LO
00081190 RetrieveURL UR answer
00180015 BodyPartExamined CS more
0020000E SeriesInstanceUID UI
00200011 SeriesNumber IS
00200060 Laterality CS more
00201209 NumberOfSeriesRelatedInstances IS
00400244 PerformedProcedureStepStartDate DA
00400245 PerformedProcedureStepStartTime TM
00400275.00400009 ScheduledProcedureStepID SH
00400275.00401001 RequestedProcedureID SH""",
)
REQUESTS: Final = "00400275"
"""RequestAttributesSequence: the one sequence whose items are asked by."""

PATIENT_ID: Final = "00100020"
STUDY_UID: Final = "0020000D"
SERIES_UID: Final = "0020000E"
STUDY_DATE: Final = "00080020"
STUDY_TIME: Final = "00080030"
MODALITIES: Final = "00080061"
ACCESSION: Final = "00080050"
RETRIEVE_URL: Final = "00081190"

_SEQUENCES: Final = {"requestattributessequence": REQUESTS, REQUESTS: REQUESTS}


def found(name: str, level: Level) -> Attribute | None:
    """The attribute that a key or a wish names, by keyword or by tag, at a level: at that of series those of their study too.

    Names of a sequence's items stand behind the sequence's and a dot. Keywords are compared without case, as clients differ.
    """
    outer, dot, inner = name.partition(".")
    if dot:
        sequence = _SEQUENCES.get(outer.lower())
        return _BY_NAME[level].get(f"{sequence}.{inner.lower()}") if sequence else None
    return _BY_NAME[level].get(name.lower())


def of_level(level: Level) -> tuple[Attribute, ...]:
    """All that are told at a level."""
    return STUDY if level is Level.STUDY else (*SERIES, *(each for each in STUDY if each.tag not in _SERIES_TAGS))


def _named(level: Level) -> dict[str, Attribute]:
    named: dict[str, Attribute] = {}
    for each in reversed(of_level(level)):
        sequence, dot, item = each.tag.rpartition(".")
        named[f"{sequence}{dot}{item.lower()}"] = each
        if each.keyword:
            named[f"{sequence}{dot}{each.keyword.lower()}"] = each
    return named


_SERIES_TAGS: Final = frozenset(each.tag for each in SERIES)
_BY_NAME: Final = {level: _named(level) for level in Level}
