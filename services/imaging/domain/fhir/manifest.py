"""A study's manifest after IHE RAD MADO (trial use, FHIR form): a document without pixels that names every series and instance.

The index keeps no instances: they come from the node, as its metadata in DICOM JSON (PS3.18, Annex F). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.imaging.domain.dicom_forms import day_holds, time_holds, uid_holds, zone_holds
from services.imaging.domain.fhir import forms
from services.imaging.domain.fhir.forms import Resource
from services.imaging.domain.fhir.resources import (
    ENDPOINT,
    dicomweb_root,
    endpoint,
    imaging_study,
    one,
    patient,
    present,
    started,
    subject,
)
from services.imaging.domain.qido import attributes
from services.imaging.domain.qido.attributes import Record

NEEDED: Final = (attributes.STUDY_UID, "00080018", attributes.SERIES_UID)
"""Tags that every instance has: UIDs of its study, of itself and of its series."""
TOLD: Final = (
    *("00080016", "00200013", "00280008", "00200011", "00080060", "0008103E", "00180015", "00200060"),
    *("00080021", "00080031", "00080201"),
)
"""Tags of an instance beside them that a manifest tells."""

_REGION: Final = f"{forms.MADO}MadoAnatomicalRegionExtension"
_FRAMES: Final = f"{forms.MADO}MadoNumberOfFrames"
_LOCATION: Final = f"{forms.MADO}MadoRetrieveLocationUIDExtension"
_DEVICE_TYPES: Final = "https://profiles.ihe.net/RAD/MADO/CodeSystem/MadoDeviceType"
_ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_MOST_NUMBER: Final = 2**31 - 1
_LONGEST: Final = 64
_NO_CHARACTER: Final = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""None of a text in XML, or of control."""


class BrokenMetadata(ValueError):
    """What the node told of the study cannot be read, or is of another study."""


