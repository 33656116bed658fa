"""What a case may say and a running mesh cannot play: refused with the reason before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from tests.settlement.stacks import CASES
from tests.settlement.test_domain_cases import edited
from tools.cli.case import SAMPLE_POLICIES, PolicyFolder
from tools.cli.case_document import read_case
from tools.cli.case_fixture import Fixture
from tools.cli.case_playable import check_case, check_person, check_versions
from tools.cli.case_through import play_case_through
from tools.cli.mesh_client import MeshClient, MeshUnreachable
from tools.running import HOST, free_ports
from yibao.catalogue.v1 import catalogue_pb2

Change = Callable[[Any], object]


@pytest.fixture(scope="module")
def nowhere() -> Iterator[MeshClient]:
    """A client whose every message fails with MeshUnreachable."""
    (port,) = free_ports(1)
    with MeshClient(f"http://{HOST}:{port}") as client:
        yield client


def bill(case: Any, place: int, **more: object) -> None:
    """Changes a bill of a case."""
    case["ops"][place].update(more)


def visit(case: Any, place: int, **facts: object) -> None:
    """Changes what a visit says."""
    case["ops"][place]["visit"].update(facts)


def only_refunds(case: Any) -> None:
    case["ops"] = [{"op": "refund", "id": "r1", "of": "s1"}]


def growing_old(case: Any) -> None:
    case["person"]["status"] = "retired"
    visit(case, 0, hosp_lv="3", age=60)
    visit(case, 1, hosp_lv="3", age=75)


UNPLAYABLE: list[tuple[str, Change, str]] = [
    ("17", lambda case: bill(case, 1, policies=["jinan-employee@2025-01-01"]), "a person has one stack"),
    ("17", lambda case: visit(case, 1, status="retired"), "s2: the case says status retired"),
    ("17", growing_old, "s1: the case says age 60, a mesh that registers the person once knows 74 on 2025-01-05"),
    ("15", lambda case: case["person"].pop("status"), "no status"),
    ("02", lambda case: case["person"].update(status="sleeping"), "no person or care has status sleeping"),
    ("01", lambda case: case["ops"][0]["visit"].pop("med_type"), "med_type"),
    ("01", lambda case: visit(case, 0, med_type="dental"), "med_type dental"),
    ("01", lambda case: bill(case, 0, hosp_part_amt=100), "hosp_part_amt"),
    ("01", lambda case: case["ops"][0]["lines"].append({"amount": -100, "class": "A"}), "line 2 takes back"),
    ("01", lambda case: case["ops"][0]["lines"][0].update(cnt=0), "line 1 has no price"),
    ("01", only_refunds, "there is no bill"),
]


@pytest.mark.parametrize(("number", "change", "why"), UNPLAYABLE, ids=[why for _, _, why in UNPLAYABLE])
def test_what_cannot_be_played_faithfully_is_refused_before_anything_is_sent(
    nowhere: MeshClient, tmp_path: Path, number: str, change: Change, why: str
) -> None:
    with pytest.raises(Fault) as caught:
        play_case_through(edited(tmp_path, number, change), nowhere)
    assert caught.value.reason == "CASE_NOT_PLAYABLE"
    assert why in caught.value.metadata["what"]


def test_an_account_whose_current_year_is_not_told_is_refused_where_a_policy_reads_it(
    nowhere: MeshClient, tmp_path: Path
) -> None:
    def change(case: Any) -> None:
        visit(case, 0, med_type="outpatient")
        case["account_before"] = {"balance": 10_000, "use": True}

    with pytest.raises(Fault) as caught:
        play_case_through(edited(tmp_path, "02", change), nowhere)
    assert "current_year_balance" in caught.value.metadata["what"]


@pytest.mark.parametrize(
    ("number", "change"),
    [
        ("06", lambda case: case["person"].pop("age")),
        ("17", lambda case: visit(case, 2, cvl_rank="county", ent_flag="1")),
        ("17", lambda case: bill(case, 2, setl_date="2026-03-05")),
    ],
    ids=["an age that nothing reads", "facts that nothing reads", "a birthday that changes nothing"],
)
def test_facts_that_change_no_answer_are_no_obstacle(
    nowhere: MeshClient, tmp_path: Path, number: str, change: Change
) -> None:
    with pytest.raises(MeshUnreachable):
        play_case_through(edited(tmp_path, number, change), nowhere)


def fixture_of(path: Path) -> Fixture:
    return Fixture(read_case(path), "12345678", PolicyFolder(SAMPLE_POLICIES))


def test_a_person_is_born_and_enrolled_so_that_every_bill_that_agrees_with_the_others_fits(tmp_path: Path) -> None:
    def change(case: Any) -> None:
        case["person"].update(status="retired", months_insured=240)
        for place, (day, age, months) in enumerate(
            [("2025-01-05", 69, 240), ("2025-06-20", 70, 245), ("2025-12-05", 70, 251)]
        ):
            bill(case, place, setl_date=day)
            visit(case, place, age=age, months_insured=months)

    fixture = fixture_of(edited(tmp_path, "17", change))
    check_case(fixture.case)
    check_person(fixture)
    assert (fixture.birth.isoformat(), fixture.insured_from.isoformat()) == ("1955-06-20", "2005-01-05")


def standing(*versions: tuple[str, str, str]) -> catalogue_pb2.ResolveStackResponse:
    """What a mesh has: version, first day and hash of the policy of case 01."""
    found = catalogue_pb2.ResolveStackResponse()
    for version, day, policy_hash in versions:
        row = found.policies.add(policy_id="beijing-employee", version=version, policy_hash=policy_hash)
        row.from_day.year, row.from_day.month, row.from_day.day = map(int, day.split("-"))
    return found


def test_a_mesh_that_takes_another_version_on_the_day_cannot_play_the_case() -> None:
    fixture = fixture_of(CASES / "PUB-01.json")
    operation = fixture.case.bills[0]
    own = fixture.policies.stack(operation.policies).policies[0].content_hash
    check_versions(fixture, operation, standing(("2023-01-01", "2023-01-01", own)))
    check_versions(fixture, operation, standing(("2023-01-01", "2023-01-01", own), ("later", "2025-03-11", "other")))
    for versions, taken in (
        ([("2023-01-01", "2023-01-01", own), ("2025", "2025-03-10", "other")], "beijing-employee@2025"),
        ([("2023-01-01", "2025-03-11", own)], "none"),
        ([], "none"),
    ):
        with pytest.raises(Fault) as caught:
            check_versions(fixture, operation, standing(*versions))
        assert f"on 2025-03-10 the mesh settles by {taken} " in caught.value.metadata["what"]
