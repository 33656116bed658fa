"""Studies of the index as resources of FHIR R4: ImagingStudy, Patient, Endpoint, and the bundle of a search. Pure.

A record is one of `domain.qido.records`, so that FHIR tells nothing that QIDO-RS would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.imaging.domain.fhir import forms
from services.imaging.domain.fhir.forms import Resource
from services.imaging.domain.qido import attributes
from services.imaging.domain.qido.attributes import Record

ENDPOINT: Final = "dicom-web"
"""Id of the endpoint that each study contains: the index itself, which sends on to the node (SMART Imaging Access)."""
MIME_TYPES: Final = ("application/dicom", "application/octet-stream", "application/dicom+xml", "application/dicom+json")


def imaging_study(study: Record, series: Iterable[Record] = ()) -> Resource:
    """A study, and its series where they are told."""
    uid = one(study, attributes.STUDY_UID)
    accession, number = one(study, attributes.ACCESSION), one(study, "00200010")
    identifiers = [forms.uid_identifier(uid)]
    if accession:
        identifiers.append(forms.accession_identifier(accession))
    if number:
        identifiers.append({"use": "secondary", "value": number})
    described = one(study, "00081030")
    return present(
        {
            "resourceType": "ImagingStudy",
            "id": uid,
            "contained": [endpoint(dicomweb_root(study))],
            "identifier": identifiers,
            "status": "available",
            "modality": [forms.modality(each) for each in study.get(attributes.MODALITIES, ())],
            "subject": subject(study),
            "started": started(study),
            "referrer": referrer(study),
            "endpoint": [{"reference": f"#{ENDPOINT}"}],
            "numberOfSeries": int(one(study, "00201206") or 0),
            "numberOfInstances": int(one(study, "00201208") or 0),
            "procedureCode": [{"text": described}] if described else [],
            "description": described,
            "series": [_series(each) for each in series],
        }
    )


def patient(study: Record) -> Resource:
    """The person of a study, as the reader knows the person."""
    number = one(study, attributes.PATIENT_ID)
    return present(
        {
            "resourceType": "Patient",
            "id": number,
            "identifier": [{"system": forms.PSEUDONYMS, "value": number}],
            "name": forms.human_names(one(study, "00100010")),
            "gender": forms.gender(one(study, "00100040")),
        }
    )


def endpoint(root: str) -> Resource:
    """Where studies are fetched, with the token by which they were found."""
    return {
        "resourceType": "Endpoint",
        "id": ENDPOINT,
        "status": "active",
        "connectionType": {"system": forms.CONNECTIONS, "code": "dicom-wado-rs"},
        "payloadType": [{"text": "DICOM WADO-RS"}],
        "payloadMimeType": list(MIME_TYPES),
        "address": root,
    }


def bundle(
    entries: Sequence[tuple[str, Resource]],
    included: Sequence[tuple[str, Resource]],
    total: int | None,
    links: Sequence[tuple[str, str]],
    outcome: Resource | None = None,
) -> Resource:
    """The answer to a search: studies that match with their addresses, resources that they name, how many match, None where
    nobody counted, links to this page and the next, and what has to be known of the answer.
    """
    told = [{"fullUrl": url, "resource": each, "search": {"mode": "match"}} for url, each in entries]
    told += [{"fullUrl": url, "resource": each, "search": {"mode": "include"}} for url, each in included]
    if outcome is not None:
        told.append({"resource": outcome, "search": {"mode": "outcome"}})
    return present(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": total,
            "link": [{"relation": relation, "url": url} for relation, url in links],
            "entry": told,
        }
    )


def one(record: Record, tag: str) -> str:
    """The value of an attribute that has one at most; empty where it has none."""
    return next(iter(record.get(tag, ())), "")


def present(resource: dict[str, Any]) -> Resource:
    """A resource without what is empty, as FHIR wants it; numbers and `false` stay."""
    return {key: value for key, value in resource.items() if value not in ("", None, [], {})}


def subject(study: Record) -> Resource:
    """The reference to a study's person."""
    return {"reference": f"Patient/{one(study, attributes.PATIENT_ID)}", "type": "Patient"}


def started(study: Record) -> str:
    """When a study began."""
    return forms.moment(one(study, attributes.STUDY_DATE), one(study, attributes.STUDY_TIME), one(study, "00080201"))


def referrer(study: Record) -> Resource:
    """Who asked for a study: a name, as the node told it; empty where it told none."""
    names = forms.human_names(one(study, "00080090"))
    return {"display": names[0]["text"]} if names else {}


def dicomweb_root(study: Record) -> str:
    """Where the reader fetches studies, of which the record tells one."""
    return one(study, attributes.RETRIEVE_URL).rpartition("/studies/")[0]


def _series(series: Record) -> Resource:
    part, side = one(series, "00180015"), one(series, "00200060")
    return present(
        {
            "uid": one(series, attributes.SERIES_UID),
            "number": int(one(series, "00200011") or 0),
            "modality": forms.modality(one(series, "00080060")),
            "description": one(series, "0008103E"),
            "numberOfInstances": int(one(series, "00201209") or 0),
            "bodySite": forms.body_site(part) if part else None,
            "laterality": forms.laterality(side),
            "started": forms.moment(one(series, "00080021"), one(series, "00080031"), one(series, "00080201")),
        }
    )
