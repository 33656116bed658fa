"""Bills of another cell as they were carried here: the encounter that they tell of, and their lines."""

from __future__ import annotations

from typing import Any, Final

from services.kernel.clock import from_micros
from services.runtime.db import DriverConnection, sql
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.carried import KeptLines
from services.settlement.domain.care.encounters import DISCHARGED, OPEN, Encounter

_ENCOUNTER: Final = sql(
    "SELECT c.mdtrt_id, c.fixmedins_code, s.psn_no, s.insutype, c.kind, c.ipt_otp_no, c.med_type, c.begin_at, c.end_at,"
    " c.insuplc_admdvs, c.mdtrtarea_admvs, c.mdtrt_cert_type, c.dise_codg, c.dise_name, c.created_at, c.local_med_type"
    " FROM carried_bill AS c JOIN settlement AS s ON s.setl_id = c.setl_id WHERE c.setl_id = ?1"
)
_LINES: Final = sql("SELECT mdtrt_id, created_at, opter, opter_name, lines FROM carried_bill WHERE setl_id = ?1")


class CarriedReader:
    """Carried bills as one snapshot shows them."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def encounter(self, setl_id: str) -> Encounter | None:
        """The encounter in the cell of care that a settlement is of; None for a settlement of this cell."""
        for row in await self._connection.run(_ENCOUNTER, setl_id):
            mdtrt_id, hospital, psn_no, insutype, kind, number, med_type, begin, end, insured, place, cert = row[:12]
            dise_codg, dise_name, created, local = row[12:]
            state = DISCHARGED if kind == STAY and end is not None else OPEN
            values: tuple[Any, ...] = (
                *(mdtrt_id, hospital, psn_no, insutype, kind, number, state),
                *(med_type, from_micros(begin), None if end is None else from_micros(end), insured, place, cert),
                *(dise_codg, dise_name, "", b"", from_micros(created), None, local),
            )
            return Encounter(*values)
        return None

    async def lines(self, setl_id: str) -> KeptLines | None:
        """The lines that a settlement brought along; None for a settlement of this cell."""
        for mdtrt_id, created, opter, opter_name, packed in await self._connection.run(_LINES, setl_id):
            return KeptLines(setl_id, mdtrt_id, from_micros(created), opter, opter_name, packed)
        return None
