"""The RPCs of ConsentService on the way of reading, which routing calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.identity.domain.consent import Decision, End, Grant, Purpose, Reader
from services.identity.operations.consent_desk import ConsentDesk, MeantPerson
from services.kernel.clock import to_micros
from services.kernel.errors import invalid
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import micros_message
from yibao.identity.v1 import consent_decisions_pb2 as pb2

PURPOSES: Final = {
    Purpose.TREATMENT: pb2.ACCESS_PURPOSE_TREATMENT,
    Purpose.SELF: pb2.ACCESS_PURPOSE_SELF,
    Purpose.SUPERVISION: pb2.ACCESS_PURPOSE_SUPERVISION,
}
_OF_WIRE: Final[Mapping[int, Purpose]] = {value: purpose for purpose, value in PURPOSES.items()}
_NEEDED: Final = {
    Purpose.TREATMENT: ("fixmedins_code",),
    Purpose.SELF: (),
    Purpose.SUPERVISION: ("opter_no", "case_no"),
}
_MOST: Final = 500


class ConsentDeskRpcs:
    """Messages in, messages out."""

    def __init__(self, desk: ConsentDesk) -> None:
        self._desk = desk

    async def ProvePresence(  # noqa: N802 - the contract's name
        self, request: pb2.ProvePresenceRequest, context: Any
    ) -> pb2.ProvePresenceResponse:
        """By a code or an ecToken."""
        call = current_call()
        stored = await self._desk.prove(
            stamp_of(call, request), request.fixmedins_code, request.ec_token, to_micros(call.now), _proved
        )
        return pb2.ProvePresenceResponse.FromString(stored)

    async def FindGrant(  # noqa: N802 - the contract's name
        self, request: pb2.FindGrantRequest, context: Any
    ) -> pb2.FindGrantResponse:
        """The best one."""
        reader = _reader(request.reader, "reader.")
        found = await self._desk.find(_person(request), reader, to_micros(current_call().now))
        return pb2.FindGrantResponse(grant_no=found.grant_no, psn_no=found.psn_no, to_time=micros_message(found.to_at))

    async def BreakGlass(  # noqa: N802 - the contract's name
        self, request: pb2.BreakGlassRequest, context: Any
    ) -> pb2.BreakGlassResponse:
        """In an emergency."""
        call = current_call()
        reader = Reader(Purpose.TREATMENT, request.fixmedins_code, request.dr_codg)
        stored = await self._desk.break_glass(
            stamp_of(call, request), _person(request), reader, request.reason, to_micros(call.now), _broken
        )
        return pb2.BreakGlassResponse.FromString(stored)

    async def Decide(self, request: pb2.DecideRequest, context: Any) -> pb2.DecideResponse:  # noqa: N802
        """In the order asked."""
        asked = [
            (each.grant_no, _reader(each.reader, f"items[{place}].reader.")) for place, each in enumerate(request.items)
        ]
        decided = await self._desk.decide(asked, to_micros(current_call().now))
        return pb2.DecideResponse(decisions=[_decision(each) for each in decided])

    async def ListGrantEnds(  # noqa: N802 - the contract's name
        self, request: pb2.ListGrantEndsRequest, context: Any
    ) -> pb2.ListGrantEndsResponse:
        """A page of the feed."""
        ends, last = await self._desk.ends(request.after, request.limit or _MOST)
        return pb2.ListGrantEndsResponse(ends=[_end(each) for each in ends], last_seq=last)


def optional_moment(micros: int) -> Timestamp | None:
    """A moment as its message; None for 0."""
    return micros_message(micros) if micros else None


def _reader(reader: pb2.Reader, path: str) -> Reader:
    """The reader; INVALID where what its purpose needs is not told."""
    purpose = _OF_WIRE[reader.purpose]
    for name in _NEEDED[purpose]:
        if not getattr(reader, name):
            raise invalid(f"{path}{name}", "consent.reader", "needed for this purpose")
    return Reader(purpose, reader.fixmedins_code, reader.dr_codg, reader.opter_no, reader.case_no)


def _person(request: pb2.FindGrantRequest | pb2.BreakGlassRequest) -> MeantPerson:
    if not (request.psn_no or request.certno):
        raise invalid("psn_no", "consent.person", "the person's number, or a certificate's")
    return MeantPerson(request.psn_no, request.psn_cert_type, request.certno)


def _proved(grant: Grant) -> bytes:
    told = pb2.ProvePresenceResponse(grant_no=grant.grant_no, psn_no=grant.psn_no, to_time=micros_message(grant.to_at))
    return told.SerializeToString()


def _broken(grant: Grant) -> bytes:
    told = pb2.BreakGlassResponse(grant_no=grant.grant_no, psn_no=grant.psn_no, to_time=micros_message(grant.to_at))
    return told.SerializeToString()


def _decision(decided: Decision | None) -> pb2.Decision:
    if decided is None:
        return pb2.Decision()
    grant = decided.grant
    return pb2.Decision(
        active=True,
        psn_no=grant.psn_no,
        modalities=grant.scope.modalities,
        study_uid=grant.scope.study_uid,
        hidden_studies=[each.study_uid for each in decided.hidden if each.study_uid],
        hidden_institutions=[each.fixmedins_code for each in decided.hidden if each.fixmedins_code],
        to_time=micros_message(grant.to_at),
    )


def _end(end: End) -> pb2.GrantEnd:
    return pb2.GrantEnd(
        seq=end.seq,
        grant_no=end.grant_no,
        study_uid=end.study_uid,
        fixmedins_code=end.fixmedins_code,
        ended_time=micros_message(end.ended_at),
        shown=end.shown,
    )
