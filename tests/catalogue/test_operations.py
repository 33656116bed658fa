"""Publishing and look-ups on a real store: repeats, refusals, warnings, and what a day gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.catalogue.domain.policies import version_of, warnings_of
from services.catalogue.domain.pricing import PriceScope
from services.catalogue.domain.publishing import PlacedRecord
from services.catalogue.domain.queries import PolicyPlace
from services.catalogue.domain.records import EMPTY_HEAD, PolicyVersion, Record
from services.catalogue.operations import publish as publishing
from services.catalogue.operations.lookups import Lookups
from services.catalogue.operations.publish import PublishCommand, Published, Publishing
from services.catalogue.operations.start import publish_first
from services.catalogue.store.reading import CatalogueStore
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.db import Database
from tests.catalogue.builders import (
    DRUG,
    NOW,
    SERVICE,
    ceiling,
    command,
    disease,
    division,
    entries_of,
    institution,
    item,
    local_med_type,
    policy_document,
    ratio,
    stack,
    term,
)

DAY = date(2024, 5, 1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CatalogueStore]:
    """An empty store."""
    database = Database(f"sqlite:///{tmp_path}/catalogue.sqlite", lambda: NOW)
    made = CatalogueStore(database)
    await made.start()
    yield made
    await database.close()


async def publish(store: CatalogueStore, request_id: str, *records: Record) -> list[Published]:
    """What the publication said; nothing where the answer was an earlier one's."""
    said: list[Published] = []

    def render(published: Published) -> bytes:
        said.append(published)
        return b"answer"

    await Publishing(store).publish(replace(command(request_id, *records), render=render))
    return said


async def refused(store: CatalogueStore, wanted: PublishCommand) -> Fault:
    """The fault instead of an answer; the catalogue stays as it was."""
    head = await store.head()
    with pytest.raises(Fault) as caught:
        await Publishing(store).publish(wanted)
    assert await store.head() == head
    return caught.value


def policy(version: str, first: str, last: str | None = None, policy_id: str = "test-policy") -> PolicyVersion:
    """A small policy."""
    return version_of(policy_document(policy_id, version, first, last))


async def test_a_repeated_request_gets_the_earlier_answer_and_publishes_nothing(store: CatalogueStore) -> None:
    first = await Publishing(store).publish(command("r", item()))
    await publish(store, "other", term("A00.900", "霍乱"))
    head = await store.head()
    assert await Publishing(store).publish(command("r", item())) == first
    assert await store.head() == head


async def test_a_request_id_with_other_content_is_a_conflict(store: CatalogueStore) -> None:
    await publish(store, "r", item())
    fault = await refused(store, command("r", term("A00.900", "霍乱")))
    assert (fault.kind, fault.reason) == (FaultKind.CONFLICT, "REQUEST_ID_REUSED")
    assert await Publishing(store).publish(command("r", term("A00.900", "霍乱"), scope="operator:2"))


async def test_a_refused_request_can_be_corrected_under_the_same_id(store: CatalogueStore) -> None:
    fault = await refused(store, command("r", item("malformed")))
    assert fault.reason == "CODE_INVALID"
    assert (await publish(store, "r", item()))[0].published_count == 1


async def test_one_bad_record_refuses_all_and_every_violation_is_told_with_its_place(store: CatalogueStore) -> None:
    bad: list[Record] = [item(), term("A00.9", "霍乱"), term("A00.900", " "), disease("M1", "370100")]
    fault = await refused(store, command("r", *bad))
    assert [each.path for each in fault.violations] == [
        "records[1].term.code",
        "records[2].term.name",
        "records[3].disease.dise_codg",
    ]


async def test_violations_of_unreadable_records_are_told_beside_the_others(store: CatalogueStore) -> None:
    wanted = replace(
        command("r", item("malformed")), unreadable=(Violation("records[1].item.selfpay_prop", "decimal"),)
    )
    assert len((await refused(store, wanted)).violations) == 2
    only = replace(command("r", item()), unreadable=(Violation("records[1].policy", "map"),), bad_policies=("a@1",))
    assert (await refused(store, only)).reason == "POLICY_INVALID"
    plain = replace(command("r", item()), unreadable=(Violation("records[1].item.selfpay_prop", "decimal"),))
    assert (await refused(store, plain)).reason == "INVALID_REQUEST"


