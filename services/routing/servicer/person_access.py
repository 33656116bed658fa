"""PersonAccessService on the wire."""

from __future__ import annotations

from typing import Any

from services.kernel.clock import beijing_day
from services.routing.domain.resolution import Query
from services.routing.operations.person_access import Keyed, PersonAccess
from services.routing.servicer.convert import cert_type, within_time
from services.runtime.call import current_call
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
        return pb2.KeyPersonsResponse(person_keys=await self._operations.keys(request.psn_nos))

    async def ProvePresence(  # noqa: N802 - the contract's name
        self, request: pb2.ProvePresenceRequest, context: Any
    ) -> pb2.ProvePresenceResponse:
        """By the cell that made what was shown."""
        with within_time():
            proved = await self._operations.prove(request.ec_token, request)
        return pb2.ProvePresenceResponse(grant=_grant(proved))

    async def FindAccess(  # noqa: N802 - the contract's name
        self, request: pb2.FindAccessRequest, context: Any
    ) -> pb2.FindAccessResponse:
        """In the cell that insures the person."""
        with within_time():
            found = await self._operations.find(_query(request.request), request.request)
        return pb2.FindAccessResponse(grant=_grant(found))

    async def BreakGlass(  # noqa: N802 - the contract's name
        self, request: pb2.BreakGlassRequest, context: Any
    ) -> pb2.BreakGlassResponse:
        """In the cell that insures the person."""
        with within_time():
            broken = await self._operations.break_glass(_query(request), request)
        return pb2.BreakGlassResponse(grant=_grant(broken))

    async def Decide(self, request: pb2.DecideRequest, context: Any) -> pb2.DecideResponse:  # noqa: N802
        """In the order asked."""
        decided = await self._operations.decide(request.items)
        return pb2.DecideResponse(decisions=[_decision(each) for each in decided])

    async def GrantEnds(  # noqa: N802 - the contract's name
        self, request: pb2.GrantEndsRequest, context: Any
    ) -> pb2.GrantEndsResponse:
        """Of one cell."""
        with within_time():
            found = await self._operations.ends(request.cell, request.after)
        return pb2.GrantEndsResponse(ends=found.ends, last_seq=found.last_seq)


def _query(request: Any) -> Query:
    """Who is meant, today; of the place where the reader sits nothing is looked at."""
    day = beijing_day(current_call().now)
    return Query(request.psn_no, request.certno, cert_type(request.psn_cert_type), "", day, care_cell="none")


def _grant(keyed: Keyed) -> pb2.AccessGrant:
    told = keyed.answer
    return pb2.AccessGrant(grant_no=told.grant_no, person_key=keyed.person_key, to_time=told.to_time)


def _decision(keyed: Keyed) -> pb2.AccessDecision:
    told = keyed.answer
    if told is None:
        return pb2.AccessDecision(cell_away=keyed.away)
    if not told.active:
        return pb2.AccessDecision()
    return pb2.AccessDecision(
        active=True,
        person_key=keyed.person_key,
        modalities=told.modalities,
        study_uid=told.study_uid,
        hidden_studies=told.hidden_studies,
        hidden_institutions=told.hidden_institutions,
        to_time=told.to_time,
    )
