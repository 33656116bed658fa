"""Searches of ImagingStudy as FHIR R4 reads them: which studies answer, and which parameters are refused."""

from __future__ import annotations

import pytest

from services.imaging.domain.fhir.asking import read
from services.imaging.domain.qido.attributes import Record
from services.kernel.errors import Fault

STUDY: Record = {
    "00080020": ("20260315",),
    "00080030": ("1015",),
    "00080050": ("A1",),
    "00080061": ("CT", "SR"),
    "00080201": ("+0800",),
    "00100020": ("PSEUDONYM1",),
    "0020000D": ("1.2.840.1",),
}


def answers(*pairs: tuple[str, str]) -> bool:
    return read(pairs).question.answered_by(STUDY)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        # The study began at 10:15 in Beijing, which is 02:15 UTC; it takes that minute.
        ("2026-03-15", True),
        ("2026-03", True),
        ("2026", True),
        ("2025", False),
        ("2026-03-15T10:15", True),
        ("2026-03-15T02:15Z", True),
        ("2026-03-15T10:16", False),
        ("ne2026-03-15", False),
        ("ne2026-03-14", True),
        ("ge2026-03-15", True),
        ("gt2026-03-15", False),
        ("gt2026-03-14", True),
        ("gt2026-03-15T10:14:30", True),
        ("lt2026-03-15", False),
        ("lt2026-03-16", True),
        ("le2026-03-15", True),
        ("sa2026-03-14", True),
        ("sa2026-03-15", False),
        ("eb2026-03-16", True),
        ("eb2026-03-15", False),
        ("ge2026-03-15T02:15:00Z", True),
        ("ge2026-03-15T02:16:00Z", False),
    ],
)
def test_a_date_is_compared_as_exactly_as_it_is_told(asked: str, holds: bool) -> None:
    assert answers(("started", asked)) is holds


def test_several_dates_make_a_range_whose_days_the_store_finds_by() -> None:
    search = read([("started", "ge2026-03-01"), ("started", "lt2026-04-01")])
    assert search.question.answered_by(STUDY)
    assert not search.question.answered_by({**STUDY, "00080020": ("20260401",)})
    first, last = search.question.dates or ("", "")
    assert "20260226" <= first <= "20260301"
    assert "20260401" <= last <= "20260404"


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("modality", "CT", True),
        ("modality", "MR,SR", True),
        ("modality", "MR", False),
        ("modality", "http://dicom.nema.org/resources/ontology/DCM|CT", True),
        ("identifier", "urn:dicom:uid|urn:oid:1.2.840.1", True),
        ("identifier", "urn:dicom:uid|1.2.840.1", True),
        ("identifier", "urn:oid:1.2.840.1", True),
        ("identifier", "urn:dicom:uid|urn:oid:1.2.840.2,urn:dicom:uid|urn:oid:1.2.840.1", True),
        ("identifier", "urn:dicom:uid|urn:oid:1.2.840.2", False),
        ("identifier", "A1", True),
        ("identifier", "A2", False),
        ("_id", "1.2.840.1", True),
        ("patient", "Patient/PSEUDONYM1", True),
        ("patient", "PSEUDONYM1", True),
        ("subject", "Patient/PSEUDONYM2", False),
        ("patient", "PSEUDONYM2,PSEUDONYM1", True),
        ("patient.identifier", "urn:yibao:imaging:patient-id|PSEUDONYM1", True),
        ("status", "available", True),
        ("status", "cancelled,available", True),
        ("status", "cancelled", False),
    ],
)
def test_a_condition_is_judged_by_the_study(name: str, value: str, holds: bool) -> None:
    assert answers((name, value)) is holds


def test_two_names_for_the_person_are_two_conditions() -> None:
    search = read([("patient", "A,B"), ("subject", "B,C")])
    assert search.question.patient_ids == frozenset("B")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("bodysite", "CHEST", "fhir.parameter"),
        ("started:missing", "true", "fhir.parameter"),
        ("started", "ap2026", "fhir.date"),
        ("started", "2026-13", "fhir.date"),
        ("started", "yesterday", "fhir.date"),
        ("modality", "http://loinc.org|CT", "fhir.modality"),
        ("modality", "", "fhir.modality"),
        ("identifier", "http://hospital.example|A1", "fhir.identifier"),
        ("identifier", "A1,A2", "fhir.identifier"),
        ("identifier", "urn:dicom:uid|x", "dicom.uid"),
        ("patient", "Patient/PSEUDONYM1?x", "fhir.patient"),
        ("patient.identifier", "http://hospital.example|1", "fhir.patient"),
        ("status", "gone", "fhir.status"),
        ("_sort", "started", "fhir.value"),
        ("_include", "ImagingStudy:basedon", "fhir.value"),
        ("_format", "xml", "fhir.value"),
        ("_summary", "true", "fhir.value"),
        ("_pretty", "yes", "dicom.true_false"),
        ("_count", "-1", "dicom.count"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_name(name: str, value: str, rule: str) -> None:
    with pytest.raises(Fault) as refused:
        read([(name, value)])
    (broken,) = refused.value.violations
    assert (broken.path, broken.rule) == (name, rule)


@pytest.mark.parametrize("moment", ["0001", "9999", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_outside_of_the_calendar_is_refused(moment: str) -> None:
    with pytest.raises(Fault) as refused:
        read([("started", moment)])
    assert [each.rule for each in refused.value.violations] == ["fhir.date"]


@pytest.mark.parametrize(
    ("asked", "holds"),
    [("ge0002", True), ("lt0002", False), ("sa0001-01-02", True), ("eb9998", True), ("gt9998", False)],
)
def test_the_ends_of_the_calendar_are_answered(asked: str, holds: bool) -> None:
    assert answers(("started", asked)) is holds


def test_a_search_says_what_it_wants_told() -> None:
    search = read([("_summary", "count"), ("_include", "ImagingStudy:patient"), ("_pretty", "true"), ("_count", "5")])
    assert (search.counts_only, search.with_patients, search.pretty, search.question.limit) == (True, True, True, 5)
    assert read([("_count", "0")]).counts_only


def test_a_parameter_that_may_be_repeated_may_stand_eight_times() -> None:
    read([("started", "ge2000")] * 8)
    with pytest.raises(Fault) as refused:
        read([("started", "ge2000")] * 4_000)
    assert {(each.path, each.rule) for each in refused.value.violations} == {("started", "fhir.repeated")}
