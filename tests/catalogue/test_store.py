"""The rows on SQLite and on a real PostgreSQL: round trips, days, regions, and publishers who come at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.catalogue.domain.policies import version_of
from services.catalogue.domain.publishing import Decision, Publication
from services.catalogue.domain.queries import InstitutionFilter, PolicyPlace
from services.catalogue.domain.records import EMPTY_HEAD, KINDS, PolicyVersion, Record, key_of
from services.catalogue.operations.publish import Publishing
from services.catalogue.store.reading import CatalogueStore
from services.runtime.db import Database, UniqueViolation
from tests.catalogue.builders import (
    DRUG,
    NOW,
    SCAN,
    START,
    ceiling,
    command,
    disease,
    division,
    institution,
    item,
    local_med_type,
    policy_document,
    ratio,
    stack,
    term,
)

DAY = date(2024, 5, 1)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CatalogueStore]:
    """An empty store on either database."""
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    database = Database(url, lambda: NOW)
    made = CatalogueStore(database)
    await made.start()
    yield made
    await database.close()


async def publish(store: CatalogueStore, *records: Record, request_id: str = "") -> str:
    """Publishes and gives the answer's text."""
    answer = await Publishing(store).publish(command(request_id or f"r{abs(hash(records))}", *records))
    return answer.decode()


def policy(policy_id: str, version: str, first: str, last: str | None = None) -> PolicyVersion:
    """A small policy."""
    return version_of(policy_document(policy_id, version, first, last))


async def test_every_kind_of_record_comes_back_as_it_was_published(store: CatalogueStore) -> None:
    records: list[Record] = [
        item(item_name="人工晶状体𧿹", chrgitm_lv="02", selfpay_e4=500, to_day=date(2030, 1, 1)),
        ceiling(DRUG, "370100", 9, "3"),
        ratio(DRUG, "370100", 15, "2"),
        term("K07.100x008", "颌骨异常𬌗"),
        disease("M99001", "360000", "I"),
        institution("H99010000001", "测试医院"),
        division("990100", parent="990000"),
        local_med_type("110104", "11"),
        policy("test-policy", "2024-01-01", "2024-01-01"),
        stack("990100", "310", "test-policy"),
    ]
    assert len({type(record) for record in records}) == len(KINDS)
    await publish(store, *records)
    async with store.publishing() as writing:
        for record in records:
            assert await writing.standing(type(record), {key_of(record)}) == [record]


async def test_price_rows_are_those_of_the_codes_the_regions_and_the_days(store: CatalogueStore) -> None:
    wanted: list[Record] = [item(), ceiling(DRUG, "370100", 9), ratio(DRUG, "000000", 15)]
    others: list[Record] = [
        item(SCAN, list_type="201"),
        ceiling(SCAN, "370100", 9),
        ceiling(DRUG, "370200", 9),
        ratio(DRUG, "370100", 15, last=DAY - timedelta(days=1)),
        ratio(DRUG, "370100", 15, first=DAY + timedelta(days=3)),
    ]
    await publish(store, *wanted, *others)
    rows = await store.price_rows([DRUG, "unknown", "nul\x00"], ["370100", "000000"], DAY, DAY + timedelta(days=2))
    assert [*rows.items, *rows.ceilings, *rows.ratios] == wanted


async def test_two_thousand_codes_are_read_at_once(store: CatalogueStore) -> None:
    codes = [f"XTEST{number:05d}" for number in range(2000)]
    await publish(store, *(item(code) for code in codes))
    rows = await store.price_rows(codes, ["000000"], DAY, DAY)
    assert sorted(row.med_list_codg for row in rows.items) == codes


async def test_the_head_follows_every_publication_and_nothing_else(store: CatalogueStore) -> None:
    assert await store.head() == EMPTY_HEAD
    await publish(store, item(), request_id="a")
    first = await store.head()
    await publish(store, item(), request_id="b")
    assert await store.head() == first
    await publish(store, item(to_day=DAY), request_id="c")
    assert len({EMPTY_HEAD, first, await store.head()}) == 3


async def test_a_closed_record_keeps_everything_but_its_open_end(store: CatalogueStore) -> None:
    await publish(store, item(), stack("990100", "310", "test-policy"), policy("test-policy", "1", "2020-01-01"))
    await publish(store, item(to_day=DAY), stack("990100", "310", "test-policy", last=DAY))
    after = DAY + timedelta(days=1)
    assert (await store.price_rows([DRUG], [], DAY, DAY)).items == [item(to_day=DAY)]
    assert (await store.price_rows([DRUG], [], after, after)).items == []
    assert (await store.stack_rows(["990100"], "310", after, after)).stacks == []
    assert (await store.stack_rows(["990100"], "310", DAY, DAY)).stacks == [
        stack("990100", "310", "test-policy", last=DAY)
    ]