async def test_a_publication_says_what_it_did_and_warns(store: CatalogueStore) -> None:
    await publish(store, "a", item(), division("990100"))
    said = await publish(store, "b", item(), ceiling(DRUG, "370100", 9), ceiling(DRUG, "990100", 9))
    assert [(each.published_count, each.unchanged_count) for each in said] == [(2, 1)]
    assert said[0].warnings == ("division 370100 is not in the catalogue",)
    assert said[0].head == await store.head()


async def test_a_policy_is_held_against_the_constraint_file_that_stands(store: CatalogueStore) -> None:
    constraint = policy_document("limits", "1", "2020-01-01") | {"kind": "constraint", "layers": []}
    constraint["remote_limits"] = [{"when": {"remote": ["temporary"]}, "max_reduction_points": "20%"}]
    del constraint["account"]
    generous = policy_document("generous", "1", "2020-01-01")
    generous["remote"] = [
        {"when": {"remote": ["local", "filed_long_term", "transfer", "emergency"]}, "method": "none"},
        {"when": {"remote": ["temporary"]}, "method": "ratio_points", "value": "-30%"},
    ]
    await publish(store, "a", version_of(constraint))
    said = await publish(store, "b", version_of(generous))
    assert [line.split(": ")[:3] for line in said[0].warnings] == [["generous@1", "remote[1]", "remote.limit"]]


