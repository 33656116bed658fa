"""PersonAccessService on the wire."""

from __future__ import annotations

from typing import Any

from services.routing.operations.person_access import PersonAccess
from yibao.routing.v1 import person_access_pb2 as pb2
from yibao.routing.v1 import person_access_pb2_grpc


class PersonAccessServicer(person_access_pb2_grpc.PersonAccessServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: PersonAccess) -> None:
        self._operations = operations

    async def KeyPersons(  # noqa: N802 - the contract's name
        self, request: pb2.KeyPersonsRequest, context: Any
    ) -> pb2.KeyPersonsResponse:
        """Keys, in the order asked."""
        return pb2.KeyPersonsResponse(person_keys=self._operations.keys(request.psn_nos))
