"""Rows of the parts in which own lists are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from services.imaging.domain.own_lists import END, START, Listed, Part, PartSize, Place, cut
from services.runtime.db import DriverConnection, sql

_FEW: Final = 64
_TYPES: Final = ("text", "integer", "bigint", "integer", "bigint", "bigint")
_SET: Final = " ON CONFLICT (institution, level, started, study_ref) DO UPDATE SET count = excluded.count"
_BETWEEN: Final = sql(
    "SELECT started, study_ref, count FROM imaging_own_part WHERE institution = ?1 AND level = ?2"
    " AND (started, study_ref) >= (?3, ?4) AND (started, study_ref) < (?5, ?6) ORDER BY started, study_ref"
)


def over_keys(width: int, statement: str) -> Mapping[str, str]:
    """A statement over many keys by dialect, one text for every number of them: `{keys}` in it is the FROM item `k` with the
    columns k0, k1, … and `place`, the key's among all from 0 on. A key is a fixmedins_code, one place or two, and a number."""
    names = [f"k{number}" for number in range(width)]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES[:width], 1))
    # Without its type a value of JSON finds nothing by more than the first column of an index.
    parts = ", ".join(
        f"CAST(json_extract(value, '$[{number}]') AS {kind}) AS k{number}" for number, kind in enumerate(_TYPES[:width])
    )
    return {
        "sqlite": statement.format(keys=f"(SELECT key AS place, {parts} FROM json_each(?1)) AS k"),
        "postgresql": statement.format(
            keys=f"(SELECT place - 1 AS place, {', '.join(names)}"
            f" FROM unnest({arrays}) WITH ORDINALITY AS u({', '.join(names)}, place)) AS k"
        ),
    }


async def keyed(
    connection: DriverConnection, statement: Mapping[str, str], keys: Collection[tuple[Any, ...]]
) -> Sequence[Any]:
    """All rows of a statement of `over_keys`."""
    if not keys:
        return ()
    lists = [list(keys)] if connection.dialect == "sqlite" else [list(column) for column in zip(*keys, strict=True)]
    return await connection.run(statement, *lists, patient=len(keys) > _FEW)


def _nearest(level: PartSize, compare: str, way: str) -> Mapping[str, str]:
    """For each of many places the part of a level that is nearest to it on one side, where there is one."""
    name = "i.institution, i.level, i.started, i.study_ref"
    inner = (
        f"SELECT {name}{{count}} FROM imaging_own_part AS i WHERE i.institution = k0 AND i.level = {level:d}"
        f" AND (i.started, i.study_ref) {compare} (k1, k2) ORDER BY i.started {way}, i.study_ref {way} LIMIT 1"
    )
    found = "SELECT k.place, p.started, p.study_ref, p.count FROM {keys}"
    at = "(p.institution, p.level, p.started, p.study_ref)"
    return _by_dialect(
        3,
        f"{found} JOIN imaging_own_part AS p ON {at} = ({inner.format(count='')})",
        f"{found} CROSS JOIN LATERAL ({inner.format(count=', i.count')}) AS p",
    )


def _consists_of(table: str, count: str, of: str) -> Mapping[str, str]:
    """What stands in parts, in order; a part is told with the place where it ends and how many rows it has at most."""
    within = f"o.institution = k0 AND (o.started, o.study_ref) >= (k1, k2) AND (o.started, o.study_ref) < (k3, k4){of}"
    order = "ORDER BY k.place, o.started, o.study_ref"
    # PostgreSQL expects all of a minute between two of its places: without a limit it would read the whole table.
    limited = (
        f"SELECT o.started, o.study_ref, {count} AS count FROM {table} AS o WHERE {within}"
        " ORDER BY o.started, o.study_ref LIMIT k5"
    )
    return _by_dialect(
        6,
        f"SELECT k.place, o.started, o.study_ref, {count} FROM {{keys}} JOIN {table} AS o ON {within} {order}",
        f"SELECT k.place, o.started, o.study_ref, o.count FROM {{keys}} CROSS JOIN LATERAL ({limited}) AS o {order}",
    )


