"""The content of a request, as one hash: what decides whether a repeated request id is a repeat or another request.

The request id itself and the sign-in number are no content. It stores nothing.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

from google.protobuf.message import Message

from services.runtime.call import Caller, Role

M = TypeVar("M", bound=Message)


def content_hash(request: Message) -> str:
    """SHA-256 (hex) of the message's name and its deterministic serialisation, less `request_id` and `desk.sign_no`."""
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0")
    digest.update(content_of(request).SerializeToString(deterministic=True))
    return digest.hexdigest()


def content_of(request: M) -> M:
    """A copy without what is no content; the request itself is left as it is."""
    copy = type(request)()
    copy.CopyFrom(request)
    for field, value in copy.ListFields():
        if field.name == "request_id":
            copy.ClearField("request_id")
        elif field.name == "desk" and "sign_no" in value.DESCRIPTOR.fields_by_name:
            value.ClearField("sign_no")
    return copy


def scope_of(caller: Caller) -> str:
    """Within what a request id is unique: the institution or channel that calls, else role and subject."""
    if caller.role in (Role.INSTITUTION, Role.CHANNEL):
        return caller.subject
    return f"{caller.role.value}:{caller.subject}"
