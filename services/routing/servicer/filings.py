"""RoutingService on the wire."""

from __future__ import annotations

from typing import Any

from services.routing.domain.filings import Filing, Registered
from services.routing.operations.filings import FilingOperations
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import moment_message
from yibao.routing.v1 import routing_pb2, routing_pb2_grpc


class RoutingServicer(routing_pb2_grpc.RoutingServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: FilingOperations) -> None:
        self._operations = operations

    async def RegisterFiling(  # noqa: N802 - the contract's name
        self, request: routing_pb2.RegisterFilingRequest, context: Any
    ) -> routing_pb2.RegisterFilingResponse:
        """Registers once."""
        call = current_call()
        wanted = Filing(request.filing.filing_no, request.filing.filing_name)
        stored = await self._operations.register(stamp_of(call, request), wanted, call.now, _registered)
        return routing_pb2.RegisterFilingResponse.FromString(stored)

    async def GetFiling(  # noqa: N802 - the contract's name
        self, request: routing_pb2.GetFilingRequest, context: Any
    ) -> routing_pb2.GetFilingResponse:
        """One by its number."""
        found = await self._operations.find(request.filing_no)
        return routing_pb2.GetFilingResponse(
            filing=_message(found.filing), registered_at=moment_message(found.registered_at)
        )


def _registered(told: Registered) -> bytes:
    return routing_pb2.RegisterFilingResponse(
        filing=_message(told.filing), registered_at=moment_message(told.registered_at)
    ).SerializeToString()


def _message(filing: Filing) -> routing_pb2.Filing:
    return routing_pb2.Filing(filing_no=filing.filing_no, filing_name=filing.filing_name)
