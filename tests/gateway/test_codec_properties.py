"""Compiled codecs mean what protobuf's own JSON mapping means: for every message of the contract, whatever it holds.

The national codecs are compared with a slow translation written here, from `json_format` and the options alone.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from gateway.jsoncodec.read import JsonReaders
from gateway.jsoncodec.write import JsonWriters
from gateway.national.codec.decode import compile_request
from gateway.national.codec.encode import compile_response
from gateway.national.codec.plan import FieldPlan, Kind, Place, fields_of
from gateway.national.envelope import decoder
from services.kernel.errors import Fault
from services.runtime.contract import Contract, is_judged
from tests.gateway.messages import messages, national_messages
from tests.rounds import rounds
from yibao.options.v1 import options_pb2

METHODS = [method for method in Contract.of_mesh().methods.values() if method.http]
REST = sorted({each for method in METHODS for each in (method.request_class, method.response_class)}, key=str)
NATIONAL = [method for method in Contract.of_mesh().methods.values() if method.transactions]
FEW = rounds(4)
# Blanks as fixed-width columns, editors and web pages leave them.
BLANKS = st.text(st.sampled_from(" \t\r\n\u3000\u00a0\u2003\u202f"), max_size=3)

ANYTHING: tuple[Any, ...] = (
    *(None, True, 0, 7, -1, 1.0, 1.5, 1e30, 1 << 70),
    *("", "x", "7", "7.5", "ROLE_PERSON", "MED_TYPE_INPATIENT", "2025-01-31T00:00:00Z"),
    *([], {}, [None], [1], {"x": 1}),
)


def plain(message: Message, *, proto_names: bool = False) -> Any:
    """What protobuf's own mapping makes of a message."""
    return json_format.MessageToDict(
        message, always_print_fields_with_no_presence=True, preserving_proto_field_name=proto_names
    )


class TestRest:
    @pytest.mark.parametrize("message_class", REST, ids=lambda each: each.DESCRIPTOR.name)
    def test_writing_equals_the_json_mapping_and_reading_takes_it_back(self, message_class: type[Message]) -> None:
        read, write = JsonReaders().message(message_class), JsonWriters().message(message_class)

        @FEW
        @given(messages(message_class))
        def holds(message: Message) -> None:
            assert write(message) == plain(message)
            assert read(msgspec.json.decode(msgspec.json.encode(write(message)))) == message
            assert read(plain(message, proto_names=True)) == message

        holds()

    @pytest.mark.parametrize("message_class", REST, ids=lambda each: each.DESCRIPTOR.name)
    def test_what_the_json_mapping_refuses_is_refused_and_nothing_else(self, message_class: type[Message]) -> None:
        read = JsonReaders().message(message_class)

        @FEW
        @given(messages(message_class), st.data())
        def holds(message: Message, data: st.DataObject) -> None:
            value = plain(message)
            _spoil(value, data)
            expected = message_class()
            try:
                json_format.ParseDict(value, expected)
            except json_format.ParseError:
                try:
                    found = read(value)
                except Fault:
                    return
                fit = _without_refused(value, found)
                assert fit != value
                assert read(fit) == json_format.ParseDict(fit, message_class())
            else:
                assert read(value) == expected

        holds()


class TestNational:
    @pytest.mark.parametrize("method", NATIONAL, ids=lambda each: each.name)
    def test_a_request_is_read_as_the_options_say(self, method: Any) -> None:
        read, parse = compile_request(method.request_class), decoder()

        @FEW
        @given(national_messages(method.request_class), BLANKS, BLANKS)
        def holds(drawn: Any, before: str, after: str) -> None:
            envelope: dict[str, Any] = {}
            root: dict[str, Any] = {}
            message = _agreeing(drawn)
            _nodes(message, envelope, root)
            found = parse.decode(_json({"envelope": envelope, "root": root}))
            assert read(found["envelope"], found["root"], message_key(message)) == message
            padded = _padded(found, before, after)
            assert read(padded["envelope"], padded["root"], message_key(message)) == message

        holds()

    @pytest.mark.parametrize("method", NATIONAL, ids=lambda each: each.name)
    def test_an_answer_is_written_as_the_options_say(self, method: Any) -> None:
        answer = compile_response(method.response_class)

        @FEW
        @given(national_messages(method.response_class))
        def holds(message: Any) -> None:
            written = json.loads(answer.output(message), parse_float=Decimal)
            assert written == _output(message)

        holds()


