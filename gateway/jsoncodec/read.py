"""JSON into messages: lowerCamelCase and proto names, int64 as text or number, enums by name or number.

Equal to protobuf's JSON mapping, with one addition (our decision): a `google.type.Date` may be written `"2025-01-31"`.
Unknown and doubled fields are refused with their path, for a misspelt field that is dropped in silence costs its sender a
day. It is compiled once for each message type.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.jsoncodec.unknown import unknown_field
from services.kernel.calendar import not_of_calendar
from services.kernel.errors import Fault, FaultKind, Violation, Violations
from services.runtime.bounds import count_limit, is_map
from services.runtime.contract import ContractError, is_judged
from services.runtime.texts.gateway import rule_text
from services.runtime.wire import day_fields

Values = dict[str, Any]
Broken = Violations
Reader = Callable[[Any, str, Broken], Any]

_DATE: Final = "google.type.Date"
_UNREADABLE: Final = ("google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value")
_UNREAD: Final = "unread"
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_FORM: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2}))?",
    re.ASCII,
)
_INTEGERS: Final = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_SINT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SINT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
}


class _Unfit(Exception):
    """A value that its field cannot hold: a rule id and the values that its text names; by default the type is wrong."""

    def __init__(self, shape: str = "", *, rule: str = "json.type", **values: str) -> None:
        self.rule = rule
        self.values = {"shape": shape, **values} if shape else values
        super().__init__(rule)


class JsonReaders:
    """Readers by message type, each compiled when it is first asked for."""

    def __init__(self) -> None:
        self._rows: dict[str, Reader] = {}

    def message(self, message_class: type[Message]) -> Callable[[Any], Message]:
        """`read(value)` → the message; Fault INVALID_REQUEST with all violations."""
        descriptor: Any = message_class.DESCRIPTOR
        read_row = self._row(descriptor)

        def read(value: Any) -> Message:
            broken = Broken()
            values = read_row(value, "", broken)
            if not broken:
                try:
                    return message_class(**values)
                except (UnicodeError, ValueError):
                    _refuse(broken, "", "json.type", shape="UTF-8")
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)

        return read

    def _row(self, message: Descriptor) -> Reader:
        found = self._rows.get(message.full_name)
        if found is None:
            if message.full_name in _UNREADABLE:
                raise ContractError(f"the REST face has no form for {message.full_name}")
            # Entered before its fields are compiled, so that a type may hold itself.
            self._rows[message.full_name] = self._later(message.full_name)
            found = self._rows[message.full_name] = self._compiled(message)
        return found

    def _later(self, name: str) -> Reader:
        def read(value: Any, path: str, broken: Broken) -> Any:
            return self._rows[name](value, path, broken)

        return read

    def _compiled(self, message: Descriptor) -> Reader:
        slots: dict[str, tuple[FieldDescriptor, Reader]] = {}
        for field in message.fields:
            slots[field.name] = slots[field.json_name] = (field, self._field(field))

        def read(value: Any, path: str, broken: Broken) -> Values:
            if type(value) is not dict:
                _refuse(broken, path, "json.type", shape="object")
                return {}
            values: Values = {}
            seen: set[str] = set()
            for key, raw in value.items():
                place = f"{path}.{key}" if path else key
                slot = slots.get(key)
                if slot is None:
                    if not broken.full():
                        broken.append(unknown_field(message, place, key))
                    continue
                field, read_field = slot
                place = f"{path}.{field.name}" if path else field.name
                if field.name in seen:
                    _refuse(broken, place, "json.duplicate_field")
                seen.add(field.name)
                if raw is None:
                    continue
                if _excluded(field, seen, value):
                    _refuse(broken, place, "json.oneof")
                try:
                    values[field.name] = read_field(raw, place, broken)
                except _Unfit as unfit:
                    _refuse(broken, place, unfit.rule, **unfit.values)
            return values

        return read

    def _field(self, field: FieldDescriptor) -> Reader:
        if field.is_repeated:
            if is_map(field):
                return self._map(field)
            if is_judged(field):
                return _judged(field, self._single(field))
            return _list(self._single(field), count_limit(field))
        return self._single(field)

    def _single(self, field: FieldDescriptor) -> Reader:
        if field.message_type is not None:
            match field.message_type.full_name:
                case "google.protobuf.Timestamp":
                    return lambda value, path, broken: _moment(value)
                case "google.type.Date":
                    return _date_or(self._row(field.message_type))
            return self._row(field.message_type)
        read = _scalar(field)
        return lambda value, path, broken: read(value)

    def _map(self, field: FieldDescriptor) -> Reader:
        entry = field.message_type
        if entry is None or entry.fields_by_name["key"].type != FieldDescriptor.TYPE_STRING:
            raise ContractError(f"{field.full_name}: only maps by text are read")
        read_value = self._single(entry.fields_by_name["value"])
        most = count_limit(field)

        def read(value: Any, path: str, broken: Broken) -> Values:
            if type(value) is not dict:
                raise _Unfit("object")
            if most is not None and len(value) > most:
                raise _end(path, most)
            if any(each is None for each in value.values()):
                raise _Unfit(rule="json.null")
            return {key: read_value(each, f"{path}[]", broken) for key, each in value.items()}

        return read


def _refuse(broken: Broken, path: str, rule: str, **values: str) -> None:
    if not broken.full():
        broken.append(Violation(path, rule, rule_text(rule, values, "en"), values))


def _excluded(field: FieldDescriptor, seen: set[str], row: dict[str, Any]) -> bool:
    """Whether another field of the same oneof was given before."""
    group = field.containing_oneof
    if group is None:
        return False
    names = {
        each.name: (row.get(each.name), row.get(each.json_name)) for each in group.fields if each.name != field.name
    }
    return any(name in seen and any(value is not None for value in given) for name, given in names.items())


def _end(path: str, most: int) -> Fault:
    """Ends the reading of a request: of a list that is too long no element is read."""
    values = {"most": str(most)}
    broken = Violation(path, "json.max_items", rule_text("json.max_items", values, "en"), values)
    return Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken])


def _list(read_one: Reader, most: int | None) -> Reader:
    def read(value: Any, path: str, broken: Broken) -> list[Any]:
        if type(value) is not list:
            raise _Unfit("array")
        if most is not None and len(value) > most:
            raise _end(path, most)
        found: list[Any] = []
        for index, each in enumerate(value):
            place = f"{path}[{index}]"
            if each is None:
                _refuse(broken, place, "json.null")
                continue
            try:
                found.append(read_one(each, place, broken))
            except _Unfit as unfit:
                _refuse(broken, place, unfit.rule, **unfit.values)
        return found

    return read


def _judged(field: FieldDescriptor, read_one: Reader) -> Reader:
    """A list whose elements the member judges: one that cannot be read comes as far as it can be, with what is wrong first."""
    if field.message_type is None or _UNREAD not in field.message_type.fields_by_name:
        raise ContractError(f"{field.full_name}: its elements have no field {_UNREAD}")
    most = count_limit(field)

    def read_element(value: Any) -> Values:
        broken = Broken(most=1)
        values: Values = {}
        if value is None:
            _refuse(broken, "", "json.null")
        else:
            values = read_one(value, "", broken)
        for each in broken:
            values[_UNREAD] = {"field": each.path, "rule": each.rule, "values": dict(each.values)}
        return values

    def read(value: Any, path: str, broken: Broken) -> list[Values]:
        if type(value) is not list:
            raise _Unfit("array")
        if most is not None and len(value) > most:
            raise _end(path, most)
        return [read_element(each) for each in value]

    return read


def _date_or(read_row: Reader) -> Reader:
    def read(value: Any, path: str, broken: Broken) -> Any:
        if type(value) is not str:
            return read_row(value, path, broken)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise _no_moment(value, "yyyy-MM-dd") from None
        return day_fields(day)

    return read


def _moment(value: Any) -> Timestamp:
    if type(value) is not str:
        raise _Unfit("RFC 3339 time")
    moment = Timestamp()
    try:
        moment.FromJsonString(value)
    except ValueError:
        raise _no_moment(value, "RFC 3339 time") from None
    return moment


def _no_moment(value: str, shape: str) -> _Unfit:
    """A text that is no date or time: one of the right form that no calendar has is told as what it is."""
    found = _FORM.fullmatch(value)
    wrong = not_of_calendar(*(int(each) for each in found.groups("0"))) if found else None
    return _Unfit(shape) if wrong is None else _Unfit(rule=wrong.rule, **wrong.values)


def _scalar(field: FieldDescriptor) -> Callable[[Any], Any]:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return _text
        case FieldDescriptor.TYPE_BOOL:
            return _flag
        case FieldDescriptor.TYPE_BYTES:
            return _bytes
        case FieldDescriptor.TYPE_ENUM if field.enum_type is not None:
            return _enum(field.enum_type)
    limits = _INTEGERS.get(field.type)
    if limits is None:
        raise ContractError(f"{field.full_name}: the REST face has no form for this type")
    low, high = limits
    return lambda value: _integer(value, low, high)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _Unfit("string")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _Unfit("true or false")
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _Unfit("base64")
    try:
        return base64.urlsafe_b64decode(value.replace("+", "-").replace("/", "_") + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        raise _Unfit("base64") from None


def _integer(value: Any, low: int, high: int) -> int:
    if type(value) is str and _WHOLE.fullmatch(value):
        number = int(value)
    elif type(value) is int:
        number = value
    elif type(value) is float and value.is_integer():
        number = int(value)
    else:
        raise _Unfit("integer")
    if not low <= number <= high:
        raise _Unfit(rule="json.range", least=str(low), most=str(high))
    return number


def _enum(enum: EnumDescriptor) -> Callable[[Any], int]:
    numbers = {value.name: value.number for value in enum.values}
    # Nobody is told to send what stands for nothing told.
    known = ", ".join(name for name in numbers if not name.endswith("_UNSPECIFIED"))

    def read(value: Any) -> int:
        low, high = _INTEGERS[FieldDescriptor.TYPE_INT32]
        try:
            # Digits as text are no number of ours: "1" is what the dictionary says, and would be read as another code.
            return numbers[value] if type(value) is str else _integer(value, low, high)
        except (KeyError, _Unfit):
            raise _Unfit(rule="json.enum", known=known) from None

    return read
