"""Moments for the wire."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp


def to_timestamp(moment: datetime) -> Timestamp:
    """A moment for the wire."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
