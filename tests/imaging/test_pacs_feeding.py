"""What a province node tells the index: which studies, by which numbers, and how it goes on after a kill."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import NoReturn

import pydicom
import pytest
from aiohttp import web

from tests.imaging.pacs_desk import NODE_NO, PlayedIndex, desk
from tools.pacs_node.entries import Rules
from tools.pacs_node.feeding import Feeder
from tools.pacs_node.index import (
    IndexRefused,
    IndexSilent,
    RestIndex,
    Uploaded,
)
from tools.pacs_node.outbox import Outbox
from tools.pacs_node.samples import Person, chest_ct, study_uid
from tools.pacs_node.shelf import Shelf

CT = list(chest_ct())
STUDY = study_uid()
OF_NO_PERSON = Path(str(pydicom.data.get_testdata_file("MR_small.dcm", download=False))).read_bytes()
PERSON = "37010000000000000201"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_796_000_000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """A folder with its outbox, fed to an index by a test's hand."""

    def __init__(self, folder: Path, index: PlayedIndex, clock: Clock) -> None:
        self.clock, self.index = clock, index
        self.shelf = Shelf(folder, 1 << 30, clock)
        self.outbox = Outbox(self.shelf.catalog, Rules(), 3.0, clock)
        self.feeder = Feeder(self.outbox, index, index.said.append)

    def keep(self, *files: bytes) -> None:
        for file in files:
            came = self.shelf.incoming()
            came.write(file)
            came.close()
            self.shelf.keep(came)

    async def settle(self) -> None:
        """Time passes, and everything is told."""
        self.clock.now += 3.1
        while await self.feeder.once():
            pass

    def close(self) -> None:
        self.shelf.close()


@pytest.fixture
def index() -> PlayedIndex:
    return PlayedIndex()


@pytest.fixture
def site(tmp_path: Path, index: PlayedIndex) -> Site:
    return Site(tmp_path / "node", index, Clock())


def take_away(folder: Path) -> None:
    """Every picture below a folder."""
    for file in folder.rglob("*.dcm"):
        file.unlink()


def of_person(number: int) -> list[bytes]:
    """The CT of another person, two files."""
    return list(islice(chest_ct(Person(f"3701000000000000{number:04}"), accession_no=f"CT{number:06}"), 2))


async def test_a_study_is_told_once_it_is_quiet_and_again_when_it_grows(site: Site, index: PlayedIndex) -> None:
    site.keep(*CT[:5])
    await site.feeder.once()
    assert not index.entries
    await site.settle()
    site.keep(*CT[5:13])
    await site.settle()
    site.keep(*CT[5:13])
    await site.settle()

    told = [index.entries[number] for number in sorted(index.entries)]
    assert [(each["sourceSeq"], each["version"], len(each["series"])) for each in told] == [("1", 1, 2), ("2", 2, 2)]
    assert [sum(series["instanceCount"] for series in each["series"]) for each in told] == [5, 13]
    assert {each["psnNo"] for each in told} == {PERSON}
    assert site.outbox.untold() == {}
    site.close()


async def test_studies_without_a_known_person_are_kept_and_not_told(site: Site, index: PlayedIndex) -> None:
    site.keep(OF_NO_PERSON, *CT[:1])
    await site.settle()

    assert [each["studyInstanceUid"] for each in index.entries.values()] == [STUDY]
    assert site.outbox.untold() == {"NO_PERSON": 1}
    site.close()


async def test_a_study_whose_pictures_were_taken_away_is_withdrawn(
    site: Site, index: PlayedIndex, tmp_path: Path
) -> None:
    site.keep(*CT[:2])
    await site.settle()
    site.close()
    take_away(tmp_path)

    again = Site(tmp_path / "node", index, site.clock)
    await again.settle()

    assert (index.entries[2]["operation"], index.entries[2]["version"]) == ("OPERATION_WITHDRAW", 2)
    assert "psnNo" not in index.entries[2]
    assert again.outbox.digests() == []
    again.close()


