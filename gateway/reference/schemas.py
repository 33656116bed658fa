"""JSON Schemas of messages and enums, with comments, data classes and the constraints of `buf.validate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from buf.validate import validate_pb2
from yibao.options.v1 import options_pb2

_INT64: Final = (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_SINT64)
_DATE: Final = "google.type.Date"
_TIME: Final = "google.protobuf.Timestamp"


class Schemas:
    """Schemas by name, grown as messages are asked for."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self.by_name: dict[str, Any] = {}

    def ref(self, message: Descriptor) -> dict[str, str]:
        """A reference to the schema of a message."""
        name = message.full_name.removeprefix("yibao.")
        if name not in self.by_name:
            self.by_name[name] = {}
            self.by_name[name] = self._message(message)
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor) -> dict[str, Any]:
        """The schema of a field with what its options say."""
        rules = field.GetOptions().Extensions[validate_pb2.field]
        schema = self._typed(field, rules)
        comment = self.comment(field)
        kind = field.GetOptions().Extensions[options_pb2.data_class]
        if comment:
            schema["description"] = comment
        if kind:
            schema["x-data-class"] = options_pb2.DataClass.Name(kind).removeprefix("DATA_CLASS_")
        return schema

    def comment(self, field: FieldDescriptor) -> str:
        """What the proto says of a field."""
        return self._comments.get(field.full_name, "")

    def _message(self, message: Descriptor) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
        comment = self._comments.get(message.full_name, "")
        if comment:
            schema["description"] = comment
        for field in message.fields:
            schema["properties"][field.json_name] = self.field(field)
        required = [field.json_name for field in message.fields if is_required(field)]
        if required:
            schema["required"] = required
        return schema

    def _typed(self, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> dict[str, Any]:
        if not field.is_repeated:
            return self._single(field, rules)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            return {"type": "object", "additionalProperties": self._single(value, rules)}
        schema: dict[str, Any] = {"type": "array", "items": self._single(field, rules)}
        if rules.repeated.min_items:
            schema["minItems"] = rules.repeated.min_items
        if rules.repeated.max_items:
            schema["maxItems"] = rules.repeated.max_items
        return schema

    def _single(self, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> dict[str, Any]:
        if field.message_type is not None:
            if field.message_type.full_name == _TIME:
                return {"type": "string", "format": "date-time"}
            if field.message_type.full_name == _DATE:
                return {"anyOf": [self.ref(field.message_type), {"type": "string", "format": "date"}]}
            # A reference may stand beside other keywords (JSON Schema 2020-12).
            return dict(self.ref(field.message_type))
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        if field.type in _INT64:
            return {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
        if field.type == FieldDescriptor.TYPE_STRING:
            return _text(rules.string)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        return {"type": "integer", "format": "int32"}

    def _enum(self, enum: EnumDescriptor) -> dict[str, Any]:
        codes = {value.name: value.GetOptions().Extensions[options_pb2.national_code] for value in enum.values}
        meanings = {value.name: self._comments.get(f"{enum.full_name}.{value.name}", "") for value in enum.values}
        schema: dict[str, Any] = {"type": "string", "enum": list(codes)}
        if any(codes.values()):
            schema["x-national-codes"] = {name: code for name, code in codes.items() if code}
        if any(meanings.values()):
            schema["x-meanings"] = {name: text for name, text in meanings.items() if text}
        return schema


def is_required(field: FieldDescriptor) -> bool:
    """Whether a request without the field is refused."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        return False
    least = rules.string.min_len or rules.repeated.min_items or (0 in rules.enum.not_in)
    return bool(rules.required or least or (rules.string.pattern and not field.is_repeated))


def _text(rules: validate_pb2.StringRules) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if rules.min_len:
        schema["minLength"] = rules.min_len
    if rules.max_len:
        schema["maxLength"] = rules.max_len
    if rules.pattern:
        schema["pattern"] = rules.pattern
    allowed: list[str] = list(getattr(rules, "in"))
    if allowed:
        schema["enum"] = allowed
    return schema
