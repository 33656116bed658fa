"""AuditService on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from services.imaging.domain.audit_events import Event, event_of
from services.imaging.operations.audit_reading import PERSON, AuditReading, ToldAccess
from services.imaging.servicer.audit_dicom import dicom_message
from services.imaging.servicer.audit_fhir import fhir_event
from services.kernel.clock import from_micros
from services.runtime.call import Role, current_call
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import moment_message
from yibao.imaging.v1 import audit_pb2, audit_pb2_grpc

MOST_EXPORTED: Final = 100
_FORMS: Final[Mapping[int, tuple[str, Callable[[Event, datetime], str]]]] = {
    audit_pb2.AUDIT_FORM_DICOM: ("DICOM", dicom_message),
    audit_pb2.AUDIT_FORM_FHIR: ("FHIR", fhir_event),
}


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: AuditReading) -> None:
        self._operations = operations

    async def ListAudit(  # noqa: N802 - the contract's name
        self, request: audit_pb2.ListAuditRequest, context: Any
    ) -> audit_pb2.ListAuditResponse:
        """A page."""
        place, size = asked_page(request, int)
        before = None if place is None else place[0]
        page = await self._operations.listed(current_call().caller.subject, request.session_no, before, size)
        return audit_pb2.ListAuditResponse(
            entries=[_message(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def ListOwnAudit(  # noqa: N802 - the contract's name
        self, request: audit_pb2.ListOwnAuditRequest, context: Any
    ) -> audit_pb2.ListOwnAuditResponse:
        """A page of a person's."""
        place, size = asked_page(request, int)
        caller, before = current_call().caller, None if place is None else place[0]
        if caller.role is Role.OPERATOR:
            page = await self._operations.served(request.psn_no, caller.subject, before, size)
        else:
            page = await self._operations.own(request.psn_no, caller.cell, before, size)
        return audit_pb2.ListOwnAuditResponse(
            entries=[_message(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def ExportAudit(  # noqa: N802 - the contract's name
        self, request: audit_pb2.ExportAuditRequest, context: Any
    ) -> audit_pb2.ExportAuditResponse:
        """Messages of others' forms."""
        name, written = _FORMS[request.form]
        opter_no, most = current_call().caller.subject, request.limit or MOST_EXPORTED
        told, place = await self._operations.exported(opter_no, request.after, most, name)
        messages = [written(event_of(each.logged, each.patient_ids), from_micros(each.logged.at)) for each in told]
        return audit_pb2.ExportAuditResponse(messages=messages, next=place)

    async def VerifyAudit(  # noqa: N802 - the contract's name
        self, request: audit_pb2.VerifyAuditRequest, context: Any
    ) -> audit_pb2.VerifyAuditResponse:
        """A part."""
        known = (request.known_seq, request.known_hash)
        verified = await self._operations.verified(current_call().caller.subject, request.after, known)
        return audit_pb2.VerifyAuditResponse(
            findings=[
                audit_pb2.AuditFinding(seq=each.seq, fault=audit_pb2.AuditFault.Value(f"AUDIT_FAULT_{each.what.name}"))
                for each in verified.findings
            ],
            checked=verified.checked,
            next=verified.next,
            end_seq=verified.end_seq,
            end_hash=verified.end_hash.hex(),
        )


def _message(told: ToldAccess) -> audit_pb2.AuditEntry:
    logged, access = told.logged, told.logged.access
    named = zip(access.persons, told.patient_ids, strict=True) if access.persons else ()
    return audit_pb2.AuditEntry(
        seq=logged.seq,
        time=moment_message(from_micros(logged.at)),
        action=audit_pb2.AuditAction.Value(f"AUDIT_ACTION_{access.action.name}"),
        outcome=audit_pb2.AuditOutcome.Value(f"AUDIT_OUTCOME_{access.outcome.name}"),
        organisation=access.organisation,
        # The name that a person's session has here tells whose it is.
        reader="" if access.organisation == PERSON else access.reader,
        purpose=access.purpose,
        session_no=access.session_no,
        patient_id="" if access.persons or not told.patient_ids else told.patient_ids[0],
        grant_no=access.grant_no,
        study_uid=access.study_uid,
        node_no=access.node_no,
        detail=access.detail,
        hash=logged.hash.hex(),
        patients=[audit_pb2.AuditPatient(patient_id=name, grant_no=grant_no) for (grant_no, _), name in named],
    )
