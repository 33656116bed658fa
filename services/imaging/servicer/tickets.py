"""TicketService on the wire."""

from __future__ import annotations

from typing import Any

from services.imaging.operations.ports import SessionTokens
from services.imaging.operations.revocations import Revocations
from services.imaging.operations.sightings import Sightings
from services.imaging.operations.tickets import KeyRing, Tickets
from services.runtime.call import Role, current_call
from services.runtime.wire import moment_message
from yibao.imaging.v1 import ticket_pb2, ticket_pb2_grpc


class TicketServicer(ticket_pb2_grpc.TicketServiceServicer):
    """Messages in, messages out."""

    def __init__(
        self, sessions: SessionTokens, tickets: Tickets, keys: KeyRing, revocations: Revocations, sightings: Sightings
    ) -> None:
        self._sessions, self._tickets, self._keys = sessions, tickets, keys
        self._revocations, self._sightings = revocations, sightings

    async def IssueTicket(  # noqa: N802 - the contract's name
        self, request: ticket_pb2.IssueTicketRequest, context: Any
    ) -> ticket_pb2.IssueTicketResponse:
        """A ticket."""
        sitting = await self._sessions.sitting(request.session_token)
        given = await self._tickets.issue(sitting, request.study_uid)
        return ticket_pb2.IssueTicketResponse(
            url=given.url, ticket=given.text, expires_time=moment_message(given.expires_at)
        )

    async def GetKeys(  # noqa: N802 - the contract's name
        self, request: ticket_pb2.GetKeysRequest, context: Any
    ) -> ticket_pb2.GetKeysResponse:
        """The public keys."""
        return ticket_pb2.GetKeysResponse(keys=[ticket_pb2.Jwk(**each) for each in await self._keys.told()])

    async def ListRevoked(  # noqa: N802 - the contract's name
        self, request: ticket_pb2.ListRevokedRequest, context: Any
    ) -> ticket_pb2.ListRevokedResponse:
        """The list behind a place; that a node asks says that it is there."""
        caller = current_call().caller
        if caller.role is Role.NODE:
            self._sightings.see(caller.subject)
        names, place = await self._revocations.listed(request.after)
        return ticket_pb2.ListRevokedResponse(names=names, next=place)
