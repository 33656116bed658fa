"""Drift between a node and the index, whoever has lost or changed something: found by digests, named, and mended."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from services.imaging.domain.conflicts import Waiting
from services.imaging.domain.digests import DayDigest
from services.imaging.domain.drift import Comparison, Totals
from services.imaging.operations.digests import DigestOperations
from services.imaging.operations.watching import Watching
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from services.runtime.contract import Contract
from tests.imaging.conftest import House, Running
from tests.imaging.entries import NOON, OTHER_NODE, OTHER_PSN_NO, upsert, withdrawal
from tests.imaging.test_rpc import registering
from tools.pacs_node.entries import Rules
from tools.pacs_node.feeding import Feeder
from tools.pacs_node.index import RestIndex
from tools.pacs_node.outbox import Outbox
from tools.pacs_node.samples import Person, chest_ct
from tools.pacs_node.shelf import Shelf
from yibao.imaging.v1 import digest_pb2

MARCH_1, MARCH_2, MARCH_3 = 20260301, 20260302, 20260303


async def drifting(house: House) -> list[tuple[str, list[tuple[int, int, int]]]]:
    """Nodes that are listed, with their days as the node and the index count them."""
    page = await DigestOperations(house.store).drifting("", 10, NOON)
    return [
        (each.standing.node.node_no, [(one.day, one.node_count, one.index_count) for one in each.days])
        for each in page.entries
    ]


async def days_of(house: House, *days: int) -> dict[int, DayDigest]:
    """What the index keeps of days."""
    async with house.store.read() as work:
        return dict(await work.digests.of_days(1, days))


async def compare(house: House, told: Comparison) -> list[int]:
    """The days that differ."""
    return list((await DigestOperations(house.store).compare("SD01", told, NOON)).days)


async def test_a_day_comes_to_its_studies_whatever_was_told_withdrawn_and_moved(small_house: House) -> None:
    await small_house.upload(upsert(1), upsert(2), upsert(3, study_date="20260302"))
    before = await days_of(small_house, MARCH_1, MARCH_2)
    assert {day: each.count for day, each in before.items()} == {MARCH_1: 2, MARCH_2: 1}
    await small_house.upload(withdrawal(4, 3, 2), upsert(5, 2, version=2, study_date="20260303"), upsert(6, 9))
    after = await days_of(small_house, MARCH_1, MARCH_2, MARCH_3)
    assert {day: each.count for day, each in after.items()} == {MARCH_1: 2, MARCH_3: 1}
    again = await DigestOperations(small_house.store).day_page("SD01", "20260301", None, 10)
    total = sum(int.from_bytes(each.entry_hash, "big") for each in again.entries) % 2**128
    assert after[MARCH_1] == DayDigest(2, total)


async def test_equal_days_are_no_drift_and_what_differs_is_named_until_it_is_equal(house: House) -> None:
    await house.upload(upsert(1), upsert(2, study_date="20260302"))
    kept = await days_of(house, MARCH_1, MARCH_2)
    whole = (18950101, 99991231)
    assert await compare(house, Comparison(kept, whole, 2)) == []
    assert await drifting(house) == []
    node = {MARCH_1: DayDigest(2, 7), MARCH_3: DayDigest(1, 9)}
    assert await compare(house, Comparison(node, whole, 2)) == [MARCH_1, MARCH_2, MARCH_3]
    assert await drifting(house) == [("SD01", [(MARCH_1, 2, 1), (MARCH_2, 0, 1), (MARCH_3, 1, 0)])]
    assert await compare(house, Comparison({MARCH_1: kept[MARCH_1]}, None, 2)) == []
    assert await drifting(house) == [("SD01", [(MARCH_2, 0, 1), (MARCH_3, 1, 0)])]
    assert await compare(house, Comparison(kept, whole, 2)) == []
    assert await drifting(house) == []


async def test_what_is_under_way_is_no_drift_and_a_node_behind_or_silent_is_listed(small_house: House) -> None:
    await small_house.upload(upsert(1))
    assert await compare(small_house, Comparison({MARCH_1: DayDigest(2, 7)}, None, 5)) == [MARCH_1]
    assert await drifting(small_house) == [("SD01", [])]
    async with small_house.store.read() as work:
        node = await work.nodes.find("SD01")
    assert node is not None
    assert (node.last_seq, node.watermark, node.compared_at) == (5, 1, None)
    await small_house.upload(upsert(2), upsert(3), upsert(4), upsert(5))
    assert await drifting(small_house) == []
    later = await DigestOperations(small_house.store).drifting("", 10, NOON + timedelta(days=3))
    assert [(each.standing.node.node_no, each.silent) for each in later.entries] == [("SD01", True)]
    totals = await DigestOperations(small_house.store).totals(NOON + timedelta(days=3))
    assert (totals.days, totals.behind, totals.silent) == (0, 0, 1)


async def test_sums_that_are_wrong_are_mended_and_a_loss_that_they_hide_is_found_by_counting(house: House) -> None:
    await house.upload(upsert(1), upsert(2))
    kept = await days_of(house, MARCH_1)
    async with house.store.write() as work:
        await work.digests.put(1, {MARCH_1: DayDigest(5, 5)})
    assert await compare(house, Comparison(kept, None, 2)) == []
    assert await days_of(house, MARCH_1) == kept
    async with house.store.write() as work:
        await work.studies._connection.run({"sqlite": LOSE, "postgresql": LOSE})
    assert await compare(house, Comparison(kept, None, 2)) == []
    assert await compare(house, Comparison(kept, None, 2, recount=True)) == [MARCH_1]
    assert await drifting(house) == [("SD01", [(MARCH_1, 2, 1)])]


LOSE = "DELETE FROM imaging_study WHERE study_ref = (SELECT max(study_ref) FROM imaging_study)"


async def test_a_day_is_paged_whole(house: House) -> None:
    await house.upload(*(upsert(seq, study_time=f"{seq % 24:02}00") for seq in range(1, 31)))
    operations = DigestOperations(house.store)
    found: list[str] = []
    after: Any = None
    while True:
        page = await operations.day_page("SD01", "20260301", after, 7)
        found += [each.uid for each in page.entries]
        if page.end is None:
            break
        after = page.end
    assert (len(found), len(set(found))) == (30, 30)
    with pytest.raises(Fault, match="NODE_NOT_FOUND"):
        await operations.day_page("XX99", "20260301", None, 7)


async def test_what_an_alarm_is_raised_by_is_counted_again_and_again(small_house: House) -> None:
    await small_house.upload(upsert(1))
    operations = DigestOperations(small_house.store)
    watching = Watching(operations, lambda: NOON + timedelta(days=3), lambda error: None, every_s=0.01)
    watching.start()
    await operations.compare("SD01", Comparison({MARCH_1: DayDigest(2, 7)}, None, 1), NOON)
    await operations.compare("SD01", Comparison({MARCH_1: DayDigest(2, 7)}, None, 4), NOON)
    await small_house.upload(upsert(1, psn_no=OTHER_PSN_NO), node_no=OTHER_NODE.node_no)
    for _ in range(500):
        await asyncio.sleep(0.01)
        if watching.waiting.open:
            break
    assert (watching.totals, watching.waiting) == (Totals(1, 1, 2), Waiting(1, 0))
    await watching.stop()


OF_NODE = Caller(Role.NODE, "SD01", sandbox=True)


class MeshIndex(RestIndex):
    """The index of a mesh, asked in the JSON of its REST form."""

    def __init__(self, running: Running) -> None:
        super().__init__("http://index", "SD01", "")
        self._running = running
        self._methods = {
            route.path: each for each in Contract.of_mesh().methods.values() for route in each.http if each.http
        }

    async def _ask(self, method: str, path: str, body: str | None, timeout_s: float = 0.0) -> dict[str, Any]:
        found = self._methods[path]
        request = json_format.Parse(body or "{}", found.request_class())
        answer = await self._running.mesh.call(found.full_name, request, caller=OF_NODE)
        told: dict[str, Any] = json_format.MessageToDict(answer)
        return told


@dataclass
class Site:
    """A node's folder that is fed to a mesh."""

    running: Running
    outbox: Outbox
    feeder: Feeder
    shelf: Shelf

    async def told(self) -> Mapping[str, str]:
        """Everything is told; what the index has of the samples' day, hash by UID."""
        while await self.feeder.once():
            pass
        return {each.uid: each.entry_hash for each in await MeshIndex(self.running).studies_of("20260525")}

    async def drift(self) -> list[tuple[str, int, int]]:
        """Days that are listed for operators."""
        listed = await self.running.call("DigestService.ListDrift", digest_pb2.ListDriftRequest())
        return [(day.day, day.node_count, day.index_count) for each in listed.nodes for day in each.days]


