"""The registry: divisions on a day, and whether care at a place is local to a person.

Who is not known is asked of the cells once more before routing says so: somebody registered a moment ago is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.kernel.codes import pooling_area
from services.routing.domain.divisions import Division, Divisions
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import Cursor, Insured
from services.routing.domain.resolution import Query, Resolution, Where, one_person, resolve
from services.routing.store.unit import RoutingStore


class News(Protocol):
    """The pull of the cells' feeds."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Codes of the cells that are read."""
        ...

    def away(self) -> tuple[str, ...]:
        """Cells that did not answer when they were asked last."""
        ...

    async def refresh(self) -> None:
        """Reads what is new, within a bounded time."""
        ...


@dataclass(frozen=True, slots=True)
class Located:
    """A division, what is above it, and to what it belongs."""

    division: Division
    parent: str
    pooling_area: str
    cell: str


@dataclass(frozen=True, slots=True)
class Registry:
    """What RegistryService does. `hashers` gives the key of now, then the one that still holds beside it."""

    store: RoutingStore
    divisions: Divisions
    cell_of: Callable[[str], str]
    news: News
    hashers: Callable[[], tuple[Hasher, ...]]

    def division(self, code: str, day: date, path: str = "admdvs") -> Located:
        """What a code stood for on a day; DIVISION_UNKNOWN, DIVISION_NOT_THEN at the field `path`."""
        found = self.divisions.on(code, day, path)
        return Located(found, self.divisions.parent(code), pooling_area(code), self.cell_of(code))

    async def resolve(self, query: Query) -> Resolution:
        """Where the person is insured as seen from the place of care; the refusals of `division` for that place,
        CERTIFICATE_AMBIGUOUS, INSURED_TWICE. Without `care_admdvs` the answer tells of cells alone, not of pooling areas.
        """
        if query.care_admdvs:
            self.divisions.on(query.care_admdvs, query.day, "query.care_admdvs")
        resolution = resolve(query, await self.known(query), self.cell_of)
        if resolution.where is not Where.NOT_FOUND:
            return resolution
        await self.news.refresh()
        found = await self.known(query)
        return resolve(query, found, self.cell_of, await self._unread())

    async def known(self, query: Query) -> Sequence[Insured]:
        """What cells told of the person; nothing where nobody is known. CERTIFICATE_AMBIGUOUS."""
        hashers = self.hashers()
        async with self.store.read() as work:
            if query.psn_no:
                return await work.insured.of_person([each.person(query.psn_no) for each in hashers])
            found = await work.insured.of_certificate([each.certificate(query.certno) for each in hashers])
        return one_person(found, query.psn_cert_type)

    async def never_read(self) -> tuple[str, ...]:
        """Cells whose feed was not read to its end by now: anybody may be insured there."""
        async with self.store.read() as work:
            cursors = await work.insured.cursors()
        return tuple(each for each in self.news.cells if not _whole(cursors.get(each)))

    async def _unread(self) -> tuple[str, ...]:
        """Cells of which not all people are known."""
        never, away = await self.never_read(), self.news.away()
        return tuple(each for each in self.news.cells if each in away or each in never)


def _whole(cursor: Cursor | None) -> bool:
    return cursor is not None and cursor.complete
