"""Own lists at any depth: what they hold beside a list made by hand, and that the depth of a page costs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import create_async_engine

from services.imaging.domain import own_lists
from services.imaging.domain.own_lists import END, EVER, START, Days, Part, PartSize, cut, found_in
from services.imaging.domain.studies import minutes_of
from services.imaging.domain.uploads import study_ref
from services.imaging.store import own_lists as own_rows
from services.imaging.store import own_parts
from services.imaging.store.index import StoredIndex
from services.imaging.store.schema import schema
from services.imaging.store.tables import make_tables
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.clock import from_micros
from services.runtime.stores.upgrading import migrate
from tests.imaging.conftest import House
from tests.imaging.entries import HOSPITAL, NODE, NOON, OTHER_NODE, OTHER_PSN_NO, PSN_NO, uid, upsert, withdrawal
from tests.imaging.test_conflicts import decide
from tests.plans import scanned, statements_in
from yibao.imaging.v1 import entry_pb2

HOSPITALS: Final = (HOSPITAL, "H99010000002")
NODES: Final = (NODE.node_no, OTHER_NODE.node_no)
MINUTES: Final = (
    ("20260301", ""),
    ("20260301", "0000"),
    ("20260301", "0930"),
    ("20260302", "0001"),
    ("20251231", "2359"),
)
RANGES: Final = (
    None,
    ("20260301", "20260301"),
    ("20260101", "20260301"),
    ("20260302", "20991231"),
    ("20240101", "20241231"),
)
STUDIES: Final = 60


@dataclass(slots=True)
class ByHand:
    """What nodes tell, as somebody would note it: by study and node where it stands, None where it is taken out."""

    told: dict[tuple[int, int], tuple[int, str, int] | None] = field(default_factory=dict)
    versions: dict[tuple[int, int], int] = field(default_factory=dict)
    refs: dict[tuple[int, int], int] = field(default_factory=dict)
    seqs: list[int] = field(default_factory=lambda: [0, 0])

    def entry(self, chance: Random, node: int) -> entry_pb2.Entry:
        """Something that a node may say next: most is new, or a correction; some comes too late, some is taken out."""
        self.seqs[node] += 1
        number = chance.randrange(STUDIES)
        stood = self.versions.get((number, node), 0)
        version = stood + chance.choice((0, 1, 1, 1)) or 1
        hospital, (day, time) = chance.choice(HOSPITALS), chance.choice(MINUTES)
        taken_out = chance.random() < 0.2
        if version > stood:
            self.versions[number, node] = version
            self.refs.setdefault((number, node), study_ref(node + 1, 1 + sum(of == node for _, of in self.refs)))
            at = (self.refs[number, node], hospital, minutes_of(day, time))
            self.told[number, node] = None if taken_out else at
        if taken_out:
            return withdrawal(self.seqs[node], number, version)
        psn_no = chance.choice((PSN_NO, PSN_NO, PSN_NO, OTHER_PSN_NO))
        fields = {"fixmedins_code": hospital, "study_date": day, "study_time": time, "psn_no": psn_no}
        return upsert(self.seqs[node], number, version, **fields)

    def listed(self, hospital: str, dates: tuple[str, str] | None) -> list[str]:
        """An own list, the newest first: each study as the node tells it that was registered first."""
        first: dict[int, tuple[int, int]] = {}
        for (number, _), at in sorted(self.told.items(), key=lambda each: each[0][1]):
            if at is not None and at[1] == hospital:
                first.setdefault(number, (at[2], at[0]))
        within = (minutes_of(dates[0]), minutes_of(dates[1], "2359")) if dates else EVER.minutes
        places = {at: number for number, at in first.items() if within[0] <= at[0] <= within[1]}
        return [uid(places[at]) for at in sorted(places, reverse=True)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_pages_are_those_of_a_list_by_hand_whatever_nodes_tell(
    house: House, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New studies, corrections, tombstones, late versions, copies at two nodes and conflicts; parts are as small as can be."""
    monkeypatch.setitem(own_lists._MOST, PartSize.FINE, 4)
    monkeypatch.setitem(own_lists._MOST, PartSize.COARSE, 12)
    by_hand, chance, index = ByHand(), Random(seed), StoredIndex(house.store, lambda: NOON)
    for turn in range(24):
        node = chance.randrange(2)
        await house.upload(*(by_hand.entry(chance, node) for _ in range(1 + chance.randrange(16))), node_no=NODES[node])
        if turn % 3 == 2:
            await as_by_hand(index, by_hand, chance)
            await parts_add_up(house.store)
    async with house.store.read() as work:
        conflicts = await work.conflicts.after("", 100)
    assert conflicts
    for number, conflict in enumerate(conflicts):
        stamp = f"d{number}"
        await decide(
            house,
            chance.choice(NODES) if all(each.kept.study for each in conflict.sides) else "",
            stamp,
            study_of(conflict.uid),
        )
    await as_by_hand(index, by_hand, chance)


