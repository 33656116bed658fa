"""Fresh people for one test each: registered, with a ledger of their own, so that tests sharing a mesh never share a person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from tests.mesh.harness import Mesh
from tools.played.messages import Patient, patient_of
from tools.played.people import EMPLOYEE, InventedPerson, opening, person, person_record
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import ledger_pb2

BALANCE_FEN = 100_000
"""What a newcomer has in the account: 1,000.00 yuan."""


class Newcomers:
    """People that the mesh has not seen; `first` keeps them apart from those of `seed_world`."""

    def __init__(self, mesh: Mesh, first: int = 1000) -> None:
        self._mesh = mesh
        self._numbers: Iterator[int] = count(first)

    async def one(self, balance_fen: int = BALANCE_FEN) -> Patient:
        """An employee of division 990100 with money in the account."""
        return (await self.many(1, balance_fen))[0]

    async def many(self, how_many: int, balance_fen: int = BALANCE_FEN) -> list[Patient]:
        """Several at once."""
        numbers = [next(self._numbers) for _ in range(how_many)]
        people = [person(number) for number in numbers]
        # Request ids are public: no personal number stands in one.
        name = f"newcomers-from-{numbers[0]}"
        await self._register(people, name)
        openings = [opening(each.psn_no, balance_fen) for each in people]
        request = ledger_pb2.OpenLedgerRequest(request_id=name, openings=openings)
        await self._mesh.call("yibao.settlement.v1.LedgerService.OpenLedger", request)
        return [patient_of(each) for each in people]

    async def relatives(self, own_fen: int, owner: ledger_pb2.LedgerOpening) -> tuple[Patient, Patient]:
        """Somebody with so much in the own account who may use another's too, and that other, whose account is opened as told."""
        user, other = person(next(self._numbers)), person(next(self._numbers))
        await self._register([other], f"owner-{other.psn_no[-8:]}")
        record = person_record(user)
        link = person_pb2.FamilyLink(owner_psn_no=other.psn_no, owner_insutype=EMPLOYEE)
        link.from_day.CopyFrom(record.enrolments[0].from_day)
        record.family_links.append(link)
        name = f"user-{user.psn_no[-8:]}"
        request = person_pb2.RegisterPersonsRequest(request_id=name, persons=[record])
        await self._mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        opened = opening(other.psn_no, 0)
        opened.MergeFrom(owner)
        ledgers = ledger_pb2.OpenLedgerRequest(request_id=name, openings=[opening(user.psn_no, own_fen), opened])
        await self._mesh.call("yibao.settlement.v1.LedgerService.OpenLedger", ledgers)
        return patient_of(user), patient_of(other)

    async def _register(self, people: list[InventedPerson], name: str) -> None:
        records = [person_record(each) for each in people]
        request = person_pb2.RegisterPersonsRequest(request_id=name, persons=records)
        await self._mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)
