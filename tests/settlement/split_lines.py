"""Fee lines of bills across cells as tests make and read them: a line with its split, packed as the contract says."""

from __future__ import annotations

from typing import NamedTuple

from yibao.settlement.v1 import carried_pb2, common_pb2


class SplitLine(NamedTuple):
    """A line with its split."""

    line: common_pb2.FeeLine
    split: common_pb2.FeeLineSplit


def packed_lines(*lines: SplitLine) -> bytes:
    """Lines as a bill carries them."""
    return carried_pb2.CarriedLines(
        lines=[
            carried_pb2.CarriedLine(line=each.line.SerializeToString(), split=each.split.SerializeToString())
            for each in lines
        ]
    ).SerializeToString()


def lines_of(bill: carried_pb2.CarriedBill) -> list[SplitLine]:
    """The lines that a bill carries."""
    return [
        SplitLine(common_pb2.FeeLine.FromString(each.line), common_pb2.FeeLineSplit.FromString(each.split))
        for each in carried_pb2.CarriedLines.FromString(bill.lines).lines
    ]
