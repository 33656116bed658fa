"""PayAuthorisationService on the wire."""

from __future__ import annotations

from typing import Any

from services.routing.operations.authorisations import Authorisations
from services.runtime.wire import micros_message
from yibao.routing.v1 import pay_authorisation_pb2 as pb2
from yibao.routing.v1 import pay_authorisation_pb2_grpc


class PayAuthorisationServicer(pay_authorisation_pb2_grpc.PayAuthorisationServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: Authorisations) -> None:
        self._operations = operations

    async def KeepAuthorisation(  # noqa: N802 - the contract's name
        self, request: pb2.KeepAuthorisationRequest, context: Any
    ) -> pb2.KeepAuthorisationResponse:
        """Keeps one."""
        await self._operations.keep(request.auth, request.psn_no, request.fixmedins_code)
        return pb2.KeepAuthorisationResponse()

    async def SpendAuthorisation(  # noqa: N802 - the contract's name
        self, request: pb2.SpendAuthorisationRequest, context: Any
    ) -> pb2.SpendAuthorisationResponse:
        """Spends one."""
        expires_at = await self._operations.spend(request.auth, request.psn_no, request.fixmedins_code, request.used_by)
        return pb2.SpendAuthorisationResponse(expires_time=micros_message(expires_at))
