"""Whatever a member reads it takes from the field of its own name, and leaves none out.

Every function of a servicer that reads a message is given one in which every field is told and no two are alike.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any, Final, get_type_hints

import pytest
from google.protobuf.message import Message

from services.runtime.wire import DayReader
from services.settlement.servicer.convert_encounters import Codes
from tests.contract.read_names import DERIVED, GIVEN, NAMED, NOT_BY_NAME, NOT_READ
from tests.contract.test_values_by_name import forms, functions, leaves, told_forms
from tests.filled import Filling, filled_message, parts_of

Reader = Callable[..., Any]
EMPTY: Final[tuple[Any, ...]] = (None, "", 0, False, (), b"")


def readers() -> Iterator[tuple[str, Reader]]:
    for name, each in functions():
        hints = get_type_hints(each)
        read = hints.pop("return", None)
        if (is_dataclass(read) or hasattr(read, "_fields")) and any(map(is_message, hints.values())):
            yield name, each


def is_message(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Message)


READERS: Final = dict(readers())


def read(name: str) -> tuple[Any, dict[str, set[Any]]]:
    """What a reader makes of a filled message, and the fields of it by name, each in all the forms that it may be read in."""
    reader = READERS[name]
    hints, fields = get_type_hints(reader), defaultdict[str, set[Any]](set)
    given, named = list[Any](), dict[str, Any]()
    for each, parameter in inspect.signature(reader).parameters.items():
        kind = hints[each]
        if is_message(kind):
            value = filled_message(kind, GIVEN.get(name))
            for path, field, told in leaves(value):
                fields[path.split(".")[1]] |= told_forms(field, told) | upper(told)
        else:
            value = kind() if kind in (DayReader, Codes) else Filling().of(kind, each)
            for part, inner in parts_of(value, each):
                fields[part] |= forms(inner)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[each] = value
        else:
            given.append(value)
    return reader(*given, **named), fields


def upper(value: Any) -> set[Any]:
    """Numbers of cards and certificates are kept in capital letters."""
    return {value.upper()} if isinstance(value, str) else set()


def sources(name: str, part: str) -> list[str]:
    own = NAMED.get(f"{name} {part}")
    return own.split() if own else [part, f"{part.removesuffix('_at')}_time", *NAMED.get(part, "").split()]


def test_readers_are_found_and_named() -> None:
    assert len(READERS) > 35
    assert READERS.keys() >= GIVEN.keys() | NOT_BY_NAME.keys() | {each.split()[0] for each in DERIVED}


@pytest.mark.parametrize("name", sorted(READERS.keys() - NOT_BY_NAME.keys()))
def test_each_value_is_read_from_the_field_of_its_name(name: str) -> None:
    value, fields = read(name)
    parts = list(parts_of(value, name))
    assert {part for part, each in parts if each in EMPTY} == NOT_READ.get(name, set())
    for part, each in parts:
        if each not in EMPTY and f"{name} {part}" not in DERIVED:
            known = set().union(*(fields.get(source, set()) for source in sources(name, part)))
            assert forms(each) & known, f"{part} is {each!r}, and {sources(name, part)} {known}"
