"""`python -m tools.pacs_node.feed_of URL`: tells the index of the studies of an archive that is there: Orthanc, dcm4chee.

It asks the archive by DICOMweb what has changed: the last days often, all of it once a day. It keeps what it has told in a folder
of its own, and writes nothing to the archive. Retrieval stays with a node: tickets are not the archive's business.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from tools.pacs_node.archive import Archive, ArchiveSilent, Found
from tools.pacs_node.catalog import Catalog
from tools.pacs_node.entries import Rules
from tools.pacs_node.feeding import Feeder
from tools.pacs_node.index import IndexRefused, IndexSilent, RestIndex
from tools.pacs_node.outbox import Outbox
from tools.pacs_node.reading import hush
from tools.pacs_node.starting import INSTITUTION, NODE_NO, address, form, key

RECENT_DAYS: Final = 3
SWEEP_S: Final = 86_400.0
_CHINA: Final = timezone(timedelta(hours=8))
_TROUBLE: Final[Mapping[type[Exception], str]] = {
    ArchiveSilent: "the archive does not answer by DICOMweb at this address",
    IndexSilent: "the index does not answer",
    IndexRefused: "the index refuses",
}
Say = Callable[[str], None]


class Poller:
    """Compares an archive with what is kept of it. `clock` is the time in seconds of the epoch."""

    def __init__(self, archive: Archive, catalog: Catalog, clock: Callable[[], float] = time.time) -> None:
        self._archive, self._catalog, self._clock = archive, catalog, clock

    async def recent(self) -> int:
        """Reads what changed of the last days; how many studies. ArchiveSilent."""
        today = datetime.fromtimestamp(self._clock(), _CHINA)
        first = today - timedelta(days=RECENT_DAYS - 1)
        return await self._poll(f"{first:%Y%m%d}-{today:%Y%m%d}")

    async def sweep(self) -> int:
        """Reads what changed of all, and takes out what is gone; how many studies. ArchiveSilent."""
        return await self._poll("")

    async def _poll(self, days: str) -> int:
        changed, seen = 0, set[str]()
        async for uid, print_ in self._archive.studies(days):
            seen.add(uid)
            if await asyncio.to_thread(self._catalog.word, f"study {uid}") == print_:
                continue
            found = await self._archive.study(uid)
            if found is not None:
                await asyncio.to_thread(self._keep, uid, print_, found)
                changed += 1
        if not days:
            changed += await asyncio.to_thread(self._drop_others, seen)
        return changed

    def _keep(self, uid: str, print_: str, found: Found) -> None:
        with self._catalog.writing():
            self._catalog.put_study(uid, found.study, found.series, self._clock())
            self._catalog.remember(f"study {uid}", print_)

    def _drop_others(self, seen: set[str]) -> int:
        known = [name.removeprefix("study ") for name in self._catalog.words("study ")]
        gone = [uid for uid in known if uid not in seen]
        with self._catalog.writing():
            for uid in gone:
                self._catalog.remove([each.facts.sop_uid for each in self._catalog.instances(uid)], self._clock())
                self._catalog.forget(f"study {uid}")
        return len(gone)


async def run(
    poller: Poller, outbox: Outbox, feeder: Feeder, every_s: float, say: Say, stopped: asyncio.Event, once: bool = False
) -> bool:
    """Polls and feeds until it is stopped, or once; whether the last look was whole."""
    swept, is_whole = float("-inf"), True
    while not stopped.is_set():
        is_whole = False
        try:
            now = time.monotonic()
            sweeping = now - swept >= SWEEP_S
            changed = await (poller.sweep() if sweeping else poller.recent())
            swept = now if sweeping else swept
            if changed:
                say(f"{changed} studies have changed")
            while await feeder.once():
                pass
            if sweeping and await feeder.compare():
                while await feeder.once():
                    pass
            if changed:
                for why, count in sorted(outbox.untold().items()):
                    say(f"{count} studies are not told: {why}")
            is_whole = True
        except (ArchiveSilent, IndexSilent, IndexRefused) as error:
            next_look = "start it again" if once else f"tried again in {every_s:g} s"
            say(f"{_TROUBLE[type(error)]} ({error}); {next_look}")
        if once:
            break
        try:
            async with asyncio.timeout(every_s):
                await stopped.wait()
        except TimeoutError:
            continue
    return is_whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Feeds until it is told to end; 1 where the look of `--once` was not whole."""
    given = _parser().parse_args(arguments)
    hush()
    try:
        given.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        print(f"the feed cannot begin: {error.strerror}; choose another --folder", file=sys.stderr)
        return 1
    return asyncio.run(_main(given))


async def _main(given: argparse.Namespace) -> int:
    secret = os.environ.get("YIBAO_ARCHIVE_LOGIN", "")
    user, _, password = secret.partition(":")
    archive = Archive(given.url, (user, password) if secret else None)
    catalog = Catalog(given.folder / "feed.sqlite")
    index = RestIndex(given.index, given.node_no, given.api_key)
    outbox = Outbox(catalog, Rules(given.institution or ""), 0.0)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        feeder = Feeder(outbox, index, say)
        is_whole = await run(Poller(archive, catalog), outbox, feeder, given.every, say, stopped, given.once)
    finally:
        await archive.close()
        await index.close()
        catalog.close()
    return 0 if is_whole or not given.once else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.pacs_node.feed_of",
        description="tells the index of an archive's studies; YIBAO_ARCHIVE_LOGIN=user:password where it wants one",
    )
    parser.add_argument("url", type=address, help="root of the archive's DICOMweb, http://host:8042/dicom-web")
    parser.add_argument("--folder", type=Path, required=True, help="where it keeps what it has told")
    parser.add_argument(
        "--node-no",
        type=form(NODE_NO, "a node's number"),
        required=True,
        help="number of the node that it speaks for",
    )
    parser.add_argument("--index", type=address, required=True, help="URL of the platform's gateway")
    parser.add_argument(
        "--api-key-file",
        dest="api_key",
        type=key,
        required=True,
        metavar="FILE",
        help="a file with the node's key for the index",
    )
    parser.add_argument(
        "--institution",
        type=form(INSTITUTION, "an institution's code"),
        help="institution of studies that name none",
    )
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="looks once and ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