async def test_an_answer_that_was_lost_and_a_node_that_was_killed_leave_no_gap_and_nothing_twice(
    site: Site, index: PlayedIndex, tmp_path: Path
) -> None:
    for number in range(1, 6):
        site.keep(*of_person(number))
    index.deaf_after = 5
    site.clock.now += 4
    with pytest.raises(IndexSilent):
        await site.feeder.once()
    site.close()
    index.silent, index.deaf_after = False, 99

    again = Site(tmp_path / "node", index, site.clock)
    again.keep(*of_person(6))
    await again.settle()

    assert sorted(index.entries) == [1, 2, 3, 4, 5, 6]
    assert index.batches == [(1, 5), (6, 6)]
    assert again.outbox.watermark == 6
    again.close()


async def test_an_index_that_lost_what_it_knew_is_fed_again_from_the_first(site: Site, index: PlayedIndex) -> None:
    for number in range(1, 4):
        site.keep(*of_person(number))
        await site.settle()
    before = dict(index.entries)
    index.entries.clear()
    index.known = 0

    site.keep(*of_person(4))
    await site.settle()

    assert {number: index.entries[number] for number in before} == before
    assert sorted(index.entries) == [1, 2, 3, 4]
    assert index.said == ["the index goes on behind 0"]
    site.close()


async def test_a_catalog_that_was_made_again_goes_on_behind_the_numbers_and_versions_that_it_forgot(
    site: Site, index: PlayedIndex, tmp_path: Path
) -> None:
    for number in range(1, 4):
        site.keep(*of_person(number))
        await site.settle()
    site.close()
    (tmp_path / "node" / "node.sqlite").unlink()

    again = Site(tmp_path / "node", index, site.clock)
    await again.settle()

    assert sorted(index.entries) == [1, 2, 3, 4, 5, 6]
    old, new = ([index.entries[number] for number in numbers] for numbers in ((1, 2, 3), (4, 5, 6)))
    assert {each["studyInstanceUid"] for each in old} == {each["studyInstanceUid"] for each in new}
    assert min(each["version"] for each in new) > 1000 > max(each["version"] for each in old)
    assert all(each["version"] < 2**31 for each in new)
    again.close()


async def test_a_folder_of_a_node_that_moved_to_another_machine_is_told_behind_what_the_old_one_told(
    site: Site, index: PlayedIndex, tmp_path: Path
) -> None:
    site.keep(*of_person(1))
    await site.settle()
    site.close()

    moved = Site(tmp_path / "other", index, site.clock)
    moved.keep(*of_person(1), *of_person(2))
    await moved.settle()

    assert sorted(index.entries) == [1, 2, 3]
    (again,) = (each for each in (index.entries[2], index.entries[3]) if each["psnNo"] == index.entries[1]["psnNo"])
    assert again["studyInstanceUid"] == index.entries[1]["studyInstanceUid"]
    assert again["version"] > index.entries[1]["version"]
    moved.keep(*CT[:1])
    await moved.settle()
    assert sorted(index.entries) == [1, 2, 3, 4]
    moved.close()


