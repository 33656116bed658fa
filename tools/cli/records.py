"""Rows of CSV and YAML files as messages, by the descriptors alone: any message, no table of fields.

A row names fields; a name that the message lacks but one of its single parts has (`from_day` of a validity) stands for that.
Days are ISO texts, moments ISO with a zone or Beijing time, enum values national codes or names, flags 1 or 0. An empty cell is
nothing. It refuses what it cannot place and defaults nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from services.kernel.clock import BEIJING
from services.kernel.errors import Fault, FaultKind, Violation, invalid
from services.runtime.wire import day_message, moment_message
from yibao.options.v1 import options_pb2

M = TypeVar("M", bound=Message)

_WHOLE: Final = frozenset(
    (
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SINT64,
    )
)
_SHOWN = 12


def message_of(kind: type[M], row: Mapping[str, object]) -> M:
    """The message that a row is; INVALID (DOCUMENT_INVALID) with a violation for every cell that cannot be placed."""
    message = kind()
    violations: list[Violation] = []
    _fill(message, row, "", violations)
    if violations:
        raise Fault(FaultKind.INVALID, "DOCUMENT_INVALID", {"source": kind.__name__}, violations=violations)
    return message


def _fill(message: Message, row: Mapping[str, object], path: str, violations: list[Violation]) -> None:
    for name, value in row.items():
        place = f"{path}.{name}" if path else name
        if value is None or value == "":
            continue
        steps = _find(message.DESCRIPTOR, name)
        if not steps:
            known = ", ".join(list(message.DESCRIPTOR.fields_by_name)[:_SHOWN])
            violations.append(Violation(place, "unknown_key", f"no such field; known: {known}", {"known": known}))
            continue
        owner = message
        for step in steps[:-1]:
            owner = getattr(owner, step.name)
        try:
            _set(owner, steps[-1], value, place, violations)
        except Fault as fault:
            violations.extend(fault.violations)


def _find(message: Any, name: str) -> list[FieldDescriptor]:
    """The field of that name, or the way to the only one that a single part of the message has."""
    own = message.fields_by_name.get(name)
    if own is not None:
        return [own]
    ways = [
        [part, part.message_type.fields_by_name[name]]
        for part in message.fields
        if part.message_type is not None and not part.is_repeated and name in part.message_type.fields_by_name
        if part.message_type.full_name not in _SCALAR_MESSAGES
    ]
    return ways[0] if len(ways) == 1 else []


def _set(owner: Message, field: FieldDescriptor, value: object, place: str, violations: list[Violation]) -> None:
    if not field.is_repeated:
        _set_one(owner, field, value, place, violations)
        return
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        kind = field.message_type.fields_by_name["value"]
        for name, each in _map(value, place).items():
            getattr(owner, field.name)[name] = _scalar(kind, each, f"{place}.{name}")
        return
    if not isinstance(value, list):
        raise invalid(place, "list", "a list is expected")
    rows = getattr(owner, field.name)
    for number, each in enumerate(value):
        where = f"{place}[{number}]"
        if field.message_type is None:
            rows.append(_scalar(field, each, where))
        elif field.message_type.full_name in _SCALAR_MESSAGES:
            rows.append(_SCALAR_MESSAGES[field.message_type.full_name](each, where))
        else:
            _fill(rows.add(), _map(each, where), where, violations)


def _set_one(owner: Message, field: FieldDescriptor, value: object, place: str, violations: list[Violation]) -> None:
    if field.message_type is None:
        setattr(owner, field.name, _scalar(field, value, place))
        return
    part: Message = getattr(owner, field.name)
    read = _SCALAR_MESSAGES.get(field.message_type.full_name)
    if read is not None:
        part.CopyFrom(read(value, place))
    else:
        part.SetInParent()
        _fill(part, _map(value, place), place, violations)


def _map(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise invalid(place, "map", "a map of fields is expected")
    return value


def _scalar(field: FieldDescriptor, value: object, place: str) -> object:
    if field.enum_type is not None:
        return _enum(field.enum_type, value, place)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _flag(value, place)
    if field.type in _WHOLE:
        return _whole(value, place)
    if field.type == FieldDescriptor.TYPE_STRING:
        if not isinstance(value, str):
            raise invalid(place, "text", "a text is expected; quote it")
        return value
    raise invalid(place, "type", "a field of this type cannot stand in a file")


def _enum(kind: EnumDescriptor, value: object, place: str) -> int:
    """By national code, full name, or the name without the enum's prefix."""
    for each in kind.values:
        code = each.GetOptions().Extensions[options_pb2.national_code]
        if value in (each.name, _short(kind, each.name)) or (code and value == code):
            return each.number
    known = ", ".join(_short(kind, each.name) for each in kind.values[1:][:_SHOWN])
    raise invalid(place, "enum", f"one of {known}, or a national code", known=known)


def _short(kind: EnumDescriptor, name: str) -> str:
    prefix = kind.values[0].name.removesuffix("UNSPECIFIED")
    return name.removeprefix(prefix)


def _flag(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("0", "1"):
        return value == "1"
    raise invalid(place, "flag", "1 or 0 is expected")


def _whole(value: object, place: str) -> int:
    # A longer text is no number of 64 bits, and Python reads none of some thousand digits.
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise invalid(place, "integer", "a whole number is expected")
    return value


def _day(value: object, place: str) -> Message:
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        raise invalid(place, "date", "a day as 2025-01-31 is expected") from None
    return day_message(day)


def _moment(value: object, place: str) -> Message:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise invalid(place, "time", "a moment as 2025-01-31 08:00:00 is expected") from None
    return moment_message(moment if moment.tzinfo else moment.replace(tzinfo=BEIJING))


_DIGITS: Final = re.compile(r"-?[0-9]{1,40}")
_SCALAR_MESSAGES: Final[Mapping[str, Callable[[object, str], Message]]] = {
    "google.type.Date": _day,
    "google.protobuf.Timestamp": _moment,
}
