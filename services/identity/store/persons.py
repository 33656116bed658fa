"""Rows of persons: bulk inserts, and reads of whole records by one statement however many are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from services.identity.domain.credential import EcToken
from services.identity.domain.enrolment import Revision
from services.identity.domain.person import Person, PersonRecord
from services.identity.domain.registration import RegisteredBefore
from services.identity.store.changes import ChangeRows
from services.identity.store.rows import RecordRows, enrolment_row, identity_rows, link_rows, person_row, to_person
from services.identity.store.statements import Statements
from services.runtime.db import DriverConnection, sql

_HOLD: Final = sql("SELECT psn_no FROM person WHERE psn_no = ?1 FOR UPDATE")
_END: Final = sql("UPDATE enrolment SET to_day = ?4 WHERE psn_no = ?1 AND insutype = ?2 AND from_day = ?3")


class PersonRows:
    """Persons, in one transaction. What is written moves in the change feed too."""

    def __init__(self, connection: DriverConnection, statements: Statements, changes: ChangeRows) -> None:
        self._connection = connection
        self._statements = statements
        self._changes = changes

    async def find(
        self,
        numbers: Collection[str],
        certnos: Collection[str] = (),
        cards: Collection[str] = (),
    ) -> Sequence[PersonRecord]:
        """The records of all that are found by any of the three, each once, lists in order; certificates of any type."""
        return (await self._whole(numbers, certnos, cards, ())).records()

    async def held(
        self, digests: Collection[str], numbers: Collection[str], certnos: Collection[str], cards: Collection[str]
    ) -> tuple[Mapping[str, EcToken], Sequence[PersonRecord]]:
        """`find` with those whose ecTokens have these digests, and the tokens by digest; one statement."""
        rows = await self._whole(numbers, certnos, cards, digests)
        return rows.tokens, rows.records()

    async def hold(self, psn_no: str) -> PersonRecord | None:
        """The record, its person's row held against other writers."""
        await self._connection.run(_HOLD, psn_no)
        found = await self.find([psn_no])
        return found[0] if found else None

    async def standing(self, records: Sequence[PersonRecord]) -> RegisteredBefore:
        """What is registered already of what these records touch."""
        people = [record.person for record in records]
        wanted = {person.psn_no for person in people}
        owners = {
            link.owner_psn_no for record in records for link in record.family_links if not link.owner_cell
        } - wanted
        found = await self._people(
            wanted | owners,
            {person.certno for person in people},
            {person.card_no for person in people if person.card_no},
        )
        known = await self._records({number: found[number] for number in found.keys() & wanted})
        return RegisteredBefore(
            records={record.person.psn_no: record for record in known},
            certificates={(person.psn_cert_type, person.certno): number for number, person in found.items()},
            cards={person.card_no: number for number, person in found.items() if person.card_no},
            owners=frozenset(owners & found.keys()),
        )

    async def add(self, records: Sequence[PersonRecord]) -> None:
        """New persons: four bulk inserts, persons first."""
        enrolments = [enrolment_row(record.person.psn_no, each) for record in records for each in record.enrolments]
        await self._insert("person", [person_row(record.person) for record in records])
        await self._insert("enrolment", enrolments)
        await self._insert("person_identity", [row for record in records for row in identity_rows(record)])
        await self._insert("family_link", [row for record in records for row in link_rows(record)])
        await self._changes.move([record.person.psn_no for record in records])

    async def revise(self, psn_no: str, revision: Revision) -> None:
        """Ends one enrolment and opens its successor."""
        if revision.before is not None and revision.ended is not None:
            same = (psn_no, revision.before.insutype, revision.before.from_day.isoformat())
            last = revision.ended.to_day
            await self._connection.run(_END, *same, None if last is None else last.isoformat())
        await self._insert("enrolment", [enrolment_row(psn_no, revision.opened)])
        await self._changes.move([psn_no])

    async def _insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._connection.insert(self._statements.inserts[table][self._connection.dialect], rows)

    async def _whole(self, *wanted: Collection[str]) -> RecordRows:
        """By numbers, certificate numbers, cards and digests."""
        numbers, certnos, cards, digests = given = [list(set(each)) for each in wanted]
        if not any(given):
            return RecordRows(())
        statement = self._statements.whole[bool(numbers), bool(certnos), bool(cards), bool(digests)]
        return RecordRows(await self._connection.run(statement, *filter(None, given)))

    async def _records(self, people: dict[str, Person]) -> list[PersonRecord]:
        if not people:
            return []
        rows = RecordRows(await self._connection.run(self._statements.dated, list(people)))
        return [rows.record(person) for person in people.values()]

    async def _people(self, numbers: set[str], certnos: set[str], cards: set[str]) -> dict[str, Person]:
        """By number. The number of a certificate may stand under several types: all of them are found."""
        wanted = (list(numbers), list(certnos), list(cards))
        if not any(wanted):
            return {}
        statement = self._statements.people[bool(numbers), bool(certnos), bool(cards)]
        people = (to_person(row) for row in await self._connection.run(statement, *filter(None, wanted)))
        return {person.psn_no: person for person in people}
