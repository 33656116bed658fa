"""What the proto options say about a message in the national envelope: names, places and kinds of its fields.

Read once at start-up. It refuses options that contradict themselves, and types that the envelope has no form for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.runtime.bounds import count_limit
from services.runtime.contract import ContractError
from yibao.options.v1 import options_pb2

ABSENT: Final = frozenset({"", "null", "NULL"})
"""Texts that say nothing, without blanks at their ends."""

_MAX_FOLDED: Final = 64
_WITHOUT_NODE: Final = "."
_TIME: Final = "google.protobuf.Timestamp"
_DAY: Final = "google.type.Date"


class Kind(Enum):
    """How a value is written in the envelope."""

    FEN = auto()
    NUMBER = auto()
    INTEGER = auto()
    TEXT = auto()
    FLAG = auto()
    CODE = auto()
    TIME = auto()
    DAY = auto()
    ROW = auto()
    LIST = auto()


class Place(Enum):
    """Where the envelope carries a field."""

    NODE = auto()
    ENVELOPE = auto()
    NODE_ELSE_ENVELOPE = auto()
    REQUEST_KEY = auto()


_PLACES: Final = {
    options_pb2.FROM_UNSPECIFIED: Place.NODE,
    options_pb2.FROM_NODE: Place.NODE,
    options_pb2.FROM_ENVELOPE: Place.ENVELOPE,
    options_pb2.FROM_NODE_ELSE_ENVELOPE: Place.NODE_ELSE_ENVELOPE,
    options_pb2.FROM_REQUEST_KEY: Place.REQUEST_KEY,
}


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field: its proto name, its names in its node, its paths from the root, its place, kind and decimals.

    `codes` are the (number, national code) pairs of an enum, `other_codes` whether others are read as none, and
    `other_codes_field` the text field of the message that takes them (empty: none does) while the enum has
    `other_codes_value`; `row` is the
    message of a ROW or LIST. `ends_range` of a moment that ends a range, `person` of the number of the person whom the
    request is about, `literal` of a flag that is written as true or false. `required` where the national text requires it in
    every transaction of its message, `required_in` where only in these.
    """

    field: str
    kind: Kind
    names: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]
    place: Place
    scale: int = 0
    absent: str = ""
    codes: tuple[tuple[int, str], ...] = ()
    other_codes: bool = False
    other_codes_field: str = ""
    other_codes_value: int = 0
    row: Descriptor | None = None
    most: int | None = None
    bare: bool = False
    ends_range: bool = False
    person: bool = False
    digits: bool = False
    literal: bool = False
    required: bool = False
    required_in: frozenset[str] = frozenset()

    def is_required(self, infnos: Iterable[str]) -> bool:
        """Whether the national text requires it in a transaction of any of these numbers."""
        return self.required or not self.required_in.isdisjoint(infnos)

    @property
    def name(self) -> str:
        """The first of its names, as messages to users show it."""
        return self.names[0] if self.names else ".".join(self.paths[0])


@lru_cache(maxsize=1024)
def fields_of(message: Descriptor) -> tuple[FieldPlan, ...]:
    """The fields of a message that are part of the envelope, in the order of the proto."""
    plans = (_plan(field) for field in message.fields)
    return tuple(plan for plan in plans if plan is not None)


def ignored(message: Descriptor) -> frozenset[str]:
    """Names that the national text has in the node of this message and that nothing here reads."""
    return frozenset(message.GetOptions().Extensions[options_pb2.node].ignored)


def unfilled_of(message: Descriptor) -> tuple[str, ...]:
    """Names that the national text has in the node of this message and that no field fills."""
    return tuple(message.GetOptions().Extensions[options_pb2.node].unfilled)


@lru_cache(maxsize=4096)
def folded(key: str) -> str:
    """A key without case and underscores: `expContent` and `exp_content` mean the same."""
    return key.replace("_", "").casefold() if len(key) <= _MAX_FOLDED else key


def find(row: dict[str, object], name: str) -> object:
    """The value of a key: exactly so named, else so named when case is folded, else None."""
    if name in row:
        return row[name]
    wanted = folded(name)
    for key, value in row.items():
        if len(key) <= _MAX_FOLDED and folded(key) == wanted:
            return value
    return None


def is_absent(raw: object) -> bool:
    """Whether a value says nothing: null, "", blanks, "null", "NULL", an empty object or list."""
    return raw is None or (raw.strip() in ABSENT if type(raw) is str else raw in ({}, []))


def trimmed(raw: Any) -> Any:
    """A value without blanks at the ends of its text: those that Unicode knows, the full-width one and NBSP among them."""
    return raw.strip() if type(raw) is str else raw


def differ(one: object, other: object) -> bool:
    """Whether both say something, and not the same."""
    return not is_absent(one) and not is_absent(other) and trimmed(one) != trimmed(other)


def disagreeing(row: Mapping[str, object], names: frozenset[str]) -> str:
    """A key in another spelling that says otherwise than one which means the same of these names, "" where none does."""
    wanted = _all_folded(names)
    # Hardly any request has such a key.
    others = [key for key in row if key not in names and folded(key) in wanted and not is_absent(row[key])]
    if not others:
        return ""
    said = {folded(name): row[name] for name in names if not is_absent(row.get(name))}
    return next((key for key in others if differ(said.setdefault(folded(key), row[key]), row[key])), "")