async def test_stacks_bring_the_versions_of_their_policies_that_meet_the_days(store: CatalogueStore) -> None:
    versions = [
        policy("test-policy", "1", "2020-01-01", "2023-12-31"),
        policy("test-policy", "2", "2024-01-01", "2024-04-30"),
        policy("test-policy", "3", "2024-05-01"),
        policy("test-policy", "4", "2024-06-01"),
    ]
    await publish(store, *versions, policy("another", "1", "2020-01-01"), stack("990100", "310", "test-policy"))
    rows = await store.stack_rows(["990100"], "310", DAY - timedelta(days=3), DAY)
    assert sorted(rows.versions, key=lambda each: each.version) == versions[1:3]
    assert rows.head == await store.head()


async def test_the_list_of_policies_goes_by_id_and_newest_version_first(store: CatalogueStore) -> None:
    names = [("b", "1", "2020-01-01"), ("b", "2", "2022-01-01"), ("b", "3", "2022-01-01"), ("a", "1", "2021-01-01")]
    await publish(store, *(policy(*name) for name in names))
    expected = [("a", "1"), ("b", "3"), ("b", "2"), ("b", "1")]
    whole = await store.list_policies(None, 10)
    assert [(each.policy_id, each.version) for each in whole] == expected
    for place, last in enumerate(whole):
        rest = await store.list_policies(PolicyPlace(last.policy_id, last.from_day, last.version), 10)
        assert [(each.policy_id, each.version) for each in rest] == expected[place + 1 :]


async def test_a_policy_is_found_by_hash_by_version_and_newest_by_id(store: CatalogueStore) -> None:
    old, new = policy("a", "1", "2020-01-01"), policy("a", "2", "2022-01-01")
    await publish(store, old, new)
    assert await store.find_policy("a", "", "") == new
    assert await store.find_policy("a", "1", "") == old
    assert await store.find_policy("", "", old.policy_hash) == old
    assert await store.find_policy("a", "2", old.policy_hash) is None
    assert await store.find_policy("a\x00", "", "") is None


async def test_institutions_are_searched_by_type_code_and_part_of_the_name(store: CatalogueStore) -> None:
    first, second = institution("H99010000001", "测试医院"), institution("H99010000002", "百分之100%医院")
    pharmacy = institution("P99010000001", "测试药店ABC", "2")
    await publish(store, first, second, pharmacy)

    async def search(kind: str = "", name: str = "", code: str = "", limit: int = 10) -> list[str]:
        found = await store.search_institutions(InstitutionFilter(kind, name, code), DAY, limit)
        return [each.fixmedins_code for each in found]

    assert await search() == ["H99010000001", "H99010000002", "P99010000001"]
    assert await search(limit=1) == ["H99010000001"]
    assert await search(kind="2") == ["P99010000001"]
    assert await search(name="测试") == ["H99010000001", "P99010000001"]
    assert await search(name="abc") == ["P99010000001"]
    assert await search(name="%") == ["H99010000002"]
    assert await search(name="_") == []
    assert await search(name="测试\x00") == []
    assert await search(code="H99010000002") == ["H99010000002"]
    assert await store.search_institutions(InstitutionFilter("", "", ""), date(2019, 1, 1), 10) == []


async def test_terms_and_diseases_hold_on_their_days_only(store: CatalogueStore) -> None:
    await publish(store, term("A00.900", "霍乱", last=DAY), disease("M99001", "360000"), disease("M99001", "000000"))
    assert await store.term("diagnosis_icd10", "A00.900", DAY) == term("A00.900", "霍乱", last=DAY)
    assert await store.term("diagnosis_icd10", "A00.900", DAY + timedelta(days=1)) is None
    assert await store.term("operation_icd9cm3", "A00.900", DAY) is None
    assert len(await store.diseases(["M99001"], ["360000", "000000"], DAY)) == 2
    assert await store.diseases(["M99001"], ["360000"], START - timedelta(days=1)) == []


async def test_publishers_at_the_same_moment_follow_one_another(store: CatalogueStore) -> None:
    answers = await asyncio.gather(
        *(publish(store, item(f"XTEST{number:04d}"), request_id=f"r{number}") for number in range(12))
    )
    heads = {answer.split()[2] for answer in answers}
    assert len(heads) == 12
    assert await store.head() in heads


async def test_the_same_request_twice_at_the_same_moment_is_one_publication(store: CatalogueStore) -> None:
    answers = await asyncio.gather(*(publish(store, item(), request_id="same") for _ in range(6)))
    assert len(set(answers)) == 1
    assert answers[0].startswith("1 0 ")


async def save(store: CatalogueStore, record: Record, *, fail: bool = False) -> None:
    """Saves a record that nobody decided about, in a transaction that may break after it."""
    async with store.publishing() as writing:
        entry = Publication("operator:1", "by hand", "hash", "head", b"", NOW)
        await writing.save(entry, Decision((record,), (), 0))
        if fail:
            raise ZeroDivisionError


async def test_a_publication_that_breaks_leaves_nothing_behind(store: CatalogueStore) -> None:
    with pytest.raises(ZeroDivisionError):
        await save(store, item(), fail=True)
    assert await store.head() == EMPTY_HEAD
    assert (await store.price_rows([DRUG], [], DAY, DAY)).items == []


async def test_the_rows_themselves_keep_a_key_and_first_day_unique(store: CatalogueStore) -> None:
    await publish(store, item())
    with pytest.raises(UniqueViolation):
        await save(store, item(item_name="别的药"))
