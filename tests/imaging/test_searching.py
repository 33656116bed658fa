"""Searches over an index in memory: who sees what, in which order, and what is written of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from services.imaging.domain.qido import asked
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.qido.values import Range
from services.imaging.domain.scopes import Place, Scope
from services.imaging.domain.studies import Availability, KeptStudy, Series, State, Study
from services.imaging.operations import searching as limits
from services.imaging.operations.searching import Page, Patient, Searching, Sitting
from services.kernel.errors import Fault, FaultKind

ME, OTHER = b"k" * 16, b"o" * 16
SITTING = Sitting("R1", "TREATMENT", "H11010100901", (Patient("GS1", ME, "PSEUDO1"), Patient("GS2", OTHER, "PSEUDO2")))
REFS = itertools.count(1_000)
OWN = Sitting("R2", "OWN", "H37010200901", (), "H37010200901")
ROOT = "https://index.example/dicom-web"


def kept(uid: str, key: bytes = ME, ref: int = 0, **changes: Any) -> KeptStudy:
    study = Study("H37010200901", "20260315", "1015", modalities=("CT",), patient_name="ceshi^jia", series_count=1)
    own = {name: changes.pop(name) for name in ("state", "version", "node_ref") if name in changes}
    base = KeptStudy(ref or next(REFS), 1, uid, 1, State.ACTIVE, key, b"h" * 16, replace(study, **changes))
    return replace(base, **own)


@dataclass
class Memory:
    """An index, decisions and an audit log."""

    studies: list[KeptStudy] = field(default_factory=list)
    scopes_now: dict[str, Scope] = field(default_factory=lambda: {"GS1": Scope(), "GS2": Scope()})
    up: dict[int, bool] = field(default_factory=dict)
    rows: dict[int, list[Series]] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    audited: list[tuple[Any, ...]] = field(default_factory=list)
    audit_down: bool = False

    async def scopes(self, sitting: Sitting, patients: Sequence[Patient]) -> Mapping[str, Scope]:
        self.asked.append(("scopes", tuple(each.grant_no for each in patients)))
        return {each.grant_no: self.scopes_now[each.grant_no] for each in patients if each.grant_no in self.scopes_now}

    async def of_persons(self, keys: Sequence[bytes], dates: Range | None, most: int) -> list[KeptStudy]:
        self.asked.append(("of_persons", len(keys)))
        return [each for each in self.studies if each.person_key in keys][: most + 1]

    async def of_uids(self, uids: Collection[str]) -> list[KeptStudy]:
        return [each for each in self.studies if each.uid in uids]

    async def own(self, fixmedins_code: str, dates: Range | None, offset: int, limit: int) -> list[KeptStudy]:
        found = [
            each for each in self.studies if each.study is not None and each.study.fixmedins_code == fixmedins_code
        ]
        self.asked.append(("own", offset, limit))
        return found[offset : offset + limit]

    async def own_count(self, fixmedins_code: str, dates: Range | None) -> int:
        return len(await self.own(fixmedins_code, dates, 0, 10_000))

    async def series_of(self, refs: Sequence[int]) -> Mapping[int, list[Series]]:
        return {ref: self.rows.get(ref, []) for ref in refs}

    def places(self) -> dict[int, Place]:
        return {ref: Place(ref, f"N{ref}", self.up.get(ref, True), f"https://node{ref}.example") for ref in (1, 2)}

    async def searched(self, sitting: Sitting, level: Level, grants: Sequence[str], found: int) -> None:
        if self.audit_down:
            raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")
        self.audited.append((sitting.session_no, level, tuple(grants), found))


@pytest.fixture
def memory() -> Memory:
    return Memory()


async def search(memory: Memory, level: Level = Level.STUDY, sitting: Sitting = SITTING, **query: str) -> Page:
    """A page that a session is answered."""
    searching = Searching(memory, memory, memory, lambda reader, key: f"{reader}-{key[:1].decode()}")
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
    searching = Searching(memory, memory, memory, lambda reader, key: "")
    assert [each.place.node_no for each in await searching.copies(SITTING, "1.1")] == ["N2", "N1"]
    assert await searching.copies(SITTING, "2.1") == []
    assert await searching.copies(SITTING, "9.9") == []


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