@pytest.fixture
async def site(running: Running, tmp_path: Path) -> AsyncIterator[Site]:
    """A node with three studies that the index knows."""
    await running.call(
        "NodeService.RegisterNode", registering(admdvs="370000", institutions=["H"], uscc="12990100MB00000331")
    )
    shelf = Shelf(tmp_path / "node", 1 << 30)
    outbox = Outbox(shelf.catalog, Rules("H37010200901"), 0.0)
    for number in (1, 2, 3):
        person = Person(f"3701000000000000{number:04}")
        for file in islice(chest_ct(person, accession_no=f"CT{number:06}"), 2):
            came = shelf.incoming()
            came.write(file)
            came.close()
            shelf.keep(came)
    made = Site(running, outbox, Feeder(outbox, MeshIndex(running), lambda line: None), shelf)
    assert len(await made.told()) == 3
    yield made
    shelf.close()


async def test_the_daily_job_finds_names_and_mends_what_either_side_lost(site: Site, tmp_path: Path) -> None:
    assert await site.feeder.compare() == 0
    before = await site.told()
    assert await site.drift() == []
    # The node forgets one and changes another; the index is told nothing of it.
    first, second, third = before
    site.shelf.catalog.all("DELETE FROM study WHERE uid = ?", (first,))
    site.shelf.catalog.all("UPDATE study SET entry_hash = ? WHERE uid = ?", ("0" * 32, second))
    assert await site.feeder.compare() == 2
    assert await site.drift() == [("20260525", 2, 3)]
    after = await site.told()
    assert after.keys() == {second, third}
    assert (after[third], after[second] == before[second]) == (before[third], False)
    assert await site.feeder.compare() == 0
    assert await site.drift() == []
    # The index loses one, as if a part of its store had been put back from a copy.
    with sqlite3.connect(tmp_path / "imaging.sqlite") as store:
        store.execute("DELETE FROM imaging_study WHERE study_ref = (SELECT max(study_ref) FROM imaging_study)")
        store.execute("UPDATE imaging_digest SET count = 1")
    store.close()
    assert await site.feeder.compare() == 1
    assert await site.drift() == [("20260525", 2, 1)]
    assert (await site.told()).keys() == {second, third}
    assert await site.feeder.compare() == 0
    assert await site.drift() == []