async def test_a_batch_stays_within_what_the_index_takes(
    site: Site, index: PlayedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        site.keep(*of_person(number)[:1])
    monkeypatch.setattr("tools.pacs_node.outbox.MOST_ENTRIES", 3)
    await site.settle()

    assert index.batches == [(1, 3), (4, 5)]
    site.close()


async def test_what_the_index_did_not_take_is_told_to_operators_without_naming_anybody(
    site: Site, index: PlayedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.keep(*CT[:1])
    rejected = {"sourceSeq": "1", "result": "ENTRY_RESULT_REJECTED", "field": "study.study_date", "rule": "entry.day"}
    site.outbox.meet(0)
    site.clock.now += 4
    site.outbox.make()
    monkeypatch.setattr(index, "upload", AsyncAnswer(rejected))
    await site.feeder.once()

    assert index.said == ["entry 1: ENTRY_RESULT_REJECTED study.study_date entry.day"]
    assert site.outbox.watermark == 1
    site.close()


class AsyncAnswer:
    """An upload with one outcome."""

    def __init__(self, outcome: dict[str, str]) -> None:
        self._outcome = outcome

    async def __call__(self, batch: list[str]) -> Uploaded:
        return Uploaded([self._outcome], 1)


async def test_a_running_node_feeds_by_itself_and_says_when_the_index_is_away(
    tmp_path: Path, index: PlayedIndex
) -> None:
    index.silent = True
    async with desk(tmp_path / "node", index, settle_s=0.0) as node:
        await node.store(*CT[:2])
        await node.until(lambda: any(line.startswith("entries: the index does not take part") for line in index.said))
        index.silent = False
        await node.until(lambda: index.known == 1 and "entries: the index answers again" in index.said)

    assert not any(PERSON in line or "济测甲" in line for line in index.said)


async def test_nothing_is_said_to_answer_again_that_was_not_asked(
    tmp_path: Path, index: PlayedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "digest", AsyncRefusal())
    monkeypatch.setattr(index, "upload", AsyncRefusal())
    async with desk(tmp_path / "node", index, settle_s=0.0) as node:
        await node.until(lambda: any(line.startswith("digest: ") for line in index.said))
        # From now on entries are under way, which the digest waits for without asking the index.
        await node.store(*CT[:2])
        await node.until(lambda: any(line.startswith("entries: ") for line in index.said))
        await asyncio.sleep(2.0)  # It looks again three times meanwhile.

    assert "digest: the index answers again" not in index.said


class AsyncRefusal:
    """The index refuses whatever it is asked."""

    async def __call__(self, asked: object) -> NoReturn:
        raise IndexRefused(404, "NODE_NOT_FOUND", {}, "No such node.")


async def test_the_index_behind_its_gateway_is_asked_by_rest_and_its_refusals_are_told_apart() -> None:
    asked: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, request.headers["Authorization"]))
        if request.path.endswith("/entries:upload"):
            detail = {"@type": "x", "reason": "SEQUENCE_GAP", "metadata": {"watermark": "7"}}
            said = [{"@type": "y", "locale": each, "message": f"Go on ({each})"} for each in ("zh-CN", "en-US")]
            return web.json_response({"error": {"code": 400, "details": [detail, *said]}}, status=400)
        return web.json_response({"watermark": "7"}) if "watermark" in request.path else web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    index = RestIndex(f"http://127.0.0.1:{runner.addresses[0][1]}", NODE_NO, "key")
    nobody = RestIndex("http://127.0.0.1:1", NODE_NO, "key")
    try:
        assert await index.watermark() == 7
        with pytest.raises(IndexRefused) as refused:
            await index.upload(["{}"])
        with pytest.raises(IndexSilent):
            await index.keys()
        with pytest.raises(IndexSilent):
            await nobody.watermark()
    finally:
        await nobody.close()
        await index.close()
        await runner.cleanup()

    assert (refused.value.reason, refused.value.metadata) == ("SEQUENCE_GAP", {"watermark": "7"})
    # What is to be done stands in the line that an operator of the node reads.
    assert str(refused.value) == "400 SEQUENCE_GAP: Go on (en-US)"
    assert asked[:2] == [
        ("POST", "/v1/imaging/watermark:get", "Bearer key"),
        ("POST", "/v1/imaging/entries:upload", "Bearer key"),
    ]


STORES = """
import sys
from pathlib import Path
from tools.pacs_node.reading import hush
from tools.pacs_node.samples import chest_ct
from tools.pacs_node.shelf import Shelf
hush()
shelf = Shelf(Path(sys.argv[1]), 1 << 30)
for file in chest_ct():
    came = shelf.incoming()
    came.write(file)
    came.close()
    shelf.keep(came)
    print("kept", flush=True)
"""


def test_a_node_killed_while_it_stores_has_whole_files_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    with subprocess.Popen([sys.executable, "-c", STORES, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.kill()

    shelf = Shelf(folder, 1 << 30)
    kept = shelf.catalog.instances(STUDY)
    assert len(kept) >= 5
    assert {shelf.path(each.facts).read_bytes() for each in kept} <= set(CT)
    assert len(list(folder.rglob("*.dcm"))) == len(kept)
    shelf.close()
