"""Methods that have a list form, as the gateway calls them: gathered, each item in the name of its own caller."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.message import Message

from gateway.backend import Backend, CallOptions
from services.runtime import gathering
from services.runtime.call import wire_time
from services.runtime.contract import MethodContract
from services.runtime.gathering import Limits
from services.runtime.outbound import Peers
from services.runtime.telemetry import Telemetry


class Gatherer:
    """One unary method and its list form; a Backend for calls of the unary method."""

    def __init__(
        self,
        unary: MethodContract,
        batch: MethodContract,
        backend: Backend,
        peers: Peers,
        telemetry: Telemetry,
        limits: Limits,
    ) -> None:
        self._batch = batch
        self._backend = backend
        self._peers = peers
        self._gathered = gathering.Gatherer(
            unary, batch, self._send, telemetry, limits, queue=unary.name, member=batch.member
        )

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """The item's own outcome; Fault QUEUE_FULL, DEADLINE_EXCEEDED or whatever the member refused."""
        context = self._peers.item_context(
            self._batch.member,
            as_caller=options.caller,
            deadline=wire_time() + timedelta(seconds=options.timeout_s),
            business_date=options.business_date,
        )
        return await self._gathered.call(request, context, options.timeout_s)

    async def _send(self, batch: Message, timeout_s: float) -> Message:
        return await self._backend.call(self._batch, batch, CallOptions(None, timeout_s))
