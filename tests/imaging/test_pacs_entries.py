"""Entries of the province node: which person and which institution a study is told of, and what is cut or left out."""

from __future__ import annotations

import hashlib

import pytest

from tools.pacs_node import entries
from tools.pacs_node.entries import Rules, ToldSeries, upsert
from tools.pacs_node.facts import OtherId, SeriesFacts, StudyFacts
from yibao.imaging.v1 import entry_pb2

PERSON = "37010000000000000201"
FACTS = StudyFacts(patient_id=PERSON, issuer="NHSA", study_date="20260525", institution_code="H37010200901")
SERIES = [ToldSeries("2.25.2", SeriesFacts(number=1, modality="CT"), 2, ("2.25.4", "2.25.3"))]


def test_an_entry_says_the_study_and_the_person_by_number() -> None:
    made = upsert(
        "2.25.1", replace_facts(patient_name="Ji^Cejia=济测甲", sex="M", birth_date="19790506"), SERIES, 99, Rules()
    )

    assert isinstance(made, entry_pb2.Entry)
    assert (made.psn_no, made.study_instance_uid, made.operation) == (PERSON, "2.25.1", entry_pb2.OPERATION_UPSERT)
    assert (made.study.fixmedins_code, made.study.study_date, made.study.birth_year) == (
        "H37010200901",
        "20260525",
        1979,
    )
    assert (list(made.study.modalities), made.study.size_bytes) == (["CT"], 99)
    assert made.series[0].sop_hash == hashlib.sha256(b"2.25.3\n2.25.4\n").hexdigest()


def replace_facts(**values: object) -> StudyFacts:
    told = {name: getattr(FACTS, name) for name in FACTS.__struct_fields__} | values
    return StudyFacts(**told)


@pytest.mark.parametrize(
    ("facts", "psn_no"),
    [
        ({}, PERSON),
        ({"issuer": ""}, PERSON),
        ({"issuer": "医保"}, PERSON),
        ({"issuer": "HIS"}, ""),
        ({"patient_id": "4MR1", "issuer": ""}, ""),
        ({"patient_id": "4MR1", "other_ids": (OtherId("1", "NHSA"), OtherId(PERSON, "NHSA"))}, PERSON),
        ({"patient_id": "4MR1", "other_ids": (OtherId(PERSON, "HIS"),)}, ""),
    ],
)
def test_a_patient_id_is_a_persons_number_by_its_form_and_its_issuer(facts: dict[str, object], psn_no: str) -> None:
    assert Rules().psn_no(replace_facts(**facts)) == psn_no


@pytest.mark.parametrize(
    ("facts", "series", "why"),
    [
        ({"patient_id": "4MR1"}, SERIES, entries.NO_PERSON),
        ({"institution_code": ""}, SERIES, entries.NO_INSTITUTION),
        ({"study_date": "20261301"}, SERIES, entries.NO_DAY),
        ({"study_date": ""}, SERIES, entries.NO_DAY),
        ({}, [], entries.TOO_MANY_SERIES),
        ({}, SERIES * 401, entries.TOO_MANY_SERIES),
    ],
)
def test_a_study_that_cannot_be_told_has_a_reason(facts: dict[str, object], series: list[ToldSeries], why: str) -> None:
    assert upsert("2.25.1", replace_facts(**facts), series, 1, Rules()) == why


def test_what_the_index_would_refuse_is_cut_or_left_out() -> None:
    odd = SeriesFacts(modality="??", description="a\\b" + "c" * 90, laterality="X", series_date="2026", series_time="9")
    facts = replace_facts(study_time="25:00", timezone="Z", sex="male", birth_date="1979", accession_no="9" * 40)
    made = upsert("2.25.1", facts, [ToldSeries("2.25.2", odd, 1)], 1, Rules())

    assert isinstance(made, entry_pb2.Entry)
    (series,) = made.series
    assert (series.modality, list(made.study.modalities)) == ("OT", ["OT"])
    assert series.description == "a b" + "c" * 61
    assert (series.laterality, series.series_date, series.series_time, series.sop_hash) == ("", "", "", "")
    assert (made.study.study_time, made.study.timezone, made.study.patient_sex, made.study.birth_year) == (
        "",
        "",
        "",
        0,
    )
    assert made.study.accession_no == "9" * 16


def test_the_hash_is_of_the_study_and_not_of_the_person_nor_of_the_place() -> None:
    made = upsert("2.25.1", FACTS, SERIES, 1, Rules())
    other = upsert("2.25.1", replace_facts(patient_id=PERSON[:-1] + "2"), SERIES, 1, Rules())
    assert isinstance(made, entry_pb2.Entry)
    assert isinstance(other, entry_pb2.Entry)

    one = entries.finish(made, 7, 1, 1.0)

    assert len(one.entry_hash) == 32
    assert one.entry_hash == entries.finish(other, 8, 1, 2.0).entry_hash
    assert one.entry_hash != entries.finish(made, 7, 2, 1.0).entry_hash
    assert entries.fingerprint(made) != entries.fingerprint(other)
