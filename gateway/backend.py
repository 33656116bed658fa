"""The mesh behind the gateway, as its faces see it: a method by its contract, called alone or gathered into a batch.

Which methods are gathered is read from the `batch` options. It converts nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from google.protobuf.message import Message

from services.runtime.call import Caller
from services.runtime.contract import Contract, MethodContract
from services.runtime.outbound import Peers


@dataclass(frozen=True, slots=True)
class CallOptions:
    """In whose name a call is made (None: the gateway's own), for how long, and on which day of a sandbox."""

    caller: Caller | None
    timeout_s: float
    business_date: date | None = None


class Backend(Protocol):
    """Calls members; a refusal is a Fault, a bug of a member an InternalError."""

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """The answer of the member that serves `method`."""


class DirectBackend:
    """Every call on its own."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """The answer of the member that serves `method`."""
        answer: Message = await self._peers.invoke(
            method,
            request,
            timeout_s=options.timeout_s,
            as_caller=options.caller,
            business_date=options.business_date,
        )
        return answer


class GatheringBackend:
    """Calls of methods that have a list form are gathered; all others go on their own."""

    def __init__(
        self, direct: Backend, contract: Contract, gatherer: Callable[[MethodContract, MethodContract], Backend]
    ) -> None:
        self._direct = direct
        self._gathered = {
            batch.batch.method: gatherer(contract.method(batch.batch.method), batch)
            for batch in contract.methods.values()
            if batch.batch is not None
        }

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """The answer of the member that serves `method`."""
        return await self._gathered.get(method.path, self._direct).call(method, request, options)
