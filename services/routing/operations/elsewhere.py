"""Transactions of persons whom another cell insures: who insures the person is looked up, and that cell is asked the same.

It knows no transaction: what is asked and answered is whatever the caller brings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from services.kernel.elsewhere import LATER_S, cell_unavailable
from services.kernel.errors import AWAY, Fault, FaultKind, precondition
from services.kernel.persons import person_not_found
from services.routing.domain.resolution import Query, Resolution, Where
from services.routing.operations.registry import Registry

T = TypeVar("T")

_QUERY: Final = "query."


class InsuredCells(Protocol):
    """The cells that answer for the people whom they insure; each raises its refusal."""

    async def decoded(self, cell: str, request: Any) -> Any:
        """6101."""
        ...

    async def insured_info(self, cell: str, request: Any) -> Any:
        """1101."""
        ...

    async def benefit(self, cell: str, request: Any) -> Any:
        """2001."""
        ...

    async def cumulations(self, cell: str, request: Any) -> Any:
        """5206."""
        ...


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """Who is asked about, and which field of the request names the person; without numbers in the query nobody is named.

    `made_in` is the cell of a credential that says so itself: it alone can check it. `path` begins with the transaction's node.
    """

    query: Query
    path: str
    made_in: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Asks the cells that insure people."""

    registry: Registry
    cells: InsuredCells

    async def ask(self, asked: AskedPerson, of_cell: Callable[[str], Awaitable[T]]) -> T:
        """What the insured cell answers, or its refusal.

        Raises CREDENTIAL_OF_ANOTHER_CELL, PERSON_NOT_FOUND, CERTIFICATE_AMBIGUOUS, INSURED_TWICE, CELLS_UNREAD and, where
        that cell is dark, CELL_UNAVAILABLE.
        """
        if asked.made_in:
            return await self.ask_maker(asked.made_in, of_cell)
        found = await self._found(asked)
        told = {"admdvs": found.place.admdvs} if found.place else {}
        return await answered(found.insured_cell or found.later_cell, told, of_cell)

    async def ask_maker(self, cell: str, of_cell: Callable[[str], Awaitable[T]]) -> T:
        """What the cell answers that made a code or an ecToken, or its refusal.

        CREDENTIAL_OF_ANOTHER_CELL where no such cell is known, CELL_UNAVAILABLE.
        """
        if cell not in self.registry.news.cells:
            raise precondition("CREDENTIAL_OF_ANOTHER_CELL", cell=cell)
        return await answered(cell, {}, of_cell)

    async def _found(self, asked: AskedPerson) -> Resolution:
        if not (asked.query.psn_no or asked.query.certno):
            raise person_not_found(asked.path)
        later: Resolution | None = None
        for query in _looks(asked.query):
            try:
                found = await self.registry.resolve(query)
            except Fault as fault:
                raise _as_asked(fault, asked.path) from None
            if found.where is not Where.NOT_FOUND:
                return found
            later = found if found.later_cell else later
        if later is not None:
            # Who is insured from a later day is known, and that cell says so.
            return later
        unread = await self.registry.never_read()
        if unread:
            told = {"cells": ",".join(unread)}
            raise Fault(FaultKind.UNAVAILABLE, "CELLS_UNREAD", told, retry_after_s=LATER_S)
        raise person_not_found(asked.path)


async def answered(cell: str, told: Mapping[str, str], of_cell: Callable[[str], Awaitable[T]]) -> T:
    """What a cell answers, or its refusal; UNAVAILABLE CELL_UNAVAILABLE, which tells what is `told`, where it does not answer."""
    try:
        return await of_cell(cell)
    except Fault as fault:
        if fault.reason not in AWAY:
            raise
        raise cell_unavailable(cell, **told) from None


def _looks(query: Query) -> Iterator[Query]:
    """Of the insurance type that is asked for, then of any: whoever has another one only is refused by the cell that has them."""
    yield query
    if query.insutype:
        yield replace(query, insutype="")


def _as_asked(fault: Fault, path: str) -> Fault:
    """A refusal of the registry with the paths of the transaction."""
    node = path.partition(".")[0] + "."
    broken = [replace(each, path=each.path.replace(_QUERY, node, 1)) for each in fault.violations]
    return Fault(fault.kind, fault.reason, fault.metadata, violations=broken, retry_after_s=fault.retry_after_s)
