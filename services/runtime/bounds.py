"""How many rows a message may hold, told before it costs anything: on the wire before it is parsed, then before it is validated.

An empty row takes two bytes of the wire and some hundred of memory, and each of its rules a violation: a message within the
byte limit can be a thousand times as large once it is read. Limits are those of the field rules (`max_items`, `max_pairs`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.texts.gateway import rule_text

MOST_VALUES: Final = 100_000
"""Values that one message may hold, whatever their names: five times what the largest upload of a hospital has."""

LARGE_BYTES: Final = 32_768
"""A message that is no larger is parsed at once: of empty rows it makes no more than some megabytes."""

# Rows of a list that is too long are counted with regular expressions: so many signs take some tens of milliseconds.
_MOST_STEPS: Final = 100_000
_QUOTED: Final = '\\"'
_LIST: Final = re.compile(r'"(\w{1,64})"\s{0,100}+:\s{0,100}+\[')
_STEP: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],]', re.DOTALL)

_VARINT, _FIXED64, _BYTES, _START, _END, _FIXED32 = range(6)
_LONGEST_VARINT: Final = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """Most elements of one list or map, and the violation that tells of more."""

    name: str
    most: int
    rule: str
    text: str

    def violation(self, path: str) -> Violation:
        """The list at `path` is too long."""
        return Violation(f"{path}{self.name}", self.rule, self.text, {"limit": str(self.most)})


@dataclass(slots=True)
class Shape:
    """What is limited in a message type: by field number, lists and maps; and the fields whose messages are looked into."""

    limits: dict[int, Limit] = field(default_factory=dict)
    inner: dict[int, tuple[str, bool, Shape]] = field(default_factory=dict)
    wide: bool = False
    """Whether it holds a list or a map, or messages of which only the last one counts: the wire may repeat what it says."""
    limited: bool = False
    """Whether anything in it, at any depth, has a limit."""

    def check_wire(self, message: bytes) -> None:
        """Fault INVALID_REQUEST where a message holds more rows or values than it may; other faults are the parser's."""
        if not self.wide:
            return
        try:
            _Walk(message).walk(self, 0, len(message), "")
        except IndexError:
            return

    def own_too_long(self, message: Message, path: str = "") -> Violation | None:
        """The first list or map of a parsed message itself that is longer than it may be."""
        for limit in self.limits.values():
            if len(getattr(message, limit.name)) > limit.most:
                return limit.violation(path)
        return None

    def too_long(self, message: Message, path: str = "") -> Violation | None:
        """The first list or map of a parsed message, at any depth, that is longer than it may be."""
        if (own := self.own_too_long(message, path)) is not None:
            return own
        for name, repeated, shape in self.inner.values():
            if not shape.limited:
                continue
            if repeated:
                for place, row in enumerate(getattr(message, name)):
                    if (found := shape.too_long(row, f"{path}{name}[{place}].")) is not None:
                        return found
            elif message.HasField(name):
                found = shape.too_long(getattr(message, name), f"{path}{name}.")
                if found is not None:
                    return found
        return None


class _Walk:
    """One pass over the fields of a message on the wire."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._left = MOST_VALUES

    def walk(self, shape: Shape, at: int, end: int, path: str) -> None:
        """Counts what stands between two places; IndexError where it breaks off."""
        message, limits, inner = self._message, shape.limits, shape.inner
        counts: dict[int, int] = {}
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise too_many_values()
            tag, at = self._varint(at)
            kind, number = tag & 7, tag >> 3
            if kind == _BYTES:
                size, at = self._varint(at)
                limit = limits.get(number)
                if limit is not None:
                    counts[number] = counts.get(number, 0) + 1
                    if counts[number] > limit.most:
                        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[limit.violation(path)])
                below = inner.get(number)
                if below is not None and below[2].wide:
                    name, repeated, inside = below
                    place = f"[{counts.get(number, 1) - 1}]" if repeated else ""
                    self.walk(inside, at, min(at + size, end), f"{path}{name}{place}.")
                at += size
            elif kind == _VARINT:
                while message[at] & 0x80:
                    at += 1
                at += 1
            elif kind == _FIXED64:
                at += 8
            elif kind == _FIXED32:
                at += 4
            elif kind not in (_START, _END):
                raise IndexError

    def _varint(self, at: int) -> tuple[int, int]:
        message = self._message
        byte = message[at]
        if byte < 0x80:
            return byte, at + 1
        value, shift = byte & 0x7F, 7
        for place in range(at + 1, at + _LONGEST_VARINT):
            byte = message[place]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place + 1
            shift += 7
        raise IndexError


def check_json(
    text: str | bytes,
    most_keys: int = MOST_VALUES,
    lists: Mapping[str, int] = MappingProxyType({}),
    rule: str = "json.max_items",
) -> None:
    """Fault INVALID_REQUEST where a JSON text may hold more than MOST_VALUES values, or more keys than `most_keys`.

    Counted before it is parsed by what stands between values, also where that is part of a text: a hundredth of what
    parsing takes. Where a list of those named in `lists` has more rows than it may, that is told instead, by `rule`.
    """
    if len(text) <= most_keys:
        return
    if isinstance(text, str):
        values, keys = text.count(",") + text.count("{") + text.count("["), text.count(":")
    else:
        values, keys = text.count(b",") + text.count(b"{") + text.count(b"["), text.count(b":")
    if values > MOST_VALUES or keys > most_keys:
        name = _long_list(text, lists) if lists else ""
        raise _too_many(name, rule, str(lists[name])) if name else too_many_values()


def too_many_values() -> Fault:
    """The refusal of a message with more values than any honest one has."""
    return _too_many("", "message.max_values", str(MOST_VALUES))


def _too_many(path: str, rule: str, most: str) -> Fault:
    broken = Violation(path, rule, rule_text(rule, {"most": most}, "en"), {"most": most})
    return Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken])


def _long_list(text: str | bytes, lists: Mapping[str, int]) -> str:
    """The first list that is longer than it may be, "" where none is found within the steps that looking may take.

    The texts are read byte by byte, of UTF-8 and GBK alike; what is told may be less exact then, what is refused is not.
    """
    shown = text if isinstance(text, str) else text.decode("latin-1")
    found = _long_list_in(shown, lists)
    if not found and _QUOTED in shown:
        # The object is a text in the text.
        found = _long_list_in(shown.replace("\\\\", "\0").replace(_QUOTED, '"').replace("\0", "\\"), lists)
    return found


def _long_list_in(shown: str, lists: Mapping[str, int]) -> str:
    steps = _MOST_STEPS
    for start in _LIST.finditer(shown):
        most = lists.get(start[1])
        if most is None:
            continue
        depth, rows = 1, 1
        for each in _STEP.finditer(shown, start.end()):
            steps -= 1
            if steps < 0:
                return ""
            sign = each[0]
            if sign == "," and depth == 1:
                rows += 1
            elif sign in "{[":
                depth += 1
            elif sign in "}]":
                depth -= 1
            if depth == 0:
                break
            if rows > most:
                return start[1]
    return ""


def count_limit(field: FieldDescriptor) -> int | None:
    """The most elements that the rules of a list or map allow, None where they do not say."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if is_map(field):
        return int(rules.map.max_pairs) if rules.map.HasField("max_pairs") else None
    return int(rules.repeated.max_items) if rules.repeated.HasField("max_items") else None


