"""Keys of persons, which routing alone can make."""

from __future__ import annotations

from collections.abc import Sequence

from services.runtime.outbound import Peers
from yibao.routing.v1 import person_access_pb2 as pb2
from yibao.routing.v1 import person_access_pb2_grpc


class PersonKeys:
    """Asks routing."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._stub = peers.stub(person_access_pb2_grpc.PersonAccessServiceStub, "routing")

    async def keys(self, psn_nos: Sequence[str]) -> Sequence[bytes]:
        """The key of each of up to 1,000 numbers, in their order; PEER_UNAVAILABLE."""
        if not psn_nos:
            return ()
        answer = await self._peers.call(self._stub.KeyPersons, pb2.KeyPersonsRequest(psn_nos=psn_nos))
        return tuple(answer.person_keys)
