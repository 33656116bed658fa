"""Cells whose clocks are apart, or show another day than the machine's; and people whose benefit year begins on 1 July."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from services.kernel.clock import Clock, ahead, system_clock
from services.runtime.documents.yaml_values import read_yaml
from tests.mesh.harness import Mesh
from tests.mesh.hospital import hospital_at
from tests.mesh.people import BALANCE_FEN, Newcomers
from tests.mesh.seeds import FROM
from tests.torture.cells.books import Books
from tests.torture.cells.processes import CARE, INSURED, Town, town
from tests.torture.cells.transactions import Line
from tools.played.messages import Patient, patient_of
from tools.played.people import DIVISION, EMPLOYEE, person, person_record
from tools.tidy import ROOT
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import ledger_pb2

SUMMER: Final = "990200"
"""A division with the policy of Shanghai, whose benefit year begins on 1 July."""

_POLICY: Final = "shanghai-employee"
_FILES: Final = ROOT / "services" / "catalogue" / "samples" / "policies"


class Residents(Newcomers):
    """Newcomers of a division of one's choice."""

    def __init__(self, mesh: Mesh, first: int, division: str) -> None:
        super().__init__(mesh, first)
        self._division = division

    async def many(self, how_many: int, balance_fen: int = BALANCE_FEN) -> list[Patient]:
        """Several at once."""
        people = [person(next(self._numbers)) for _ in range(how_many)]
        name = f"residents-from-{people[0].psn_no[-8:]}"
        records = [person_record(each) for each in people]
        for record in records:
            record.enrolments[0].insuplc_admdvs = self._division
        register = person_pb2.RegisterPersonsRequest(request_id=name, persons=records)
        await self._mesh.call("yibao.identity.v1.PersonService.RegisterPersons", register)
        openings = [
            ledger_pb2.LedgerOpening(
                psn_no=each.psn_no, insutype=EMPLOYEE, insuplc_admdvs=self._division, balance_fen=balance_fen
            )
            for each in people
        ]
        opened = ledger_pb2.OpenLedgerRequest(request_id=name, openings=openings)
        await self._mesh.call("yibao.settlement.v1.LedgerService.OpenLedger", opened)
        return [replace(patient_of(each), home=self._division) for each in people]


@dataclass(frozen=True, slots=True)
class Season:
    """The processes on their clocks, and a line at the place of care for people of the insured cell."""

    town: Town
    line: Line
    summer: Line
    clock: Clock


@asynccontextmanager
async def season(folder: Path, care_s: int, insured_s: int, routing_s: int = 0) -> AsyncIterator[Season]:
    """Clocks of the cell of care, of the insured cell and of what is national, so many seconds ahead of the machine's."""
    offsets = {
        f"YIBAO_{CARE}_CLOCK_OFFSET_S": str(care_s),
        f"YIBAO_{INSURED}_CLOCK_OFFSET_S": str(insured_s),
        "YIBAO_CLOCK_OFFSET_S": str(routing_s),
    }
    clock = ahead(system_clock, care_s)
    async with town(folder, overrides=offsets) as made, hospital_at(made.url, clock) as hospital:
        await made.cells[CARE].call("yibao.catalogue.v1.CatalogueService.Publish", _summer())
        home, books = made.cells[INSURED], Books(made.config)
        lines = [Line(hospital, Residents(home, first, at), books) for first, at in ((5000, DIVISION), (7000, SUMMER))]
        yield Season(made, lines[0], lines[1], clock)


def seconds_until(moment: datetime) -> int:
    """By how much a clock has to be ahead to show this moment now."""
    return round((moment - system_clock()).total_seconds())


def _summer() -> catalogue_pb2.PublishRequest:
    (file,) = _FILES.glob(f"{_POLICY}@*.yaml")
    document: Any = read_yaml(file.read_text(encoding="utf-8"))
    # As if nothing followed it.
    document["effective"]["to"] = None
    since = records_pb2.Validity()
    since.from_day.year, since.from_day.month, since.from_day.day = FROM.year, FROM.month, FROM.day
    records = [
        catalogue_pb2.Record(policy=records_pb2.PolicyDocument(document_json=json.dumps(document, ensure_ascii=False))),
        catalogue_pb2.Record(
            stack=records_pb2.PolicyStack(admdvs=SUMMER, insutype=EMPLOYEE, policy_ids=[_POLICY], validity=since)
        ),
    ]
    return catalogue_pb2.PublishRequest(request_id="seed-summer", records=records)
