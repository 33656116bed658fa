"""Studies as resources of FHIR R4, and a study's manifest: read back by a library of others, which knows R4's cardinalities."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.imagingstudy import ImagingStudy
from fhir.resources.R4B.patient import Patient

from services.imaging.domain.fhir import forms
from services.imaging.domain.fhir.manifest import BrokenMetadata, Source, location_uid, manifest, parts_of
from services.imaging.domain.fhir.resources import bundle, imaging_study, patient
from services.imaging.domain.qido.attributes import Record

UID = "1.2.840.1"
STUDY: Record = {
    "00080020": ("20260315",),
    "00080030": ("1015",),
    "00080050": ("A1",),
    "00080061": ("CT", "SR"),
    "00080090": ("Yi^Sheng",),
    "00080201": ("+0800",),
    "00081030": ("胸部 <平扫>",),
    "00081190": (f"https://index.example/dicom-web/studies/{UID}",),
    "00100010": ("Ce^Shi=测试^甲=ceshi^jia",),
    "00100020": ("PSEUDONYM1",),
    "00100040": ("F",),
    "00180015": ("CHEST",),
    "0020000D": (UID,),
    "00200010": ("S7",),
    "00201206": ("2",),
    "00201208": ("3",),
}
SERIES: Record = {
    **STUDY,
    "00080060": ("CT",),
    "00080021": ("20260315",),
    "00080031": ("101733.250",),
    "0020000E": (f"{UID}.5",),
    "00200011": ("3",),
    "00200060": ("L",),
    "00201209": ("2",),
}
SOURCE = Source("山东省影像中心", "12370000495570303U")


def element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def instance(series: str, number: int, **more: Any) -> dict[str, Any]:
    """What a node tells of one instance."""
    told = {
        "0020000D": element("UI", UID),
        "0020000E": element("UI", f"{UID}.{series}"),
        "00080018": element("UI", f"{UID}.{series}.{number}"),
        "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2"),
        "00080060": element("CS", "CT"),
        "00200011": element("IS", int(series)),
        "00200013": element("IS", number),
        "00180015": element("CS", "HEAD"),
    }
    return {**told, **more}


METADATA = [instance("5", 2), instance("4", 1, **{"00280008": element("IS", 40)}), instance("5", 1)]


def test_a_study_is_an_imaging_study_that_names_its_person_by_the_readers_id_and_says_where_it_is_fetched() -> None:
    told = imaging_study(STUDY, [SERIES])
    ImagingStudy.model_validate(told)
    assert (told["id"], told["subject"]["reference"]) == (UID, "Patient/PSEUDONYM1")
    assert told["started"] == "2026-03-15T10:15:00+08:00"
    assert [each["code"] for each in told["modality"]] == ["CT", "SR"]
    assert [each["value"] for each in told["identifier"]] == [f"urn:oid:{UID}", "A1", "S7"]
    assert (told["numberOfSeries"], told["numberOfInstances"]) == (2, 3)
    assert told["contained"][0]["address"] == "https://index.example/dicom-web"
    (series,) = told["series"]
    assert (series["number"], series["numberOfInstances"]) == (3, 2)
    assert series["laterality"]["display"] == "Left"
    assert series["started"] == "2026-03-15T10:17:33+08:00"


def test_what_a_study_does_not_have_is_absent() -> None:
    told = imaging_study({"0020000D": (UID,), "00100020": ("P1",), "00080020": ("20260315",)})
    ImagingStudy.model_validate(told)
    assert told["started"] == "2026-03-15"
    assert not {"modality", "description", "referrer", "procedureCode", "series"} & told.keys()


def test_a_person_has_names_in_each_way_of_writing_and_no_date_of_birth() -> None:
    told = patient(STUDY)
    Patient.model_validate(told)
    assert [(each["text"], each["extension"][0]["valueCode"]) for each in told["name"]] == [
        ("Ce Shi", "ABC"),
        ("测试 甲", "IDE"),
        ("ceshi jia", "SYL"),
    ]
    assert told["gender"] == "female"
    assert "birthDate" not in told


def test_an_answer_to_a_search_tells_how_many_match_and_where_the_next_page_is() -> None:
    base = "https://index.example/fhir"
    told = bundle(
        [(f"{base}/ImagingStudy/{UID}", imaging_study(STUDY))],
        [(f"{base}/Patient/PSEUDONYM1", patient(STUDY))],
        7,
        [("self", f"{base}/ImagingStudy"), ("next", f"{base}/ImagingStudy?_offset=1")],
    )
    Bundle.model_validate(told)
    assert told["total"] == 7
    assert [each["search"]["mode"] for each in told["entry"]] == ["match", "include"]
    Bundle.model_validate(bundle([], [], 0, [("self", base)]))


def test_a_manifest_names_every_instance_of_every_series_in_order() -> None:
    told = manifest(STUDY, parts_of(METADATA, UID), SOURCE, "2026-03-16T08:00:00.000+08:00")
    Bundle.model_validate(told)
    assert told["type"] == "document"
    kinds = [each["resource"]["resourceType"] for each in told["entry"]]
    assert kinds[0] == "Composition"
    assert sorted(kinds[1:]) == ["Device", "Endpoint", "ImagingStudy", "Organization", "Patient"]
    study = told["entry"][1]["resource"]
    assert [(each["uid"], [one["number"] for one in each["instance"]]) for each in study["series"]] == [
        (f"{UID}.4", [1]),
        (f"{UID}.5", [1, 2]),
    ]
    assert study["numberOfInstances"] == 3
    (multiframe,) = study["series"][0]["instance"]
    assert multiframe["extension"][0]["valueInteger"] == 40
    assert multiframe["sopClass"]["code"] == "urn:oid:1.2.840.10008.5.1.4.1.1.2"


def test_a_manifest_holds_what_mado_asks_of_each_resource() -> None:
    told = manifest(STUDY, parts_of(METADATA, UID), SOURCE, "2026-03-16T08:00:00.000+08:00")
    resources = {each["resource"]["resourceType"]: each["resource"] for each in told["entry"]}
    # Each reference leads to an entry of the document.
    addresses = {"/".join(each["fullUrl"].split("/")[-2:]) for each in told["entry"]}
    assert set(_references(told)) <= addresses
    study, composition, endpoint = resources["ImagingStudy"], resources["Composition"], resources["Endpoint"]
    assert study["procedureCode"][0]["text"] == "胸部 <平扫>"
    regions = [each["valueCodeableConcept"]["coding"][0]["code"] for each in study["extension"]]
    assert regions == ["67734004", "774007"]
    assert endpoint["extension"][0]["valueString"] == location_uid(SOURCE)
    assert composition["type"]["coding"][0]["code"] == "18748-4"
    assert composition["identifier"] == told["identifier"]
    assert "胸部 &lt;平扫&gt;" in composition["text"]["div"]
    assert len(composition["section"]) == 2


def test_a_manifest_keeps_its_identifier_while_the_study_has_the_same_instances() -> None:
    parts, made = parts_of(METADATA, UID), "2026-03-16T08:00:00.000+08:00"
    first = manifest(STUDY, parts, SOURCE, made)["identifier"]["value"]
    assert manifest(STUDY, parts_of(METADATA[::-1], UID), SOURCE, made)["identifier"]["value"] == first
    assert manifest(STUDY, parts_of(METADATA[:2], UID), SOURCE, made)["identifier"]["value"] != first
    assert first.startswith("urn:oid:2.25.")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        [],
        ["x"],
        [instance("5", 1, **{"0020000D": element("UI", "1.2.840.2")})],
        [instance("5", 1, **{"00080018": {"vr": "UI"}})],
        [instance("5", 1, **{"0020000E": element("UI", 7)})],
    ],
)
def test_metadata_of_another_study_or_without_uids_make_no_manifest(metadata: Any) -> None:
    with pytest.raises(BrokenMetadata):
        parts_of(metadata, UID)


@pytest.mark.parametrize(
    ("date", "time", "zone", "told"),
    [
        ("20260315", "", "", "2026-03-15"),
        ("20260315", "10", "", "2026-03-15T10:00:00+08:00"),
        ("20260315", "101560", "-0330", "2026-03-15T10:15:59-03:30"),
        ("", "10", "", ""),
    ],
)
def test_a_moment_is_told_with_its_zone(date: str, time: str, zone: str, told: str) -> None:
    assert forms.moment(date, time, zone) == told


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["reference"]] if isinstance(value.get("reference"), str) else []
    return own + [found for each in value.values() for found in _references(each)]