def _without_refused(value: Any, found: Message) -> Any:
    """The same without those elements of judged lists that the mapping refuses, each of which says so in what was found."""
    fit = dict(value)
    message: Any = found.DESCRIPTOR
    for field in message.fields:
        name = field.json_name
        if is_judged(field) and type(value.get(name)) is list:
            fit[name] = [each for each in value[name] if _parses({name: [each]}, type(found))]
            told = [each for each in getattr(found, field.name) if each.HasField("unread")]
            assert len(told) >= len(value[name]) - len(fit[name])
    return fit


def _parses(value: Any, message_class: type[Message]) -> bool:
    try:
        json_format.ParseDict(value, message_class())
    except json_format.ParseError:
        return False
    return True


def _padded(value: Any, before: str, after: str) -> Any:
    """The same with blanks around every text."""
    if isinstance(value, dict):
        return {key: _padded(each, before, after) for key, each in value.items()}
    if isinstance(value, list):
        return [_padded(each, before, after) for each in value]
    return f"{before}{value}{after}" if isinstance(value, str) else value


def _spoil(value: Any, data: st.DataObject) -> None:
    """Replaces one value somewhere by something else, or adds a field that does not exist."""
    while isinstance(value, dict) and value:
        key = data.draw(st.sampled_from(sorted(value)))
        inner = value[key]
        inside = (isinstance(inner, dict) and inner) or (
            isinstance(inner, list) and inner and isinstance(inner[0], dict)
        )
        if inside and data.draw(st.booleans()):
            value = inner if isinstance(inner, dict) else inner[0]
            continue
        leaf = data.draw(st.sampled_from([each for each in ANYTHING if not _told_apart(inner, each)]))
        value[key if data.draw(st.integers(0, 9)) else "noSuchField"] = leaf
        return


def _told_apart(inner: Any, leaf: Any) -> bool:
    """Where we differ by decision: a day may be text; no empty list is an object; true, 1.5 and "1" are no enum values."""
    if isinstance(inner, dict):
        return isinstance(leaf, str | list)
    return isinstance(inner, str) and "_" in inner and isinstance(leaf, bool | float | str)


def message_key(message: Any) -> str:
    """The request key, as a gateway would make it."""
    return message.request_id if "request_id" in message.DESCRIPTOR.fields_by_name else ""


def _agreeing(message: Any) -> Any:
    """The message with every value that stands in several places the same everywhere, and none where no place is."""
    for plan in fields_of(message.DESCRIPTOR):
        if plan.kind is Kind.ROW and plan.place is Place.ENVELOPE:
            message.__getattribute__(plan.field).SetInParent()
    for holder, plan in _placed(message):
        for node, key in plan.paths:
            rows = _rows(message, node)
            if not rows and not plan.names:
                holder.ClearField(plan.field)
            for row in rows:
                if key in row.DESCRIPTOR.fields_by_name:
                    setattr(row, key, getattr(holder, plan.field))
        if plan.place is Place.NODE_ELSE_ENVELOPE and not getattr(holder, plan.field):
            setattr(holder, plan.field, getattr(message.desk, plan.field))
    return message


def _placed(message: Any) -> list[tuple[Any, FieldPlan]]:
    """Fields with paths or a second place, with the message that holds each."""
    found = [(message, plan) for plan in fields_of(message.DESCRIPTOR) if plan.paths]
    for plan in fields_of(message.DESCRIPTOR):
        if plan.kind is Kind.ROW and plan.place is Place.NODE and message.HasField(plan.field):
            inner = getattr(message, plan.field)
            found += [
                (inner, each)
                for each in fields_of(inner.DESCRIPTOR)
                if each.paths or each.place is Place.NODE_ELSE_ENVELOPE
            ]
    return found


