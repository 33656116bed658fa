"""Searches over an index in memory: who sees what, in which order, and what is written of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.imaging.domain.qido import asked
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.scopes import Scope
from services.imaging.domain.studies import Availability, Series, State
from services.imaging.operations import looking as limits
from services.imaging.operations.searching import Page, Patient, Searching, Sitting
from services.kernel.errors import Fault
from tests.imaging.memory import ME, OTHER, OWN, SITTING, Memory, Names, kept

ROOT = "https://index.example/dicom-web"


@pytest.fixture
def memory() -> Memory:
    return Memory()


async def search(memory: Memory, level: Level = Level.STUDY, sitting: Sitting = SITTING, **query: str) -> Page:
    """A page that a session is answered."""
    searching = Searching(memory, memory, memory, Names())
    question = asked.read(level, query.items())
    find = searching.studies if level is Level.STUDY else searching.series
    return await find(sitting, question, ROOT)


def uids(page: Page, tag: str = "0020000D") -> list[str]:
    return [each[tag][0] for each in page.records]


async def found(memory: Memory, **query: str) -> list[str]:
    return uids(await search(memory, Level.STUDY, SITTING, **query))


async def test_a_list_that_names_no_person_is_of_the_sessions_persons_the_latest_first(memory: Memory) -> None:
    memory.studies = [kept("1.1"), kept("1.3", study_date="20260401"), kept("1.2", OTHER, study_date="20260320")]
    page = await search(memory)
    assert uids(page) == ["1.3", "1.2", "1.1"]
    latest = page.records[0]
    assert (latest["00100020"], latest["00080020"]) == (("PSEUDO1",), ("20260401",))
    assert latest["00081190"] == (f"{ROOT}/studies/1.3",)


async def test_a_pseudonym_of_an_answer_is_a_key_and_that_of_a_stranger_finds_nothing(memory: Memory) -> None:
    memory.studies = [kept("1.1"), kept("1.2", OTHER)]
    assert await found(memory, PatientID="PSEUDO2") == ["1.2"]
    assert await found(memory, PatientID="STRANGER") == []
    # Nobody, and somebody whom the session does not know, take the same steps.
    assert memory.asked[-2:] == [("scopes", ()), ("of_persons", 0)]


async def test_a_grant_that_ended_and_what_is_hidden_or_out_of_scope_are_not_there(memory: Memory) -> None:
    memory.studies = [
        kept("1.1"),
        kept("1.2", modalities=("MR",)),
        kept("1.3", fixmedins_code="H1"),
        kept("2.1", OTHER),
    ]
    memory.scopes_now = {
        "GS1": Scope(frozenset({"CT"}), hidden_studies=frozenset({"9.9"}), hidden_institutions=frozenset({"H1"}))
    }
    assert await found(memory) == ["1.1"]
    memory.scopes_now = {"GS1": Scope(study_uid="1.2")}
    assert await found(memory) == ["1.2"]
    memory.scopes_now = {"GS1": Scope(hidden_studies=frozenset({"1.1"}))}
    assert sorted(await found(memory)) == ["1.2", "1.3"]
    memory.scopes_now = {}
    assert await found(memory) == []


async def test_a_study_at_two_nodes_is_told_once_from_where_it_is_fetched_soonest(memory: Memory) -> None:
    near = kept("1.1", ref=2, node_ref=2, availability=Availability.NEARLINE)
    memory.studies = [kept("1.1", availability=Availability.ONLINE), near, kept("1.4", state=State.CONFLICT)]
    for up, told, away in (
        ({}, "ONLINE", ()),
        ({1: False}, "NEARLINE", ()),
        ({1: False, 2: False}, "UNAVAILABLE", ("N1",)),
    ):
        memory.up = up
        page = await search(memory)
        assert ([each["00080056"] for each in page.records], page.away) == ([(told,)], away)


async def test_pages_are_cut_in_a_stable_order_and_say_how_many_more_there_are(memory: Memory) -> None:
    memory.studies = [kept(f"1.{number}") for number in range(30)]
    pages = [await search(memory, limit="7", offset=str(start)) for start in range(0, 35, 7)]
    assert [uid for page in pages for uid in uids(page)] == sorted(f"1.{number}" for number in range(30))
    assert [page.more for page in pages] == [23, 16, 9, 2, 0]


async def test_more_than_can_be_looked_through_is_refused(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_STUDIES", 3)
    memory.studies = [kept(f"1.{number}") for number in range(4)]
    with pytest.raises(Fault) as caught:
        await search(memory)
    assert (caught.value.reason, caught.value.metadata) == ("SEARCH_TOO_BROAD", {"most": "3"})
    # It was known with the first read.
    assert [each for each in memory.asked if each[0] == "of_persons"] == [("of_persons", 2)]
    # A study at two nodes is one.
    memory.studies = [kept(f"1.{number}", node_ref=node) for number in range(3) for node in (1, 2)]
    assert await found(memory) == ["1.0", "1.1", "1.2"]


@pytest.mark.parametrize(
    "scope",
    [
        Scope(frozenset({"CT"})),
        Scope(hidden_institutions=frozenset({"H1"})),
        Scope(hidden_studies=frozenset(f"1.{number}" for number in range(3, 20))),
    ],
)
async def test_what_may_not_be_seen_is_not_counted_either(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, scope: Scope
) -> None:
    monkeypatch.setattr(limits, "MOST_STUDIES", 3)
    memory.scopes_now = {"GS1": scope}
    unseen = [
        kept(f"1.{number}", modalities=("MR",), fixmedins_code="H1", study_date=f"202603{30 - number}")
        for number in range(3, 20)
    ]
    memory.studies = [*unseen, *(kept(f"1.{number}", study_date=f"2026030{number + 1}") for number in range(3))]
    assert await found(memory) == ["1.2", "1.1", "1.0"]
    assert await found(memory, limit="1", offset="1") == ["1.1"]
    # One more that may be seen is too many, wherever it stands.
    memory.studies.append(kept("2.1", study_date="20200101"))
    with pytest.raises(Fault, match="SEARCH_TOO_BROAD"):
        await search(memory)


async def test_what_one_search_reads_is_bounded(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_STUDIES", 3)
    monkeypatch.setattr(limits, "MOST_LOOKED", 12)
    memory.scopes_now = {"GS1": Scope(frozenset({"CT"}))}
    memory.studies = [kept(f"1.{number}", modalities=("MR",)) for number in range(40)]
    with pytest.raises(Fault, match="SEARCH_TOO_BROAD"):
        await search(memory)
    assert len([each for each in memory.asked if each[0] == "of_persons"]) == 4


async def test_series_of_a_study_and_of_all_studies(memory: Memory) -> None:
    memory.studies = [kept("1.1", ref=1), kept("1.2", ref=2)]
    memory.rows = {
        1: [Series("1.1.9", "CT", 3, series_no=2), Series("1.1.8", "SR", 1, series_no=1)],
        2: [Series("1.2.9", "CT", 5)],
    }
    of_one = await search(memory, Level.SERIES, StudyInstanceUID="1.1")
    assert uids(of_one, "0020000E") == ["1.1.8", "1.1.9"]
    assert of_one.records[0]["00081190"] == (f"{ROOT}/studies/1.1/series/1.1.8",)
    assert uids(await search(memory, Level.SERIES, Modality="CT"), "0020000E") == ["1.1.9", "1.2.9"]
    assert uids(await search(memory, Level.SERIES, StudyInstanceUID="1.9")) == []


async def test_each_search_is_written_and_one_that_cannot_be_is_not_answered(memory: Memory) -> None:
    memory.studies = [kept("1.1")]
    await search(memory, PatientID="PSEUDO1")
    assert memory.audited == [("R1", Level.STUDY, ("GS1",), 1)]
    memory.audit_down = True
    with pytest.raises(Fault) as caught:
        await search(memory)
    assert caught.value.reason == "STORE_UNAVAILABLE"


async def test_where_a_study_lies_is_told_to_those_who_may_see_it(memory: Memory) -> None:
    memory.studies = [
        kept("1.1", ref=1),
        kept("1.1", ref=2, node_ref=2, availability=Availability.ONLINE),
        kept("2.1", b"x" * 16),
    ]
    searching = Searching(memory, memory, memory, Names())
    found = await searching.find(SITTING, "1.1")
    assert found is not None
    assert [each.place.node_no for each in found.copies] == ["N2", "N1"]
    assert found.patient == SITTING.patients[0]
    assert await searching.find(SITTING, "2.1") is None
    assert await searching.find(SITTING, "9.9") is None
    # For both the same was asked.
    assert [each[0] for each in memory.asked] == ["scopes"] * 3


async def test_of_several_grants_of_one_person_each_shows_what_it_shows(memory: Memory) -> None:
    twice = replace(SITTING, patients=(Patient("GS1", ME, "PSEUDO1"), Patient("GS3", ME, "PSEUDO1")))
    memory.studies = [kept("1.1"), kept("1.2", modalities=("MR",)), kept("1.3", modalities=("DX",))]
    memory.scopes_now = {"GS1": Scope(frozenset({"CT"})), "GS3": Scope(frozenset({"MR"}))}
    assert uids(await search(memory, sitting=twice)) == ["1.1", "1.2"]


async def test_nodes_that_are_behind_are_named_in_every_answer(memory: Memory) -> None:
    memory.behind = {2}
    assert [each.node_no for each in (await search(memory)).behind] == ["N2"]
    assert [each.node_no for each in (await search(memory, sitting=OWN)).behind] == ["N2"]
    memory.behind = set()
    assert (await search(memory)).behind == ()


async def test_an_own_study_in_conflict_and_one_that_a_second_node_still_has(memory: Memory) -> None:
    memory.studies = [kept("1.1", state=State.CONFLICT, accession_no="A1"), kept("1.2")]
    assert uids(await search(memory, sitting=OWN)) == ["1.1", "1.2"]
    assert uids(await search(memory, sitting=OWN, AccessionNumber="A1")) == ["1.1"]
    assert await found(memory) == ["1.2"]
    memory.up = {1: False}
    assert (await search(memory, sitting=OWN)).away == ("N1",)
    memory.studies = [kept("1.2", ref=1), kept("1.2", ref=2, node_ref=2, availability=Availability.ONLINE)]
    assert (await search(memory, sitting=OWN)).records[0]["00080056"] == ("ONLINE",)


async def test_a_pseudonym_of_the_period_before_is_a_key_still(memory: Memory) -> None:
    memory.studies = [kept("1.1"), kept("1.2", OTHER)]
    renamed = replace(SITTING, patients=(Patient("GS1", ME, "NEW", "OLD"), Patient("GS2", OTHER, "PSEUDO2")))
    for asked_by in ("OLD", "NEW"):
        page = await search(memory, sitting=renamed, PatientID=asked_by)
        assert [each["00100020"] for each in page.records] == [("NEW",)]
    assert uids(await search(memory, sitting=renamed, PatientID="OLD,PSEUDO2")) == ["1.1", "1.2"]
    # A list with an empty name means nobody by it.
    assert uids(await search(memory, sitting=renamed, PatientID="OLD,")) == ["1.1"]


async def test_persons_of_a_cell_that_is_away_are_left_out_and_the_answer_says_so(memory: Memory) -> None:
    memory.studies = [kept("1.1"), kept("1.2", OTHER)]
    memory.scopes_now, memory.dark = {"GS1": Scope()}, ("370000",)
    page = await search(memory)
    assert (uids(page), page.undecided) == (["1.1"], ("370000",))
    searching = Searching(memory, memory, memory, Names())
    assert await searching.find(SITTING, "1.1") is not None
    # Whether it may be seen is not known; that it is not there would be a lie.
    for hidden in ("1.2", "9.9"):
        with pytest.raises(Fault) as caught:
            await searching.find(SITTING, hidden)
        assert (caught.value.reason, caught.value.metadata) == ("CELL_UNAVAILABLE", {"cell": "370000"})


async def test_an_institution_finds_a_person_in_its_own_list_by_pseudonym_without_looking_through_it(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_STUDIES", 3)
    memory.studies = [kept(f"1.{number}", OTHER) for number in range(9)]
    memory.studies += [kept("2.1", state=State.CONFLICT), kept("2.2", fixmedins_code="H1")]
    name = Names()(OWN.reader, ME)
    page = await search(memory, sitting=OWN, PatientID=name)
    assert (uids(page), page.records[0]["00100020"]) == (["2.1"], (name,))
    assert uids(await search(memory, sitting=OWN, PatientID="STRANGER")) == []
    assert not [each for each in memory.asked if each[0] == "own"]


async def test_an_institution_lists_its_own_studies_without_a_decision_page_by_page(memory: Memory) -> None:
    memory.studies = [kept(f"1.{number}", ref=number) for number in range(30)] + [
        kept("9.1", fixmedins_code="H1", ref=99)
    ]
    page = await search(memory, sitting=OWN, limit="7", offset="21")
    assert (uids(page), page.more) == ([f"1.{each}" for each in range(21, 28)], 2)
    assert memory.asked[-1] == ("own", 21, 7)
    assert not [each for each in memory.asked if each[0] == "scopes"]
    # A pseudonym of it is a key as well; a condition that no index has is looked for among all of them.
    (first,) = (await search(memory, sitting=OWN, limit="1")).records
    assert len(uids(await search(memory, sitting=OWN, PatientID=first["00100020"][0]))) == 30
    assert uids(await search(memory, sitting=OWN, StudyDescription="x*")) == []
    assert uids(await search(memory, sitting=OWN, StudyInstanceUID="9.1")) == []
    assert memory.audited[0] == ("R2", Level.STUDY, (), 7)


@pytest.mark.parametrize("level", list(Level))
async def test_a_search_through_thousands_lets_others_have_their_turns(memory: Memory, level: Level) -> None:
    memory.studies = [kept(f"1.{each}", ref=each, patient_name=f"n{each}") for each in range(1, 1_000)]
    if level is Level.SERIES:
        memory.studies = memory.studies[:100]
        memory.rows = {each: [Series(f"2.{each}.{one}", "CT", 1) for one in range(20)] for each in range(1, 101)}
    key = "PatientName" if level is Level.STUDY else "Modality"
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    await search(memory, level, SITTING, **{key: "*a" * 500, "fuzzymatching": "true"})
    beside.cancel()
    assert turns > 10


async def test_a_study_of_a_hidden_institution_is_not_there_where_another_node_tells_it_as_anothers(
    memory: Memory,
) -> None:
    memory.studies = [kept("1.1"), kept("1.1", node_ref=2, fixmedins_code="H11010100001"), kept("1.2", OTHER)]
    searching = Searching(memory, memory, memory, Names())
    assert await found(memory) == ["1.1", "1.2"]
    memory.scopes_now["GS1"] = Scope(hidden_institutions=frozenset({"H37010200901"}))
    assert await found(memory) == ["1.2"]
    assert await searching.find(SITTING, "1.1") is None


async def test_a_copy_of_another_day_shows_nothing_of_a_study_of_a_hidden_institution(memory: Memory) -> None:
    copy = kept("1.1", node_ref=2, fixmedins_code="H11010100001", study_date="20260501")
    memory.studies = [kept("1.1", study_date="20200101"), copy, kept("1.2", study_date="20260501")]
    memory.scopes_now["GS1"] = Scope(hidden_institutions=frozenset({"H37010200901"}))
    memory.studies[2] = kept("1.2", OTHER, study_date="20260501")
    for query in (
        {"StudyDate": "20260501"},
        {"StudyDate": "20260401-"},
        {"StudyDate": "20260501", "StudyInstanceUID": "1.1,1.2"},
        {"StudyDate": "20260501", "limit": "1"},
        {},
    ):
        assert await found(memory, **query) == ["1.2"], query
        assert uids(await search(memory, Level.SERIES, SITTING, **query), "0020000E") == [], query
    # Where another person hides it, it is hidden for nobody else.
    memory.scopes_now = {"GS1": Scope(), "GS2": Scope(hidden_institutions=frozenset({"H37010200901"}))}
    assert await found(memory, StudyDate="20260501") == ["1.1"]


async def test_a_copy_on_a_later_page_hides_those_on_the_first(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_STUDIES", 3)
    memory.scopes_now["GS1"] = Scope(frozenset({"CT"}), hidden_institutions=frozenset({"H1"}))
    memory.studies = [kept("1.1", study_date="20260501"), kept("1.1", fixmedins_code="H1", study_date="20200101")]
    memory.studies += [kept(f"2.{number}", modalities=("MR",)) for number in range(9)]
    assert await found(memory) == []
