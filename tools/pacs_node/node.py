"""One node: the folder, its HTTP face, and what it tells the index and hears of it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from tools.pacs_node.app import Face
from tools.pacs_node.entries import Rules
from tools.pacs_node.feeding import Feeder, Loops
from tools.pacs_node.index import Index
from tools.pacs_node.outbox import Outbox
from tools.pacs_node.reading import hush
from tools.pacs_node.shelf import Shelf
from tools.pacs_node.tickets import Tickets

MOST_INSTANCE_BYTES: Final = 1 << 30
"""One instance takes at most so much (our decision: long cine runs and whole slides come near)."""
_KEY_FILE: Final = "operator.key"
_SHUTDOWN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a node runs. `url` is the address by which clients reach it; empty: what they say in Host. A study is told once nothing
    of it came for `settle_s`."""

    folder: Path
    node_no: str = "NODE"
    host: str = "127.0.0.1"
    port: int = 0
    url: str = ""
    most_bytes: int = MOST_INSTANCE_BYTES
    rules: Rules = field(default_factory=Rules)
    settle_s: float = 3.0


class Node:
    """Starts and stops a node within a loop that runs. Without an index it feeds nobody, and serves its operators only; `say`
    gets a line of what they should know."""

    def __init__(self, settings: Settings, index: Index | None = None, say: Callable[[str], None] = print) -> None:
        self.settings, self._index, self._say = settings, index, say
        self.tickets = Tickets(settings.node_no)
        self.operator_key = ""
        self.shelf: Shelf
        self.outbox: Outbox
        self._loops: Loops | None = None
        self._face: Face
        self._runner: web.AppRunner | None = None
        self.port = settings.port

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://{self.settings.host}:{self.port}"

    async def start(self) -> None:
        """Sets the folder right and opens the port; OSError where that cannot be done."""
        hush()
        settings = self.settings
        self.shelf = await asyncio.to_thread(Shelf, settings.folder, settings.most_bytes)
        self.operator_key = await asyncio.to_thread(operator_key, settings.folder)
        self._face = Face(self.shelf, self.tickets, self.operator_key, settings.url)
        self._runner = web.AppRunner(
            self._face.application(), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, settings.host, settings.port, reuse_port=False)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.outbox = await asyncio.to_thread(Outbox, self.shelf.catalog, settings.rules, settings.settle_s)
        if self._index is not None:
            feeder = Feeder(self.outbox, self._index, self._say)
            self._loops = Loops(feeder, self.tickets, self._index, self._say)
            self._loops.start()

    async def keep_samples(self, day: str) -> None:
        """Keeps the sample CT of a day, yyyyMMdd, once."""
        await asyncio.to_thread(self._keep_samples, day)

    def _keep_samples(self, day: str) -> None:
        from tools.pacs_node.samples import chest_ct  # noqa: PLC0415

        for file in chest_ct(day=day):
            came = self.shelf.incoming()
            came.write(file)
            came.close()
            self.shelf.keep(came)

    async def stop(self) -> None:
        """Closes the port and the files."""
        if self._loops is not None:
            await self._loops.stop()
            self._loops = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            await asyncio.to_thread(self._face.close)
            self.shelf.close()


def operator_key(folder: Path) -> str:
    """The key of the folder's operators, made at the first start, readable by its owner only."""
    file = folder / _KEY_FILE
    if not file.exists():
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="ascii") as sink:
            sink.write(secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii").strip()
