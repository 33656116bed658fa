"""Values in which nothing is missing and no two parts are alike: what is forgotten or exchanged on the way shows."""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from itertools import count
from typing import Any, Final, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

FIRST_MOMENT: Final = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)
FIRST_DAY: Final = date(2026, 3, 1)
_MICROS: Final = ("_at", "_micros")


class Filling:
    """Makes values; `given` says by name what a part is whose type does not say it, `Class.part` of one class alone."""

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = given or {}
        self._numbers = count(1)

    def of(self, kind: Any, name: str, owner: str = "") -> Any:
        """A value of a type: of a union its first part, of a collection one element, of an enumeration its last member."""
        for key in (f"{owner}.{name}", name):
            if key in self._given:
                return self._given[key]
        if isinstance(kind, typing.TypeVar):
            kind = kind.__bound__ or str
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (typing.Union, types.UnionType):
            return self.of(next(each for each in inner if each is not types.NoneType), name, owner)
        if origin is not None:
            return self._collection(origin, inner, name)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return list(kind)[-1]
        if names := _names(kind):
            hints = get_type_hints(kind)
            return kind(**{each: self.of(hints[each], each, kind.__name__) for each in names})
        return self._simple(kind, name)

    def _collection(self, origin: Any, inner: tuple[Any, ...], name: str) -> Any:
        if origin is tuple:
            return tuple(self.of(each, name) for each in (inner[:1] if inner[-1] is Ellipsis else inner))
        if issubclass(origin, Mapping):
            return {self.of(inner[0], name): self.of(inner[1], name)}
        if issubclass(origin, Collection):
            made = [self.of(inner[0], name)]
            return made if origin is list else frozenset(made) if issubclass(origin, frozenset) else tuple(made)
        return self.of(origin, name)

    def _simple(self, kind: Any, name: str) -> Any:
        number = next(self._numbers)
        moment = FIRST_MOMENT + timedelta(hours=number)
        made: dict[Any, Any] = {
            bool: True,
            int: int(moment.timestamp()) * 1_000_000
            if name.endswith(_MICROS) or name in ("at", "due")
            else 1_000 + number,
            datetime: moment,
            date: FIRST_DAY + timedelta(days=number),
            Fraction: Fraction(number, 997),
            bytes: f"{name}-{number}".encode(),
            str: f"{name}-{number}",
            Any: f"{name}-{number}",
        }
        if isinstance(kind, type) and issubclass(kind, Message):
            return kind()
        return made[kind]


def parts_of(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every named part of a value, however deep; what stands in a collection has the collection's name."""
    if names := _names(type(value)):
        for each in names:
            yield from parts_of(getattr(value, each), each)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from parts_of(key, name)
            yield from parts_of(inner, name)
            if isinstance(key, str):
                yield from parts_of(inner, key)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from parts_of(inner, name)
    else:
        yield name, value


def _names(kind: Any) -> list[str]:
    if is_dataclass(kind):
        return [each.name for each in fields(kind) if each.init]
    return list(getattr(kind, "_fields", ()))


def filled_message(
    kind: type[Message], given: Mapping[str, Any] | None = None, numbers: Iterator[int] | None = None
) -> Any:
    """A message in which every field is told, of a list one row, and of fields that exclude each other the last."""
    numbers, message = numbers or count(1), kind()
    fields_of: Any = message.DESCRIPTOR.fields
    for field in fields_of:
        number, target = next(numbers), getattr(message, field.name)
        if given and field.name in given:
            value = given[field.name]
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            value = _filled_part(field, given, numbers)
        elif field.message_type is not None:
            continue
        else:
            value = _filled_leaf(field, number)
        if field.message_type is not None:
            (target.add() if field.is_repeated else target).CopyFrom(value)
        elif field.is_repeated:
            target.append(value)
        else:
            setattr(message, field.name, value)
    return message


def _filled_part(field: Any, given: Mapping[str, Any] | None, numbers: Iterator[int]) -> Any:
    number = next(numbers)
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return Timestamp(seconds=int((FIRST_MOMENT + timedelta(hours=number)).timestamp()))
    if field.message_type.full_name == "google.type.Date":
        day = FIRST_DAY + timedelta(days=number)
        return Date(year=day.year, month=day.month, day=day.day)
    return filled_message(GetMessageClass(field.message_type), given, numbers)


def _filled_leaf(field: Any, number: int) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f"{field.name}-{number}".encode()
    return f"{field.name}-{number}" if field.type == FieldDescriptor.TYPE_STRING else 1_000 + number