def study_of(study_uid: str) -> int:
    """The number of an invented study."""
    return int(study_uid.removeprefix("2.25.")) - 10**30


async def as_by_hand(index: StoredIndex, by_hand: ByHand, chance: Random) -> None:
    """Pages of each list at all depths, of all days and of some."""
    for hospital in HOSPITALS:
        for dates in RANGES:
            expected, size = by_hand.listed(hospital, dates), 1 + chance.randrange(9)
            for offset in range(len(expected) + 2):
                page, count = await index.own(hospital, dates, offset, size)
                assert (count, [each.uid for each in page]) == (len(expected), expected[offset : offset + size])


async def parts_add_up(store: ImagingStore) -> None:
    """Parts hold each list once on each level, none is too large, and a coarse one begins where a fine one does."""
    async with store.read() as work:
        for hospital in HOSPITALS:
            fine, coarse = [await work.own._parts.between(hospital, each, START, END) for each in PartSize]
            for level, parts in ((PartSize.FINE, fine), (PartSize.COARSE, coarse)):
                bounds = [*(begin for begin, _ in parts), END]
                assert bounds[0] == START
                assert [count for _, count in parts] == [
                    await counted(work, hospital, *each) for each in pairwise(bounds)
                ]
                assert max(count for _, count in parts) <= level.most
            assert {begin for begin, _ in coarse} <= {begin for begin, _ in fine}
            assert all(count or begin in dict(coarse) for begin, count in fine), "an empty part goes"


async def counted(work: Unit, hospital: str, begin: own_lists.Place, end: own_lists.Place) -> int:
    """How many rows of a list stand between two places."""
    return len(await work.own._connection.run(own_rows._FIRST, hospital, *begin, *end, 1_000))


MANY: Final = 20_000
MINUTE: Final = minutes_of("20260301", "0930")
DAY: Final = MINUTE // own_lists.DAY_MINUTES


@pytest.mark.parametrize("apart", [0, 7], ids=["in one minute", "over months"])
async def test_a_page_reads_as_much_at_any_depth(store: ImagingStore, apart: int) -> None:
    """What is read is counted, not the time: rows on PostgreSQL, steps of its machine on SQLite."""
    for begin in range(0, MANY, 2_000):
        async with store.write() as work:
            places = ((MINUTE + number * apart, 1 << 32 | number) for number in range(begin, begin + 2_000))
            await work.own.change({(HOSPITAL, *place): 1 for place in places})
    async with store.write() as work:
        if work.own._connection.dialect == "postgresql":
            await work.own._connection.fetch("ANALYZE imaging_own, imaging_own_part")
    async with store.read() as work:
        read = reading(work)
        for days, first in ((EVER, 0), (Days(DAY, EVER.last), 0), (Days(EVER.first, DAY + 40), 0)):
            _, (count, _) = await read(days, 0)
            depths = [first, count // 3, count // 2, count - 300, count - 25]
            costs = {depth: (await read(days, depth))[0] for depth in depths}
            assert max(costs.values()) < 2 * 256 + 4 * 128 + 100, costs


def reading(work: Unit) -> Callable[[Days, int], Awaitable[tuple[int, tuple[int, Sequence[int]]]]]:
    """What reads a page at a depth, and tells how many rows that took, with the page."""
    connection = work.own._connection
    plain, rows = connection.run, 0

    async def watched(statement: Any, *parameters: Any, patient: bool = False) -> Any:
        nonlocal rows
        rows += await read_by(connection, statement[connection.dialect], parameters)
        return await plain(statement, *parameters)

    async def read(days: Days, depth: int) -> tuple[int, tuple[int, Sequence[int]]]:
        nonlocal rows
        rows = 0
        page = await work.own.page(HOSPITAL, days, depth, 25)
        return rows, page

    connection.run = watched  # type: ignore[method-assign]
    return read


async def read_by(connection: Any, statement: str, parameters: Sequence[Any]) -> int:
    """How many rows a statement looks at: SQLite steps some times for each."""
    if connection.dialect == "postgresql":
        ((plan,),) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        return rows_of(plan[0]["Plan"])
    steps, raw = [0], connection._raw._conn
    raw.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 10)
    try:
        await connection.fetch(statement, parameters)
    finally:
        raw.set_progress_handler(None, 0)
    return steps[0]


