"""Forms of values that the index, its searches and the reference node look at alike (DICOM PS3.3, PS3.5; I§6.3). Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

MOST_SERIES: Final = 400
"""Series of one entry (our decision)."""
MOST_INSTANCES: Final = 1_000_000
"""Instances of one series (our decision): the sum of all of an entry is a number of 32 bits."""
FIRST_DAY: Final = "18950101"
"""No picture is older: the first X-ray was taken in November 1895."""
NAME_GROUPS: Final = 3
NAME_LENGTH: Final = 64
"""Of each group of a name (PS3.5, 6.2.1)."""
SEXES: Final = frozenset(("", "M", "F", "O"))
LATERALITIES: Final = frozenset(("", "L", "R", "B", "U"))
MODALITIES: Final = frozenset(
    "ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT IVUS KER "
    "KO LEN LP LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE "
    "RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC "
    # Retired, and still in archives.
    "AS CD CF CP CS DD DF DM DS EC FA FS HIFU MA MS OPR ST VF".split()
)
"""Defined terms of (0008,0060), PS3.3 C.7.3.1.1.1, with those that were retired."""
INSTITUTION: Final = re.compile(r"[HP]\d{11}", re.ASCII)
"""A fixmedins_code of 12 characters."""
ZONE: Final = re.compile(r"[+-](?:0\d|1[0-4])[0-5]\d", re.ASCII)
TIME: Final = re.compile(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?", re.ASCII)
NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff\ufffe\uffff]")
"""What no text of one value may hold (PS3.5, 6.2), and no document in XML."""

_UID: Final = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+", re.ASCII)
_UID_LENGTH: Final = 64
_DAY: Final = re.compile(r"\d{8}", re.ASCII)


def uid_holds(text: str) -> bool:
    """Whether a text is a UID: components of digits without idle zeros, at most 64 characters (PS3.5, 9.1)."""
    return len(text) <= _UID_LENGTH and _UID.fullmatch(text) is not None


def day_holds(text: str) -> bool:
    """Whether a text is a day of the calendar, yyyyMMdd."""
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def time_holds(text: str) -> bool:
    """Whether a text is a time of day, HH to HHMMSS.FFFFFF."""
    return TIME.fullmatch(text) is not None


def zone_holds(text: str) -> bool:
    """Whether a text is an offset from UTC, as +0800."""
    return ZONE.fullmatch(text) is not None


def name_holds(text: str) -> bool:
    """Whether a text is a name in up to three groups (PS3.5, 6.2.1)."""
    groups = text.split("=")
    return (
        len(groups) <= NAME_GROUPS and all(len(each) <= NAME_LENGTH for each in groups) and NO_TEXT.search(text) is None
    )
