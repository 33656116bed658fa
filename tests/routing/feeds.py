"""A cell's feed for tests: people in the order of their changes, as identity answers them; it can be away or go back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from services.kernel.errors import Fault, FaultKind
from services.routing.domain.registry import Page, Place, ToldPerson

BEGAN = date(2020, 1, 1)


def place(
    admdvs: str, insutype: str = "310", from_day: date = BEGAN, to_day: date | None = None, **told: bool
) -> Place:
    """An insured place that lasts and is in force, unless told otherwise."""
    return Place(insutype, admdvs, from_day, to_day, told.get("in_force", True))


def told(number: int, *places: Place, certno: str = "") -> ToldPerson:
    """The person of that number, who is nobody."""
    return ToldPerson(f"99{number:018d}", "01", certno or f"990000{number:012d}", places or (place("990100"),))


@dataclass
class Cell:
    """One cell's feed and what it knows of its reader."""

    people: dict[str, tuple[int, ToldPerson]] = field(default_factory=dict)
    last: int = 0
    acked: int = 0
    away: bool = False
    deaf: bool = False
    asked: list[int] = field(default_factory=list)

    def change(self, *persons: ToldPerson) -> None:
        """Puts them at the end."""
        for each in persons:
            self.last += 1
            self.people[each.psn_no] = (self.last, each)


class Feeds:
    """The feeds of cells by code, with pages of two."""

    def __init__(self, *codes: str, page: int = 2) -> None:
        self.cells = {code: Cell() for code in codes}
        self._page = page

    async def page(self, cell: str, after: int) -> Page:
        """As the peer does it."""
        asked = self._reached(cell)
        asked.asked.append(after)
        behind = sorted(each for each in asked.people.values() if each[0] > after)[: self._page]
        return Page(tuple(each for _, each in behind), behind[-1][0] if behind else after, asked.last, asked.acked)

    async def ack(self, cell: str, upto: int) -> None:
        """As the peer does it."""
        asked = self._reached(cell)
        if asked.deaf:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "identity"})
        asked.acked = min(upto, asked.last)

    def _reached(self, cell: str) -> Cell:
        found = self.cells[cell]
        if found.away:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "identity"})
        return found