def _by_dialect(width: int, sqlite: str, postgresql: str) -> Mapping[str, str]:
    return {
        "sqlite": over_keys(width, sqlite)["sqlite"],
        "postgresql": over_keys(width, postgresql)["postgresql"],
    }


_HOLDING: Final = {level: _nearest(level, "<=", "DESC") for level in PartSize}
_NEXT: Final = {level: _nearest(level, ">", "ASC") for level in PartSize}
_CONSISTS_OF: Final = {
    PartSize.FINE: _consists_of("imaging_own", "1", ""),
    PartSize.COARSE: _consists_of("imaging_own_part", "o.count", f" AND o.level = {PartSize.FINE:d}"),
}
_DROP: Final = over_keys(
    3,
    "DELETE FROM imaging_own_part WHERE (institution, level, started, study_ref)"
    f" IN (SELECT k0, {PartSize.FINE:d}, k1, k2 FROM {{keys}})",
)


class PartRows:
    """Parts of own lists, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert + _SET

    async def between(self, institution: str, level: PartSize, first: Place, end: Place) -> Sequence[Part]:
        """Parts of a list that begin within two places, in order."""
        rows = await self._connection.run(_BETWEEN, institution, int(level), *first, *end)
        return [((started, ref), count) for started, ref, count in rows]

    async def change(self, changes: Mapping[Listed, int]) -> None:
        """Counts what has come to lists and left them, whose rows stand so already; cuts parts that have grown too large."""
        fine, of_fine = await self._counted(PartSize.FINE, changes)
        coarse, _ = await self._counted(PartSize.COARSE, of_fine)
        # A fine part of which nothing is left becomes one with the part before it, unless a coarse one begins there.
        empty = [part for part, count in fine.items() if not count and part not in coarse]
        await keyed(self._connection, _DROP, empty)
        for part in empty:
            del fine[part]
        for level, counts in ((PartSize.FINE, fine), (PartSize.COARSE, coarse)):
            cuts = await self._cut(level, {part: count for part, count in counts.items() if count > level.most})
            rows = [(code, int(level), *place, count) for (code, *place), count in sorted((counts | cuts).items())]
            await self._connection.insert(self._insert, rows, patient=len(rows) > _FEW)

    async def _counted(
        self, level: PartSize, changes: Mapping[Listed, int]
    ) -> tuple[dict[Listed, int], Mapping[Listed, int]]:
        """How many studies the parts have in which something changes, by where they begin, and how many more those are."""
        keys = sorted(changes)
        rows = await keyed(self._connection, _HOLDING[level], keys)
        standing = {number: (place, count) for number, *place, count in rows}
        counts: dict[Listed, int] = {}
        more: Counter[Listed] = Counter()
        for number, key in enumerate(keys):
            (started, ref), count = standing.get(number, (START, 0))
            part = key[0], started, ref
            counts[part] = counts.get(part, count) + changes[key]
            more[part] += changes[key]
        return counts, more

    async def _cut(self, level: PartSize, parts: Mapping[Listed, int]) -> dict[Listed, int]:
        """Parts that are too large, told with their counts, as smaller ones."""
        begins = list(parts)
        ends = {number: place for number, *place, _ in await keyed(self._connection, _NEXT[level], begins)}
        # Of what it consists of one may be empty, with which it begins.
        spans = [(*each, *ends.get(number, END), parts[each] + 1) for number, each in enumerate(begins)]
        rows = await keyed(self._connection, _CONSISTS_OF[level], spans)
        cuts: dict[Listed, int] = {}
        for number, inner in groupby(rows, key=lambda row: int(row[0])):
            code, *begin = begins[number]
            counted = [((started, ref), count) for _, started, ref, count in inner]
            cuts |= {(code, *place): count for place, count in cut((begin[0], begin[1]), counted, level.most)}
        return cuts
