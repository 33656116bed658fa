"""Nonces of signed requests, kept while their time stamps hold: bounded, in memory, each gateway process for itself.

Only requests whose signature is good are remembered, so that nobody fills the memory without a secret. Where there are more
than it holds, the partner that sent most loses its older half, and with it the time stamps up to there: what is forgotten is
refused, never accepted a second time.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

from services.kernel.errors import Fault, FaultKind

SIZE: Final = 1 << 16

_PRUNE_EVERY_S: Final = 60.0


class Nonces:
    """What each partner has sent within the window of `window_s` seconds around now."""

    def __init__(self, window_s: float, size: int = SIZE) -> None:
        self._window_s = window_s
        self._size = size
        self._seen: dict[str, dict[bytes, tuple[int, bytes]]] = {}
        self._floors: dict[str, int] = {}
        self._count = 0
        self._pruned_at = -math.inf

    def admit(self, partner: str, nonce: str, sent: int, now: float, body: bytes | None = None) -> None:
        """Remembers a nonce that was sent at a second; NONCE_USED where it came before, TIMESTAMP_OUT_OF_WINDOW where that
        cannot be told any more.

        With `body` the same bytes may come again, as clients that know no better send them after a lost answer.
        """
        floor = self._floors.get(partner, 0)
        if sent <= floor:
            minutes = max(1, math.ceil((now - floor) / 60))
            raise Fault(FaultKind.UNAUTHENTICATED, "TIMESTAMP_OUT_OF_WINDOW", {"minutes": str(minutes)})
        key, content = _short(nonce.encode()), b"" if body is None else _short(body)
        seen = self._seen.setdefault(partner, {})
        known = seen.get(key)
        if known is not None and known[0] + self._window_s >= now:
            if body is None or known[1] != content:
                raise Fault(FaultKind.UNAUTHENTICATED, "NONCE_USED")
            return
        if known is None:
            self._make_room(now)
            self._count += 1
        self._seen.setdefault(partner, {})[key] = (sent, content)

    def _make_room(self, now: float) -> None:
        if now - self._pruned_at >= _PRUNE_EVERY_S:
            self._pruned_at = now
            self._keep(now)
        if self._count >= self._size:
            loudest = max(self._seen, key=lambda partner: len(self._seen[partner]))
            sent = sorted(each for each, _ in self._seen[loudest].values())
            self._floors[loudest] = sent[len(sent) // 2]
            self._keep(now)

    def _keep(self, now: float) -> None:
        """Forgets what no time stamp of now could repeat."""
        oldest = now - self._window_s
        self._floors = {partner: floor for partner, floor in self._floors.items() if floor >= oldest}
        for partner in list(self._seen):
            after = max(oldest, self._floors.get(partner, 0) + 1)
            kept = {key: value for key, value in self._seen[partner].items() if value[0] >= after}
            if kept:
                self._seen[partner] = kept
            else:
                del self._seen[partner]
        self._count = sum(map(len, self._seen.values()))


def _short(content: bytes) -> bytes:
    """16 bytes that stand for a text of any length."""
    return hashlib.blake2b(content, digest_size=16).digest()
