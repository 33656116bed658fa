"""YAML as text, whole numbers, true, false, null, lists and maps with text keys: values built from libyaml's events.

No tree of nodes is made, so that a file of many thousand rows costs little more than its values; `yaml_rows` gives rows away
one by one and keeps none. An alias is the value that it names and costs as much as what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from services.kernel.errors import Fault, Violation
from services.runtime.documents.faults import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_ROWS,
    MAX_TABLE_BYTES,
    MAX_VIOLATIONS,
    document_invalid,
    text_of,
)

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER_LIKE: Final = re.compile(
    r"[-+]?(?:\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
_BOOLEAN_LIKE: Final = frozenset("yes no on off y n true false".split())
_NULLS: Final = frozenset(("", "~", "null"))
# What a plain scalar may begin with that is anything but text; the rest needs no second look.
_MEANING: Final = frozenset("0123456789+-.~<=yYnNoOtTfF")


@dataclass(frozen=True, slots=True)
class YamlRow:
    """A row of a list that stands under a key of the document: the key, the row's place in its list, line and value."""

    key: str
    place: int
    line: int
    value: object


def read_yaml(data: bytes | str, source: str = "") -> object:
    """One YAML document as plain values.

    Raises INVALID (DOCUMENT_INVALID) with every violation: duplicate or non-text keys, floats, `on`/`off`/`yes`/`no`,
    `1_000`, `0o17`, `12:30`, explicit tags, more than one document, expansion beyond `MAX_NODES`. Dates stay text.
    """
    reading = _Reading(text_of(data, source), source)
    first = reading.begin()
    value = None if first is None else reading.build(first, "", 0)
    reading.end()
    return value


def yaml_rows(data: bytes | str, source: str = "") -> Iterator[YamlRow | tuple[str, object]]:
    """A document that is a map, in pieces: a row for each element of a list under a key, (key, value) for what is no list.

    A document that is no map is one piece with the key "". The bounds hold for each row. Raises DOCUMENT_INVALID as
    `read_yaml` does, at the latest after the last row.
    """
    reading = _Reading(text_of(data, source, MAX_TABLE_BYTES), source)
    first = reading.begin()
    if isinstance(first, yaml.MappingStartEvent):
        yield from reading.rows(first)
    else:
        yield "", None if first is None else reading.build(first, "", 0)
    reading.end()


