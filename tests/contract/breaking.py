"""Messages with exactly one broken constraint each, made from a valid one. It knows nothing of any RPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.contract.matching import unmatching
from tests.contract.messages import Shape, Source, build
from tests.contract.rules import Field, Rules, in_oneof, is_leaf, is_map, oneof_required, oneofs_of, rules_of

_STRANGE_ENUM: Final = 9_999

Change = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """A message that breaks one rule: the paths that must be named, the rule, the message."""

    paths: frozenset[str]
    rule: str
    message: Message


def broken_messages(message_class: type[Message], source: Source) -> Iterator[Broken]:
    """Every constraint of a message type broken by itself: nested ones, those inside rows, those of each oneof member."""
    seen: set[tuple[frozenset[str], str]] = set()
    for branch in range(_branches(message_class)):
        whole = build(message_class, source, Shape(full=True, branch=branch))
        for steps, paths, rule, change in _breaks(whole, (), "", source):
            if (paths, rule) in seen:
                continue
            seen.add((paths, rule))
            message = deepcopy(whole)
            change(_follow(message, steps))
            yield Broken(paths, rule, message)


def _branches(message_class: type[Message]) -> int:
    def widest(owner: Any, depth: int) -> int:
        own = [len(each.fields) for each in oneofs_of(owner)]
        inner = [widest(each.message_type, depth - 1) for each in owner.fields if depth and not is_leaf(each)]
        return max([1, *own, *inner])

    return widest(message_class.DESCRIPTOR, 6)


def _follow(message: Message, steps: tuple[str | int, ...]) -> Any:
    found: Any = message
    for step in steps:
        found = found[step] if isinstance(step, int) else getattr(found, step)
    return found


def _breaks(
    message: Message, steps: tuple[str | int, ...], prefix: str, source: Source
) -> Iterator[tuple[tuple[str | int, ...], frozenset[str], str, Change]]:
    for oneof in oneofs_of(message.DESCRIPTOR):
        if oneof_required(oneof):
            members = frozenset(f"{prefix}{each.name}" for each in oneof.fields)
            yield steps, members, "required", _clears_oneof(oneof.name)
    for field in message.DESCRIPTOR.fields:
        if in_oneof(field) and not message.HasField(field.name):
            continue
        path = f"{prefix}{field.name}"
        for rule, change in _of_field(field, rules_of(field), source):
            yield steps, frozenset({path}), rule, change
        if is_leaf(field) or is_map(field):
            continue
        if field.is_repeated:
            if getattr(message, field.name):
                inner = getattr(message, field.name)[0]
                yield from _breaks(inner, (*steps, field.name, 0), f"{path}[0].", source)
        elif message.HasField(field.name):
            yield from _breaks(getattr(message, field.name), (*steps, field.name), f"{path}.", source)


def _of_field(field: Field, rules: Rules, source: Source) -> Iterator[tuple[str, Change]]:
    name = field.name
    if rules.required:
        yield "required", lambda owner: owner.ClearField(name)
    if field.is_repeated:
        yield from _of_list(field, rules, source)
    elif field.type == FieldDescriptor.TYPE_STRING:
        yield from ((rule, _sets(name, text)) for rule, text in _texts(name, rules))
    elif field.type == FieldDescriptor.TYPE_BYTES:
        if rules.max_len is not None:
            yield "max_len", _sets(name, bytes(rules.max_len + 1))
    elif field.type == FieldDescriptor.TYPE_ENUM:
        if rules.defined_only:
            yield "defined_only", _sets(name, _STRANGE_ENUM)
        for number in rules.not_in:
            yield f"not_in {number}", _sets(name, number)
    elif is_leaf(field):
        change = _sets if field.message_type is None else _sets_seconds
        if rules.least is not None:
            yield "least", change(name, rules.least - 1)
        if rules.most is not None:
            yield "most", change(name, rules.most + 1)


def _texts(name: str, rules: Rules) -> Iterator[tuple[str, str]]:
    if rules.min_len and not (rules.skips_empty and rules.min_len == 1):
        yield "min_len", "x" * (rules.min_len - 1)
    if rules.max_len is not None:
        yield "max_len", (name * (rules.max_len + 1))[: rules.max_len + 1]
    if rules.pattern:
        yield "pattern", unmatching(rules.pattern)
    if rules.one_of:
        yield "in", "x".join(rules.one_of) + "x"


def _of_list(field: Field, rules: Rules, source: Source) -> Iterator[tuple[str, Change]]:
    name = field.name
    if is_map(field):
        if rules.max_pairs is not None:
            yield "max_pairs", lambda owner: getattr(owner, name).update(_pairs(rules.max_pairs or 0))
        return
    if rules.min_items:
        yield "min_items", lambda owner: owner.ClearField(name)
    if rules.max_items is not None:
        most = rules.max_items

        def overfill(owner: Any) -> None:
            rows = getattr(owner, name)
            row = rows[0]
            if isinstance(row, Message):
                row = build(type(row), source, Shape(rows=False))
            rows.extend([row] * (most + 1 - len(rows)))

        yield "max_items", overfill


def _pairs(most: int) -> dict[str, str]:
    return {f"fact{number}": "x" for number in range(most + 1)}


def _sets(name: str, value: Any) -> Change:
    return lambda owner: setattr(owner, name, value)


def _sets_seconds(name: str, value: Any) -> Change:
    return lambda owner: setattr(getattr(owner, name), "seconds", value)


def _clears_oneof(name: str) -> Change:
    return lambda owner: owner.ClearField(owner.WhichOneof(name))
