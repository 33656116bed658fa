"""An archive that is there already feeds the index: studies are found by DICOMweb, told once, told again when they grow."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.imaging.pacs_desk import PlayedIndex, desk
from tools.pacs_node.archive import Archive, ArchiveSilent
from tools.pacs_node.catalog import Catalog
from tools.pacs_node.entries import Rules
from tools.pacs_node.feed_of import Poller, run
from tools.pacs_node.feeding import Feeder
from tools.pacs_node.outbox import Outbox
from tools.pacs_node.samples import chest_ct, study_uid

CT = list(chest_ct())
STUDY = study_uid()
PERSON = "37010000000000000201"
NOON = 1_779_768_000.0
"""26 May 2026, the day after the sample was taken."""


class Feed:
    """An archive that is polled by a test's hand."""

    def __init__(self, archive: Archive, folder: Path, index: PlayedIndex) -> None:
        self.archive, self.index = archive, index
        self.catalog = Catalog(folder / "feed.sqlite")
        self.poller = Poller(archive, self.catalog, lambda: NOON)
        self.outbox = Outbox(self.catalog, Rules(), 0.0, lambda: NOON)
        self.feeder = Feeder(self.outbox, index, index.said.append)

    async def once(self) -> bool:
        stopped = asyncio.Event()
        return await run(self.poller, self.outbox, self.feeder, 1.0, self.index.said.append, stopped, once=True)

    async def close(self) -> None:
        await self.archive.close()
        self.catalog.close()


def counts(index: PlayedIndex) -> list[tuple[int, int, list[int]]]:
    """Version, operation of upsert or not, and instances of each series, of each entry."""
    told = [index.entries[number] for number in sorted(index.entries)]
    return [
        (
            each["version"],
            each["operation"] == "OPERATION_UPSERT",
            [one["instanceCount"] for one in each.get("series", ())],
        )
        for each in told
    ]


async def test_an_archive_is_told_once_again_when_it_grows_and_withdrawn_when_it_is_gone(tmp_path: Path) -> None:
    index = PlayedIndex()
    async with desk(tmp_path / "node") as node:
        await node.store(*CT[:6])
        archive = Archive(node.root, key=node.node.operator_key)
        feed = Feed(archive, tmp_path, index)
        await feed.once()
        await feed.once()
        assert counts(index) == [(1, True, [1, 5])]

        await node.store(*CT[6:])
        assert await feed.poller.recent() == 1
        assert await feed.poller.recent() == 0
        await feed.feeder.once()
        assert counts(index)[1:] == [(2, True, [1, 12, 8])]
        assert (index.entries[2]["psnNo"], index.entries[2]["studyInstanceUid"]) == (PERSON, STUDY)
        assert index.entries[2]["study"]["patientName"] == "Ji^Cejia=济测甲"

        node.node.shelf.catalog.remove([each.facts.sop_uid for each in node.node.shelf.catalog.instances(STUDY)], NOON)
        assert await feed.poller.sweep() == 1
        await feed.feeder.once()
        assert counts(index)[2:] == [(3, False, [])]
        await feed.close()


async def test_the_feed_tells_of_a_study_what_the_node_itself_would_tell(tmp_path: Path) -> None:
    index = PlayedIndex()
    async with desk(tmp_path / "node") as node:
        await node.store(*CT)
        own = Outbox(node.node.shelf.catalog, Rules(), 0.0)
        own.make()
        batch = own.batch()
        feed = Feed(Archive(node.root, key=node.node.operator_key), tmp_path, index)
        await feed.once()
        await feed.close()

    assert batch is not None
    told = [json.loads(batch.entries[0]), index.entries[1]]
    for entry in told:
        entry.pop("sourceTime")
        entry.pop("entryHash")
        # How large the files are is not said by DICOMweb.
        entry["study"].pop("sizeBytes", None)
    assert told[0] == told[1]


async def test_an_archive_that_is_away_is_said_and_changes_nothing(tmp_path: Path) -> None:
    index = PlayedIndex()
    feed = Feed(Archive("http://127.0.0.1:1/dicom-web"), tmp_path, index)

    assert not await feed.once()
    with pytest.raises(ArchiveSilent):
        await feed.poller.sweep()

    assert index.said == [
        "the archive does not answer by DICOMweb at this address (ClientConnectorError); start it again"
    ]
    assert not index.entries
    await feed.close()


async def test_an_address_at_which_there_is_no_archive_withdraws_nothing(tmp_path: Path) -> None:
    index = PlayedIndex()
    async with desk(tmp_path / "node") as node:
        await node.store(*CT[:2])
        feed = Feed(Archive(node.root, key=node.node.operator_key), tmp_path, index)
        assert await feed.once()
        # As after a change of the archive's settings: it answers, and knows no such path.
        moved = Archive(f"{node.root}-moved", key=node.node.operator_key)
        feed.poller = Poller(moved, feed.catalog, lambda: NOON)
        assert not await feed.once()
        await moved.close()
        await feed.close()

    assert counts(index) == [(1, True, [1, 1])]
    assert index.said[-1] == "the archive does not answer by DICOMweb at this address (HTTP 404); start it again"


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


@contextmanager
def orthanc(folder: Path) -> Iterator[str]:
    """Debian's Orthanc with its DICOMweb, on this machine's own interface."""
    program = shutil.which("Orthanc")
    plugins = Path("/usr/share/orthanc/plugins")
    if program is None or not list(plugins.glob("*DicomWeb*")):
        pytest.skip("apt-get install orthanc orthanc-dicomweb brings the archive of others that this test asks")
    port = free_port()
    settings = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(each) for each in plugins.glob("*DicomWeb*")],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomWeb": {"Enable": True},
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with subprocess.Popen([program, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def test_debians_orthanc_feeds_the_index(tmp_path: Path) -> None:
    index = PlayedIndex()
    with orthanc(tmp_path) as url:
        feed = Feed(Archive(f"{url}/dicom-web"), tmp_path, index)
        async with aiohttp.ClientSession() as http:
            await _answers(http, f"{url}/system")
            for file in CT[:3]:
                async with http.post(f"{url}/instances", data=file) as answer:
                    assert answer.status == 200
            await feed.once()
            await feed.once()
            for file in CT[3:6]:
                async with http.post(f"{url}/instances", data=file) as answer:
                    assert answer.status == 200
            await feed.once()
        await feed.close()

    assert counts(index) == [(1, True, [1, 2]), (2, True, [1, 5])]
    study = index.entries[2]["study"]
    assert (study["fixmedinsCode"], study["modalities"], study["studyDate"]) == ("H37010200901", ["CT"], "20260525")
    assert study["patientName"] == "Ji^Cejia=济测甲"
    assert index.entries[2]["psnNo"] == PERSON


async def _answers(http: aiohttp.ClientSession, url: str) -> None:
    """Waits until a program that was started answers."""
    for _ in range(400):
        try:
            async with http.get(url) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.02)
    pytest.fail(f"{url} does not answer")
