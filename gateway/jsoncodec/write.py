"""Messages into JSON: lowerCamelCase, int64 as text, enums by name, every field that has no presence of its own.

Equal to protobuf's JSON mapping with its switch for fields at their default: a sum of 0 is worth telling.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from services.runtime.contract import ContractError

Writer = Callable[[Any], Any]

_WIDE: Final = (
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_UINT64,
)
_PLAIN: Final = (
    FieldDescriptor.TYPE_STRING,
    FieldDescriptor.TYPE_BOOL,
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_SINT32,
    FieldDescriptor.TYPE_UINT32,
)


class JsonWriters:
    """Writers by message type, each compiled when it is first asked for."""

    def __init__(self) -> None:
        self._rows: dict[str, Writer] = {}

    def message(self, message_class: type[Message]) -> Callable[[Message], dict[str, Any]]:
        """`write(message)` → what JSON holds of it."""
        descriptor: Any = message_class.DESCRIPTOR
        return self._row(descriptor)

    def _row(self, message: Descriptor) -> Writer:
        found = self._rows.get(message.full_name)
        if found is None:
            # Entered before its fields are compiled, so that a type may hold itself.
            self._rows[message.full_name] = self._later(message.full_name)
            found = self._rows[message.full_name] = self._compiled(message)
        return found

    def _later(self, name: str) -> Writer:
        def write(value: Any) -> Any:
            return self._rows[name](value)

        return write

    def _compiled(self, message: Descriptor) -> Writer:
        always = tuple((f.name, f.json_name, self._field(f)) for f in message.fields if not f.has_presence)
        if_there = tuple((f.name, f.json_name, self._field(f)) for f in message.fields if f.has_presence)

        def write(row: Any) -> dict[str, Any]:
            shown = {key: write_field(getattr(row, name)) for name, key, write_field in always}
            for name, key, write_field in if_there:
                if row.HasField(name):
                    shown[key] = write_field(getattr(row, name))
            return shown

        return write

    def _field(self, field: FieldDescriptor) -> Writer:
        if not field.is_repeated:
            return self._single(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            write_value = self._single(field.message_type.fields_by_name["value"])
            return lambda value: {str(key): write_value(value[key]) for key in value}
        write_one = self._single(field)
        return lambda value: [write_one(each) for each in value]

    def _single(self, field: FieldDescriptor) -> Writer:
        if field.message_type is not None:
            if field.message_type.full_name == "google.protobuf.Timestamp":
                return lambda value: value.ToJsonString()
            return self._row(field.message_type)
        if field.type in _WIDE:
            return str
        if field.type in _PLAIN:
            return lambda value: value
        if field.type == FieldDescriptor.TYPE_BYTES:
            return lambda value: base64.b64encode(value).decode()
        if field.enum_type is not None:
            return _enum(field.enum_type)
        raise ContractError(f"{field.full_name}: the REST face has no form for this type")


def _enum(enum: EnumDescriptor) -> Writer:
    names = {value.number: value.name for value in enum.values}
    return lambda number: names.get(number, number)
