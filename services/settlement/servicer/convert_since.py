"""What has happened since, as fields behind a stored answer: protobuf reads a message that is appended as a part of it."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from services.settlement.domain.care.encounters import (
    ADMIT,
    DESCRIBE,
    DISCHARGE,
    REGISTER,
    UNDO_DISCHARGE,
    UPLOAD_FEES,
    Since,
)
from yibao.settlement.v1 import fee_pb2, stay_pb2, visit_pb2


class AppendedMessages:
    """Reads and writes the answers of encounters and fees. Those of 2204 and 2301 have one layout."""

    def splits(self, response: bytes) -> Mapping[str, bytes]:
        """The splits that an upload was answered, by number of the line."""
        answered = fee_pb2.UploadFeesResponse.FromString(response)
        return {row.feedetl_sn: row.SerializeToString() for row in answered.result}

    def told(self, kind: str, since: Since) -> bytes:
        """The fields that the answer of an entry of that kind has for it."""
        return _message(kind, since).SerializeToString()


def _message(kind: str, since: Since) -> Message:
    made: dict[str, Message] = {
        REGISTER: visit_pb2.RegisterVisitResponse(cancelled=since.cancelled),
        DESCRIBE: visit_pb2.UploadVisitResponse(cancelled=since.cancelled),
        ADMIT: stay_pb2.AdmitResponse(cancelled=since.cancelled),
        DISCHARGE: stay_pb2.DischargeResponse(undone=since.undone),
        UNDO_DISCHARGE: stay_pb2.UndoDischargeResponse(cancelled=since.cancelled, discharged=since.discharged),
        UPLOAD_FEES: fee_pb2.UploadFeesResponse(cancelled_lines=since.cancelled_lines),
    }
    return made[kind]
