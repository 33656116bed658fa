"""ReaderService on the wire."""

from __future__ import annotations

from typing import Any

from services.imaging.domain.sessions import OPERATORS, MeantPerson, Purpose, Reader
from services.imaging.operations.patients import AddedPerson, Patients
from services.imaging.operations.sessions import Sessions
from services.kernel.errors import invalid
from services.runtime.call import Role, current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import micros_message
from yibao.imaging.v1 import reader_pb2 as pb2
from yibao.imaging.v1 import reader_pb2_grpc


class ReaderServicer(reader_pb2_grpc.ReaderServiceServicer):
    """Messages in, messages out."""

    def __init__(self, sessions: Sessions, patients: Patients) -> None:
        self._sessions = sessions
        self._patients = patients

    async def OpenSession(  # noqa: N802 - the contract's name
        self, request: pb2.OpenSessionRequest, context: Any
    ) -> pb2.OpenSessionResponse:
        """For whoever calls."""
        caller = current_call().caller
        if caller.role is Role.PERSON:
            session, token = await self._sessions.open_own(request.psn_no, caller.cell)
        elif caller.role is Role.OPERATOR:
            _needed("case_no", request.case_no)
            reader = Reader(Purpose.SUPERVISION, OPERATORS, caller.subject, request.case_no)
            session, token = await self._sessions.open(reader)
        else:
            if not request.own:
                _needed("dr_codg", request.dr_codg)
            purpose = Purpose.OWN if request.own else Purpose.TREATMENT
            session, token = await self._sessions.open(Reader(purpose, request.fixmedins_code, request.dr_codg))
        return pb2.OpenSessionResponse(
            session_no=session.session_no, session_token=token, ends_time=micros_message(session.ends_at)
        )

    async def AddPatient(  # noqa: N802 - the contract's name
        self, request: pb2.AddPatientRequest, context: Any
    ) -> pb2.AddPatientResponse:
        """By code, number or certificate."""
        added = await self._patients.add(request.session_token, request.ec_token, _person(request))
        return pb2.AddPatientResponse(patient=_message(added))

    async def BreakGlass(  # noqa: N802 - the contract's name
        self, request: pb2.BreakGlassRequest, context: Any
    ) -> pb2.BreakGlassResponse:
        """In an emergency."""
        stored = await self._patients.break_glass(
            stamp_of(current_call(), request), request.session_token, _person(request), request.reason, _broken
        )
        return pb2.BreakGlassResponse.FromString(stored)

    async def ListPatients(  # noqa: N802 - the contract's name
        self, request: pb2.ListPatientsRequest, context: Any
    ) -> pb2.ListPatientsResponse:
        """As they stand now."""
        listed = await self._patients.listed(request.session_token)
        return pb2.ListPatientsResponse(patients=[_message(each) for each in listed])

    async def CloseSession(  # noqa: N802 - the contract's name
        self, request: pb2.CloseSessionRequest, context: Any
    ) -> pb2.CloseSessionResponse:
        """Ends it."""
        await self._sessions.close(request.session_token)
        return pb2.CloseSessionResponse()


def caller_name() -> str:
    """Who calls, by role and number: an institution, a person or an operator; "" for whoever has no key of such a one."""
    caller = current_call().caller
    if caller.role in (Role.INSTITUTION, Role.PERSON, Role.OPERATOR):
        return f"{caller.role.value}:{caller.subject}"
    return ""


def is_dated() -> bool:
    """Whether the call is decided on a business date of the sandbox, and so on another day than the calls around it."""
    return current_call().business_date is not None


def _needed(field: str, told: str) -> None:
    if not told.strip():
        raise invalid(field, "session.needed", "needed for this reader")


def _person(request: pb2.AddPatientRequest | pb2.BreakGlassRequest) -> MeantPerson:
    return MeantPerson(request.psn_no, request.psn_cert_type, request.certno)


def _broken(added: AddedPerson) -> bytes:
    return pb2.BreakGlassResponse(patient=_message(added)).SerializeToString()


def _message(added: AddedPerson) -> pb2.SessionPatient:
    said = added.decision
    active = said.scope is not None
    return pb2.SessionPatient(
        patient_id=added.patient_id,
        grant_no=added.grant_no,
        active=active,
        to_time=micros_message(said.to_at) if active else None,
        cell_away=said.away,
    )
