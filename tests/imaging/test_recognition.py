"""Verdicts on hand-made cases, each with the reason why a doctor would say so; and the shipped tables themselves."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from services.imaging.domain.recognition import AspectFinding, Ground, Planned, Prior, Verdict, finding, judge
from services.imaging.domain.studies import Availability, Recognition
from services.imaging.loader import SAMPLES, read_folder
from services.kernel.errors import Fault

TABLES: Final = read_folder(SAMPLES)
CASES: Final = list(
    csv.DictReader(Path(__file__).with_name("recognition_cases.csv").read_text(encoding="utf-8").splitlines())
)
ITEMS: Final = {
    "PLAIN": "002103009010000",
    "ENHANCED": "002103009020000",
    "MR_PLAIN": "002102009010000",
    "MR_ENHANCED": "002102009020000",
    "DR": "002101029010000",
    "US": "002203019010000",
    "ECHO": "002206009010000",
    "PET_CT": "002306009010000",
}
VERDICTS: Final = {"yes": Verdict.RECOGNISABLE, "unknown": Verdict.UNKNOWN, "no": Verdict.NOT_RECOGNISABLE}
PLANNED: Final = {"asker": "H11010590001", "day": "2026-03-05", "item": "PLAIN", "part": "CHEST", "modality": "CT"}
PRIOR: Final = {
    "institution": "H37010290001",
    "day": "2026-03-01",
    "item": "PLAIN",
    "part": "CHEST",
    "modalities": "CT",
    "marked": "NATION",
    "availability": "ONLINE",
}


def said(defaults: Mapping[str, str], text: str) -> dict[str, str]:
    """What a case says, on top of the usual one: a chest CT in Shandong, and a doctor in Beijing who plans one."""
    return {**defaults, **dict(each.split("=", 1) for each in text.split(";") if each)}


def planned_of(text: str) -> Planned:
    told = said(PLANNED, text)
    return Planned(
        told["asker"],
        date.fromisoformat(told["day"]),
        ITEMS.get(told["item"], told["item"]),
        told.get("system", ""),
        told["part"],
        told["modality"],
        told.get("acute") == "1",
    )


def prior_of(text: str) -> Prior:
    told = said(PRIOR, text)
    return Prior(
        told["institution"],
        date.fromisoformat(told["day"]),
        ((told.get("system", ""), ITEMS.get(told["item"], told["item"])),) if told["item"] else (),
        told["part"],
        frozenset(told.get("sides", "").split()),
        tuple(told["modalities"].split()),
        Recognition[told["marked"]] if told["marked"] else None,
        Availability[told["availability"]],
        told.get("away") == "1",
        {"1": True, "0": False}.get(told.get("passed", "")),
    )


def test_there_are_at_least_a_hundred_cases_each_with_a_reason_of_its_own() -> None:
    reasons = [each["reason"] for each in CASES]
    assert len(CASES) >= 100
    assert len(set(reasons)) == len(reasons)


@pytest.mark.parametrize("case", CASES, ids=[f"{place:03}" for place in range(1, len(CASES) + 1)])
def test_a_case_is_judged_as_a_doctor_would(case: Mapping[str, str]) -> None:
    judged = judge(planned_of(case["planned"]), prior_of(case["prior"]), TABLES)
    expected = {Ground[each] for each in case["grounds"].split()}
    assert judged.verdict is VERDICTS[case["verdict"]], case["reason"]
    assert expected <= set(judged.grounds), case["reason"]
    speaks_against = {each for each in judged.grounds if finding(each) is not AspectFinding.HOLDS}
    assert speaks_against == {each for each in expected if finding(each) is not AspectFinding.HOLDS}, case["reason"]


def test_of_several_items_of_a_report_the_best_one_counts() -> None:
    prior = replace(prior_of(""), items=(("", ITEMS["DR"]), ("", ITEMS["ENHANCED"])))
    assert Ground.ITEM_BROADER in judge(planned_of(""), prior, TABLES).grounds


def test_every_ground_is_met_by_a_case() -> None:
    met = {
        ground
        for case in CASES
        for ground in judge(planned_of(case["planned"]), prior_of(case["prior"]), TABLES).grounds
    }
    assert met == set(Ground)


def test_tables_with_a_cell_that_cannot_be_read_are_refused_by_file_line_and_column(tmp_path: Path) -> None:
    for each in SAMPLES.glob("*.csv"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    header = "modality,part,system,code,acute,days,from_day,to_day\n"
    (tmp_path / "validity.csv").write_text(f"{header}CT,KNIE,,,0,30,2020-01-01,\nCT,,,,0,-1,2020-01-01,\n")
    (tmp_path / "regions.csv").write_text(
        "region,province,from_day,to_day\n东北,21,2026-02-30,\n东北,吉林,2026-01-01,\n"
    )
    with pytest.raises(Fault) as caught:
        read_folder(tmp_path)
    assert [each.path for each in caught.value.violations] == [
        "validity.csv:2:part",
        "validity.csv:3:days",
        "regions.csv:2:from_day",
        "regions.csv:3:province",
    ]
