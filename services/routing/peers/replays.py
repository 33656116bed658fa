"""What replays in an insured cell have made of bills whose care was given in another cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from services.routing.domain.replays import ReplayedSettlement, ReplayPage
from services.routing.peers.cells import stub_of
from services.runtime.outbound import Peers
from yibao.settlement.v1 import care_pb2, care_pb2_grpc, replay_pb2, replay_pb2_grpc

MEMBER: Final = "settlement"


class ReplayClient:
    """Reads them of any cell, and has them booked in any other; raises the refusals, and CELL_UNAVAILABLE."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        codes = tuple(cells)
        self._peers = peers
        self._replays = {code: peers.stub(replay_pb2_grpc.ReplayServiceStub, MEMBER, code) for code in codes}
        self._cares = {code: peers.stub(care_pb2_grpc.CareServiceStub, MEMBER, code) for code in codes}

    async def page(self, cell: str, after: str) -> ReplayPage:
        """A page of what is to be told, behind a place."""
        request = replay_pb2.ListReplayedElsewhereRequest(after=after)
        answer = await self._peers.call(stub_of(self._replays, cell).ListReplayedElsewhere, request)
        return ReplayPage(
            tuple(
                ReplayedSettlement(each.setl_id, each.care_cell, each.mdtrtarea_admvs, each) for each in answer.replayed
            ),
            answer.next,
        )

    async def book(self, care_cell: str, insured_cell: str, told: ReplayedSettlement) -> None:
        """Has one booked at the place of care."""
        request = care_pb2.BookReplayedRequest(insured_cell=insured_cell, replayed=told.message)
        await self._peers.call(stub_of(self._cares, care_cell).BookReplayed, request)

    async def ack(self, cell: str, setl_ids: Sequence[str]) -> None:
        """Tells the insured cell that these are booked."""
        request = replay_pb2.AckReplayedElsewhereRequest(setl_ids=setl_ids)
        await self._peers.call(stub_of(self._replays, cell).AckReplayedElsewhere, request)
