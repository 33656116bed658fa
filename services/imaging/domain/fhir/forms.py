"""Values of DICOM as FHIR R4 writes them, and the names of systems and profiles. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

Resource = dict[str, Any]
"""A resource or an element as JSON holds it."""

DICOM_CODES: Final = "http://dicom.nema.org/resources/ontology/DCM"
DICOM_UID: Final = "urn:dicom:uid"
URI: Final = "urn:ietf:rfc:3986"
OID: Final = "urn:oid:"
SNOMED: Final = "http://snomed.info/sct"
IDENTIFIER_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
CONNECTIONS: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
MADO: Final = "https://profiles.ihe.net/RAD/MADO/StructureDefinition/"
PSEUDONYMS: Final = "urn:yibao:imaging:patient-id"
"""System of the ids under which a reader knows persons (our decision)."""
UNITS: Final = "urn:yibao:uscc"
"""System of unified social credit codes (our decision: FHIR has no registered one)."""

_ZONE: Final = "+0800"
_REPRESENTATION: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_GROUPS: Final = ("ABC", "IDE", "SYL")
_GENDERS: Final[Mapping[str, str]] = {"M": "male", "F": "female", "O": "other"}
_SIDES: Final[Mapping[str, Resource]] = {
    "R": {"system": SNOMED, "code": "24028007", "display": "Right"},
    "L": {"system": SNOMED, "code": "7771000", "display": "Left"},
    "B": {"system": SNOMED, "code": "51440002", "display": "Right and left"},
    "U": {"system": SNOMED, "code": "66459002", "display": "Unilateral"},
}
_LOWER_TRUNK: Final = ("63337009", "Lower trunk")
_HEAD: Final = ("774007", "Structure of head and/or neck")
_UPPER_TRUNK: Final = ("67734004", "Thoracic segment of trunk")
_ARM: Final = ("53120007", "Upper limb structure")
_LEG: Final = ("61685007", "Lower limb structure")
_SPINE: Final = ("1141981001", "Vertebral column")
_REGIONS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("ABDOMEN", "PELVIS", "ABDOMENPELVIS", "LIVER", "KIDNEY", "BLADDER", "PROSTATE"), _LOWER_TRUNK),
    **dict.fromkeys(("HEAD", "NECK", "HEADNECK", "BRAIN", "SKULL", "ORBIT", "SINUS", "FACE", "JAW"), _HEAD),
    **dict.fromkeys(("CHEST", "LUNG", "THORAX", "RIB", "STERNUM"), _UPPER_TRUNK),
    **dict.fromkeys(("ARM", "ELBOW", "HAND", "WRIST", "SHOULDER", "FINGER", "FOREARM", "HUMERUS"), _ARM),
    **dict.fromkeys(("LEG", "KNEE", "FOOT", "ANKLE", "HIP", "TOE", "FEMUR", "THIGH"), _LEG),
    **dict.fromkeys(("SPINE", "CSPINE", "TSPINE", "LSPINE", "SSPINE", "WHOLESPINE"), _SPINE),
    "WHOLEBODY": ("38266002", "Entire body as a whole"),
    "HEART": ("80891009", "Heart"),
    "BREAST": ("76752008", "Breast structure"),
}


def moment(date: str, time: str = "", zone: str = "") -> str:
    """A date and a time of DICOM as a dateTime: with as much of the time as there is, seconds at least; `""` without a date."""
    if not date:
        return ""
    day = f"{date[:4]}-{date[4:6]}-{date[6:8]}"
    if not time:
        return day
    hours, minutes, seconds = time[:2], time[2:4] or "00", time[4:6] or "00"
    # DICOM knows a leap second and FHIR's times end at 59 (but for `60`, which few clients read).
    seconds = "59" if seconds == "60" else seconds
    offset = zone or _ZONE
    return f"{day}T{hours}:{minutes}:{seconds}{offset[:3]}:{offset[3:]}"


def modality(code: str) -> Resource:
    """A modality as a Coding."""
    return {"system": DICOM_CODES, "code": code}


def body_site(name: str) -> Resource:
    """A body part as a Coding: its name, for the node may use one that no list has."""
    return {"display": name}


def laterality(side: str) -> Resource | None:
    """A side of the body as a Coding; None where it is none of DICOM's."""
    return _SIDES.get(side)


def region(body_part: str) -> Resource | None:
    """The region of IHE MADO (table 6.X.6.4-1) in which a body part of DICOM lies, as a CodeableConcept; None where unknown."""
    found = _REGIONS.get(body_part.strip().upper())
    return None if found is None else {"coding": [{"system": SNOMED, "code": found[0], "display": found[1]}]}


def human_names(name: str) -> list[Resource]:
    """The groups of a DICOM name as HumanNames, each marked with its way of writing."""
    told: list[Resource] = []
    for form, group in zip(_GROUPS, name.split("="), strict=False):
        family, given, middle, prefix, suffix = (*group.split("^"), "", "", "", "", "")[:5]
        parts: Resource = {
            "family": family,
            "given": [each for each in (given, middle) if each],
            "prefix": [prefix] if prefix else [],
            "suffix": [suffix] if suffix else [],
        }
        if shown := " ".join(each for each in (prefix, family, given, middle, suffix) if each):
            named = {key: value for key, value in parts.items() if value}
            told.append({"extension": [{"url": _REPRESENTATION, "valueCode": form}], "text": shown, **named})
    return told


def gender(sex: str) -> str:
    """A sex of DICOM as an AdministrativeGender; `unknown` where it is not told."""
    return _GENDERS.get(sex, "unknown")


def uid_identifier(uid: str) -> Resource:
    """A study's UID as an Identifier of IHE MADO."""
    kind = {"coding": [{"system": DICOM_CODES, "code": "110180", "display": "Study Instance UID"}]}
    return {"type": kind, "system": DICOM_UID, "value": f"{OID}{uid}"}


def accession_identifier(number: str) -> Resource:
    """An accession number as an Identifier."""
    coding = [
        {"system": IDENTIFIER_TYPES, "code": "ACSN", "display": "Accession ID"},
        {"system": DICOM_CODES, "code": "121022", "display": "Accession Number"},
    ]
    return {"type": {"coding": coding}, "value": number}


def derived_uid(*parts: str) -> str:
    """A UID below 2.25 that the same parts always give (PS3.5, B.2)."""
    number = int.from_bytes(sha256("\x1f".join(parts).encode()).digest()[:16])
    # As a UUID is marked (RFC 4122, 4.4): version 4, and its variant.
    number = number & ~(0xF << 76) | 4 << 76
    number = number & ~(3 << 62) | 2 << 62
    return f"2.25.{number}"