@dataclass(frozen=True, slots=True)
class Source:
    """The unit that stores a study: its name and its unified social credit code."""

    name: str
    uscc: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a study; `frames` is 0 where it is not told, `number` None."""

    uid: str
    sop_class: str
    number: int | None
    frames: int


@dataclass(frozen=True, slots=True)
class Part:
    """One series as the node has it."""

    uid: str
    number: int | None
    modality: str
    description: str
    body_part: str
    laterality: str
    started: str
    instances: tuple[Instance, ...]


def parts_of(metadata: Any, study_uid: str) -> list[Part]:
    """The series of a study from the metadata of its instances, in order; BrokenMetadata."""
    if not isinstance(metadata, list) or not metadata:
        raise BrokenMetadata("a list of instances is expected")
    found: dict[str, tuple[Mapping[str, Any], list[Instance]]] = {}
    for each in metadata:
        if not isinstance(each, Mapping) or _text(each, attributes.STUDY_UID) != study_uid:
            raise BrokenMetadata("an instance is not of the study")
        uid, series = _text(each, "00080018"), _text(each, attributes.SERIES_UID)
        sop_class = _text(each, "00080016")
        if not all(map(uid_holds, (uid, series, sop_class))):
            raise BrokenMetadata("an instance has no UID")
        instance = Instance(uid, sop_class, _number(each, "00200013"), max(0, _number(each, "00280008") or 0))
        found.setdefault(series, (each, []))[1].append(instance)
    parts = [_part(uid, first, instances) for uid, (first, instances) in found.items()]
    return sorted(parts, key=lambda part: (part.number is None, part.number or 0, part.uid))


def manifest(study: Record, parts: Sequence[Part], source: Source, made: str) -> Resource:
    """The document; `made` is the moment as a dateTime. Its identifier stays while the study has the same instances."""
    uid = one(study, attributes.STUDY_UID)
    identifier = {
        "system": forms.URI,
        "value": forms.OID + forms.derived_uid(uid, *sorted(each.uid for part in parts for each in part.instances)),
    }
    organization = {
        "resourceType": "Organization",
        "id": source.uscc,
        "identifier": [{"system": forms.UNITS, "value": source.uscc}],
        "name": source.name,
    }
    shown = one(study, "00081030") or ", ".join(study.get(attributes.MODALITIES, ()))
    location = {"url": _LOCATION, "valueString": location_uid(source)}
    resources = [
        _composition(study, parts, identifier, made, organization, shown),
        _study(study, parts, shown),
        patient(study),
        {**endpoint(dicomweb_root(study)), "extension": [location]},
        _device(organization),
        organization,
    ]
    base = dicomweb_root(study).removesuffix("/dicom-web") + "/fhir"
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{forms.MADO}MadoFhirBundle"]},
        "identifier": identifier,
        "type": "document",
        "timestamp": made,
        "entry": [{"fullUrl": f"{base}/{each['resourceType']}/{each['id']}", "resource": each} for each in resources],
    }


def location_uid(source: Source) -> str:
    """The Retrieve Location UID of a storing unit: of its credit code, part 5 of the index code (I§1.2; our decision)."""
    return forms.derived_uid("uscc", source.uscc)


def _study(study: Record, parts: Sequence[Part], shown: str) -> Resource:
    resource = imaging_study(study)
    del resource["contained"]
    reference = [{"reference": f"Endpoint/{ENDPOINT}", "type": "Endpoint"}]
    named = (one(study, "00180015"), *(each.body_part for each in parts))
    regions = [found for name in named if (found := forms.region(name)) is not None]
    distinct = {each["coding"][0]["code"]: each for each in regions}
    return present(
        {
            **resource,
            "meta": {"profile": [f"{forms.MADO}MadoImagingStudy"]},
            "extension": [{"url": _REGION, "valueCodeableConcept": each} for each in distinct.values()],
            "endpoint": reference,
            "procedureCode": [{"text": shown}],
            # What the node holds now, not what it told when it uploaded.
            "numberOfSeries": len(parts),
            "numberOfInstances": sum(len(each.instances) for each in parts),
            "series": [_series(each, reference) for each in parts],
        }
    )


def _series(part: Part, reference: list[Resource]) -> Resource:
    return present(
        {
            "uid": part.uid,
            "number": part.number,
            "modality": forms.modality(part.modality or "OT"),
            "description": part.description,
            "numberOfInstances": len(part.instances),
            "endpoint": reference,
            "bodySite": forms.body_site(part.body_part) if part.body_part else None,
            "laterality": forms.laterality(part.laterality),
            "started": part.started,
            "instance": [_instance(each) for each in part.instances],
        }
    )


def _instance(instance: Instance) -> Resource:
    return present(
        {
            "extension": [{"url": _FRAMES, "valueInteger": instance.frames}] if instance.frames else [],
            "uid": instance.uid,
            "sopClass": {"system": forms.URI, "code": f"{forms.OID}{instance.sop_class}"},
            "number": instance.number,
        }
    )


def _composition(
    study: Record, parts: Sequence[Part], identifier: Resource, made: str, organization: Resource, shown: str
) -> Resource:
    uid = one(study, attributes.STUDY_UID)
    rows = {
        "Study Instance UID": uid,
        "Study start": started(study),
        "Modalities": ", ".join(study.get(attributes.MODALITIES, ())),
        "Number of series": str(len(parts)),
        "Number of instances": str(sum(len(each.instances) for each in parts)),
    }
    return {
        "resourceType": "Composition",
        "id": "manifest",
        "meta": {"profile": [f"{forms.MADO}MadoComposition"]},
        "text": _narrative(shown, rows),
        "identifier": identifier,
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging Study"}]},
        "subject": subject(study),
        "date": made,
        "author": [
            {"reference": f"Organization/{organization['id']}", "type": "Organization"},
            {"reference": "Device/creator", "type": "Device"},
        ],
        "title": shown or uid,
        "event": [{"detail": [{"reference": f"ImagingStudy/{uid}", "type": "ImagingStudy"}]}],
        "section": [_section(each) for each in parts],
    }


def _section(part: Part) -> Resource:
    rows = {
        "Series Instance UID": part.uid,
        "Modality": part.modality,
        "Number of instances": str(len(part.instances)),
    }
    title = part.description or f"{part.modality} {part.number or ''}".strip() or part.uid
    return {"title": title, "text": _narrative(title, rows)}


def _narrative(title: str, rows: Mapping[str, str]) -> Resource:
    cells = "".join(
        f"<tr><td>{name}</td><td>{value.translate(_ESCAPED)}</td></tr>" for name, value in rows.items() if value
    )
    heading = f"<p>{title.translate(_ESCAPED)}</p>" if title else ""
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}">{heading}<table><tbody>{cells}</tbody></table></div>'}


def _device(organization: Resource) -> Resource:
    return {
        "resourceType": "Device",
        "id": "creator",
        "meta": {"profile": [f"{forms.MADO}MadoCreator"]},
        "manufacturer": "yibao",
        "type": {"coding": [{"system": _DEVICE_TYPES, "code": "mado-creator"}]},
        "owner": {"reference": f"Organization/{organization['id']}"},
    }


def _part(uid: str, first: Mapping[str, Any], instances: list[Instance]) -> Part:
    ordered = sorted(instances, key=lambda each: (each.number is None, each.number or 0, each.uid))
    return Part(
        uid,
        _number(first, "00200011"),
        _text(first, "00080060"),
        _text(first, "0008103E"),
        _text(first, "00180015"),
        _text(first, "00200060"),
        forms.moment(
            _held(first, "00080021", day_holds),
            _held(first, "00080031", time_holds),
            _held(first, "00080201", zone_holds),
        ),
        tuple(ordered),
    )


def _value(record: Mapping[str, Any], tag: str) -> Any:
    element = record.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values[0] if isinstance(values, list) and values else None


def _text(record: Mapping[str, Any], tag: str) -> str:
    value = _value(record, tag)
    return _NO_CHARACTER.sub("", value[:_LONGEST]).strip() if isinstance(value, str) else ""


def _held(record: Mapping[str, Any], tag: str, holds: Callable[[str], bool]) -> str:
    """A text that has its form; "" else."""
    text = _text(record, tag)
    return text if holds(text) else ""


def _number(record: Mapping[str, Any], tag: str) -> int | None:
    value = _value(record, tag)
    try:
        number = int(value) if isinstance(value, int | float | str) and value != "" else None
    except (ValueError, OverflowError):
        return None
    # More is no integer of FHIR.
    return number if number is not None and abs(number) <= _MOST_NUMBER else None
