"""Requests from the envelope: one compiled reader for each request message, lenient where working clients need it.

Unknown keys are ignored, absent values come in many forms, blanks at the ends of a text are none of it, a row may be a
list of one. Whatever cannot be meant is refused with its path in the client's own words; all violations together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway.national.codec import scalars
from gateway.national.codec.notes import BARE, NOTHING, ROW, ROWS, Notes, Shape, Shapes
from gateway.national.codec.plan import (
    ABSENT,
    FieldPlan,
    Kind,
    Place,
    differ,
    fields_of,
    find,
    folded,
    is_absent,
    trimmed,
)
from gateway.national.codec.quick import QuickReader, quick_reader
from gateway.national.codec.reading import Reading, Row, Values
from gateway.national.codec.refusing import LONGEST_KEY, MOST_KEYS, check_keys, end_of
from gateway.national.codec.scalars import Unfit
from gateway.national.codec.spelling import NULL_TEXT, PADDED, SHORT, Spelling, spelling
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.contract import ContractError
from services.runtime.texts.gateway import rule_text

_LITERALS: Final = (str, int, bytes)

RequestReader = Callable[..., Message]
RowReader = Callable[[Reading, Row, str], Values]
NodeReader = Callable[[Reading, Any, str], Any]
Extra = Callable[[Reading, Row, str, Values], None]


@dataclass(frozen=True, slots=True)
class _Slot:
    plan: FieldPlan
    field: str
    name: str
    read: scalars.Reader
    node: NodeReader | None
    how: Spelling


def compile_request(request_class: type[Message], infnos: frozenset[str] = frozenset()) -> RequestReader:
    """`read(envelope, input, request_key)` → the request; Fault INVALID_REQUEST with what is broken.

    A list with more rows than its field may have ends the reading at once: none of them is read.
    With `notes` as a fourth argument it also takes down what is lenient in these transactions.
    """
    descriptor: Any = request_class.DESCRIPTOR
    shapes = Shapes(descriptor, infnos)
    read_root = _row_reader(descriptor, shapes, shapes.root)

    def read(envelope: Row, root: Row, request_key: str, notes: Notes | None = None) -> Message:
        reading = Reading(envelope, root, request_key, notes)
        if notes is not None and notes.broken is not None:
            reading.violations = notes.broken
        values = read_root(reading, root, "")
        if reading.violations and reading.violations is not getattr(notes, "broken", None):
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=reading.violations)
        try:
            return request_class(**values)
        except (UnicodeError, ValueError):
            unreadable = Violation("input", "national.text", rule_text("national.text", {}, "zh"))
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[unreadable]) from None

    return read


def _row_reader(message: Descriptor, shapes: Shapes, shape: Shape | None, group: bool = False) -> RowReader:
    """Reader of one row. A group is a message whose fields stand among others; without a shape nothing is noted."""
    plans = fields_of(message)
    exact, loose = _slots(plans, shapes, group)
    # What stands under another name than the first is read by way of `exact`, which notes it.
    plain = {
        key: (slot.field, slot.read, slot.how.codes, slot.how.numeric)
        for key, slot in exact.items()
        if slot.node is None and key == slot.name
    }
    told = NOTHING if shape is None else shape
    required, beside = (NOTHING.required, NOTHING.beside) if group else (told.required, told.beside)
    left = frozenset(key for key in beside if key not in exact and folded(key) not in loose)
    apart = {folded(key): key for key in told.by_path - exact.keys()}

    def read(reading: Reading, row: Row, path: str) -> Values:
        values: Values = {}
        spare: list[tuple[str, Any, _Slot]] | None = None
        notes = reading.notes if shape is not None else None
        odd_before = notes.odd_before(told) if notes is not None else required
        for key, given in row.items():
            if given is None or key in left:
                continue
            raw = given
            if type(raw) is str:
                # As `trimmed` does, and `is_absent` asks.
                text = raw.strip()
                if text in ABSENT:
                    if raw and notes is not None and key in exact:
                        notes.value(path, key, told, NULL_TEXT if text else PADDED)
                    continue
                if text is not raw:
                    if notes is not None and key in exact:
                        notes.value(path, key, told, PADDED)
                    raw = text
            simple = plain.get(key)
            if simple is not None and type(raw) in _LITERALS:
                # `_take` without its calls: most of what is read are single values that fit.
                name, read_value, codes, numeric = simple
                try:
                    value = read_value(raw)
                except Unfit as unfit:
                    reading.refuse(path + key, unfit)
                    continue
                if value is not None and values.setdefault(name, value) != value:
                    reading.refuse(path + key, Unfit("national.disagrees"))
                if notes is None:
                    continue
                # As `Spelling.fits` has it.
                if codes is not None:
                    if codes(raw):
                        continue
                elif (type(raw) is not str) is numeric and (type(raw) is not bytes or len(raw) <= SHORT):
                    continue
                if key not in odd_before:
                    reading.spelt(exact[key].how, raw, path, key, told)
            elif (slot := exact.get(key)) is not None:
                _take(reading, values, slot, raw, path, key, shape)
            elif len(key) <= LONGEST_KEY and (slot := loose.get(folded(key))) is not None:
                spare = [] if spare is None else spare
                spare.append((key, raw, slot))
            else:
                if apart and (own := apart.get(folded(key))) is not None and differ(row.get(own), raw):
                    reading.refuse(path + key, Unfit("national.disagrees"))
                if notes is not None and not group:
                    notes.name(path, key, told)
        for key, raw, slot in spare or ():
            # Compared with the others: one field in two spellings has one value (our decision).
            if raw not in ({}, []) or slot.field not in values:
                _take(reading, values, slot, raw, path, key, shape)
        if notes is not None and not required <= values.keys():
            notes.blank(path, told, required - values.keys())
        return values

    quick = quick_reader(
        {slot.name: slot.plan for key, slot in exact.items() if key in plain},
        left,
        lambda key: key in exact or folded(key) in apart or (len(key) <= LONGEST_KEY and folded(key) in loose),
    )
    return _in_order(read, quick, tuple(_extras(plans, shapes, group)))


def _in_order(careful: RowReader, quick: QuickReader, extras: tuple[Extra, ...]) -> RowReader:
    """A row by the quick way where that will do, then what is not, or not only, read from the row itself."""

    def read(reading: Reading, row: Row, path: str) -> Values:
        if len(row) > MOST_KEYS:
            check_keys(row, path.rstrip("."))
        values = quick(row) if reading.notes is None else None
        if values is None:
            values = careful(reading, row, path)
        for extra in extras:
            extra(reading, row, path, values)
        return values

    return read


def _take(reading: Reading, values: Values, slot: _Slot, raw: Any, place: str, key: str, shape: Shape | None) -> None:
    path = place + key
    if shape is not None and reading.notes is not None and key != slot.name and key not in shape.beside:
        reading.notes.name(place, key, shape, slot.name)
    try:
        value = slot.node(reading, raw, path) if slot.node is not None else slot.read(raw)
    except Unfit as unfit:
        if raw not in ({}, []):
            reading.refuse(path, unfit)
            return
        value = None
    if slot.node is None and shape is not None:
        reading.spelt(slot.how, raw, place, key, shape)
    _agree(reading, values, slot.field, value, path)


def _agree(reading: Reading, values: Values, name: str, value: Any, path: str) -> None:
    """Keeps a value; one that stands under several names or in several rows must be the same everywhere."""
    if value is None:
        return
    if values.setdefault(name, value) != value:
        reading.refuse(path, Unfit("national.disagrees"))


def _slots(plans: Iterable[FieldPlan], shapes: Shapes, group: bool) -> tuple[Mapping[str, _Slot], Mapping[str, _Slot]]:
    exact: dict[str, _Slot] = {}
    loose: dict[str, _Slot | None] = {}
    for plan in plans:
        if not group and plan.place in (Place.ENVELOPE, Place.REQUEST_KEY):
            continue
        slot = _slot(plan, shapes)
        for name in plan.names:
            if exact.setdefault(name, slot) is not slot:
                raise ContractError(f"two fields are called {name} in one node")
            key = folded(name)
            # A folded name that two fields share stands for neither.
            loose[key] = slot if loose.get(key, slot) is slot else None
    return exact, {key: slot for key, slot in loose.items() if slot is not None}


def _slot(plan: FieldPlan, shapes: Shapes) -> _Slot:
    node = _node_reader(plan, shapes) if plan.row is not None else None
    return _Slot(plan, plan.field, plan.names[0] if plan.names else "", scalars.reader(plan), node, spelling(plan))


def _node_reader(plan: FieldPlan, shapes: Shapes) -> NodeReader:
    if plan.row is None:
        raise ContractError(f"{plan.name} is no node")
    shape = shapes.of_node(plan)
    read_row = _row_reader(plan.row, shapes, shape)

    def read_one(reading: Reading, raw: Any, path: str) -> Values | None:
        if type(raw) is list:
            if not raw:
                return None
            if len(raw) > 1:
                raise Unfit("national.one_row")
            raw = raw[0]
            if reading.notes is not None:
                reading.notes.value(path, "", shape, ROW)
        if type(raw) is not dict:
            raise Unfit("national.node")
        return read_row(reading, raw, f"{path}.")

    def read_list(reading: Reading, raw: Any, path: str) -> list[Values]:
        if type(raw) is dict:
            if reading.notes is not None and raw:
                reading.notes.value(path, "", shape, ROWS)
            return [read_row(reading, raw, f"{path}[0].")] if raw else []
        if type(raw) is not list:
            raise Unfit("national.list")
        if plan.most is not None and len(raw) > plan.most:
            raise end_of(path, Unfit("national.max_items", most=str(plan.most)))
        found: list[Values] = []
        for index, each in enumerate(raw):
            if type(each) is not dict:
                reading.refuse(f"{path}[{index}]", Unfit("national.node"))
            else:
                found.append(read_row(reading, each, f"{path}[{index}]."))
        return found

    return read_list if plan.kind is Kind.LIST else read_one


def _extras(plans: Iterable[FieldPlan], shapes: Shapes, group: bool) -> Iterable[Extra]:
    """Fields that are not, or not only, read from their own row."""
    for plan in plans:
        if not group and plan.place is Place.REQUEST_KEY:
            yield _from_request_key(plan)
        elif not group and plan.place is Place.ENVELOPE:
            yield _group_from_envelope(plan, shapes) if plan.row is not None else _from_envelope(plan)
        elif plan.place is Place.NODE_ELSE_ENVELOPE:
            yield _from_envelope(plan)
        for path in plan.paths:
            yield _from_path(plan, path, shapes)
        if plan.bare:
            yield _from_root(plan, shapes)
        if plan.other_codes_field:
            yield _apart(plan)


def _apart(plan: FieldPlan) -> Extra:
    """A code that the enum does not have goes to the text field beside it, and the enum says so."""

    def extra(reading: Reading, row: Row, path: str, values: Values) -> None:
        code = values.get(plan.field)
        if type(code) is str:
            values[plan.field], values[plan.other_codes_field] = plan.other_codes_value, code

    return extra


def _from_request_key(plan: FieldPlan) -> Extra:
    def extra(reading: Reading, row: Row, path: str, values: Values) -> None:
        values[plan.field] = reading.request_key

    return extra


def _group_from_envelope(plan: FieldPlan, shapes: Shapes) -> Extra:
    if plan.row is None or plan.kind is not Kind.ROW:
        raise ContractError(f"{plan.name}: only single messages come from the envelope")
    read_group = _row_reader(plan.row, shapes, None, group=True)

    def extra(reading: Reading, row: Row, path: str, values: Values) -> None:
        values[plan.field] = read_group(reading, reading.envelope, "")

    return extra


def _from_envelope(plan: FieldPlan) -> Extra:
    read = scalars.reader(plan)

    def extra(reading: Reading, row: Row, path: str, values: Values) -> None:
        if plan.field in values:
            return
        for name in plan.names:
            raw = find(reading.envelope, name)
            if not is_absent(raw):
                try:
                    _agree(reading, values, plan.field, read(trimmed(raw)), name)
                except Unfit as unfit:
                    reading.refuse(name, unfit)
                return

    return extra


def _from_root(plan: FieldPlan, shapes: Shapes) -> Extra:
    """A node whose fields may stand without it, where it is not there."""
    if plan.row is None or plan.kind is not Kind.ROW:
        raise ContractError(f"{plan.name}: only a single node may be left out")
    shape = shapes.of_node(plan)
    read_row = _row_reader(plan.row, shapes, shape, group=True)

    def extra(reading: Reading, row: Row, path: str, values: Values) -> None:
        found = read_row(reading, row, path) if plan.field not in values else None
        if found:
            values[plan.field] = found
            if reading.notes is not None:
                reading.notes.value(path, plan.name, shape, BARE)
                reading.notes.blank(path, shape, shape.required - found.keys())

    return extra


def _from_path(plan: FieldPlan, path: tuple[str, ...], shapes: Shapes) -> Extra:
    """A value that stands in a node, often in each of its rows."""
    if len(path) != 2:
        raise ContractError(f"{plan.field}: a path has a node and a key")
    node, key = path
    read, how = scalars.reader(plan), spelling(plan)
    shape = shapes.by_path(plan, key)
    told = NOTHING if shape is None else shape
    required = frozenset({plan.field})

    def extra(reading: Reading, row: Row, own_path: str, values: Values) -> None:
        rows = find(reading.root, node)
        if type(rows) is not list:
            rows = [rows]
        notes, last = reading.notes, None
        for index, each in enumerate(rows):
            if type(each) is not dict:
                continue
            given = each[key] if key in each else find(each, key)
            if given is not None and given == last:
                continue
            raw, place = trimmed(given), f"{node}[{index}]."
            if is_absent(raw):
                if notes is not None and shape is not None:
                    notes.blank(place, shape, required)
                elif notes is not None and raw:
                    notes.value(place, key, told, NULL_TEXT)
                continue
            last = given
            try:
                value = read(raw)
            except Unfit as unfit:
                reading.refuse(place + key, unfit)
                continue
            if notes is not None and key not in notes.odd_before(told):
                if raw is not given:
                    notes.value(place, key, told, PADDED)
                reading.spelt(how, raw, place, key, told)
            _agree(reading, values, plan.field, value, place + key)

    return extra
