"""How many bytes a study takes in the index's store, written through the store's own rows, and what it takes at least: the bare
values, without tables and indexes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg

from services.imaging.domain.digests import changes
from services.imaging.domain.nodes import NodeState, StandingNode
from services.imaging.domain.own_lists import list_changes
from services.imaging.domain.studies import KeptStudy, Series
from services.imaging.store.packs import body_of_series, row_of
from services.imaging.store.unit import ImagingStore
from services.runtime.db import Database
from tools import postgres
from tools.bench import imaging_made, report
from tools.bench.measures import Terms
from tools.bench.subject import POSTGRES_SETTINGS, SQLITE

MOST_BYTES: Final[Mapping[str, int]] = {"sqlite": 500, "postgresql": 900}
"""Of a study with its indexes."""
_COUNTS, _QUICK_COUNTS = (100_000, 1_000_000), (20_000,)
_BATCH: Final = 5_000
_MOMENT: Final = datetime(2026, 11, 1, tzinfo=UTC)
_STUDY, _OWN, _SERIES = "imaging_study", "imaging_own", "imaging_series"


@dataclass(slots=True)
class _Bare:
    """Bytes of the values alone."""

    study: int = 0
    series: int = 0


def sizes(terms: Terms) -> None:
    """At 10^5 and 10^6 studies, on each database."""
    for database in terms.databases:
        most = MOST_BYTES[database]
        print(report.heading(f"bytes a study, {database} (a study with its indexes: at most {most})"))
        with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder, _place(database, Path(folder)) as url:
            asyncio.run(_measured(url, _QUICK_COUNTS if terms.runs == 1 else _COUNTS))


@contextmanager
def _place(database: str, folder: Path) -> Iterator[str]:
    if database == SQLITE:
        yield f"sqlite:///{folder / 'imaging.sqlite'}"
        return
    with postgres.running(POSTGRES_SETTINGS) as server:
        server.create("bench_size")
        yield server.url("bench_size")


async def _measured(url: str, counts: Iterable[int]) -> None:
    database = Database(url, lambda: _MOMENT)
    store = ImagingStore(database)
    await store.start()
    node = StandingNode(1, imaging_made.node_of(1), NodeState.ACTIVE, "", _MOMENT)
    async with store.write() as work:
        await work.nodes.add(node)
    bare, stored = _Bare(), 0
    try:
        for count in counts:
            await _fill(store, node.ref, stored, count, bare)
            stored = count
            _tell(count, await _taken(url), bare)
    finally:
        await database.close()


async def _fill(store: ImagingStore, node_ref: int, stored: int, count: int, bare: _Bare) -> None:
    """Writes studies in batches, with all that an upload writes beside them."""
    made = imaging_made.kept_studies(1, node_ref, stored + 1, count - stored)
    while batch := list(islice(made, _BATCH)):
        await keep(store, node_ref, [each for each, _ in batch], {each.ref: series for each, series in batch})
        _count(batch, bare)


async def keep(
    store: ImagingStore, node_ref: int, kept: Sequence[KeptStudy], series: Mapping[int, tuple[Series, ...]]
) -> None:
    """Writes new studies of a node, and all that an upload writes beside them, in one transaction."""
    at = int(_MOMENT.timestamp())
    log = [(node_ref, each.ref & 0xFFFFFFFF, 1, 1, each.ref, each.version, at) for each in kept]
    async with store.write() as work:
        await work.studies.put(kept, ())
        await work.studies.put_series(series, ())
        await work.digests.change(node_ref, changes((None, each) for each in kept))
        await work.own.change(list_changes({}, {each.uid: each for each in kept}, {}))
        await work.changes.add(log)


def _count(batch: Iterable[tuple[KeptStudy, tuple[Series, ...]]], bare: _Bare) -> None:
    for kept, series in batch:
        bare.study += sum(map(_bytes, row_of(kept)))
        bare.series += 8 + len(body_of_series(series))


def _bytes(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, int):
        return (value.bit_length() + 7) // 8
    return len(value.encode()) if isinstance(value, str) else len(value)


async def _taken(url: str) -> Mapping[str, int]:
    """Bytes by table, its indexes with it; beside them those of a study by index."""
    if url.startswith("sqlite"):
        return await asyncio.to_thread(_taken_of_file, url.removeprefix("sqlite:///"))
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))  # type: ignore[no-untyped-call]  # as of books
    try:
        rows = await connection.fetch(
            "SELECT relname, pg_total_relation_size(oid), pg_relation_size(oid) FROM pg_class"
            " WHERE relname LIKE 'imaging_%' AND relkind IN ('r', 'i')"
        )
        tables = await connection.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'imaging_%' AND relkind = 'r'")
    finally:
        await connection.close()
    named = {each[0] for each in tables}
    found = {name: whole for name, whole, _ in rows if name in named}
    return found | {f"row {name}": own for name, _, own in rows if name == _STUDY}


def _taken_of_file(path: str) -> Mapping[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rows = connection.execute(
            "SELECT coalesce(m.tbl_name, d.name), d.name, sum(d.pgsize) FROM dbstat d"
            " LEFT JOIN sqlite_master m ON m.name = d.name GROUP BY 1, 2"
        ).fetchall()
    found: dict[str, int] = {}
    for table, name, size in rows:
        found[table] = found.get(table, 0) + size
        if name == _STUDY:
            found[f"row {name}"] = size
    return found


def _tell(count: int, taken: Mapping[str, int], bare: _Bare) -> None:
    study, own, row, series = (taken[name] / count for name in (_STUDY, _OWN, f"row {_STUDY}", _SERIES))
    others = sum(size for name, size in taken.items() if name.startswith("imaging_")) / count - study - own - series
    print(
        f"   {count:>9,} studies: {study + own:.0f} a study with its indexes,"
        f" of these {row:.0f} its row and {own:.0f} its place in the own list",
        end="; ",
    )
    print(f"{series:.0f} its series, {others:.0f} change log, digests and counts")
    floor = bare.study / count
    print(
        f"     floor: {floor:.0f} bare values of a study ({study / floor:.1f}×), {bare.series / count:.0f} of its series"
    )
