"""When nodes were last heard to ask for the list of revocations. A node that takes tickets asks each second, and one that did not
for five seconds opens nothing: so it is known sooner than by its heartbeats that nothing can be fetched from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SILENT_S: Final = 6.0
"""So long after it asked last a node is taken to be away (our decision): its own list is too old by then."""


class Sightings:
    """Kept in memory: a member that has just started knows of nobody yet, and then heartbeats alone count."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[str, float] = {}

    def see(self, node_no: str) -> None:
        """The node has asked."""
        self._seen[node_no] = self._monotonic()

    def is_silent(self, node_no: str) -> bool:
        """Whether the node has asked before and does not any more."""
        seen = self._seen.get(node_no)
        return seen is not None and self._monotonic() - seen > SILENT_S
