"""Valid messages of any type, made from descriptors and `buf.validate` rules alone.

What a field's name is known to mean comes from the source it is given; everything else is made up, the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableSequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.contract.rules import Field, Owner, Rules, in_oneof, is_leaf, is_map, oneof_required, oneofs_of, rules_of
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import carried_pb2, common_pb2

M = TypeVar("M", bound=Message)

_DEPTH: Final = 8
_INTEGERS: Final = frozenset(
    {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64}
)
# Bytes that are a message, every list of which is filled.
_HELD: Final[Mapping[str, type[Message]]] = {
    "yibao.settlement.v1.CarriedBill.lines": carried_pb2.CarriedLines,
    "yibao.settlement.v1.CarriedLines.line": common_pb2.FeeLine,
    "yibao.settlement.v1.CarriedLines.split": common_pb2.FeeLineSplit,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of a message is filled.

    `full` sets every field; without it only what must be set and what is known by name. `rows` gives every list of
    messages one row. `branch` chooses among the members of a oneof, `choice` among the values known for a name; `anew`
    makes up codes whose form is known instead of using known ones.
    """

    full: bool = False
    rows: bool = True
    branch: int = 0
    choice: int = 0
    anew: bool = False


class Source(Protocol):
    """Where values come from: what is known by a field's name, and texts that nobody has used."""

    def known(self, field: Field, shape: Shape) -> Any:
        """A value for a field of that name, or None."""
        ...

    def fresh(self, field: Field, rules: Rules) -> str:
        """A text that meets the rules, another one each time where they leave room for it."""
        ...

    def moment(self) -> tuple[int, int, int, int]:
        """Now, as seconds since 1970, year, month and day."""
        ...


def build(message_class: type[M], source: Source, shape: Shape) -> M:
    """A valid message."""
    message = message_class()
    _fill(message, source, shape, _DEPTH)
    return message


def _fill(message: Message, source: Source, shape: Shape, depth: int) -> None:
    owner = message.DESCRIPTOR
    for oneof in oneofs_of(owner):
        if oneof_required(oneof) or shape.full:
            _set(message, oneof.fields[shape.branch % len(oneof.fields)], source, shape, depth, must=True)
    for field in owner.fields:
        if not in_oneof(field):
            _set(message, field, source, shape, depth, must=rules_of(field).needs_value)


def _set(message: Message, field: Field, source: Source, shape: Shape, depth: int, *, must: bool) -> None:
    if is_map(field):
        if shape.full and field.message_type.fields_by_name["value"].message_type is None:
            value = field.message_type.fields_by_name["value"]
            getattr(message, field.name)["fact"] = (
                source.fresh(value, Rules()) if value.type == value.TYPE_STRING else 1
            )
    elif is_leaf(field):
        _set_leaf(message, field, source, shape, must=must)
    elif field.message_type.full_name == "google.rpc.Status" or depth == 0:
        return
    elif field.is_repeated:
        for _ in range(max(rules_of(field).min_items, int(shape.rows or shape.full))):
            _fill(getattr(message, field.name).add(), source, shape, depth - 1)
    elif must or shape.full or shape.rows:
        inner = getattr(message, field.name)
        inner.SetInParent()
        _fill(inner, source, shape, depth - 1)
        if not must and not shape.full and not inner.ListFields():
            message.ClearField(field.name)


def _set_leaf(message: Message, field: Field, source: Source, shape: Shape, *, must: bool) -> None:
    rules = rules_of(field)
    if field.is_repeated:
        values: MutableSequence[Any] = getattr(message, field.name)
        for _ in range(max(rules.min_items, int(shape.full))):
            values.append(leaf_value(field, rules, source, shape, must=True))
        return
    value = leaf_value(field, rules, source, shape, must=must or shape.full)
    if value is None:
        return
    if field.message_type is None:
        setattr(message, field.name, value)
    else:
        getattr(message, field.name).CopyFrom(value)


def leaf_value(field: Field, rules: Rules, source: Source, shape: Shape, *, must: bool) -> Any:
    """A value that meets the rules, or None for an optional field of an unknown name."""
    known = source.known(field, shape)
    if known is not None and suits(field, rules, known):
        return known
    if not must:
        return None
    if field.message_type is not None:
        return _moment(field.message_type, source)
    if field.type == FieldDescriptor.TYPE_STRING:
        return rules.one_of[shape.choice % len(rules.one_of)] if rules.one_of else source.fresh(field, rules)
    if field.type == FieldDescriptor.TYPE_ENUM:
        numbers = [each.number for each in field.enum_type.values if each.number and each.number not in rules.not_in]
        return numbers[shape.choice % len(numbers)]
    if field.type in _INTEGERS:
        return max(rules.least or 0, 0) if rules.most is None or rules.most > 0 else rules.most
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_BYTES:
        held = _HELD.get(field.full_name)
        return b"\x01" if held is None else build(held, source, replace(shape, full=True)).SerializeToString()
    raise ValueError(f"{field.full_name}: no value is made for this type")


def suits(field: Field, rules: Rules, value: Any) -> bool:
    """Whether a value known by name is of the field's type and meets its rules."""
    if field.message_type is not None:
        return isinstance(value, Message) and field.message_type == value.DESCRIPTOR
    if field.type == FieldDescriptor.TYPE_STRING:
        if not isinstance(value, str) or len(value) < rules.min_len:
            return False
        return (rules.max_len is None or len(value) <= rules.max_len) and (not rules.one_of or value in rules.one_of)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return isinstance(value, int) and value in field.enum_type.values_by_number and value not in rules.not_in
    return isinstance(value, bool) if field.type == FieldDescriptor.TYPE_BOOL else isinstance(value, int)


def _moment(kind: Owner, source: Source) -> Message:
    seconds, year, month, day = source.moment()
    if kind.full_name == "google.type.Date":
        return GetMessageClass(kind)(year=year, month=month, day=day)
    return GetMessageClass(kind)(seconds=seconds)


def leaves(message: Message, prefix: str = "") -> Iterator[tuple[str, Field, Message, Any]]:
    """Every value that is set: its path, its field, the message that holds it, the value; lists give each element."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if is_map(field):
            for key in value:
                yield f"{path}[]", field, message, value[key]
        elif field.is_repeated:
            for index, each in enumerate(value):
                if is_leaf(field):
                    yield f"{path}[{index}]", field, message, each
                else:
                    yield from leaves(each, f"{path}[{index}].")
        elif is_leaf(field):
            yield path, field, message, value
        else:
            yield from leaves(value, f"{path}.")


def data_class_of(field: Field) -> str:
    """IDENTITY, CLINICAL, … of a field; text that says nothing is IDENTITY, anything else UNSPECIFIED."""
    name = options_pb2.DataClass.Name(field.GetOptions().Extensions[options_pb2.data_class])
    short = name.removeprefix("DATA_CLASS_")
    return "IDENTITY" if short == "UNSPECIFIED" and field.type == FieldDescriptor.TYPE_STRING else short
