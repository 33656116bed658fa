"""The change feeds of the cells' identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.routing.domain.registry import Page, Place, ToldPerson
from services.runtime.outbound import Peers
from services.runtime.wire import optional_told_day, told_day
from yibao.identity.v1 import change_pb2, change_pb2_grpc

MEMBER: Final = "identity"
READER: Final = "routing"
PAGE: Final = 500


class FeedClient:
    """Reads the feed of any cell."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._stubs = {cell: peers.stub(change_pb2_grpc.ChangeServiceStub, MEMBER, cell) for cell in cells}

    async def page(self, cell: str, after: int) -> Page:
        """The page behind a place; the peer's Fault where the cell is away."""
        request = change_pb2.ListChangesRequest(reader=READER, after=after, limit=PAGE)
        answer = await self._peers.call(self._stubs[cell].ListChanges, request)
        return Page(tuple(_told(each) for each in answer.persons), answer.next, answer.last_seq, answer.acked_seq)

    async def ack(self, cell: str, upto: int) -> None:
        """Tells the cell that routing has its feed up to a place."""
        await self._peers.call(self._stubs[cell].Ack, change_pb2.AckRequest(reader=READER, upto=upto))


def _told(person: change_pb2.ChangedPerson) -> ToldPerson:
    places = tuple(
        Place(
            each.insutype,
            each.insuplc_admdvs,
            told_day(each.from_day),
            optional_told_day(each, "to_day"),
            each.in_force,
        )
        for each in person.places
    )
    return ToldPerson(person.psn_no, person.psn_cert_type, person.certno, places)
