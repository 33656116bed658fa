"""Persons as the cells' identity knows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.kernel.persons import person_not_found
from services.routing.domain.referrals import Named
from services.routing.peers.cells import stub_of
from services.runtime.outbound import Peers
from services.runtime.wire import told_day
from yibao.identity.v1 import person_pb2, person_pb2_grpc

MEMBER: Final = "identity"


class PeopleClient:
    """Asks the identity of any cell."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._stubs = {cell: peers.stub(person_pb2_grpc.PersonServiceStub, MEMBER, cell) for cell in cells}

    async def named(self, cell: str, psn_no: str, insutype: str) -> Named:
        """The person, with the employer of the latest enrolment of a type; PERSON_NOT_FOUND."""
        request = person_pb2.BatchGetPersonsRequest(psn_nos=[psn_no])
        (outcome,) = (await self._peers.call(stub_of(self._stubs, cell).BatchGetPersons, request)).outcomes
        if not outcome.HasField("record"):
            raise person_not_found("data.psn_no")
        person = outcome.record.person
        employers = [each.emp_name for each in outcome.record.enrolments if each.insutype == insutype]
        return Named(
            person.psn_cert_type,
            person.certno,
            person.psn_name,
            person.gend,
            told_day(person.brdy),
            employers[-1] if employers else "",
        )
