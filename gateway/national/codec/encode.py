"""Answers into the envelope: one compiled writer for each response message, a pure function of the response.

No clock and no look-up takes part, so the stored response of a repeated message gives the same bytes again. Lists are
always arrays, sums are never null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring
from operator import attrgetter, call, itemgetter
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway.national.codec import scalars
from gateway.national.codec.plan import FieldPlan, Kind, Place, fields_of, unfilled_of
from gateway.national.codec.scalars import NULL
from services.runtime.contract import ContractError

# What a message adds to a node, without braces; None where it has nothing to add.
Source = Callable[[Any], str | None]
Inner = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class ResponseWriters:
    """Writers of one response: `output` as JSON text; `bare`, what its only node holds (None where it has not just one)."""

    output: Callable[[Message], str]
    bare: Callable[[Message], str] | None


def compile_response(response_class: type[Message]) -> ResponseWriters:
    """The writers of a response message; ContractError where its options have no form in the envelope."""
    descriptor: Any = response_class.DESCRIPTOR
    plans = fields_of(descriptor)
    nodes: dict[str, list[Source]] = {}
    lists: dict[str, Inner] = {}
    scalars_at_root: list[Source] = []
    for plan in plans:
        if plan.place is Place.ENVELOPE:
            raise ContractError(f"{descriptor.full_name}: {plan.field} has no place in the envelope of an answer")
        if plan.bare:
            raise ContractError(f"{descriptor.full_name}: {plan.field} needs its node in an answer")
        if plan.kind is Kind.LIST:
            lists |= dict.fromkeys(plan.names, _list_writer(plan))
        elif plan.kind is Kind.ROW:
            for name in plan.names:
                nodes.setdefault(name, []).append(_row_source(plan))
        else:
            scalars_at_root += [_value_source(plan, name) for name in plan.names]
            for node, key in _two_steps(plan):
                nodes.setdefault(node, []).append(_value_source(plan, key))
    if lists.keys() & nodes.keys():
        raise ContractError(f"{descriptor.full_name}: a node is a list and a row")
    entries = (*scalars_at_root, *_node_entries(nodes), *(_list_entry(name, rows) for name, rows in lists.items()))
    bare = [*lists.values(), *(_bare_node(tuple(sources)) for sources in nodes.values())]
    return ResponseWriters(
        output=lambda message: "{" + ",".join([text for entry in entries if (text := entry(message))]) + "}",
        bare=bare[0] if len(bare) == 1 and not scalars_at_root else None,
    )


def _two_steps(plan: FieldPlan) -> Iterable[tuple[str, str]]:
    for path in plan.paths:
        if len(path) != 2:
            raise ContractError(f"{plan.field}: a path has a node and a key")
        yield path[0], path[1]


def _node_entries(nodes: dict[str, list[Source]]) -> Iterable[Source]:
    """Each node once, whatever the number of fields that write into it."""
    for name, sources in nodes.items():
        yield _node_entry(f"{encode_basestring(name)}:", tuple(sources))


def _node_entry(prefix: str, sources: tuple[Source, ...]) -> Source:
    node = _bare_node(sources)
    return lambda message: prefix + node(message)


def _bare_node(sources: tuple[Source, ...]) -> Inner:
    def node(message: Any) -> str:
        parts = [part for source in sources if (part := source(message)) is not None]
        return f"{{{','.join(parts)}}}" if parts else NULL

    return node


def _list_entry(name: str, rows: Inner) -> Source:
    prefix = f"{encode_basestring(name)}:"
    return lambda message: prefix + rows(message)


def _value_source(plan: FieldPlan, key: str) -> Source:
    prefix = f"{encode_basestring(key)}:"
    value = _value(plan)
    return lambda message: prefix + value(message)


def _row_source(plan: FieldPlan) -> Source:
    inner, field, get = _inner(_row_of(plan)), plan.field, attrgetter(plan.field)
    return lambda message: inner(get(message)) if message.HasField(field) else None


def _list_writer(plan: FieldPlan) -> Inner:
    inner, get = _inner(_row_of(plan)), attrgetter(plan.field)
    return lambda message: "[" + ",".join([f"{{{inner(row)}}}" for row in get(message)]) + "]"


def _row_of(plan: FieldPlan) -> Descriptor:
    if plan.row is None:
        raise ContractError(f"{plan.name} is no node")
    return plan.row


def _inner(message: Descriptor) -> Inner:
    """Writer of the fields of one row: one C call fetches all values, one template takes all texts."""
    plans = fields_of(message)
    if not plans:
        return lambda row: ""
    if any(plan.paths for plan in plans):
        raise ContractError(f"{message.full_name}: a path starts at the root of the output")
    keys = [(name, index) for index, plan in enumerate(plans) for name in plan.names]
    unfilled = unfilled_of(message)
    if len({*unfilled, *(name for name, _ in keys)}) < len(keys) + len(unfilled):
        raise ContractError(f"{message.full_name}: two fields have one name")
    entries = [*((name, "%s") for name, _ in keys), *((name, NULL) for name in unfilled)]
    template = ",".join(f"{encode_basestring(name).replace('%', '%%')}:{value}" for name, value in entries)
    get = _values(plans)
    writers = tuple(scalars.writer(plan) if _is_plain(plan) else _placeholder for plan in plans)
    special = tuple((index, _value(plan)) for index, plan in enumerate(plans) if not _is_plain(plan))
    indices = [index for _, index in keys]
    pick = itemgetter(*indices) if indices != list(range(len(plans))) and len(indices) > 1 else tuple

    def write(row: Any) -> str:
        texts = list(map(call, writers, get(row)))
        for index, value in special:
            texts[index] = value(row)
        return template % pick(texts)

    return write


def _values(plans: tuple[FieldPlan, ...]) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(*(plan.field for plan in plans))
    return get if len(plans) > 1 else lambda row: (get(row),)


def _is_plain(plan: FieldPlan) -> bool:
    """Whether the value alone says what to write: messages are asked first whether they are there, and a code that has
    another field beside it is asked for that first."""
    return plan.kind not in (Kind.TIME, Kind.DAY, Kind.ROW, Kind.LIST) and not plan.other_codes_field


def _placeholder(value: Any) -> str:
    return NULL


def _value(plan: FieldPlan) -> Inner:
    """Writer of one field, given the message that holds it."""
    field, get = plan.field, attrgetter(plan.field)
    if plan.kind is Kind.LIST:
        return _list_writer(plan)
    if plan.kind is Kind.ROW:
        inner = _inner(_row_of(plan))
        return lambda row: f"{{{inner(get(row))}}}" if row.HasField(field) else NULL
    write, nothing = scalars.writer(plan), plan.absent or NULL
    if plan.kind in (Kind.TIME, Kind.DAY):
        return lambda row: write(get(row)) if row.HasField(field) else nothing
    if plan.other_codes_field:
        other = attrgetter(plan.other_codes_field)
        return lambda row: encode_basestring(code) if (code := other(row)) else write(get(row))
    return lambda row: write(get(row))