@lru_cache(maxsize=64)
def _all_folded(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(folded, names))


def national_path(message: Descriptor, path: str) -> str:
    """A path of a request as clients know it: `data.medfee_sumamt_fen` → `data.medfee_sumamt`, `request_id` → `msgid`."""
    shown: list[str] = []
    owner: Descriptor | None = message
    for step in path.split("."):
        name, bracket, index = step.partition("[")
        plan = next((each for each in fields_of(owner) if each.field == name), None) if owner else None
        if plan is None:
            shown.append(step)
            owner = None
            continue
        owner = plan.row
        if plan.place is Place.REQUEST_KEY:
            shown = ["msgid"]
        elif plan.place is Place.ENVELOPE:
            shown = [] if plan.kind is Kind.ROW else [plan.name]
        elif plan.names:
            shown.append(plan.name + bracket + index)
        else:
            shown = [plan.name]
    return ".".join(shown) or path


def _plan(field: FieldDescriptor) -> FieldPlan | None:
    options = field.GetOptions()
    option = options.Extensions[options_pb2.national]
    if option.hidden:
        return None
    # proto3 keeps no trace of a zero: an option that says nothing else says `scale: 0`.
    numeric = bool(option.scale) or (
        options.HasExtension(options_pb2.national) and option.SerializeToString() == b"" and _is_text(field)
    )
    kind = _kind(field, numeric)
    default = field.name.removesuffix("_fen") if kind is Kind.FEN else field.name
    names = (option.name or default, *option.also)
    return FieldPlan(
        field=field.name,
        kind=kind,
        names=tuple(name for name in names if "." not in name),
        paths=tuple(tuple(name.split(".")) for name in names if "." in name and name != _WITHOUT_NODE),
        place=_PLACES[getattr(option, "from")],
        scale=option.scale,
        absent=option.absent,
        codes=_codes(field) if kind is Kind.CODE else (),
        other_codes=kind is Kind.CODE and _ignores_other_codes(field),
        other_codes_field=_other_codes_field(field),
        other_codes_value=_other_codes_value(field),
        row=field.message_type if kind in (Kind.ROW, Kind.LIST) else None,
        most=count_limit(field) if kind is Kind.LIST else None,
        bare=_WITHOUT_NODE in names,
        ends_range=_is_of(option.ends_range, kind, Kind.TIME, field),
        person=_is_of(option.person, kind, Kind.TEXT, field),
        digits=_is_of(option.digits, kind, Kind.TEXT, field),
        literal=_is_of(option.literal, kind, Kind.FLAG, field),
        required=option.required,
        required_in=frozenset(option.required_in),
    )


def _is_of(said: bool, kind: Kind, wanted: Kind, field: FieldDescriptor) -> bool:
    if said and kind is not wanted:
        raise ContractError(f"{field.full_name}: an option of the national envelope that only a {wanted.name} has")
    return said


def _kind(field: FieldDescriptor, numeric: bool) -> Kind:
    if field.message_type is not None:
        return _message_kind(field, field.message_type)
    if field.is_repeated:
        raise ContractError(f"{field.full_name}: the national envelope has no lists of single values")
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return Kind.NUMBER if numeric else Kind.TEXT
        case FieldDescriptor.TYPE_BOOL:
            return Kind.FLAG
        case FieldDescriptor.TYPE_ENUM:
            return Kind.CODE
        case FieldDescriptor.TYPE_INT64 if field.name.endswith("_fen"):
            return Kind.FEN
        case FieldDescriptor.TYPE_INT64 | FieldDescriptor.TYPE_INT32:
            return Kind.INTEGER
    raise ContractError(f"{field.full_name}: the national envelope has no form for this type")


def _message_kind(field: FieldDescriptor, message: Descriptor) -> Kind:
    name = message.full_name
    if field.is_repeated:
        if name in (_TIME, _DAY) or message.GetOptions().map_entry:
            raise ContractError(f"{field.full_name}: the national envelope has no lists of single values")
        return Kind.LIST
    return {_TIME: Kind.TIME, _DAY: Kind.DAY}.get(name, Kind.ROW)


def _is_text(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_STRING


def _other_codes_field(field: FieldDescriptor) -> str:
    """The hidden text field beside an enum's that takes codes the enum does not have, where the message has one."""
    if field.enum_type is None or field.containing_type is None:
        return ""
    name: str = field.enum_type.GetOptions().Extensions[options_pb2.other_codes_field]
    return name if name in field.containing_type.fields_by_name else ""


def _other_codes_value(field: FieldDescriptor) -> int:
    return field.enum_type.GetOptions().Extensions[options_pb2.other_codes_value] if field.enum_type else 0


def _ignores_other_codes(field: FieldDescriptor) -> bool:
    return field.enum_type is not None and field.enum_type.GetOptions().Extensions[options_pb2.other_codes_ignored]


def _codes(field: FieldDescriptor) -> tuple[tuple[int, str], ...]:
    values = field.enum_type.values if field.enum_type else ()
    pairs = ((value.number, value.GetOptions().Extensions[options_pb2.national_code]) for value in values)
    found = tuple((number, code) for number, code in pairs if code)
    if not found:
        raise ContractError(f"{field.full_name}: no value of its enum has a national_code")
    return found