def rows_of(node: dict[str, Any]) -> int:
    """Rows of a plan's scans, with those that a filter threw away."""
    inner = node.get("Plans", ())
    own = 0 if inner else (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own) + sum(map(rows_of, inner))


async def test_no_statement_of_own_lists_reads_more_than_it_asks_for(small_house: House) -> None:
    of_parts = [*own_parts._HOLDING.values(), *own_parts._NEXT.values(), *own_parts._CONSISTS_OF.values()]
    statements = [*statements_in(own_rows), *statements_in(own_parts), *(each["sqlite"] for each in of_parts)]
    assert len(statements) == 11
    database = small_house.store._database
    assert await scanned(database, statements) == []
    async with database.driver_read() as connection:
        for each in statements:
            most = max(number for number in range(1, 9) if f"?{number}" in each)
            plan = [row[3] for row in await connection.fetch(f"EXPLAIN QUERY PLAN {each}", ("[]",) * most)]
            # A whole list, where one study is to be found in it, would be all of a large hospital's.
            assert not [step for step in plan if step.endswith("(institution=?)")], each


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_lists_of_a_store_from_before_are_made_of_its_studies(
    kind: str, small_house: House, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    by_hand, chance = ByHand(), Random(3)
    for turn in range(8):
        await small_house.upload(*(by_hand.entry(chance, turn % 2) for _ in range(40)), node_no=NODES[turn % 2])
    await small_house.upload(*(upsert(by_hand.seqs[0] + seq, 1_000 + seq) for seq in range(1, 301)))
    tables = make_tables()
    columns = ", ".join(column.name for column in tables.study.columns)
    async with small_house.store.read() as work:
        studies = await work.own._connection.fetch(f"SELECT {columns} FROM imaging_study")
        expected = {tuple(each) for each in await work.own._connection.fetch("SELECT * FROM imaging_own")}
    url = f"sqlite+aiosqlite:///{tmp_path}/old" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda each: migrate(each, schema(), to="0001"))
        await connection.execute(tables.study.insert(), [as_told(tables.study, each) for each in studies])
        await connection.run_sync(migrate, schema())
        found = await connection.exec_driver_sql("SELECT institution, started, study_ref FROM imaging_own")
        assert {tuple(each) for each in found} == expected
        parts = await connection.exec_driver_sql(
            f"SELECT level, count FROM imaging_own_part WHERE institution = '{HOSPITAL}' ORDER BY level, started, study_ref"
        )
        count = sum(institution == HOSPITAL for institution, _, _ in expected)
        assert [tuple(each) for each in parts] == [(0, 128), (0, 128), (0, count - 256), (1, count)]
    await engine.dispose()


def as_told(table: Table, row: Sequence[Any]) -> dict[str, Any]:
    """A row of studies as SQLAlchemy takes it."""
    told = dict(zip(table.columns.keys(), row, strict=True))
    moment = told["withdrawn_at"]
    return told | {"withdrawn_at": None if moment is None else from_micros(moment)}


def test_a_part_is_cut_into_halves_between_what_it_consists_of() -> None:
    ones: list[Part] = [((7, number), 1) for number in range(257)]
    assert [count for _, count in cut((5, 0), ones, 256)] == [129, 128]
    assert cut((5, 0), ones, 256)[1] == ((7, 129), 128)
    assert cut((5, 0), [((5, 0), 0), ((6, 1), 9), ((7, 2), 0), ((8, 3), 9)], 18) == [((5, 0), 9), ((8, 3), 9)]
    assert len(cut((5, 0), [((7, number), 1) for number in range(5_000)], 256)) == 39
    assert found_in([((5, 0), 2), ((6, 0), 0), ((7, 0), 3)], 2) == (2, 0)
    with pytest.raises(IndexError):
        found_in([((5, 0), 2)], 2)
