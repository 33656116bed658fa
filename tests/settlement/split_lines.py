"""Fee lines of bills across cells as tests make and read them: a line with its split, packed as the contract says."""

from __future__ import annotations

from typing import NamedTuple

from yibao.settlement.v1 import carried_pb2, common_pb2


class SplitLine(NamedTuple):
    """A line with its split."""

    line: common_pb2.FeeLine
    split: common_pb2.FeeLineSplit


def carried_lines(*lines: SplitLine) -> carried_pb2.CarriedLines:
    """Lines in columns, as their splits tell them."""
    told = carried_pb2.CarriedLines()
    for line, split in lines:
        for field in told.DESCRIPTOR.fields:
            kept = {"line": line, "split": split}.get(field.name)
            value = getattr(split, field.name) if kept is None else kept.SerializeToString()
            getattr(told, field.name).append(value)
    return told


def packed_lines(*lines: SplitLine) -> bytes:
    """Lines as a bill carries them."""
    return carried_lines(*lines).SerializeToString()


def lines_of(bill: carried_pb2.CarriedBill) -> list[SplitLine]:
    """The lines that a bill carries."""
    told = carried_pb2.CarriedLines.FromString(bill.lines)
    return [
        SplitLine(common_pb2.FeeLine.FromString(line), common_pb2.FeeLineSplit.FromString(split))
        for line, split in zip(told.line, told.split, strict=True)
    ]
