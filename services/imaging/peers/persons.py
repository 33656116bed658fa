"""Persons, whom routing alone knows: their keys, and who may read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import Grant, GrantDecision, MeantPerson, Purpose, Reader
from services.kernel.clock import to_micros
from services.runtime.outbound import Peers
from services.runtime.wire import moment_of
from yibao.identity.v1 import consent_decisions_pb2 as consents
from yibao.routing.v1 import person_access_pb2 as pb2
from yibao.routing.v1 import person_access_pb2_grpc

_PURPOSES: Final[Mapping[Purpose, consents.AccessPurpose.ValueType]] = {
    Purpose.TREATMENT: consents.ACCESS_PURPOSE_TREATMENT,
    Purpose.SELF: consents.ACCESS_PURPOSE_SELF,
    Purpose.SUPERVISION: consents.ACCESS_PURPOSE_SUPERVISION,
}


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


class PersonCells:
    """Asks the persons' cells through routing. Each raises what was refused, and PEER_UNAVAILABLE where routing is away."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._stub = peers.stub(person_access_pb2_grpc.PersonAccessServiceStub, "routing")

    async def proved(self, request_id: str, fixmedins_code: str, shown: str) -> Grant:
        """The grant that a code or ecToken gives the institution where it is shown."""
        request = pb2.ProvePresenceRequest(request_id=request_id, fixmedins_code=fixmedins_code, ec_token=shown)
        return _grant((await self._peers.call(self._stub.ProvePresence, request)).grant)

    async def found(self, reader: Reader, person: MeantPerson) -> Grant:
        """The grant by which a reader may read of a person now."""
        request = consents.FindGrantRequest(
            reader=_reader(reader), psn_no=person.psn_no, psn_cert_type=person.psn_cert_type, certno=person.certno
        )
        return _grant((await self._peers.call(self._stub.FindAccess, pb2.FindAccessRequest(request=request))).grant)

    async def broken(self, request_id: str, reader: Reader, person: MeantPerson, reason: str) -> Grant:
        """The grant of an emergency."""
        request = pb2.BreakGlassRequest(
            request_id=request_id,
            fixmedins_code=reader.organisation,
            dr_codg=reader.reader_no,
            reason=reason,
            psn_no=person.psn_no,
            psn_cert_type=person.psn_cert_type,
            certno=person.certno,
        )
        return _grant((await self._peers.call(self._stub.BreakGlass, request)).grant)

    async def decided(self, reader: Reader, grant_nos: Sequence[str]) -> Sequence[GrantDecision]:
        """What is said of up to 200 grants, in their order."""
        told = _reader(reader)
        items = [consents.DecideItem(grant_no=each, reader=told) for each in grant_nos]
        answer = await self._peers.call(self._stub.Decide, pb2.DecideRequest(items=items))
        return [_decision(each) for each in answer.decisions]


def _reader(reader: Reader) -> consents.Reader:
    """Whoever looks at himself is not named; of an operator the case is told, of a doctor the institution."""
    purpose = _PURPOSES[reader.purpose]
    if reader.purpose is Purpose.TREATMENT:
        return consents.Reader(purpose=purpose, fixmedins_code=reader.organisation, dr_codg=reader.reader_no)
    if reader.purpose is Purpose.SUPERVISION:
        return consents.Reader(purpose=purpose, opter_no=reader.reader_no, case_no=reader.case_no)
    return consents.Reader(purpose=purpose)


def _grant(told: pb2.AccessGrant) -> Grant:
    return Grant(told.grant_no, told.person_key, to_micros(moment_of(told.to_time)))


def _decision(told: pb2.AccessDecision) -> GrantDecision:
    if not told.active:
        return GrantDecision(away=told.cell_away)
    scope = Scope(
        *(frozenset(told.modalities), told.study_uid, frozenset(told.hidden_studies)),
        *(frozenset(told.hidden_institutions), moment_of(told.to_time)),
    )
    return GrantDecision(scope, told.person_key, to_micros(moment_of(told.to_time)))
