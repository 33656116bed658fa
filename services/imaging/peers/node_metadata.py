"""The nodes over HTTP: what one tells of a study that it holds."""

from __future__ import annotations

from typing import Final

from services.kernel.errors import Fault, FaultKind
from services.runtime.outgoing import Outgoing, Unanswered

_JSON: Final = "application/dicom+json"
_OK: Final = 200
_TIMEOUT_S: Final = 20.0
"""For the metadata of the largest study (our decision)."""
_RETRY_S: Final = 30.0
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one answer: 20,000 instances with some 3 KB each (our decision)."""


class NodeMetadata:
    """Asks nodes with a ticket in the path, which no span tells."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def metadata(self, address: str, node_no: str) -> bytes:
        """The metadata of a study's instances; UNAVAILABLE NODE_AWAY where the node does not tell them."""
        try:
            answer = await self._outgoing.send(
                "node",
                "GET",
                f"{address}/metadata",
                headers={"accept": _JSON},
                timeout_s=_TIMEOUT_S,
                shown="/studies/metadata",
            )
        except Unanswered:
            raise _away(node_no) from None
        if answer.status != _OK:
            raise _away(node_no)
        return answer.body


def _away(node_no: str) -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "NODE_AWAY", {"node_no": node_no}, retry_after_s=_RETRY_S)
