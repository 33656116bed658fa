"""What a request leaves blank although the national text requires it, what it calls by names that nobody reads, and what it
writes otherwise than the text does.

None of it is a refusal: the readers note it while they read, and only where somebody asked for notes. Which fields are
meant is compiled from the options `national.required` and `node.ignored`. A note holds names and places, never a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType
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

ROW: Final = "lenient.row"
ROWS: Final = "lenient.rows"
BARE: Final = "lenient.bare"

# Sent by clients in many places of the country beside, or instead of, `exp_content`.
_SECOND_NAMES: Final = frozenset({"expContent"})
_LONGEST_NAME: Final = 64
_STEPS: Final = 2
_NONE: Final[frozenset[str]] = frozenset()
_NO_VALUES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Shape:
    """One kind of row: the proto fields that it requires, the national name of each field, the names that stand in it
    though they are no fields of it (read by a path from elsewhere, or ignored), all names that it knows, and of those beside
    the ones that are read by a path."""

    required: frozenset[str]
    names: Mapping[str, str]
    beside: frozenset[str]
    known: tuple[str, ...] = ()
    by_path: frozenset[str] = frozenset()

    @cached_property
    def in_order(self) -> tuple[tuple[str, str], ...]:
        """Proto and national names of what is required, in the order of the proto."""
        return tuple((own, name) for own, name in self.names.items() if own in self.required)


NOTHING: Final = Shape(frozenset(), {}, frozenset())
"""The shape of what nothing is required of."""


class Note(NamedTuple):
    """One thing that is not as the text has it. `place` names the row (`feedetail[3].`), `name` the field in it."""

    rule: str
    place: str
    name: str
    shape: Shape
    meant: str = ""
    values: Mapping[str, str] = _NO_VALUES

    @property
    def path(self) -> str:
        """Where it is."""
        return self.place + self.name


class Notes:
    """The notes of one request; `more` is the number of those that were not kept.

    Of what is the same in many rows the first is kept, or with `broken` each: that takes the values that fit no field, where
    whoever asks wants them all; then they refuse nothing, and the request is made of the rest.
    """

    __slots__ = ("_blanks", "_kept", "_odd", "_told", "broken", "more")

    def __init__(self, broken: Violations | None = None) -> None:
        self.broken = broken
        self._blanks: dict[Shape, frozenset[str]] = {}
        self._told: dict[object, None] = {}
        self._kept: tuple[list[Note], ...] = ([], [], [])
        self._odd: dict[Shape, set[str]] = {}
        self.more = 0

    def blank(self, place: str, shape: Shape, fields: frozenset[str]) -> None:
        """Required fields of one row that are blank."""
        if self.broken is None:
            known = self._blanks.get(shape, _NONE)
            if fields <= known:
                return
            self._blanks[shape] = known | fields
            fields -= known
        if len(self._kept[0]) >= MOST_NOTES:
            self.more += len(fields)
            return
        self._kept[0].extend(Note(BLANK, place, name, shape) for own, name in shape.in_order if own in fields)

    def name(self, place: str, key: str, shape: Shape, meant: str = "") -> None:
        """A key that is no field of its row, or that is `meant` for one but written otherwise."""
        if self.broken is not None or self._is_new((shape, key)):
            self._keep(1, Note(RENAMED if meant else UNKNOWN, place, key[:_LONGEST_NAME], shape, meant))

    def value(self, place: str, key: str, shape: Shape, rule: str, values: Mapping[str, str] = _NO_VALUES) -> None:
        """A value that is read though the text writes it otherwise."""
        if self.broken is None:
            if not self._is_new((shape, key, rule)):
                return
            self._odd.setdefault(shape, set()).add(key)
        self._keep(2, Note(rule, place, key[:_LONGEST_NAME], shape, "", values))

    def odd_before(self, shape: Shape) -> Collection[str]:
        """Fields of which nothing more needs to be said: a value in a row before was odd."""
        return self._odd.get(shape, _NONE)

    def each(self) -> Iterator[Note]:
        """The notes: blank fields, then names, then values, each as they were met."""
        return chain.from_iterable(self._kept)

    def count(self) -> int:
        """Notes that are kept."""
        return sum(map(len, self._kept))

    def _is_new(self, key: object) -> bool:
        if key in self._told:
            return False
        if len(self._told) < MOST_NOTES:
            self._told[key] = None
        return True

    def _keep(self, sort: int, note: Note) -> None:
        if len(self._kept[sort]) < MOST_NOTES:
            self._kept[sort].append(note)
        else:
            self.more += 1


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
        self.root = self._shape(request, frozenset(self._by_path) | without_node, frozenset(self._by_path))

    def of_node(self, plan: FieldPlan) -> Shape:
        """The shape of a row of a node; ContractError where the options ask for what is not looked at."""
        if plan.row is None:
            raise ContractError(f"{plan.name} is no node")
        beside = frozenset[str]().union(*(self._by_path.get(name, frozenset()) for name in plan.names))
        return self._shape(plan.row, beside, beside)

    def by_path(self, plan: FieldPlan, key: str) -> Shape | None:
        """The shape of rows in which a field stands by a path, None where it is not required there."""
        if not plan.is_required(self._infnos):
            return None
        return Shape(frozenset({plan.field}), {plan.field: key}, frozenset())

    def _shape(self, message: Descriptor, beside: frozenset[str], by_path: frozenset[str]) -> Shape:
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
            by_path=by_path,
        )