def _rows(message: Any, node: str) -> list[Any]:
    for plan in fields_of(message.DESCRIPTOR):
        if node in plan.names and plan.kind is Kind.LIST:
            return list(getattr(message, plan.field))
    return []


def _nodes(message: Any, envelope: dict[str, Any], root: dict[str, Any]) -> None:
    """The request as a hospital would send it."""
    for plan in fields_of(message.DESCRIPTOR):
        if plan.place is Place.REQUEST_KEY:
            continue
        if plan.place is Place.ENVELOPE:
            value = getattr(message, plan.field)
            envelope.update(_row(value) if plan.kind is Kind.ROW else {plan.name: value})
        elif plan.kind is Kind.LIST:
            root[plan.name] = [_row(row) for row in getattr(message, plan.field)]
        elif plan.kind is Kind.ROW:
            if message.HasField(plan.field):
                root[plan.name] = _row(getattr(message, plan.field))
        elif plan.names:
            root[plan.name] = _single(plan, getattr(message, plan.field), message)
    for holder, plan in _placed(message):
        for node, key in plan.paths[: 1 if not plan.names else 0]:
            for row in root.get(node, []):
                row[key] = _single(plan, getattr(holder, plan.field), holder)


def _output(message: Any) -> dict[str, Any]:
    """What the answer must hold."""
    shown: dict[str, Any] = {}
    for plan in fields_of(message.DESCRIPTOR):
        if plan.place is Place.ENVELOPE:
            continue
        for name in plan.names:
            if plan.kind is Kind.LIST:
                shown[name] = [_row(row, also=True) for row in getattr(message, plan.field)]
            elif plan.kind is Kind.ROW:
                there = message.HasField(plan.field)
                row = _row(getattr(message, plan.field), also=True) if there else None
                shown[name] = {**(shown.get(name) or {}), **row} if row is not None else shown.get(name)
            else:
                shown[name] = _single(plan, getattr(message, plan.field), message)
        for node, key in plan.paths:
            shown.setdefault(node, {})[key] = _single(plan, getattr(message, plan.field), message)
    return shown


def _row(row: Any, *, also: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for plan in fields_of(row.DESCRIPTOR):
        value = getattr(row, plan.field)
        if plan.kind is Kind.LIST:
            single: Any = [_row(each, also=also) for each in value]
        elif plan.kind is Kind.ROW:
            single = _row(value, also=also) if row.HasField(plan.field) else None
        else:
            field = row.DESCRIPTOR.fields_by_name[plan.field]
            said = value or (field.has_presence and field.message_type is None and row.HasField(plan.field))
            single = _single(plan, value, row) if also or said else None
        shown |= dict.fromkeys(plan.names if also else plan.names[:1], single)
    return shown | dict.fromkeys(row.DESCRIPTOR.GetOptions().Extensions[options_pb2.node].unfilled if also else ())


def _single(plan: FieldPlan, value: Any, holder: Any) -> Any:
    """One value by way of protobuf's JSON mapping."""
    mapped = json_format.MessageToDict(holder, preserving_proto_field_name=True).get(plan.field)
    match plan.kind:
        case Kind.FEN:
            return Decimal(mapped or 0).scaleb(-2)
        case Kind.NUMBER:
            return Decimal(mapped) if mapped else Decimal(plan.absent or 0)
        case Kind.INTEGER:
            return int(mapped or 0)
        case Kind.FLAG:
            return bool(mapped) if plan.literal else "1" if mapped else "0"
        case Kind.CODE:
            return dict(plan.codes).get(value)
        case Kind.TIME:
            return _beijing(mapped)
        case Kind.DAY:
            return f"{mapped['year']:04}-{mapped['month']:02}-{mapped['day']:02}" if mapped else None
    return mapped or None


def _beijing(text: str | None) -> str | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text) + timedelta(hours=8)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.year >= 1000 else None


def _json(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)