async def test_while_policies_are_proven_others_have_their_turn_between_any_two(
    store: CatalogueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, proven_at = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def proving(made: PolicyVersion, constraints: Sequence[PolicyVersion]) -> list[str]:
        proven_at.append(turns)
        return warnings_of(made, constraints)

    monkeypatch.setattr(publishing, "warnings_of", proving)
    waiting = asyncio.create_task(others())
    policies = [policy("1", "2020-01-01", policy_id=f"policy-{number}") for number in range(5)]
    (said,) = await publish(store, "a", *policies)
    waiting.cancel()
    assert said.published_count == len(proven_at) == 5
    assert sorted(set(proven_at)) == proven_at


async def test_prices_come_in_the_order_asked_each_on_its_own_day(store: CatalogueStore) -> None:
    await publish(
        store,
        "a",
        item(to_day=date(2024, 12, 31)),
        item(chrgitm_lv="02", selfpay_e4=1000, from_day=date(2025, 1, 1)),
        item(SERVICE, list_type="201"),
        ceiling(DRUG, "990100", 9),
        ratio(DRUG, "990000", 15),
    )
    keys = [(DRUG, date(2025, 1, 1)), ("unknown", DAY), (DRUG, DAY), (SERVICE, DAY), (DRUG, date(2025, 1, 1))]
    found = await Lookups(store).priced_items(PriceScope("990100", "2", ""), keys)
    told = [each and (each.item.med_list_codg, each.pric_uplmt_e6, each.selfpay_e4) for each in found]
    assert told == [(DRUG, 9_000_000, 1500), None, (DRUG, 9_000_000, 0), (SERVICE, None, 0), (DRUG, 9_000_000, 1500)]


async def test_a_stack_is_that_of_the_nearest_region_on_the_day_of_settlement(store: CatalogueStore) -> None:
    policies = [policy("1", "2020-01-01", policy_id=name) for name in ("city", "old", "province")]
    await publish(
        store,
        "a",
        *policies,
        stack("990100", "310", "old", last=date(2023, 12, 31)),
        stack("990100", "310", "city", first=date(2024, 1, 1)),
        stack("990000", "310", "province"),
    )
    lookups = Lookups(store)

    async def ids(admdvs: str, day: date, begin: date | None = None) -> list[str]:
        return [each.policy_id for each in (await lookups.resolve_stack(admdvs, "310", day, begin)).versions]

    assert await ids("990102", DAY) == ["city"]
    assert await ids("990102", DAY, date(2023, 12, 1)) == ["city"]
    assert await ids("990102", date(2023, 12, 31)) == ["old"]
    assert await ids("990200", DAY) == ["province"]


async def test_a_stack_gives_every_version_that_may_decide_about_the_stay_in_its_own_order(
    store: CatalogueStore,
) -> None:
    await publish(
        store,
        "a",
        policy("1", "2020-01-01", "2024-04-30"),
        policy("2", "2024-05-01"),
        policy("1", "2020-01-01", policy_id="second"),
        stack("990100", "310", "second", "test-policy"),
    )
    lookups = Lookups(store)
    stay = await lookups.resolve_stack("990100", "310", DAY, date(2024, 4, 20))
    assert [(each.policy_id, each.version) for each in stay.versions] == [
        ("second", "1"),
        ("test-policy", "1"),
        ("test-policy", "2"),
    ]
    visit = await lookups.resolve_stack("990100", "310", DAY, None)
    assert [each.version for each in visit.versions] == ["1", "2"]
    assert visit.head == await store.head()


async def test_a_stack_that_lacks_a_policy_on_the_day_is_not_found_rather_than_shortened(store: CatalogueStore) -> None:
    await publish(
        store, "a", policy("1", "2020-01-01"), policy("1", "2025-01-01", policy_id="later"),
        stack("990100", "310", "test-policy", "later"),
    )  # fmt: skip
    with pytest.raises(Fault) as caught:
        await Lookups(store).resolve_stack("990100", "310", DAY, None)
    assert (caught.value.reason, caught.value.metadata["missing"]) == ("STACK_NOT_FOUND", "later")


@pytest.mark.parametrize(("admdvs", "insutype", "day"), [("110000", "310", DAY), ("990100", "390", DAY)])
async def test_without_a_stack_nothing_is_guessed(store: CatalogueStore, admdvs: str, insutype: str, day: date) -> None:
    await publish(store, "a", policy("1", "2020-01-01"), stack("990100", "310", "test-policy"))
    with pytest.raises(Fault) as caught:
        await Lookups(store).resolve_stack(admdvs, insutype, day, None)
    assert caught.value.reason == "STACK_NOT_FOUND"


async def test_a_disease_has_the_facts_of_the_nearest_region(store: CatalogueStore) -> None:
    await publish(
        store, "a", disease("M03900", "360000", "II"), disease("M03900", "000000"), disease("M01600", "000000")
    )
    found = await Lookups(store).diseases("360102", DAY, ["M01600", "M03900", "M07803"])
    assert [each and (each.admdvs, each.chronic_class) for each in found] == [("000000", ""), ("360000", "II"), None]


async def test_local_kinds_of_care_are_those_of_the_place_and_above_the_nearest_first(store: CatalogueStore) -> None:
    rows = [local_med_type("91", "11"), local_med_type("91", "12", "990100"), local_med_type("24", "21", "360000")]
    await publish(store, "a", *rows)
    found = await Lookups(store).local_med_types("990102")
    assert [(each.local_med_type, each.med_type) for each in found] == [("91", "12"), ("91", "11")]


async def test_pages_of_policies_meet_without_gap_or_repeat(store: CatalogueStore) -> None:
    await publish(store, "a", *(policy("1", "2020-01-01", policy_id=f"p{number}") for number in range(5)))
    lookups, seen, place = Lookups(store), [], None
    for _ in range(3):
        page = await lookups.list_policies(place, 2)
        seen += [each.policy_id for each in page.entries]
        place = None if page.end is None else PolicyPlace(*page.end)
    assert seen == ["p0", "p1", "p2", "p3", "p4"]
    assert place is None


async def test_an_empty_catalogue_begins_with_its_files_once(store: CatalogueStore) -> None:
    records: list[Record] = [item(), institution("H99010000001", "测试医院")]
    assert await publish_first(store, lambda: (entries_of(records), []), lambda: NOW) == 2
    head = await store.head()
    assert await publish_first(store, lambda: (entries_of([term("A00.900", "霍乱")]), []), lambda: NOW) == 0
    assert await store.head() == head


async def test_a_bad_row_in_the_files_leaves_the_catalogue_empty(store: CatalogueStore) -> None:
    bad = [Violation("operations.csv:7:code", "code.operation_icd9cm3", values={"guess": ""})]
    with pytest.raises(Fault):
        await publish_first(store, lambda: ([PlacedRecord("", item())], bad), lambda: NOW)
    assert await store.head() == EMPTY_HEAD
