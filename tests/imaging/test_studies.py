"""StudyService over an index in memory: typed conditions ask what QIDO-RS asks."""

from __future__ import annotations

from typing import Any

import pytest

from services.imaging.domain.scopes import Place
from services.imaging.domain.studies import Availability, Series
from services.imaging.operations.searching import Searching, Sitting
from services.imaging.servicer.studies import StudyServicer
from services.kernel.errors import Fault
from tests.imaging.memory import OTHER, OWN, SITTING, Memory, Names, kept
from yibao.imaging.v1 import study_pb2 as pb2


class House(Memory):
    """The index with two sessions."""

    async def sitting(self, token: str) -> Sitting:
        return OWN if token == "own" else SITTING


@pytest.fixture
def house() -> House:
    return House()


async def asked(house: House, method: str, token: str = "token", **fields: Any) -> Any:
    servicer = StudyServicer(house, Searching(house, house, house, Names()))
    request = getattr(pb2, f"{method}Request")(session_token=token, **fields)
    return await getattr(servicer, method)(request, None)


async def uids(house: House, **conditions: Any) -> list[str]:
    found = await asked(house, "SearchStudies", conditions=pb2.StudyConditions(**conditions))
    return [each.study_uid for each in found.studies]


async def test_each_condition_restricts_what_is_found(house: House) -> None:
    house.studies = [
        kept("1.1", accession_no="A1", description="胸部CT平扫"),
        kept("1.2", modalities=("MR", "SR"), study_date="20260401"),
        kept("1.3", OTHER, patient_name="=测试^甲", fixmedins_code="H1"),
    ]
    for expected, conditions in (
        (["1.2", "1.1", "1.3"], {}),
        (["1.3"], {"patient_id": "PSEUDO2"}),
        (["1.2", "1.1"], {"patient_name": "ceshi*"}),
        (["1.2", "1.1", "1.3"], {"patient_name": "jia ceshi", "fuzzy": True}),
        (["1.2", "1.3"], {"study_uids": ["1.2", "1.3", "9.9"]}),
        (["1.1"], {"accession_no": "A1"}),
        (["1.2"], {"study_date": "20260320-"}),
        (["1.2"], {"modalities": ["MR", "PT"]}),
        (["1.1"], {"description": "胸部*"}),
        (["1.3"], {"institution": "H1"}),
    ):
        assert await uids(house, **conditions) == expected, conditions


async def test_a_page_says_how_many_more_there_are_and_what_it_lacks(house: House) -> None:
    house.studies = [kept(f"1.{number}", ref=number) for number in range(1, 8)]
    house.told_places = {1: Place(1, "N1", False, "", True)}
    house.dark = ("370000",)
    page = await asked(house, "SearchStudies", most=3, offset=2)
    assert ([each.study_uid for each in page.studies], page.more) == (["1.3", "1.4", "1.5"], 2)
    assert page.missing == pb2.Missing(nodes_away=["N1"], nodes_behind=["N1"], cells_away=["370000"])
    assert (await asked(house, "CountStudies")).count == 7
    day = pb2.StudyConditions(study_date="19990101")
    assert (await asked(house, "CountStudies", conditions=day)).count == 0


async def test_what_is_told_of_a_study_and_of_its_series(house: House) -> None:
    house.studies = [kept("1.1", ref=1, availability=Availability.ONLINE, body_part="CHEST", instance_count=4)]
    house.rows = {1: [Series("1.1.9", "CT", 3, series_no=2, description="薄层"), Series("1.1.8", "SR", 1, series_no=1)]}
    (study,) = (await asked(house, "SearchStudies", "own")).studies
    assert study == pb2.FoundStudy(
        study_uid="1.1",
        patient_id="H37010200901-k",
        patient_name="ceshi^jia",
        study_date="20260315",
        study_time="1015",
        modalities=["CT"],
        body_part="CHEST",
        institution="H37010200901",
        series_count=1,
        instance_count=4,
        availability="ONLINE",
    )
    found = await asked(house, "SearchSeries", conditions=pb2.StudyConditions(study_uids=["1.1"]), modality="CT")
    assert list(found.series) == [
        pb2.FoundSeries(
            study_uid="1.1", series_uid="1.1.9", series_no=2, modality="CT", description="薄层", instance_count=3
        )
    ]


async def test_what_is_not_understood_is_refused_by_the_field(house: House) -> None:
    wrong = pb2.StudyConditions(study_date="20260231", study_uids=["1.2", "1.02"])
    with pytest.raises(Fault) as caught:
        await asked(house, "SearchStudies", conditions=wrong)
    assert {each.path: each.rule for each in caught.value.violations} == {
        "conditions.study_date": "dicom.date",
        "conditions.study_uids": "dicom.uid",
    }
    assert house.audited == []
