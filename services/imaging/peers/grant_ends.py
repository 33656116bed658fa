"""What became of grants, which routing reads of the persons' cells."""

from __future__ import annotations

from services.imaging.domain.tickets import GrantEnd
from services.runtime.outbound import Peers
from services.runtime.wire import moment_of
from yibao.routing.v1 import person_access_pb2 as pb2
from yibao.routing.v1 import person_access_pb2_grpc


class GrantEnds:
    """Asks routing."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._stub = peers.stub(person_access_pb2_grpc.PersonAccessServiceStub, "routing")

    async def behind(self, cell: str, after: int) -> tuple[list[GrantEnd], int]:
        """A page of a cell's feed behind a place, and the feed's last place; CELL_UNAVAILABLE, PEER_UNAVAILABLE."""
        answer = await self._peers.call(self._stub.GrantEnds, pb2.GrantEndsRequest(cell=cell, after=after))
        ends = [
            GrantEnd(
                *(each.seq, each.grant_no, each.study_uid, each.fixmedins_code, moment_of(each.ended_time)),
                shown=each.shown,
            )
            for each in answer.ends
        ]
        return ends, answer.last_seq
