"""The shipped sample: it loads without a complaint, covers what the demonstration needs, and its stacks are whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from services.catalogue.domain.pricing import PriceScope
from services.catalogue.domain.records import Institution, Item, PolicyStack, PolicyVersion, Record
from services.catalogue.loader import read_folder
from services.catalogue.operations.lookups import Lookups
from services.catalogue.operations.start import publish_first
from services.catalogue.store.reading import CatalogueStore
from services.runtime.db import Database
from tests.catalogue.builders import NOW, SAMPLES

POLICIES = Path(__file__).resolve().parents[3] / "shared" / "policies"
RECORDED_DAY = date(2025, 1, 15)


@pytest.fixture(scope="module")
def entries() -> list[Record]:
    """All records of the sample."""
    found, violations = read_folder(SAMPLES)
    assert violations == []
    return [each.record for each in found]


@pytest.fixture
async def lookups(tmp_path: Path) -> AsyncIterator[Lookups]:
    """The sample, published."""
    database = Database(f"sqlite:///{tmp_path}/catalogue.sqlite", lambda: NOW)
    store = CatalogueStore(database)
    await store.start()
    await publish_first(store, lambda: read_folder(SAMPLES), lambda: NOW)
    yield Lookups(store)
    await database.close()


def test_the_sample_has_a_few_hundred_entries_of_every_sort(entries: list[Record]) -> None:
    counts = Counter(type(record).__name__ for record in entries)
    assert counts["Item"] >= 200
    assert counts["Term"] >= 80
    assert 400 <= len(entries) <= 1500
    items = [record for record in entries if isinstance(record, Item)]
    assert {item.chrgitm_lv for item in items} == {"01", "02", "03"}
    assert {item.list_type for item in items} >= {"101", "102", "103", "104", "106", "201", "301"}
    assert any(item.lmt_used_flag for item in items)
    assert any(item.bas_medn_flag for item in items)
    assert any(item.hi_nego_drug_flag for item in items)


def test_every_policy_ships_and_constraints_examples_and_synthetic_ones_are_in_no_stack(entries: list[Record]) -> None:
    policies = [record for record in entries if isinstance(record, PolicyVersion)]
    assert len(policies) == 30
    in_stacks = {name for record in entries if isinstance(record, PolicyStack) for name in record.policy_ids}
    left_out = {each.policy_id for each in policies if each.policy_id not in in_stacks}
    assert left_out >= {each.policy_id for each in policies if each.kind == "constraint"}
    assert not [name for name in in_stacks if name.endswith(("-example", "-sample")) or name.startswith("synthetic-")]


def test_the_shipped_policies_are_those_of_the_reference_word_for_word() -> None:
    if not POLICIES.exists():
        pytest.skip("the reference policies do not lie beside this clone")
    shipped = {path.name: path.read_bytes() for path in (SAMPLES / "policies").glob("*.yaml")}
    assert shipped == {path.name: path.read_bytes() for path in POLICIES.glob("*.yaml")}


def test_each_city_of_the_demonstration_has_hospitals_of_several_levels_and_pharmacies(entries: list[Record]) -> None:
    institutions = [record for record in entries if isinstance(record, Institution)]
    for prefix in ("11", "3701", "3601", "5101", "3301", "9901"):
        here = [each for each in institutions if each.admdvs.startswith(prefix)]
        assert Counter(each.fixmedins_type for each in here)["2"] >= 2
        assert len({each.hosp_lv for each in here if each.fixmedins_type == "1"}) >= 3
        assert any(each.policy_hosp_lv == "community" for each in here)


async def test_publishing_the_sample_twice_changes_nothing_the_second_time(lookups: Lookups, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/catalogue.sqlite", lambda: NOW)
    before = await lookups.head()
    assert await publish_first(CatalogueStore(database), lambda: read_folder(SAMPLES), lambda: NOW) == 0
    assert await lookups.head() == before
    await database.close()


async def test_every_stack_is_whole_on_its_first_and_last_day(lookups: Lookups, entries: list[Record]) -> None:
    for stack in (record for record in entries if isinstance(record, PolicyStack)):
        for day in {stack.from_day, stack.to_day or date(2026, 11, 21)}:
            resolved = await lookups.resolve_stack(stack.admdvs, stack.insutype, day, None)
            assert {each.policy_id for each in resolved.versions} == set(stack.policy_ids)


async def test_the_sandbox_answers_what_recorded_clients_ask(lookups: Lookups) -> None:
    stack = await lookups.resolve_stack("990100", "310", RECORDED_DAY, None)
    assert [each.policy_id for each in stack.versions] == ["beijing-employee"]
    hospital = (await lookups.institutions(["H99010000001"], RECORDED_DAY))[0]
    assert hospital is not None
    assert hospital.fixmedins_name == "测试医院"
    scope = PriceScope(hospital.admdvs, hospital.hosp_lv, hospital.lmtpric_hosp_lv)
    priced = await lookups.priced_item(scope, "XTESTDRUG0001", RECORDED_DAY)
    assert (priced.selfpay_e4, priced.pric_uplmt_e6) == (0, None)
