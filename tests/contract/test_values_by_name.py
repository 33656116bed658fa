"""Whatever a member tells carries each value under its own name, and leaves none out.

Every function of a servicer that writes a message is given a value in which nothing is missing and no two parts are alike.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final, get_type_hints

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.kernel.clock import beijing_day
from tests.contract.told_names import DERIVED, GIVEN, NAMED, NOT_BY_NAME, NOT_TOLD
from tests.filled import Filling, parts_of
from tools.tidy import ROOT

Writer = Callable[..., Message]
_WHOLE: Final = ("google.protobuf.Timestamp", "google.type.Date")


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Those of all servicers, outside of classes."""
    for path in sorted(ROOT.glob("services/*/servicer/**/*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name, each in vars(importlib.import_module(module)).items():
            if inspect.isfunction(each) and each.__module__ == module:
                yield f"{module.removeprefix('services.').replace('.servicer.', '.')}.{name}", each


def writers() -> Iterator[tuple[str, Writer]]:
    for name, each in functions():
        written = get_type_hints(each).get("return")
        if inspect.isclass(written) and issubclass(written, Message):
            yield name, each


WRITERS: Final = dict(writers())


def filled(name: str) -> tuple[Message, dict[str, set[Any]]]:
    """What a writer tells of a filled value, and the parts of the value by name, each in all the forms that it may be told in."""
    writer = WRITERS[name]
    filling, hints = Filling(GIVEN.get(name)), get_type_hints(writer)
    given = {each: filling.of(hints[each], each) for each in inspect.signature(writer).parameters}
    named = {each: value for each, value in given.items() if keyword_only(writer, each)}
    message = writer(*(value for each, value in given.items() if each not in named), **named)
    parts: dict[str, set[Any]] = defaultdict(set)
    for each, value in given.items():
        for part, inner in parts_of(value, each):
            parts[part] |= forms(inner)
    return message, parts


def keyword_only(writer: Writer, name: str) -> bool:
    return inspect.signature(writer).parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


def forms(value: Any) -> set[Any]:
    if isinstance(value, Enum):
        return {("enum", value.name), *forms(value.value)}
    if isinstance(value, datetime):
        return {value, value.date(), beijing_day(value)}
    if isinstance(value, date):
        return {value}
    if isinstance(value, bool):
        return {("bool", value)}
    if isinstance(value, int):
        moments = {datetime.fromtimestamp(value / 1_000_000, UTC)} if value > 1 << 40 else set()
        return {value, str(value), *moments, *(beijing_day(each) for each in moments)}
    if isinstance(value, Message):
        return {leaf for _, _, told in leaves(value) for leaf in told_forms(None, told)}
    if isinstance(value, bytes):
        return {value, value.hex()}
    if isinstance(value, str):
        day = {date.fromisoformat(value)} if re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", value) else set()
        return {value, ("enum", value.upper()), *day}
    return {value}


def leaves(message: Message) -> Iterator[tuple[str, FieldDescriptor, Any]]:
    """Every field that holds no further message, by the message that has it; None where it is not told."""
    fields: Sequence[Any] = message.DESCRIPTOR.fields
    for field in fields:
        name, value = f"{message.DESCRIPTOR.name}.{field.name}", getattr(message, field.name)
        single = field.message_type is not None and not field.is_repeated
        if field.containing_oneof is not None and not message.HasField(field.name):
            continue
        if (single and not message.HasField(field.name)) or (field.is_repeated and not value):
            yield name, field, None
        elif field.message_type is None or field.message_type.full_name in _WHOLE:
            yield from ((name, field, each) for each in (value if field.is_repeated else [value]))
        elif field.message_type.GetOptions().map_entry:
            yield from ((name, field, each) for each in value.values())
        else:
            for each in value if field.is_repeated else [value]:
                yield from leaves(each)


def told_forms(field: FieldDescriptor | None, value: Any) -> set[Any]:
    if isinstance(value, Message):
        if value.DESCRIPTOR.name == "Date":
            return {date(value.year, value.month, value.day)}  # type: ignore[attr-defined]
        return {value.ToDatetime(UTC)}  # type: ignore[attr-defined]
    if isinstance(value, bool):
        return {("bool", value)}
    if field is not None and field.enum_type is not None:
        word = field.enum_type.values_by_number[value].name if value in field.enum_type.values_by_number else ""
        pieces = word.split("_")
        return {value, *(("enum", "_".join(pieces[place:])) for place in range(len(pieces)))}
    return {value}


def sources(name: str) -> list[str]:
    """The names of the parts from which a field may be told."""
    field = name.split(".")[1]
    return NAMED[name].split() if name in NAMED else [field, f"{field.removesuffix('_time')}_at"]


def test_writers_are_found_and_named() -> None:
    assert len(WRITERS) > 80
    assert WRITERS.keys() >= GIVEN.keys() | NOT_BY_NAME.keys()


@pytest.mark.parametrize("name", sorted(WRITERS.keys() - NOT_BY_NAME.keys()))
def test_each_value_is_told_under_its_name(name: str) -> None:
    message, parts = filled(name)
    told = list(leaves(message))
    empty = {path for path, _, value in told if value in (None, "", 0, b"")}
    assert empty == NOT_TOLD.get(name, set())
    for path, field, value in told:
        if path not in DERIVED.keys() | empty:
            known = set().union(*(parts.get(each, set()) for each in sources(path)))
            assert told_forms(field, value) & known, f"{path} is {value!r}, and {sources(path)} {known}"
