"""ChangeService on the wire."""

from __future__ import annotations

from typing import Any, Final

from services.identity.domain.changes import Changed
from services.identity.domain.person import Enrolment
from services.identity.operations.changes import ChangeOperations
from services.runtime.wire import day_message, optional_day_message
from yibao.identity.v1 import change_pb2, change_pb2_grpc

_IN_FORCE: Final = "1"
_MOST: Final = 500


class ChangeServicer(change_pb2_grpc.ChangeServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: ChangeOperations) -> None:
        self._operations = operations

    async def ListChanges(  # noqa: N802 - the contract's name
        self, request: change_pb2.ListChangesRequest, context: Any
    ) -> change_pb2.ListChangesResponse:
        """A page of the feed."""
        found = await self._operations.after(request.reader, request.after, request.limit or _MOST)
        return change_pb2.ListChangesResponse(
            persons=[_changed(each) for each in found.changed],
            next=found.next_seq,
            last_seq=found.last_seq,
            acked_seq=found.acked_seq,
        )

    async def Ack(self, request: change_pb2.AckRequest, context: Any) -> change_pb2.AckResponse:  # noqa: N802
        """What a reader has."""
        return change_pb2.AckResponse(acked_seq=await self._operations.ack(request.reader, request.upto))


def _changed(changed: Changed) -> change_pb2.ChangedPerson:
    person = changed.record.person
    return change_pb2.ChangedPerson(
        seq=changed.seq,
        psn_no=person.psn_no,
        psn_cert_type=person.psn_cert_type,
        certno=person.certno,
        places=[_place(each) for each in changed.record.enrolments],
    )


def _place(enrolment: Enrolment) -> change_pb2.InsuredPlace:
    return change_pb2.InsuredPlace(
        insutype=enrolment.insutype,
        insuplc_admdvs=enrolment.insuplc_admdvs,
        from_day=day_message(enrolment.from_day),
        to_day=optional_day_message(enrolment.to_day),
        in_force=enrolment.psn_insu_stas == _IN_FORCE,
    )
