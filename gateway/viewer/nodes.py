"""Where the nodes serve pictures: the origins that a page of this gateway may fetch from, asked of imaging and kept for a while.

Without an answer those that were told last stand; a node that was registered since is reached once the page is opened again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from gateway.backend import Backend, CallOptions
from services.kernel.errors import Fault
from services.runtime.contract import Contract
from services.runtime.kept import TimedCache
from services.runtime.status import InternalError
from yibao.imaging.v1 import node_pb2

KEPT_S: Final = 10.0
MOST: Final = 400
"""Origins that are named; the header that names them stays below 16 KB with hosts of usual length (our decision)."""

_LIST: Final = "yibao.imaging.v1.NodeService.ListNodes"
_TIMEOUT_S: Final = 2.0
_PAGE: Final = 200
_ORIGIN: Final = re.compile(r"https?://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_ALL: Final = "all"


class NodeOrigins:
    """Called for the origins; `now` is a monotonic clock in seconds."""

    def __init__(self, backend: Backend, contract: Contract, now: Callable[[], float]) -> None:
        self._backend = backend
        self._method = contract.method(_LIST)
        self._kept: TimedCache[str, tuple[str, ...]] = TimedCache(1, now)

    async def __call__(self) -> tuple[str, ...]:
        """Origins of all nodes that are pointed to, each once; none where imaging never answered."""
        try:
            return await self._kept.get(_ALL, self._load)
        except (Fault, InternalError):
            return self._kept.last(_ALL) or ()

    async def _load(self) -> tuple[tuple[str, ...], float]:
        found: dict[str, None] = {}
        token = ""
        while len(found) < MOST:
            request = node_pb2.ListNodesRequest(page_size=_PAGE, page_token=token)
            answer = await self._backend.call(self._method, request, CallOptions(None, _TIMEOUT_S))
            if not isinstance(answer, node_pb2.ListNodesResponse):
                raise TypeError(type(answer).__name__)
            active = (each.node for each in answer.nodes if each.state == node_pb2.NODE_STATE_ACTIVE)
            found |= dict.fromkeys(
                origin for node in active for root in node.retrieve_roots for origin in origin_of(root)
            )
            token = answer.next_page_token
            if not token:
                break
        return tuple(found)[:MOST], KEPT_S


def origin_of(root: str) -> tuple[str, ...]:
    """The origin of an address, as a policy names it; none where it is no plain one, which a browser would not reach either."""
    parts = urlsplit(root)
    origin = f"{parts.scheme}://{parts.netloc}"
    return (origin,) if _ORIGIN.fullmatch(origin) else ()
