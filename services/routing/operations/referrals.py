"""Referrals as 5304 tells them: what routing has, with the person from the insured cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.kernel.errors import invalid
from services.routing.domain.referrals import Named, Shown, meant, shown
from services.routing.operations.filings import FilingOperations


class People(Protocol):
    """The identity of the cells."""

    async def named(self, cell: str, psn_no: str, insutype: str) -> Named:
        """The person; PERSON_NOT_FOUND, or the Fault of a cell that is away."""
        ...


@dataclass(frozen=True, slots=True)
class Referrals:
    """What 5304 needs."""

    filings: FilingOperations
    people: People

    async def listed(
        self, psn_no: str, fixmedins_code: str, first: date, last: date | None, today: date
    ) -> Sequence[Shown]:
        """Referrals of a person by or to an institution that hold in a time; none is told without asking for the person.

        INVALID for a time that ends before it begins; PERSON_NOT_FOUND; the Fault of an insured cell that is away.
        """
        if last is not None and last < first:
            raise invalid("data.endtime", "not_before_begin")
        found = meant(await self.filings.of_person(psn_no), fixmedins_code, first, last)
        if not found:
            return []
        resolution = await self.filings.insured(psn_no, found[0].care_admdvs, today, "", "data.psn_no")
        place = resolution.place
        if place is None:
            raise ValueError("whoever was found has a place")
        named = await self.people.named(resolution.insured_cell, psn_no, place.insutype)
        return [shown(each, named, place) for each in found]
