"""The refusal of a key that is no field of its message: with the field that was probably meant, as the sender writes names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.spelling import fold, nearest
from services.kernel.errors import Violation
from services.runtime.texts.gateway import rule_text

_LONGEST_PATH: Final = 200


def unknown_field(message: Descriptor, path: str, key: str) -> Violation:
    """`path` ends in the key. Meant is a field of a like name here, else one of the same name in a message below."""
    meant = _meant(message, key)
    rule, values = ("json.similar_field", {"meant": meant}) if meant else ("json.unknown_field", {})
    return Violation(path[:_LONGEST_PATH], rule, rule_text(rule, values, "en"), values)


def _meant(message: Descriptor, key: str) -> str:
    near = nearest(key, tuple(field.name for field in message.fields))
    if near:
        return _written(message.fields_by_name[near], key)
    wanted = fold(key)
    for outer, inner in _below(message):
        if fold(inner.name) == wanted:
            return f"{_written(outer, key)}.{_written(inner, key)}"
    return ""


def _below(message: Descriptor) -> Iterator[tuple[FieldDescriptor, FieldDescriptor]]:
    for outer in message.fields:
        if outer.message_type is not None and not outer.is_repeated:
            yield from ((outer, inner) for inner in outer.message_type.fields)


def _written(field: FieldDescriptor, key: str) -> str:
    return field.name if "_" in key else field.json_name
