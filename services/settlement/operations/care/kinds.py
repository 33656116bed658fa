"""The national kind behind a local one, by what the catalogue's peer keeps: nothing is asked about a national code."""

from __future__ import annotations

from datetime import date

from services.settlement.domain.care.kinds import KindOfCare, check_told, counted
from services.settlement.operations.care.ports import CataloguePeer


async def national_kind(
    catalogue: CataloguePeer, kind: KindOfCare, fixmedins_code: str, day: date, path: str
) -> KindOfCare:
    """The kind as it counts at an institution on a day.

    Raises INVALID_REQUEST for no kind at all, MED_TYPE_UNDECLARED, INSTITUTION_UNKNOWN.
    """
    check_told(kind, path)
    if not kind.local:
        return kind
    place = (await catalogue.institution(fixmedins_code, day)).admdvs
    return counted(kind, await catalogue.local_kinds(place), place, day, path)
