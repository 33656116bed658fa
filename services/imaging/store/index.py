"""The index as searches read it. Each look is one reading transaction; the nodes are read at most once a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from services.imaging.domain.nodes import StandingNode
from services.imaging.domain.own_lists import EVER, Days, days_of
from services.imaging.domain.scopes import Place, ToldAs
from services.imaging.domain.studies import KeptStudy, Series
from services.imaging.store.unit import ImagingStore
from services.kernel.clock import Clock

PLACES_S: Final = 1.0
"""Nodes are known as they were at most so long ago (our decision)."""
_MOST_NODES: Final = 10_000


class StoredIndex:
    """Reads of a store. `is_silent` tells of a node by its number that it was heard otherwise and is not any more."""

    def __init__(
        self,
        store: ImagingStore,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        is_silent: Callable[[str], bool] = lambda node_no: False,
    ) -> None:
        self._store, self._clock, self._monotonic, self._is_silent = store, clock, monotonic, is_silent
        self._places: Mapping[int, Place] = {}
        self._read_at = -PLACES_S

    async def of_persons(
        self,
        keys: Sequence[bytes],
        dates: tuple[str, str] | None,
        most: int,
        own: str = "",
        behind: tuple[int, int] | None = None,
    ) -> Sequence[KeptStudy]:
        """Studies of persons, the latest first, at most so many and one more, behind one by `started` and ref; of the institution
        `own` alone where it is named, else none in conflict."""
        async with self._store.read() as work:
            rows = await work.search.of_persons(keys, _days(dates), own=own, behind=behind, most=most + 1)
            return self._placed(rows)

    async def told_as(self, keys: Collection[bytes], institutions: Collection[str]) -> Sequence[ToldAs]:
        """Which studies of persons are told as one of these institutions', of whatever day."""
        async with self._store.read() as work:
            return await work.search.told_as(keys, institutions)

    async def of_uids(self, uids: Collection[str], own: str = "") -> Sequence[KeptStudy]:
        """Studies under UIDs, whosesoever they are; those in conflict only of the institution `own`."""
        async with self._store.read() as work:
            return self._placed(await work.search.of_uids(uids, own=own))

    async def of_study(self, uid: str, keys: Sequence[bytes]) -> Sequence[KeptStudy]:
        """A study under its UID where it is of one of these persons: of others nothing is read, as if there were none."""
        async with self._store.read() as work:
            return self._placed(await work.search.of_study(uid, keys))

    async def of_accession(self, fixmedins_code: str, accession_no: str) -> Sequence[KeptStudy]:
        """An institution's own studies with an accession number."""
        async with self._store.read() as work:
            return self._placed(await work.search.of_accession(accession_no, fixmedins_code))

    async def own(
        self, fixmedins_code: str, dates: tuple[str, str] | None, offset: int, limit: int
    ) -> tuple[Sequence[KeptStudy], int]:
        """An institution's own studies, the latest first, from a place on, and how many there are; any depth costs the same."""
        async with self._store.read() as work:
            count, refs = await work.own.page(fixmedins_code, _days(dates), offset, limit)
            return self._placed(await work.search.of_refs(refs)), count

    async def series_of(self, refs: Sequence[int]) -> Mapping[int, Sequence[Series]]:
        """Series of studies by the studies' refs."""
        async with self._store.read() as work:
            return await work.search.series(refs)

    def _placed(self, found: Sequence[KeptStudy]) -> Sequence[KeptStudy]:
        """The same; where one is of a node that was registered since the nodes were read, they are read anew."""
        if any(each.node_ref not in self._places for each in found):
            self._read_at = -PLACES_S
        return found

    async def places(self) -> Mapping[int, Place]:
        """All nodes by ref."""
        begun = self._monotonic()
        if begun - self._read_at >= PLACES_S:
            async with self._store.read() as work:
                nodes = await work.nodes.after("", _MOST_NODES)
            self._places = {each.ref: self._place(each) for each in nodes}
            self._read_at = begun
        return self._places

    def _place(self, standing: StandingNode) -> Place:
        now = self._clock()
        return Place(
            standing.ref,
            standing.node.node_no,
            not standing.is_away(now) and not self._is_silent(standing.node.node_no),
            standing.node.retrieve_roots[0],
            standing.is_behind(now),
            standing.heard_at,
        )


def _days(dates: tuple[str, str] | None) -> Days:
    return EVER if dates is None else days_of(*dates)
