"""Who asks, under which id, with which content: the key of a write, from the call that is being served."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.identity.domain.journal import RequestKey
from services.runtime.call import CallContext, Role
from services.runtime.idempotency import content_hash


def request_key(call: CallContext, request: Any) -> RequestKey:
    """Scope is the institution or channel that calls, else role and subject."""
    caller = call.caller
    partner = caller.role in (Role.INSTITUTION, Role.CHANNEL)
    scope = caller.subject if partner else f"{caller.role.value}:{caller.subject}"
    return RequestKey(scope, request.request_id, call.method, content_hash(request))


def to_timestamp(moment: datetime) -> Timestamp:
    """A moment for the wire."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
