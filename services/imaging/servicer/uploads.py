"""UploadService on the wire."""

from __future__ import annotations

from typing import Any

from services.imaging.operations.uploads import UploadOperations
from services.imaging.servicer.entries import number, outcome_message, told_entry
from services.kernel.clock import beijing_day
from services.runtime.call import current_call
from yibao.imaging.v1 import upload_pb2, upload_pb2_grpc


class UploadServicer(upload_pb2_grpc.UploadServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: UploadOperations) -> None:
        self._operations = operations

    async def UploadEntries(  # noqa: N802 - the contract's name
        self, request: upload_pb2.UploadEntriesRequest, context: Any
    ) -> upload_pb2.UploadEntriesResponse:
        """A batch."""
        now = current_call().now
        sent = request.entries
        number(sent)
        uploaded = await self._operations.upload(request.node_no, sent, told_entry, now, beijing_day(now))
        outcomes = [outcome_message(*pair) for pair in zip(uploaded.outcomes, sent, strict=True)]
        return upload_pb2.UploadEntriesResponse(outcomes=outcomes, watermark=uploaded.watermark)

    def UploadStream(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        """Never called: each message of a stream comes to `UploadEntries` (`services.runtime.streams`)."""
        raise RuntimeError("a stream is served message by message")

    async def GetWatermark(  # noqa: N802 - the contract's name
        self, request: upload_pb2.GetWatermarkRequest, context: Any
    ) -> upload_pb2.GetWatermarkResponse:
        """Of a node."""
        return upload_pb2.GetWatermarkResponse(watermark=await self._operations.watermark(request.node_no))
