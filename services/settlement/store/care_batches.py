"""Writes to visits and fees that are decided in one transaction: read ahead for all of them, held back, and kept in bulk.

Each is decided as if it were alone. What it asks of what was read ahead costs no statement, everything else is read as usual;
what it writes is held until all are decided, so that a refused one leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from services.runtime.db import Database, DriverConnection, Later, Within, advisory_lock
from services.settlement.domain.care.ahead import Ahead, VisitName
from services.settlement.domain.care.diagnoses import Diagnosis
from services.settlement.domain.care.encounters import Encounter, Entry
from services.settlement.domain.care.fees import FeeBatch, FeeLine, StandingLine
from services.settlement.domain.care.moments import FeeMoment
from services.settlement.store.encounters import ENCOUNTER_COLUMNS, ENTRY, OPEN_VISIT, encounter_of, entry_of
from services.settlement.store.fees import BATCH_COLUMNS, FeeWriter, batch_of
from services.settlement.store.keyed import key_parameters, keys_from
from services.settlement.store.locks import person_lock

_DIALECTS: Final = ("sqlite", "postgresql")
_ENTRIES: Final = {
    dialect: f"SELECT {ENTRY} FROM {keys_from(dialect, 2)} JOIN encounter_entry ON scope = k0 AND request_id = k1"
    for dialect in _DIALECTS
}
_ENCOUNTER: Final = f"SELECT {', '.join(ENCOUNTER_COLUMNS)} FROM"
_ENCOUNTERS: Final = {
    dialect: f"{_ENCOUNTER} {keys_from(dialect, 1)} JOIN encounter ON mdtrt_id = k0" for dialect in _DIALECTS
}
_VISITS: Final = {
    dialect: f"{_ENCOUNTER} {keys_from(dialect, 3)} JOIN encounter ON {OPEN_VISIT} AND fixmedins_code = k0 AND psn_no = k1"
    " AND ipt_otp_no = k2"
    for dialect in _DIALECTS
}
_BATCHES: Final = {
    dialect: f"SELECT {', '.join(BATCH_COLUMNS)} FROM {keys_from(dialect, 1)} JOIN fee_batch ON mdtrt_id = k0"
    " ORDER BY created_at, fee_batch_id"
    for dialect in _DIALECTS
}


_Asked: TypeAlias = tuple[Mapping[str, str], int, Sequence[Any]]
"""A statement, of how many texts its keys are, and the keys."""


@dataclass(slots=True)
class Known:
    """What was read ahead; a key that was asked for and not found is there with nothing."""

    entries: dict[tuple[str, str], Entry | None]
    encounters: dict[str, Encounter | None]
    visits: dict[VisitName, Encounter | None]
    batches: dict[str, list[FeeBatch]]


@dataclass(slots=True)
class Held:
    """Rows to be written."""

    entries: list[Entry] = field(default_factory=list)
    added: list[Encounter] = field(default_factory=list)
    changed: list[Encounter] = field(default_factory=list)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    batches: list[FeeBatch] = field(default_factory=list)
    lines: list[FeeLine] = field(default_factory=list)

    def take(self, other: Held) -> None:
        """Takes the rows of another over."""
        self.entries += other.entries
        self.added += other.added
        self.changed += other.changed
        self.replaced += other.replaced
        self.diagnoses += other.diagnoses
        self.batches += other.batches
        self.lines += other.lines


class HeldWriter(FeeWriter):
    """The writing of one among many, each about a person of its own. It reads nothing that it has written."""

    def __init__(self, connection: DriverConnection, known: Known) -> None:
        super().__init__(connection)
        self._known = known
        self.held = Held()

    async def entry(self, scope: str, request_id: str) -> Entry | None:
        """The accepted write of that request id."""
        known = self._known.entries
        return known[scope, request_id] if (scope, request_id) in known else await super().entry(scope, request_id)

    async def encounter(self, mdtrt_id: str) -> Encounter | None:
        """The encounter of that number."""
        known = self._known.encounters
        return known[mdtrt_id] if mdtrt_id in known else await super().encounter(mdtrt_id)

    async def open_visit(self, fixmedins_code: str, psn_no: str, ipt_otp_no: str) -> Encounter | None:
        """The open visit under the institution's own number."""
        key, known = VisitName(fixmedins_code, psn_no, ipt_otp_no), self._known.visits
        return known[key] if key in known else await super().open_visit(*key)

    async def batches(self, mdtrt_id: str) -> list[FeeBatch]:
        """All charge batches, oldest first."""
        known = self._known.batches.get(mdtrt_id)
        return await super().batches(mdtrt_id) if known is None else known

    async def lines(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing lines of these numbers: none where there is no charge batch yet."""
        return [] if self._known.batches.get(mdtrt_id) == [] else await super().lines(mdtrt_id, numbers)

    async def unsettled_before(self, mdtrt_id: str, first: datetime) -> list[FeeMoment]:
        """Unsettled fees that arose before a moment."""
        return [] if self._known.batches.get(mdtrt_id) == [] else await super().unsettled_before(mdtrt_id, first)

    async def add_entries(self, entries: Sequence[Entry]) -> None:
        """Holds accepted writes."""
        self.held.entries += entries

    async def add_encounters(self, encounters: Sequence[Encounter]) -> None:
        """Holds new encounters."""
        self.held.added += encounters

    async def change_encounters(self, encounters: Sequence[Encounter]) -> None:
        """Holds encounters as they stand then."""
        self.held.changed += encounters

    async def add_diagnoses(self, rows: Sequence[Diagnosis]) -> None:
        """Holds new diagnoses."""
        self.held.diagnoses += rows

    async def replace_diagnoses(self, mdtrt_id: str, stage: str) -> None:
        """Holds that those of the stage stand no more."""
        self.held.replaced.append((mdtrt_id, stage))

    async def add_fees(self, batches: Sequence[FeeBatch], lines: Sequence[FeeLine]) -> None:
        """Holds new batches with their lines."""
        self.held.batches += batches
        self.held.lines += lines


class CareBatch:
    """One transaction of many writes: their persons are locked first; then some are read ahead for, decided and kept, then
    the next.
    """

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def lock(self, persons: Iterable[str]) -> None:
        """Holds what is written about these persons until the transaction ends."""
        await advisory_lock(self._connection, map(person_lock, persons))

    async def load(self, ahead: Sequence[Ahead]) -> Known:
        """Reads ahead, on SQLite by one statement for each kind of row."""
        requests = [(each.stamp.scope, each.stamp.request_id) for each in ahead]
        numbers = list({each.mdtrt_id: None for each in ahead if each.mdtrt_id})
        visits = [each.visit for each in ahead if each.visit is not None]
        known = Known(
            *(dict.fromkeys(requests), dict.fromkeys(numbers), dict.fromkeys(visits)),
            {number: [] for number in numbers},
        )
        asked: list[_Asked] = [
            (_ENTRIES, 2, requests),
            (_ENCOUNTERS, 1, numbers),
            (_BATCHES, 1, numbers),
            (_VISITS, 3, visits),
        ]
        entries, encounters, batches, named = await self._rows(asked)
        for row in entries:
            known.entries[row[0], row[1]] = entry_of(row)
        for row in encounters:
            known.encounters[row[0]] = encounter_of(row)
        for row in batches:
            batch = batch_of(row)
            known.batches[batch.mdtrt_id].append(batch)
        for row in named:
            visit = encounter_of(row)
            known.visits[VisitName(visit.fixmedins_code, visit.psn_no, visit.ipt_otp_no)] = visit
        return known

    def one(self, known: Known) -> HeldWriter:
        """The writing of one."""
        return HeldWriter(self._connection, known)

    async def keep(self, held: Iterable[Held]) -> None:
        """Writes what was held, on SQLite by one statement for each kind of row; `Moved` where a unique row is taken."""
        later = Later(self._connection)
        rows, writer = Held(), FeeWriter(later)
        for each in held:
            rows.take(each)
        await writer.add_encounters(rows.added)
        await writer.change_encounters(rows.changed)
        await writer.replace_all_diagnoses(rows.replaced)
        await writer.add_diagnoses(rows.diagnoses)
        await writer.add_fees(rows.batches, rows.lines)
        await writer.add_entries(rows.entries)
        await later.send()

    async def _rows(self, asked: Sequence[_Asked]) -> list[Sequence[Any]]:
        """The rows of each, none where there are no keys."""
        dialect = self._connection.dialect
        reads = [(statement, key_parameters(dialect, width, keys)) for statement, width, keys in asked if keys]
        found = iter(await self._connection.together(reads))
        return [next(found) if keys else () for _, _, keys in asked]


class CareBatches:
    """The encounters and fees of one database, written by many at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def writing(self) -> Within[CareBatch]:
        """One transaction; `Moved` where a row that must be unique was written by another first."""
        return Within(self._database.driver_write(), CareBatch, moved=True)
