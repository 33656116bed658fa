"""A mesh of two cells as `cells` measures it: hospitals in one, people of both, each with visits that stand ready there."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from services import cells, mesh
from services.kernel.clock import system_clock
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import Place as InsuredPlace
from services.routing.domain.registry import ToldPerson, kept
from services.routing.store.unit import RoutingStore
from services.runtime.auth import TokenSigner
from services.runtime.config import Config
from services.runtime.contract import Contract
from services.runtime.db import Database
from services.runtime.keys import Keys
from tools import running
from tools.bench import wire
from tools.bench.books import SqliteBooks
from tools.bench.preparation import Stock
from tools.bench.subject import LAYOUTS, Choice, Place, Subject
from tools.bench.world import catalogue_folder

CARE, HOME = "110000", "370000"
"""The cell whose hospitals are asked, and the cell that insures whoever is remote."""

_PART: Final = 5_000


@dataclass(frozen=True, slots=True)
class TwoCells:
    """The mesh, seen from each cell, and where routing keeps whom it knows and imaging its index."""

    care: Subject
    home: Subject
    registry: str
    index: str


class Mixed:
    """Visits of several stocks, in turn."""

    def __init__(self, *stocks: Stock) -> None:
        self._stocks = stocks

    def visits(self, count: int, requests: Path) -> float:
        """As `Stock.visits`."""
        begun = time.perf_counter()
        parts = []
        for place, stock in enumerate(self._stocks):
            part = requests.with_name(f"{requests.name}.{place}")
            stock.visits(-(-count // len(self._stocks)), part)
            parts.append(wire.read_requests(part))
            part.unlink()
        wire.write_requests(requests, (each for turn in zip(*parts, strict=True) for each in turn))
        return time.perf_counter() - begun


@contextmanager
def two_cells(choice: Choice) -> Iterator[TwoCells]:
    """A mesh of its own on SQLite for the length of a block, its data removed afterwards."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="yibao-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        key = secrets.token_hex(32)
        values = {
            **running.settings(folder, secrets.token_hex(16), own_ports=True, codes=(CARE, HOME)),
            "YIBAO_MESH_KEY": key,
            "YIBAO_TRACE_RATIO": str(choice.trace_ratio),
            "YIBAO_CATALOGUE_FILES": str(catalogue_folder()),
            "YIBAO_LOG_LEVEL": "info",
            **choice.settings,
        }
        started = running.start(values, arguments=LAYOUTS[choice.layout])
        stack.callback(running.stop, started.process)
        config = Config.load(values)

        def seen_from(code: str) -> Subject:
            own = config.of_cell(code)
            addresses = {
                f"YIBAO_{each.name.upper()}_ADDRESS": own.address(each.name) for each in mesh.MESH if each.services
            }
            return Subject(
                choice,
                own.integer("YIBAO_GATEWAY_PORT"),
                started.start_s,
                started.process,
                Place(folder, None),
                SqliteBooks(Path(own.database_url("settlement").removeprefix("sqlite:///"))),
                {**addresses, "YIBAO_DATA_DIR": str(folder)},
                Contract.of_mesh(),
                TokenSigner(Keys.of_mesh_key(key).of(mesh.seat_name("cli", code)), lambda: datetime.now(UTC)),
            )

        made = TwoCells(
            seen_from(CARE), seen_from(HOME), config.database_url("routing"), config.database_url("imaging")
        )
        yield made
        for subject in (made.care, made.home):
            subject.close()


def stocks(at: TwoCells, persons: int) -> tuple[Stock, Stock]:
    """People of the cell of care and of the other one, all treated in the former, once routing knows them."""
    local = Stock(at.care, persons)
    remote = Stock(at.care, persons, part=1, home=at.home)
    return local, remote


def simulate(registry: str, codes: list[str], persons: int) -> None:
    """Tells routing of people in cells that nobody runs, as the feeds of those cells would have."""
    asyncio.run(_simulate(registry, codes, persons))


async def _simulate(registry: str, codes: list[str], persons: int) -> None:
    database, hasher = Database(registry, system_clock), Hasher(secrets.token_bytes(32))
    store = RoutingStore(database)
    await store.start()
    try:
        for place, code in enumerate(codes):
            for begin in range(0, persons, _PART):
                numbers = range(begin, min(begin + _PART, persons))
                people = [_told(place * persons + each) for each in numbers]
                async with store.write() as work:
                    await work.insured.replace(code, kept(code, people, hasher))
    finally:
        await database.close()


def simulated(count: int) -> list[str]:
    """Codes of so many cells that are in no table."""
    taken = set(cells.codes())
    return [code for each in range(11, 99) if (code := f"{each}0000") not in taken][:count]


def _told(number: int) -> ToldPerson:
    place = InsuredPlace("310", "440305", date(2020, 1, 1), None, in_force=True)
    return ToldPerson(f"98{number:018d}", "01", f"980000{number:012d}", (place,))
