"""Rows of diagnoses: those that stand on an encounter, and a message's in the place of the earlier ones of their stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, insert_sql, sql
from services.settlement.domain.care.diagnoses import Diagnosis, ToldDiagnosis
from services.settlement.store.keyed import fetch_keyed, keys_from
from services.settlement.store.tables import DIAGNOSIS

_TOLD: Final = ToldDiagnosis._fields
_COLUMNS: Final = ("diag_info_id", "mdtrt_id", "stage", "row_no", *_TOLD, "told_at", "opter", "opter_name")
_TIME: Final = _TOLD.index("diag_time")
_FIRST: Final = 4
_LAST: Final = _FIRST + len(_TOLD)
_STANDING: Final = sql(
    f"SELECT {', '.join(_COLUMNS)} FROM diagnosis WHERE mdtrt_id = ?1 AND state = 'standing'"
    " ORDER BY told_at, diag_info_id"
)
_REPLACE: Final = {
    dialect: f"UPDATE diagnosis SET state = 'replaced' FROM {keys_from(dialect, 2)}"
    " WHERE mdtrt_id = k0 AND stage = k1 AND state = 'standing'"
    for dialect in ("sqlite", "postgresql")
}
_ADD: Final = insert_sql(DIAGNOSIS)


class DiagnosisReader:
    """Diagnoses as one snapshot shows them."""

    _connection: DriverConnection

    async def diagnoses(self, mdtrt_id: str) -> list[Diagnosis]:
        """Those that stand on the encounter, in the order they came."""
        return [_diagnosis(row) for row in await self._connection.run(_STANDING, mdtrt_id)]


class DiagnosisWriter(DiagnosisReader):
    """Diagnoses inside one transaction."""

    async def add_diagnoses(self, rows: Sequence[Diagnosis]) -> None:
        """New rows by one statement."""
        await self._connection.insert(_ADD[self._connection.dialect], [_stored(row) for row in rows])

    async def replace_diagnoses(self, mdtrt_id: str, stage: str) -> None:
        """Those of the stage stand no more."""
        await self.replace_all_diagnoses([(mdtrt_id, stage)])

    async def replace_all_diagnoses(self, stages: Sequence[tuple[str, str]]) -> None:
        """Those of each encounter's stage stand no more."""
        if stages:
            await fetch_keyed(self._connection, _REPLACE[self._connection.dialect], 2, stages)


def _diagnosis(row: Sequence[Any]) -> Diagnosis:
    told = list(row[_FIRST:_LAST])
    if told[_TIME] is not None:
        told[_TIME] = from_micros(told[_TIME])
    number, mdtrt_id, stage, row_no = row[:_FIRST]
    told_at, opter, opter_name = row[_LAST:]
    return Diagnosis(number, mdtrt_id, stage, row_no, ToldDiagnosis(*told), from_micros(told_at), opter, opter_name)


def _stored(row: Diagnosis) -> tuple[Any, ...]:
    told = row.told._replace(diag_time=None)
    values: list[Any] = list(told)
    if row.told.diag_time is not None:
        values[_TIME] = to_micros(row.told.diag_time)
    return (*row[:_FIRST], *values, to_micros(row.told_at), row.opter, row.opter_name, "standing")