def is_map(field: FieldDescriptor) -> bool:
    """Whether a repeated field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


@lru_cache(maxsize=1024)
def shape_of(message: Descriptor) -> Shape:
    """What is limited in a message type."""
    return _shape(message, {})


@lru_cache(maxsize=1024)
def leaves_of(message: Descriptor) -> int:
    """Single values that a message can hold at most, as far as its rules say: so many rules can be broken at a time."""
    return _leaves(message, ())


def _shape(message: Descriptor, known: dict[str, Shape]) -> Shape:
    found = known.get(message.full_name)
    if found is not None:
        return found
    shape = known[message.full_name] = Shape()
    for each in message.fields:
        most = count_limit(each) if each.is_repeated else None
        if most is not None:
            shape.limits[each.number] = _limit(each, most)
        shape.wide = shape.wide or each.is_repeated or (each.message_type is not None and _is_choice(each))
        if each.message_type is not None and not is_map(each):
            inner = _shape(each.message_type, known)
            if inner.limited or inner.wide:
                shape.inner[each.number] = (each.name, bool(each.is_repeated), inner)
                shape.wide = shape.wide or inner.wide
                shape.limited = shape.limited or inner.limited
    shape.limited = shape.limited or bool(shape.limits)
    return shape


def _is_choice(field: FieldDescriptor) -> bool:
    """Whether a field is one of several of which the last one stays: each that the wire brings is made all the same."""
    group = field.containing_oneof
    return group is not None and len(group.fields) > 1


def _limit(field: FieldDescriptor, most: int) -> Limit:
    # In the words of the validator, which would say the same.
    if is_map(field):
        return Limit(field.name, most, "map.max_pairs", f"map must be at most {most} entries")
    return Limit(field.name, most, "repeated.max_items", f"must contain no more than {most} item(s)")


def _leaves(message: Descriptor, above: tuple[str, ...]) -> int:
    total = 1
    for each in message.fields:
        one = 1
        if each.message_type is not None and each.message_type.full_name not in above:
            one += _leaves(each.message_type, (*above, message.full_name))
        total += one * (count_limit(each) or 1) if each.is_repeated else one
    return total


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a message. `shifted` is the list of which the first `by` rows were left out, "" for none; `whole` where
    nothing was."""

    part: Any
    shifted: str = ""
    by: int = 0
    whole: bool = True

    def path(self, path: str) -> str:
        """A path in the part as it is in the message."""
        name, bracket, rest = path.partition("[")
        if not bracket or name != self.shifted:
            return path
        index, _, behind = rest.partition("]")
        return f"{name}[{int(index) + self.by}]{behind}"


def window_of(message: Any, first: str, most: int) -> Window:
    """The part of a message around the path `first`, in which about `most` rules can be broken."""
    where, _, rest = first.partition("[")
    number = rest.partition("]")[0]
    index = int(number) if number.isdigit() else 0
    part: Any = None
    shifted = ""
    for each in message.DESCRIPTOR.fields:
        if not each.is_repeated or is_map(each) or each.message_type is None:
            continue
        rows = max(1, most // leaves_of(each.message_type))
        if len(getattr(message, each.name)) <= rows:
            continue
        if part is None:
            part = type(message)()
            part.CopyFrom(message)
        kept = getattr(part, each.name)
        start = index if each.name == where else 0
        del kept[start + rows :]
        del kept[:start]
        shifted = where if start else shifted
    if part is None:
        return Window(message)
    return Window(part, shifted, index if shifted else 0, whole=False)
