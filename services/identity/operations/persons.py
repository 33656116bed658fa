"""Persons: registration in bulk, revision of an enrolment, look-ups, entitlement on a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from services.identity.domain.enrolment import Entitlement, entitlement_on, revise
from services.identity.domain.person import Enrolment, PersonRecord, in_order
from services.identity.domain.registration import Registration, check_records, decide_registration, with_own_links
from services.identity.operations.journal import ActAnswer, answer_once
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.persons import person_not_found
from services.kernel.requests import RequestStamp


class PersonOperations:
    """What PersonService does, in the cell of that code."""

    def __init__(self, store: IdentityStore, cell: str = "") -> None:
        self._store = store
        self._cell = cell

    async def register(
        self,
        stamp: RequestStamp,
        records: Sequence[PersonRecord],
        now: datetime,
        encode: Callable[[Registration], bytes],
    ) -> bytes:
        """Registers all or none; INVALID_REQUEST, PERSON_EXISTS, CERTIFICATE_TAKEN, ENROLMENT_OVERLAPS, FAMILY_OWNER_UNKNOWN."""
        check_records(records)
        own = [with_own_links(each, self._cell) for each in records]

        async def act(work: Unit) -> ActAnswer:
            registration = decide_registration(own, await work.persons.standing(own))
            await work.persons.add(registration.new)
            return ActAnswer(encode(registration))

        return (await answer_once(self._store, stamp, now, act)).response

    async def revise(
        self,
        stamp: RequestStamp,
        psn_no: str,
        successor: Enrolment,
        now: datetime,
        encode: Callable[[PersonRecord], bytes],
    ) -> bytes:
        """Opens the successor; PERSON_NOT_FOUND, ENROLMENT_NOT_FOUND, ENROLMENT_OVERLAPS."""

        async def act(work: Unit) -> ActAnswer:
            record = await work.persons.hold(psn_no)
            if record is None:
                raise person_not_found("psn_no")
            revision = revise(record.enrolments, successor)
            await work.persons.revise(psn_no, revision)
            kept = tuple(each for each in record.enrolments if each != revision.before)
            ended = (revision.ended,) if revision.ended else ()
            return ActAnswer(encode(in_order(replace(record, enrolments=(*kept, *ended, revision.opened)))))

        return (await answer_once(self._store, stamp, now, act)).response

    async def find(self, psn_no: str) -> PersonRecord:
        """The person's record; PERSON_NOT_FOUND."""
        found = await self.find_many([psn_no])
        if found[0] is None:
            raise person_not_found("psn_no")
        return found[0]

    async def find_many(self, psn_nos: Sequence[str]) -> Sequence[PersonRecord | None]:
        """The records in the order asked; None for an unknown number."""
        async with self._store.read() as work:
            known = {record.person.psn_no: record for record in await work.persons.find(psn_nos)}
        return [known.get(psn_no) for psn_no in psn_nos]

    async def entitlement(self, psn_no: str, insutype: str, day: date) -> Entitlement:
        """Whether the person is entitled on the day; PERSON_NOT_FOUND."""
        record = await self.find(psn_no)
        return entitlement_on(record.enrolments, insutype, day)
