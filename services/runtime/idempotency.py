"""The content of a request, as one hash: what decides whether a repeated request id is a repeat or another request.

The request id, the sign-in number and the operator are no content: the next shift may send a lost message again. Regions
are told apart from the hash, as one that is left out says what it resolves to. It stores nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.kernel.requests import Regions, RequestStamp
from services.runtime.call import CallContext, Caller, Role
from yibao.options.v1 import options_pb2

M = TypeVar("M", bound=Message)

_REGIONS: Final = ("insuplc_admdvs", "mdtrtarea_admvs")
_OF_DESK: Final = ("sign_no", "opter", "opter_name", *_REGIONS)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a request message has that is no content: fields of its desk, and regions in its nodes; `later` are fields of
    nodes that came with version 2.
    """

    desk: tuple[str, ...]
    nodes: tuple[tuple[str, tuple[str, ...]], ...]
    later: tuple[tuple[str, tuple[str, ...]], ...]


def content_hash(request: Message) -> str:
    """SHA-256 (hex) of the message's name and its deterministic serialisation, less what is no content, and regions.

    Version 2. A member that keeps hashes of requests with a desk keeps the version beside, so that older rows go on
    answering; of requests without one both versions are the same.
    """
    copy = type(request)()
    copy.CopyFrom(request)
    plan = _plan(request.DESCRIPTOR)
    for node, names in (("desk", plan.desk), *plan.nodes):
        if names and copy.HasField(node):
            part = getattr(copy, node)
            for name in names:
                part.ClearField(name)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        copy.ClearField("request_id")
    return _digest(copy)


def first_content_hash(request: Message) -> str:
    """The hash of version 1, by which rows of that version are compared: operator and regions are in it, fields that came
    later are not.
    """
    copy = content_of(request)
    for node, names in _plan(request.DESCRIPTOR).later:
        if copy.HasField(node):
            for name in names:
                getattr(copy, node).ClearField(name)
    return _digest(copy)


def content_of(request: M) -> M:
    """A copy without `request_id` and `desk.sign_no`, as it is kept; the request itself is left as it is."""
    copy = type(request)()
    copy.CopyFrom(request)
    for field, value in copy.ListFields():
        if field.name == "request_id":
            copy.ClearField("request_id")
        elif field.name == "desk" and "sign_no" in value.DESCRIPTOR.fields_by_name:
            value.ClearField("sign_no")
    return copy


def regions_of(request: Message) -> tuple[str, str]:
    """Insured place and place of care as the request says them: its node, else its desk; "" where it leaves one out."""
    plan = _plan(request.DESCRIPTOR)
    return _region(request, plan, _REGIONS[0]), _region(request, plan, _REGIONS[1])


def stamp_of(call: CallContext, request: Any) -> RequestStamp:
    """Whose write it is and with which content; of a request with a `request_id`."""
    return RequestStamp(
        scope=scope_of(call.caller),
        request_id=request.request_id,
        rpc=call.method,
        content_hash=content_hash(request),
        regions=Regions(*regions_of(request)),
        first_hash=partial(first_content_hash, request),
    )


def scope_of(caller: Caller) -> str:
    """Within what a request id is unique: the institution or channel that calls, else role and subject."""
    if caller.role in (Role.INSTITUTION, Role.CHANNEL):
        return caller.subject
    return f"{caller.role.value}:{caller.subject}"


def _digest(content: Message) -> str:
    digest = hashlib.sha256(content.DESCRIPTOR.full_name.encode() + b"\0")
    digest.update(content.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _region(request: Any, plan: _Plan, name: str) -> str:
    for node, names in plan.nodes:
        if name in names and (told := getattr(getattr(request, node), name)):
            return str(told)
    return str(getattr(request.desk, name)) if name in plan.desk else ""


@lru_cache(maxsize=256)
def _plan(request: Descriptor) -> _Plan:
    """A region of a node is none of the content only where the envelope may say it instead."""
    desk = request.fields_by_name.get("desk")
    known = desk.message_type.fields_by_name if desk is not None and desk.message_type is not None else {}
    nodes: list[tuple[str, tuple[str, ...]]] = []
    later: list[tuple[str, tuple[str, ...]]] = []
    for field in request.fields:
        node = field.message_type
        if node is None or field.is_repeated or field.name == "desk":
            continue
        regions = tuple(name for name in _REGIONS if name in node.fields_by_name and _may_be_outside(node, name))
        if regions:
            nodes.append((field.name, regions))
        if newer := tuple(
            each.name for each in node.fields if each.GetOptions().Extensions[options_pb2.hash_since] > 1
        ):
            later.append((field.name, newer))
    return _Plan(tuple(name for name in _OF_DESK if name in known), tuple(nodes), tuple(later))


def _may_be_outside(node: Descriptor, name: str) -> bool:
    option: Any = node.fields_by_name[name].GetOptions().Extensions[options_pb2.national]
    return bool(getattr(option, "from") == options_pb2.FROM_NODE_ELSE_ENVELOPE)
