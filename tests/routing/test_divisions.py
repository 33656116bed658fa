"""Divisions in time: from the list of today, the list of changes and the codes of insurance; and the shipped sample."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.routing.domain.divisions import FIRST_DAY, Change, Division, DivisionKind, Divisions, history
from services.routing.loader import SAMPLES, read_folder

TODAY = date(2026, 3, 5)
CURRENT = (
    "code,name,level,parent_code\n110000,北京市,1,\n110101,东城区,3,110000\n370000,山东省,1,\n370100,济南市,2,370000\n"
)
CHANGES = (
    "year,type,level,old_code,old_name,new_code,new_name,doc_no,curated\n"
    "1983,撤销,3,110101,东城区,110109,某区,,0\n"
    "1992,新设,2,,,371200,莱芜市,,0\n"
    "2010,撤销,3,110103,崇文区,110101,东城区,,0\n"
    "2014,更名,3,,辽宁省沈阳市东陵区,,浑南区,,1\n"
    "2018,撤销,2,371200,莱芜市,370116,莱芜区,国函〔2018〕163号,0\n"
    "2018,新设,3,,,370116,莱芜区,,0\n"
)
EXTRA = (
    "code,name,kind\n110660,新区测试,insurance_only_area\n119900,北京市市本级,province_level_pool\n"
    "130124,栾城县,former_gbt2260\n"
)


@pytest.fixture
def lists(tmp_path: Path) -> Divisions:
    """Of the three lists as they circulate."""
    for name, text in (
        ("divisions_current_2026.csv", CURRENT),
        ("divisions_changes.csv", CHANGES),
        ("admdvs_insurance_extra.csv", EXTRA),
    ):
        (tmp_path / name).write_text(text, "utf-8")
    return read_folder(tmp_path)


def refused(divisions: Divisions, code: str, day: date) -> tuple[str, dict[str, str]]:
    with pytest.raises(Fault) as fault:
        divisions.on(code, day, "admdvs")
    assert [each.path for each in fault.value.violations] == ["admdvs"]
    return fault.value.reason, fault.value.metadata


def test_a_division_that_ended_says_when_and_what_came_of_it(lists: Divisions) -> None:
    assert lists.on("371200", date(2018, 12, 31), "admdvs").name == "莱芜市"
    reason, told = refused(lists, "371200", date(2019, 1, 1))
    assert reason == "DIVISION_NOT_THEN"
    assert told == {
        "admdvs": "371200",
        "day": "2019-01-01",
        "days": "1992-01-01/2018-12-31",
        "from_day": "1992-01-01",
        "to_day": "2018-12-31",
        "successors": "370116",
    }
    assert refused(lists, "371200", date(1991, 12, 31))[0] == "DIVISION_NOT_THEN"


def test_in_the_year_of_a_change_both_codes_hold_for_the_list_names_no_day(lists: Divisions) -> None:
    for day in (date(2010, 1, 1), date(2010, 12, 31)):
        assert [lists.on(code, day, "admdvs").name for code in ("110103", "110101")] == ["崇文区", "东城区"]
    assert refused(lists, "110103", date(2011, 1, 1))[1]["successors"] == "110101"


def test_what_takes_another_in_stood_before_and_what_is_founded_did_not(lists: Divisions) -> None:
    assert lists.on("110101", FIRST_DAY, "admdvs").from_day == FIRST_DAY
    assert refused(lists, "370200", TODAY) == ("DIVISION_UNKNOWN", {"admdvs": "370200"})
    founded = history({"370116": "莱芜区"}, [Change(2018, "", "", "370116", "莱芜区", founds=True)])
    assert founded == [Division("370116", "莱芜区", DivisionKind.COUNTY, date(2018, 1, 1))]


def test_changes_before_the_list_can_be_believed_are_nothing(lists: Divisions) -> None:
    assert lists.on("110101", date(1984, 6, 1), "admdvs").to_day is None
    assert refused(lists, "110109", TODAY)[0] == "DIVISION_UNKNOWN"


def test_pools_are_as_old_as_their_city_or_province_and_zones_are_named_by_insurance(lists: Divisions) -> None:
    kinds = {code: lists.on(code, TODAY, "admdvs").kind for code in ("370199", "379900", "119900", "110660", "130124")}
    assert kinds == {
        "370199": DivisionKind.CITY_POOL,
        "379900": DivisionKind.PROVINCE_POOL,
        "119900": DivisionKind.PROVINCE_POOL,
        "110660": DivisionKind.ZONE,
        "130124": DivisionKind.ZONE,
    }
    assert lists.on("370199", TODAY, "admdvs").name == "济南市本级"
    assert refused(lists, "371299", date(2020, 1, 1))[0] == "DIVISION_NOT_THEN"
    assert [refused(lists, code, TODAY)[0] for code in ("370299", "449900", "110199")] == ["DIVISION_UNKNOWN"] * 3


def test_above_a_county_is_its_city_its_province_or_the_nation(lists: Divisions) -> None:
    parents = [lists.parent(code) for code in ("370116", "110101", "370100", "110000", "000000")]
    assert parents == ["370100", "110000", "370000", "000000", ""]


def test_with_the_whole_list_an_unlisted_county_is_unknown_and_without_it_it_stands_as_its_city(
    lists: Divisions,
) -> None:
    assert refused(lists, "370102", TODAY)[0] == "DIVISION_UNKNOWN"
    sample = read_folder(SAMPLES)
    found = sample.on("371102", TODAY, "admdvs")
    assert (found.name, found.kind) == ("", DivisionKind.COUNTY)
    assert refused(sample, "371202", TODAY)[0] == "DIVISION_NOT_THEN"
    assert refused(sample, "170102", TODAY)[0] == "DIVISION_UNKNOWN"


def test_the_sample_knows_every_city_and_what_the_sample_catalogue_names() -> None:
    sample = read_folder(SAMPLES)
    assert len(sample) > 390
    catalogue = SAMPLES.parents[1] / "catalogue" / "samples" / "divisions.csv"
    for line in catalogue.read_text("utf-8").splitlines()[1:]:
        code = line.partition(",")[0]
        assert sample.on(code, TODAY, "admdvs").code == code
    assert refused(sample, "110103", TODAY)[1]["successors"] == "110101"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("divisions.csv", "code,name,from_day\n11010,某区,2020-01-01\n", "divisions.csv:2:code"),
        ("divisions.csv", "code,name,from_day\n110101,某区,2020-02-30\n", "divisions.csv:2:from_day"),
        (
            "divisions.csv",
            "code,name,from_day,to_day\n110101,某区,2020-01-01,2019-01-01\n",
            "divisions.csv:2:to_day",
        ),
        ("divisions.csv", "code,name,from_day,kind\n110101,某区,2020-01-01,land\n", "divisions.csv:2:kind"),
        ("divisions_changes.csv", CHANGES.replace("1992", "92"), "divisions_changes.csv:3:year"),
        ("admdvs_insurance_extra.csv", "code,name\n1,某\n", "admdvs_insurance_extra.csv:2:code"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_line_and_column(tmp_path: Path, name: str, text: str, place: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(Fault, match="DOCUMENT_INVALID") as refusal:
        read_folder(tmp_path)
    assert [each.path for each in refusal.value.violations] == [place]


def test_a_folder_without_any_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault) as refusal:
        read_folder(tmp_path)
    assert [each.rule for each in refusal.value.violations] == ["division.files"]


PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "data" / "open"


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public lists are not beside this clone")
def test_the_public_lists_are_read_whole() -> None:
    found = read_folder(PUBLIC)
    # What stands today stands on every day of this year, and what has ended is known too.
    today = (PUBLIC / "divisions_current.csv").read_text("utf-8").splitlines()[1:]
    assert all(found.on(line[:6], TODAY, "admdvs").to_day is None for line in today)
    assert len(found) > len(today) + 500
    assert refused(found, "320684", TODAY)[1]["successors"] == "320614"
