"""Fee lines of a bill across cells on their way: packed as the place of care keeps them, and read once where the person is
insured.

The place of care has checked a line when it came; what money hangs on is checked again by whoever pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import DecodeError

from services.kernel.errors import invalid
from services.runtime.pieces import in_pieces
from services.settlement.domain.care import CareLine
from services.settlement.domain.carried import CarriedLine, check_lines
from services.settlement.domain.lines import LineSplit
from services.settlement.domain.pricing import exempt_tags
from yibao.settlement.v1 import carried_pb2, common_pb2

MOST_BYTES: Final = 3_145_728
"""Bytes of all lines of a bill together (our decision: with the rest of the bill they fit into a message)."""

_MICRO: Final = 1_000_000


def packed(lines: Sequence[CareLine]) -> bytes:
    """The lines as they are carried. Nothing in them is read."""
    made = [carried_pb2.CarriedLine(line=each.detail, split=each.answer) for each in lines]
    return carried_pb2.CarriedLines(lines=made).SerializeToString()


async def read_lines(carried: bytes) -> tuple[CarriedLine, ...]:
    """The lines of a bill that is carried. Raises INVALID for bytes that are no lines, and as `check_lines`."""
    try:
        lines = tuple(await in_pieces(_line, carried_pb2.CarriedLines.FromString(carried).lines))
    except DecodeError:
        raise invalid("carried.lines", "lines.readable", "the lines as the place of care packed them") from None
    check_lines(lines)
    return lines


def _line(sent: carried_pb2.CarriedLine) -> CarriedLine:
    detail, answer = sent.line, sent.split
    line, split = common_pb2.FeeLine.FromString(detail), common_pb2.FeeLineSplit.FromString(answer)
    number, amount, at = line.feedetl_sn, split.det_item_fee_sumamt_fen, line.fee_ocur_time
    return CarriedLine(
        *(number, line.init_feedetl_sn, line.chrg_bchno, at.seconds * _MICRO + at.nanos // 1000, line.cnt),
        LineSplit(
            *(amount, split.fulamt_ownpay_amt_fen, split.overlmt_amt_fen),
            *(split.preselfpay_amt_fen, split.inscp_scp_amt_fen, split.hosp_part_amt_fen),
        ),
        exempt_tags(split.bas_medn_flag, split.hi_nego_drug_flag),
        *(detail, answer, bool(number) and (number, amount) == (split.feedetl_sn, line.det_item_fee_sumamt_fen)),
    )