class _Reading:
    """Turns the events of one document into values, counting every visit."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.visited = 0
        self.violations: list[Violation] = []
        self._anchors: dict[str, tuple[object, int] | None] = {}
        try:
            self._loader: Any = yaml.CBaseLoader(text)
        except yaml.YAMLError as error:
            raise self._broken(error) from error

    def begin(self) -> yaml.Event | None:
        """The first event of the document's content; None where there is none."""
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        return None if isinstance(event, yaml.StreamEndEvent) else event

    def end(self) -> None:
        """Nothing may follow; raises whatever was found wrong."""
        event = self._next()
        while isinstance(event, yaml.DocumentEndEvent):
            event = self._next()
        if event is not None and not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "more than one document")
        if self.violations:
            raise document_invalid(self.violations, self.source)

    def rows(self, start: yaml.Event) -> Iterator[YamlRow | tuple[str, object]]:
        """The content of the outermost map."""
        self._enter(start, "", 0)
        keys: set[str] = set()
        while not isinstance(key_event := self._next(), yaml.MappingEndEvent):
            key = self._key(key_event, "", keys)
            event = self._next()
            if not isinstance(event, yaml.SequenceStartEvent):
                yield key, self.build(event, key, 1)
                continue
            self._enter(event, key, 1)
            place = 0
            while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                self.visited = 0
                line = item.start_mark.line + 1
                yield YamlRow(key, place, line, self.build(item, f"{key}[{place}]", 2))
                place += 1
                if place > MAX_ROWS:
                    self._too_much(key, f"more than {MAX_ROWS} rows")
            if not place:
                yield key, []

    def build(self, event: Any, path: str, depth: int) -> object:
        """The value that begins with an event."""
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event, path)
        before = self.visited
        self._enter(event, path, depth)
        if event.anchor is not None:
            # Named, but not whole yet: what holds itself has no end.
            self._anchors[event.anchor] = None
        value: object
        if kind is yaml.ScalarEvent:
            value = self._scalar(event, path)
        elif kind is yaml.MappingStartEvent:
            value = self._map(path, depth)
        else:
            value = self._list(path, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self.visited - before
        return value

    def _map(self, path: str, depth: int) -> dict[str, object]:
        content: dict[str, object] = {}
        keys: set[str] = set()
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._key(event, path, keys)
            content[key] = self.build(self._next(), f"{path}.{key}" if path else key, depth + 1)
        return content

    def _list(self, path: str, depth: int) -> list[object]:
        content: list[object] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            content.append(self.build(event, f"{path}[{len(content)}]", depth + 1))
        return content

    def _key(self, event: Any, path: str, keys: set[str]) -> str:
        """A key of a map, "" and a violation where it is none."""
        if type(event) is not yaml.ScalarEvent:
            self.build(event, path, 1)
            self._wrong(event, path, "key.text", "a key must be text")
            return ""
        key = self.build(event, f"{path}.<key>" if path else "<key>", 1)
        if not isinstance(key, str):
            self._wrong(event, path, "key.text", f"the key {event.value} is not text; quote it")
            return ""
        if key in keys:
            self._wrong(event, f"{path}.{key}" if path else key, "key.duplicate", "the key stands twice")
        keys.add(key)
        return key

    def _alias(self, event: Any, path: str) -> object:
        if event.anchor not in self._anchors:
            self._refuse(event, f"the alias {event.anchor} names nothing")
        known = self._anchors[event.anchor]
        # One that stands within what it names has no end, and so costs more than any bound.
        self._count(MAX_NODES + 1 if known is None else known[1], path)
        return known[0] if known else None

    def _enter(self, event: Any, path: str, depth: int) -> None:
        """Counts a node; refuses tags and absurd depth."""
        if event.tag is not None:
            self._refuse(event, "explicit tags are refused")
        if depth >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH}")
        self._count(1, path)

    def _count(self, nodes: int, path: str) -> None:
        self.visited += nodes
        if self.visited > MAX_NODES:
            self._too_much(path, f"more than {MAX_NODES} nodes once its aliases are expanded")

    def _scalar(self, event: Any, path: str) -> object:
        text: str = event.value
        # A plain scalar comes as style "" from libyaml; a quoted or folded one is text, whatever it says.
        if event.style or (text and text[0] not in _MEANING):
            return text
        if text in _NULLS:
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.fullmatch(text) and text != "-0":
            return int(text)
        if text.lower() in _BOOLEAN_LIKE or text in ("Null", "NULL"):
            self._wrong(
                event, path, "yaml.boolean", f"{text} means different things to different readers; quote it", text
            )
        elif _NUMBER_LIKE.fullmatch(text):
            self._wrong(
                event, path, "yaml.number", f"{text} is no plain whole number; quote it as a decimal text", text
            )
        elif text in ("<<", "="):
            self._wrong(event, path, "yaml.merge", "merge keys are refused; use an alias")
        return text

    def _next(self) -> Any:
        try:
            return self._loader.get_event()
        except yaml.YAMLError as error:
            raise self._broken(error) from error

    def _wrong(self, event: Any, path: str, rule: str, text: str, value: str = "") -> None:
        self.violations.append(Violation(path, rule, f"line {event.start_mark.line + 1}: {text}", {"text": value}))
        if len(self.violations) >= MAX_VIOLATIONS:
            raise document_invalid(self.violations, self.source)

    def _refuse(self, event: Any, text: str) -> None:
        mark = event.start_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}"
        raise document_invalid([*self.violations, Violation(place, "yaml", text)], self.source)

    def _too_much(self, path: str, text: str) -> None:
        raise document_invalid([*self.violations, Violation(path, "expansion", text)], self.source)

    def _broken(self, error: yaml.YAMLError) -> Fault:
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            return document_invalid([Violation("", "yaml", "characters that YAML does not allow")], self.source)
        place = f"line {mark.line + 1}, column {mark.column + 1}"
        return document_invalid([*self.violations, Violation(place, "yaml", str(error.problem))], self.source)  # type: ignore[attr-defined]
