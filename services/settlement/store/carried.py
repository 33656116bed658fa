"""Bills of another cell as they were carried here: the encounter that they tell of, and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.kernel.clock import from_micros
from services.runtime.db import DriverConnection, sql
from services.runtime.pieces import in_pieces
from services.settlement.domain.bill import STAY
from services.settlement.domain.encounters import DISCHARGED, OPEN, Encounter
from services.settlement.domain.fees import SETTLED, FeeLine, StandingLine
from services.settlement.domain.lines import LineSplit

_ENCOUNTER: Final = sql(
    "SELECT c.mdtrt_id, c.fixmedins_code, s.psn_no, s.insutype, c.kind, c.ipt_otp_no, c.med_type, c.begin_at, c.end_at,"
    " c.insuplc_admdvs, c.mdtrtarea_admvs, c.mdtrt_cert_type, c.dise_codg, c.dise_name, c.created_at, c.local_med_type"
    " FROM carried_bill AS c JOIN settlement AS s ON s.setl_id = c.setl_id WHERE c.setl_id = ?1"
)
_LINES: Final = sql(
    "SELECT l.line_no, l.feedetl_sn, l.init_feedetl_sn, l.chrg_bchno, l.fee_at, l.cnt, l.amount_fen, l.fulamt_ownpay_fen,"
    " l.overlmt_fen, l.preselfpay_fen, l.inscp_fen, l.hosp_part_fen, l.detail, l.split, c.mdtrt_id, c.created_at, c.opter,"
    " c.opter_name FROM carried_line AS l JOIN carried_bill AS c ON c.setl_id = l.setl_id"
    " WHERE l.setl_id = ?1 AND l.line_no > ?2 ORDER BY l.line_no LIMIT ?3"
)


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

    async def lines(self, setl_id: str, after: int, limit: int) -> list[StandingLine]:
        """The lines that a settlement brought along, in the order they came, behind the first `after` of them."""
        rows = await self._connection.run(_LINES, setl_id, after, limit)
        return await in_pieces(lambda row: _line(setl_id, row), rows)


def _line(setl_id: str, row: Sequence[Any]) -> StandingLine:
    line_no, number, origin, batch, fee_at, cnt = row[:6]
    detail, split, mdtrt_id, created, opter, opter_name = row[12:]
    line = FeeLine(
        *("", mdtrt_id, number, "", line_no, OPEN, from_micros(fee_at), LineSplit(*row[6:12]), origin, cnt),
        *(detail, split),
    )
    return StandingLine(line, batch, SETTLED, setl_id, from_micros(created), opter, opter_name)
