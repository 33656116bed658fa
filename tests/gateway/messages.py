"""Hypothesis strategies of messages, made from descriptors alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from gateway.national.codec.plan import FieldPlan, Kind, fields_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
INT32 = st.integers(-(1 << 31), (1 << 31) - 1)
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
SECONDS = st.integers(-2_208_000_000, 253_402_200_000)
FEN = st.integers(-(10**16), 10**16)
ABSENT = ("null", "NULL")
UNSET_DAY = date(1900, 1, 1)


def messages(message_class: type[Message]) -> st.SearchStrategy[Any]:
    """Any message of a class, as far as the wire lets it be."""
    descriptor: Any = message_class.DESCRIPTOR
    return _values(descriptor).map(lambda values: message_class(**values))


def national_messages(message_class: type[Message]) -> st.SearchStrategy[Any]:
    """Messages that the national envelope can carry whole: hidden fields unset, times in seconds, known codes."""
    descriptor: Any = message_class.DESCRIPTOR
    return _national(descriptor).map(lambda values: message_class(**values))


def _values(message: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    fields = {field.name: _field(field) for field in message.fields}
    groups = [group for group in message.oneofs if len(group.fields) > 1]

    def one_of_each(values: Mapping[str, Any]) -> dict[str, Any]:
        # Of a oneof only the last of those drawn stays.
        kept = dict(values)
        for group in groups:
            given = [field.name for field in group.fields if field.name in kept]
            for name in given[:-1]:
                del kept[name]
        return kept

    return st.fixed_dictionaries({}, optional=fields).map(one_of_each)


def _field(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.is_repeated and field.message_type is not None and field.message_type.GetOptions().map_entry:
        return st.dictionaries(TEXT, _single(field.message_type.fields_by_name["value"]), max_size=3)
    return st.lists(_single(field), max_size=2) if field.is_repeated else _single(field)


def _single(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return st.builds(dict, seconds=SECONDS, nanos=st.sampled_from([0, 1, 500_000_000, 999_999_999]))
        return _values(field.message_type)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return TEXT
        case FieldDescriptor.TYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.TYPE_BYTES:
            return st.binary(max_size=5)
        case FieldDescriptor.TYPE_INT64:
            return INT64
    return INT32


def _national(message: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={plan.field: _national_field(plan) for plan in fields_of(message)})


def _national_field(plan: FieldPlan) -> st.SearchStrategy[Any]:
    match plan.kind:
        case Kind.FEN:
            return FEN
        case Kind.NUMBER:
            return st.integers(-(10**9), 10**9).map(lambda number: decimal_text(number, plan.scale))
        case Kind.INTEGER:
            return INT32
        case Kind.FLAG:
            return st.booleans()
        case Kind.CODE:
            return st.sampled_from([number for number, _ in plan.codes])
        case Kind.TIME:
            return st.builds(dict, seconds=SECONDS)
        case Kind.DAY:
            return (
                st.dates()
                .filter(lambda day: day > UNSET_DAY)
                .map(lambda day: {"year": day.year, "month": day.month, "day": day.day})
            )
    if plan.row is None:
        return TEXT.map(str.strip).filter(lambda text: text not in ABSENT)
    rows = _national(plan.row)
    return st.lists(rows, min_size=1, max_size=3) if plan.kind is Kind.LIST else rows


def decimal_text(number: int, scale: int) -> str:
    """A number over 10**scale in its shortest decimal form."""
    whole, part = divmod(abs(number), 10**scale)
    text = f"{whole}.{part:0{scale}d}".rstrip("0").rstrip(".") if scale else str(whole)
    return f"-{text}" if number < 0 else text
