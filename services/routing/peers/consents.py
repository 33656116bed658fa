"""Consent as the identity of any cell keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from services.routing.peers.cells import stub_of
from services.runtime.outbound import Peers
from yibao.identity.v1 import consent_decisions_pb2 as pb2
from yibao.identity.v1 import consent_pb2_grpc
from yibao.routing.v1 import person_access_pb2 as access_pb2

MEMBER: Final = "identity"


class ConsentClient:
    """Asks the cells."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._stubs = {cell: peers.stub(consent_pb2_grpc.ConsentServiceStub, MEMBER, cell) for cell in cells}

    async def proved(self, cell: str, request: access_pb2.ProvePresenceRequest) -> pb2.ProvePresenceResponse:
        """Presence."""
        carried = pb2.ProvePresenceRequest(
            request_id=request.request_id, fixmedins_code=request.fixmedins_code, ec_token=request.ec_token
        )
        return await self._peers.call(stub_of(self._stubs, cell).ProvePresence, carried)

    async def found(self, cell: str, request: pb2.FindGrantRequest) -> pb2.FindGrantResponse:
        """A grant that lets a reader read."""
        return await self._peers.call(stub_of(self._stubs, cell).FindGrant, request)

    async def broken(self, cell: str, request: access_pb2.BreakGlassRequest) -> pb2.BreakGlassResponse:
        """An emergency."""
        carried = pb2.BreakGlassRequest(
            request_id=request.request_id,
            fixmedins_code=request.fixmedins_code,
            dr_codg=request.dr_codg,
            reason=request.reason,
            psn_no=request.psn_no,
            psn_cert_type=request.psn_cert_type,
            certno=request.certno,
        )
        return await self._peers.call(stub_of(self._stubs, cell).BreakGlass, carried)

    async def decided(self, cell: str, items: Sequence[pb2.DecideItem]) -> Sequence[pb2.Decision]:
        """Decisions, in the order asked."""
        answer = await self._peers.call(stub_of(self._stubs, cell).Decide, pb2.DecideRequest(items=items))
        return answer.decisions

    async def ends(self, cell: str, after: int) -> pb2.ListGrantEndsResponse:
        """The feed of ends behind a place."""
        request = pb2.ListGrantEndsRequest(after=after)
        return await self._peers.call(stub_of(self._stubs, cell).ListGrantEnds, request)
