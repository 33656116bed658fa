"""Where a person is insured as seen from a place of care: local, another pooling area, another cell, or not known. Pure.

What the client says of the insured place is a hint and decides nothing. "Elsewhere" means another pooling area, whether or
not the same cell has both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from services.kernel.clock import holds_on
from services.kernel.codes import pooling_area
from services.kernel.errors import Fault, FaultKind, Violation, precondition
from services.routing.domain.registry import Insured, Place


class Where(Enum):
    """The decision."""

    LOCAL = "local"
    SAME_CELL = "same_cell"
    OTHER_CELL = "other_cell"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Query:
    """Who, where and when. `certno` is read where there is no `psn_no`; texts are empty where nothing is said.

    `care_cell` is where care is given, where that is not the cell of its division; beside it `care_admdvs` may be empty.
    """

    psn_no: str
    certno: str
    psn_cert_type: str
    care_admdvs: str
    day: date
    insutype: str = ""
    hint_admdvs: str = ""
    care_cell: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The decision with its reason; `place` and `insured_cell` are of the insured place that decides, where there is one.

    `later_cell` is the cell that insures the person from a later day, and can say so, where nothing decides.
    """

    where: Where
    reason: str
    care_cell: str
    place: Place | None = None
    insured_cell: str = ""
    in_force: bool = False
    hint_differs: bool = False
    unread_cells: tuple[str, ...] = ()
    later_cell: str = ""


Stand = tuple[str, Place]
"""A cell, and an insured place of which it told."""


def one_person(found: Sequence[Insured], psn_cert_type: str) -> list[Insured]:
    """What stands of the one person who has a certificate; PRECONDITION CERTIFICATE_AMBIGUOUS where it is several people's."""
    same = [each for each in found if not psn_cert_type or each.psn_cert_type == psn_cert_type]
    people = {each.psn_hash for each in same if each.key_id == same[0].key_id}
    if len(people) > 1:
        needed = Violation("query.psn_cert_type", "person.type_needed")
        raise Fault(FaultKind.PRECONDITION, "CERTIFICATE_AMBIGUOUS", violations=[needed])
    return same


def resolve(
    query: Query, found: Iterable[Insured], cell_of: Callable[[str], str], unread: Sequence[str] = ()
) -> Resolution:
    """The decision. Counted is what holds on the day, of that what is in force; where nothing holds, what ended last.

    INSURED_TWICE where two pooling areas insure at once, of the insurance type that is asked or, where none is, of any.
    """
    care_cell = query.care_cell or cell_of(query.care_admdvs)
    every = [(each.cell, place) for each in found for place in each.places]
    stands = [each for each in every if not query.insutype or each[1].insutype == query.insutype]
    counted = _counted(stands, query.day)
    if not counted:
        reason = "NOT_YET_INSURED" if stands else "OTHER_INSUTYPE" if every else "NOT_REGISTERED"
        later = min(stands, key=lambda each: (each[1].from_day, each[0]))[0] if stands else ""
        return Resolution(Where.NOT_FOUND, reason, care_cell, unread_cells=tuple(unread), later_cell=later)
    areas = sorted({pooling_area(place.admdvs) for _, place in counted})
    holding = holds_on(query.day, counted[0][1].from_day, counted[0][1].to_day)
    if len(areas) > 1 and holding:
        one, other = sorted({place.admdvs for _, place in counted})[:2]
        raise precondition("INSURED_TWICE", one=one, other=other, day=query.day.isoformat())
    # Of several the care cell's, then the first by cell and type, so that every call answers alike.
    cell, place = min(counted, key=lambda each: (each[0] != care_cell, each[0], each[1].insutype, each[1].admdvs))
    area = pooling_area(place.admdvs)
    if cell != care_cell:
        where, reason = Where.OTHER_CELL, "OTHER_CELL"
    elif area == pooling_area(query.care_admdvs):
        where, reason = Where.LOCAL, "SAME_POOLING_AREA"
    else:
        where, reason = Where.SAME_CELL, "OTHER_POOLING_AREA"
    differs = bool(query.hint_admdvs) and pooling_area(query.hint_admdvs) != area
    return Resolution(where, reason, care_cell, place, cell, holding and place.in_force, differs)


def _counted(stands: Sequence[Stand], day: date) -> list[Stand]:
    holding = [each for each in stands if holds_on(day, each[1].from_day, each[1].to_day)]
    if holding:
        return [each for each in holding if each[1].in_force] or holding
    past = [(place.to_day, (cell, place)) for cell, place in stands if place.to_day is not None and place.to_day < day]
    last = max((ended for ended, _ in past), default=None)
    return [stand for ended, stand in past if ended == last]
