"""Digests: a node's days are compared with the index's, what differs is counted anew and noted until it is mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.imaging.domain.conflicts import Waiting
from services.imaging.domain.digests import DayDigest
from services.imaging.domain.drift import (
    DAY_BEGIN,
    NOTHING,
    SILENT_AFTER,
    Comparison,
    DayPlace,
    DayStudy,
    DriftingNode,
    Totals,
    differing,
    is_silent,
    noted,
    sum_of,
    to_recount,
)
from services.imaging.domain.nodes import StandingNode, found
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.pages import Page, page_of
from services.kernel.requests import Entry, RequestStamp
from services.runtime.writes import Frame

_MOST_OTHERS = 1_000
_MOST_DAYS = 100
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Compared:
    """Days that differ, as the index has them, and up to where everything of the node is decided and kept."""

    days: Mapping[int, DayDigest]
    watermark: int


class DigestOperations:
    """What DigestService does."""

    def __init__(self, store: ImagingStore) -> None:
        self._store = store
        self._frame: Frame[Unit, Entry] = Frame(store.write, _none, "STORE_UNAVAILABLE")

    async def compare(self, node_no: str, told: Comparison, now: datetime) -> Compared:
        """Compares, counts days that differ anew, and notes them; NODE_NOT_FOUND."""

        async def act(work: Unit) -> Compared:
            node = found(node_no, await work.nodes.hold(node_no))
            kept = dict(await _kept(work, node, told))
            days = differing(told, kept)
            kept |= await _recounted(work, node, to_recount(told, days, kept), kept)
            days = differing(told, kept)
            node = replace(node, last_seq=told.last_seq or node.last_seq)
            if not told.is_under_way(node.watermark):
                gone, rows = noted(told, days, kept, await work.drift.of_node(node.ref), now)
                await work.drift.replace(node.ref, gone, rows)
                node = replace(node, compared_at=now)
            await work.nodes.replace(node)
            return Compared({day: kept.get(day, NOTHING) for day in days}, node.watermark)

        return await self._frame.written(act)

    async def day_page(self, node_no: str, day: str, after: DayPlace | None, size: int) -> Page[DayStudy]:
        """Studies of a node's day, behind a place; NODE_NOT_FOUND."""
        async with self._store.read() as work:
            node = found(node_no, await work.nodes.find(node_no))
            rows = await work.studies.of_day(node.ref, day, after or DAY_BEGIN, size + 1)
        return page_of(rows, size, lambda each: each.place)

    async def drifting(self, after: str, size: int, now: datetime) -> Page[DriftingNode]:
        """Nodes that somebody should look at, by their numbers, behind one."""
        async with self._store.read() as work:
            page = page_of(
                await work.drift.nodes(after, now - SILENT_AFTER, size + 1), size, lambda each: (each.node.node_no,)
            )
            nodes = [
                DriftingNode(
                    each,
                    is_silent(each, now),
                    await work.drift.count(each.ref),
                    await work.drift.of_node(each.ref, _MOST_DAYS),
                )
                for each in page.entries
            ]
        return Page(tuple(nodes), page.end)

    async def totals(self, now: datetime) -> Totals:
        """Of all nodes, for whoever watches."""
        async with self._store.read() as work:
            return await work.drift.totals(now - SILENT_AFTER)

    async def waiting_conflicts(self) -> Waiting:
        """Conflicts that wait for a decision."""
        async with self._store.read() as work:
            return await work.conflicts.waiting()


async def _kept(work: Unit, node: StandingNode, told: Comparison) -> Mapping[int, DayDigest]:
    days = await work.digests.of_days(node.ref, list(told.days))
    if told.span is None:
        return days
    return {**await work.digests.between(node.ref, *told.span, _MOST_OTHERS + len(told.days)), **days}


async def _recounted(
    work: Unit, node: StandingNode, days: Sequence[int], kept: Mapping[int, DayDigest]
) -> Mapping[int, DayDigest]:
    """Days as their studies come to; sums that say otherwise are mended."""
    counted: dict[int, DayDigest] = {}
    for day in days:
        studies = await work.studies.of_day(node.ref, str(day), DAY_BEGIN, _ALL)
        counted[day] = sum_of(studies)
    await work.digests.put(node.ref, {day: each for day, each in counted.items() if each != kept.get(day, NOTHING)})
    return counted


async def _none(work: Unit, stamp: RequestStamp) -> Entry | None:
    """A comparison has no request id: it may be made again at any time."""
    return None
