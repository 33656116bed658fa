"""What a record of a message may show: everything but what is secret and who somebody is, by the `data_class` of its fields.

Marks stand for values, so that they are found again wherever a value was copied to, under whatever name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from yibao.options.v1 import options_pb2

_HIDDEN: Final = frozenset({options_pb2.DATA_CLASS_SECRET, options_pb2.DATA_CLASS_IDENTITY})
_SURE: Final = 6
"""Bytes from which on a value is looked for inside of longer texts, too: shorter ones stand in any number by chance."""
SEALED: Final = "‹sealed›"


class Sealed(str):
    """A text as only its receiver reads it; `plain` is what it says."""

    __slots__ = ("plain",)
    plain: str

    def __new__(cls, sealed: str, plain: str) -> Sealed:
        """The sealed text, which remembers its plain one for records."""
        made = super().__new__(cls, sealed)
        made.plain = plain
        return made


class Marks:
    """The secret and personal texts of a message, each with the mark that stands for it: its field's path, `‹payer.name›`."""

    __slots__ = ("_inside", "alone")

    def __init__(self, message: Message) -> None:
        self.alone = {value: f"‹{path}›" for path, value in _hidden(message, "")}
        # JSON within a text of JSON escapes what is not ASCII.
        self._inside = [
            (written, mark)
            for value, mark in self.alone.items()
            if len(value.encode()) >= _SURE
            for written in dict.fromkeys((value, json.dumps(value)[1:-1]))
        ]

    def in_place(self, told: str) -> str:
        """A text with marks in place of what they stand for."""
        if told in self.alone:
            return self.alone[told]
        for written, mark in self._inside:
            if written in told:
                told = told.replace(written, mark)
        return told


def masked(told: Any, marks: Marks) -> Any:
    """JSON values with marks in place of what they stand for. What was sealed is shown by its mark, or as sealed without one."""
    match told:
        case Sealed():
            return marks.alone.get(told.plain, SEALED)
        case str():
            return marks.in_place(told)
        case Mapping():
            return {name: masked(value, marks) for name, value in told.items()}
        case Sequence():
            return [masked(value, marks) for value in told]
    return told


def _hidden(message: Message, above: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        path = f"{above}{field.name}"
        if field.message_type is not None:
            if not field.is_repeated:
                yield from _hidden(value, f"{path}.")
        elif isinstance(value, str) and _is_hidden(field):
            yield path, value


@cache
def _is_hidden(field: FieldDescriptor) -> bool:
    return field.GetOptions().Extensions[options_pb2.data_class] in _HIDDEN
