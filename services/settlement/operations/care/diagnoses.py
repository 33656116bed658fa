"""Diagnoses of encounters: kept with the message that tells them, and told to 5202 as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.settlement.domain.care.diagnoses import DiagnosesTold, Diagnosis
from services.settlement.domain.care.encounters import EncounterName, named_encounter
from services.settlement.operations.care.ports import EncounterStore, NewId
from services.settlement.store.fees import FeeWriter


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """Reads diagnoses."""

    store: EncounterStore

    async def listed(self, name: EncounterName) -> list[Diagnosis]:
        """The diagnoses that stand on an encounter, in the order they came; ENCOUNTER_NOT_FOUND."""
        async with self.store.reading() as snapshot:
            encounter = named_encounter(name, await snapshot.encounter(name.mdtrt_id))
            return await snapshot.diagnoses(encounter.mdtrt_id)


async def told_diagnoses(
    writing: FeeWriter, new_id: NewId, mdtrt_id: str, stage: str, told: DiagnosesTold, now: datetime
) -> None:
    """Keeps what a message tells in the place of what stood at its stage; a message without diagnoses changes nothing."""
    if not told.rows:
        return
    await writing.replace_diagnoses(mdtrt_id, stage)
    rows = [
        Diagnosis(new_id(""), mdtrt_id, stage, row_no, row, now, told.opter, told.opter_name)
        for row_no, row in enumerate(told.valid, 1)
    ]
    if rows:
        await writing.add_diagnoses(rows)
