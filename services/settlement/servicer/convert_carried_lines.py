"""Fee lines of a bill across cells: packed where the care was given, added up where the person is insured, and unpacked where
somebody looks at them.

The place of care has checked a line when it came; what money hangs on is checked again by whoever pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from google.protobuf.message import DecodeError

from services.kernel.errors import invalid
from services.runtime.pieces import in_pieces
from services.runtime.wire import moment_of
from services.settlement.domain.books.care_bills import CareLine
from services.settlement.domain.care.carried import CarriedLines, KeptLines
from services.settlement.domain.care.encounters import OPEN
from services.settlement.domain.care.fees import SETTLED, FeeLine, StandingLine
from services.settlement.domain.care.lines import LineSplit
from yibao.settlement.v1 import carried_pb2, common_pb2

MOST_BYTES: Final = 3_145_728
"""Bytes of all lines of a bill together (our decision: with the rest of the bill they fit into a message)."""

# Columns of the same names, of the splits.
_OF_SPLITS: Final = (
    *("feedetl_sn", "det_item_fee_sumamt_fen", "fulamt_ownpay_amt_fen", "overlmt_amt_fen", "preselfpay_amt_fen"),
    *("inscp_scp_amt_fen", "hosp_part_amt_fen", "bas_medn_flag", "hi_nego_drug_flag"),
)
_of_split: Final = attrgetter(*_OF_SPLITS)


async def packed(lines: Sequence[CareLine]) -> bytes:
    """The lines as they are carried."""
    splits = await in_pieces(lambda line: _of_split(common_pb2.FeeLineSplit.FromString(line.answer)), lines)
    columns: dict[str, Any] = dict(zip(_OF_SPLITS, zip(*splits, strict=True), strict=False))
    return carried_pb2.CarriedLines(
        line=[line.detail for line in lines], split=[line.answer for line in lines], **columns
    ).SerializeToString()


def read_lines(carried: bytes) -> CarriedLines:
    """The lines of a bill that is carried. Raises INVALID for bytes that are no lines, and as `CarriedLines.check`."""
    try:
        told = carried_pb2.CarriedLines.FromString(carried)
    except DecodeError:
        told = carried_pb2.CarriedLines()
    if not len(told.feedetl_sn) == len(told.line) == len(told.split):
        raise invalid("carried.lines", "lines.readable", "the lines as the place of care packed them")
    lines = CarriedLines(
        *(told.feedetl_sn[:], told.det_item_fee_sumamt_fen[:], told.fulamt_ownpay_amt_fen[:], told.overlmt_amt_fen[:]),
        *(told.preselfpay_amt_fen[:], told.inscp_scp_amt_fen[:], told.hosp_part_amt_fen[:]),
        *(told.bas_medn_flag[:], told.hi_nego_drug_flag[:], carried),
    )
    lines.check()
    return lines


async def unpacked(kept: KeptLines, after: int, limit: int) -> list[StandingLine]:
    """Carried lines as they are shown, in the order they came: behind the first `after` of them, at most `limit`."""
    told = carried_pb2.CarriedLines.FromString(kept.packed)

    def shown(place: int) -> StandingLine:
        detail, answer = told.line[place], told.split[place]
        sent = common_pb2.FeeLine.FromString(detail)
        split = LineSplit(
            *(told.det_item_fee_sumamt_fen[place], told.fulamt_ownpay_amt_fen[place], told.overlmt_amt_fen[place]),
            *(told.preselfpay_amt_fen[place], told.inscp_scp_amt_fen[place], told.hosp_part_amt_fen[place]),
        )
        line = FeeLine(
            *("", kept.mdtrt_id, told.feedetl_sn[place], "", place + 1, OPEN, moment_of(sent.fee_ocur_time), split),
            *(sent.init_feedetl_sn, sent.cnt, detail, answer),
        )
        return StandingLine(line, sent.chrg_bchno, SETTLED, kept.setl_id, kept.created_at, kept.opter, kept.opter_name)

    return await in_pieces(shown, range(len(told.line))[after : after + limit])
