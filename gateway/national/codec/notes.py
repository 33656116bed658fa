"""What a request leaves blank although the national text requires it, and what it calls by names that nobody reads.

None of it is a refusal: the readers note it while they read, and only where somebody asked for notes. Which fields are
meant is compiled from the options `national.required` and `node.ignored`. A note holds names and places, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from google.protobuf.descriptor import Descriptor

from gateway.national.codec.plan import FieldPlan, Place, fields_of, ignored
from services.kernel.errors import Violations
from services.runtime.contract import ContractError

MOST_NOTES: Final = 1000
"""Notes kept of one request; the rest are counted."""

BLANK: Final = "lenient.required"
UNKNOWN: Final = "lenient.unknown"
RENAMED: Final = "lenient.renamed"

# Sent by clients in many places of the country beside, or instead of, `exp_content`.
_SECOND_NAMES: Final = frozenset({"expContent"})
_LONGEST_NAME: Final = 64
_STEPS: Final = 2
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One kind of row: the proto fields that it requires, the national name of each field, the names that stand in it
    though they are no fields of it (read by a path from elsewhere, or ignored), and all names that it knows."""

    required: frozenset[str]
    names: Mapping[str, str]
    beside: frozenset[str]
    known: tuple[str, ...] = ()


class Note(NamedTuple):
    """One thing that is not as the text has it. `place` names the row (`feedetail[3].`), `name` the field in it."""

    rule: str
    place: str
    name: str
    shape: Shape
    meant: str = ""

    @property
    def path(self) -> str:
        """Where it is."""
        return self.place + self.name


class Notes:
    """The notes of one request; `more` is the number of those that were not kept.

    `broken` takes the values that fit no field, where whoever asks wants them all: then they refuse nothing, and the request
    is made of the rest.
    """

    __slots__ = ("_blanks", "_names", "broken", "more")

    def __init__(self, broken: Violations | None = None) -> None:
        self.broken = broken
        self._blanks: list[tuple[str, Shape, frozenset[str]]] = []
        self._names: list[tuple[str, str, Shape, str]] = []
        self.more = 0

    def blank(self, place: str, shape: Shape, fields: frozenset[str]) -> None:
        """Required fields of one row that are blank."""
        if len(self._blanks) < MOST_NOTES:
            self._blanks.append((place, shape, fields))
        else:
            self.more += len(fields)

    def name(self, place: str, key: str, shape: Shape, meant: str = "") -> None:
        """A key that is no field of its row, or that is `meant` for one but written otherwise."""
        if len(self._names) < MOST_NOTES:
            self._names.append((place, key, shape, meant))
        else:
            self.more += 1

    def each(self) -> Iterator[Note]:
        """Every note: blank fields in the order of the proto, then names."""
        for place, shape, fields in self._blanks:
            yield from _blank(place, shape, fields)
        for place, key, shape, meant in self._names:
            yield _name(place, key, shape, meant)

    def count(self) -> int:
        """Notes that are kept."""
        return sum(len(fields) for _, _, fields in self._blanks) + len(self._names)

    def first_of_each(self) -> Iterator[Note]:
        """The notes without those that say of a further row what was said of one before."""
        seen: dict[Shape, frozenset[str]] = {}
        for place, shape, fields in self._blanks:
            known = seen.get(shape, _NONE)
            if not fields <= known:
                seen[shape] = known | fields
                yield from _blank(place, shape, fields - known)
        told: set[tuple[Shape, str]] = set()
        for place, key, shape, meant in self._names:
            if (shape, key) not in told:
                told.add((shape, key))
                yield _name(place, key, shape, meant)


def _blank(place: str, shape: Shape, fields: frozenset[str]) -> Iterator[Note]:
    return (Note(BLANK, place, name, shape) for own, name in shape.names.items() if own in fields)


def _name(place: str, key: str, shape: Shape, meant: str) -> Note:
    return Note(RENAMED if meant else UNKNOWN, place, key[:_LONGEST_NAME], shape, meant)


class Shapes:
    """The shapes of the rows of one request in the transactions that it serves."""

    def __init__(self, request: Descriptor, infnos: frozenset[str]) -> None:
        self._infnos = infnos
        self._by_path: dict[str, frozenset[str]] = {}
        owners = [request, *(plan.row for plan in fields_of(request) if plan.row is not None)]
        for plan in (plan for owner in owners for plan in fields_of(owner)):
            for node, key in (path for path in plan.paths if len(path) == _STEPS):
                self._by_path[node] = self._by_path.get(node, frozenset()) | {key}
        bare = (plan.row for plan in fields_of(request) if plan.bare and plan.row is not None)
        without_node = {name for row in bare for plan in fields_of(row) for name in plan.names}
        self.root = self._shape(request, frozenset(self._by_path) | without_node)

    def of_node(self, plan: FieldPlan) -> Shape:
        """The shape of a row of a node; ContractError where the options ask for what is not looked at."""
        if plan.row is None:
            raise ContractError(f"{plan.name} is no node")
        beside = frozenset[str]().union(*(self._by_path.get(name, frozenset()) for name in plan.names))
        return self._shape(plan.row, beside)

    def by_path(self, plan: FieldPlan, key: str) -> Shape | None:
        """The shape of rows in which a field stands by a path, None where it is not required there."""
        if not plan.is_required(self._infnos):
            return None
        return Shape(frozenset({plan.field}), {plan.field: key}, frozenset())

    def _shape(self, message: Descriptor, beside: frozenset[str]) -> Shape:
        plans = fields_of(message)
        for plan in plans:
            if plan.is_required(self._infnos) and plan.place is not Place.NODE:
                raise ContractError(f"{message.full_name}.{plan.field}: only what stands in a node can be required")
        names = {plan.field: plan.name for plan in plans}
        beside = beside | ignored(message)
        return Shape(
            required=frozenset(plan.field for plan in plans if plan.names and plan.is_required(self._infnos)),
            names=names,
            beside=beside | _SECOND_NAMES,
            known=(*names.values(), *sorted(beside)),
        )
