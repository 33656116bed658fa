"""PersonService on the wire."""

from __future__ import annotations

from typing import Any

from services.identity.domain.person import PersonRecord
from services.identity.domain.registration import Registration
from services.identity.operations.persons import PersonOperations
from services.identity.servicer.convert import read_enrolment, read_record, write_enrolment, write_record
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import DayReader, day_of
from yibao.identity.v1 import person_pb2, person_pb2_grpc


class PersonServicer(person_pb2_grpc.PersonServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: PersonOperations) -> None:
        self._operations = operations

    async def RegisterPersons(  # noqa: N802 - the contract's name
        self, request: person_pb2.RegisterPersonsRequest, context: Any
    ) -> person_pb2.RegisterPersonsResponse:
        """All or none."""
        call, days = current_call(), DayReader()
        records = [read_record(message, f"persons[{i}]", days) for i, message in enumerate(request.persons)]
        days.check()
        stored = await self._operations.register(stamp_of(call, request), records, call.now, _registered)
        return person_pb2.RegisterPersonsResponse.FromString(stored)

    async def ReviseEnrolment(  # noqa: N802 - the contract's name
        self, request: person_pb2.ReviseEnrolmentRequest, context: Any
    ) -> person_pb2.ReviseEnrolmentResponse:
        """Ends the enrolment in force and opens its successor."""
        call, days = current_call(), DayReader()
        successor = read_enrolment(request.enrolment, "enrolment", days)
        days.check()
        stamp = stamp_of(call, request)
        stored = await self._operations.revise(stamp, request.psn_no, successor, call.now, _revised)
        return person_pb2.ReviseEnrolmentResponse.FromString(stored)

    async def GetPerson(  # noqa: N802 - the contract's name
        self, request: person_pb2.GetPersonRequest, context: Any
    ) -> person_pb2.GetPersonResponse:
        """One person whole."""
        return person_pb2.GetPersonResponse(record=write_record(await self._operations.find(request.psn_no)))

    async def GetEntitlement(  # noqa: N802 - the contract's name
        self, request: person_pb2.GetEntitlementRequest, context: Any
    ) -> person_pb2.GetEntitlementResponse:
        """Entitled or why not."""
        day = day_of(request.day, "day")
        entitlement = await self._operations.entitlement(request.psn_no, request.insutype, day)
        enrolment = entitlement.enrolment
        return person_pb2.GetEntitlementResponse(
            entitled=entitlement.entitled,
            reason=entitlement.reason,
            enrolment=None if enrolment is None else write_enrolment(enrolment),
        )

    async def BatchGetPersons(  # noqa: N802 - the contract's name
        self, request: person_pb2.BatchGetPersonsRequest, context: Any
    ) -> person_pb2.BatchGetPersonsResponse:
        """In the order asked."""
        records = await self._operations.find_many(request.psn_nos)
        return person_pb2.BatchGetPersonsResponse(
            outcomes=[
                person_pb2.PersonOutcome(record=None if record is None else write_record(record)) for record in records
            ]
        )


def _registered(registration: Registration) -> bytes:
    return person_pb2.RegisterPersonsResponse(
        registered_count=len(registration.new), unchanged_count=registration.unchanged_count
    ).SerializeToString()


def _revised(record: PersonRecord) -> bytes:
    return person_pb2.ReviseEnrolmentResponse(record=write_record(record)).SerializeToString()
