"""Which web pages may call the gateway from a browser: those of the origins allowed, and no other.

An answer names the origin that asked, never all of them, and says that it differs by origin. What a browser sends without
asking first is served as before; only the page does not get to see the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Headers = list[tuple[bytes, bytes]]

LOOPBACK: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")

_EXPOSED: Final = (b"access-control-expose-headers", b"retry-after, warning")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-max-age", b"600"),
)
_VARY: Final = (b"vary", b"origin")
_VARY_PREFLIGHT: Final = (b"vary", b"origin, access-control-request-method, access-control-request-headers")


class Origins:
    """The origins allowed: those named, and in a sandbox that names none the pages of this machine (our decision)."""

    def __init__(self, named: str, sandbox: bool) -> None:
        self._named = frozenset(_as_sent(each.strip()) for each in named.split(",") if each.strip())
        self._loopback = sandbox and not self._named

    def answered(self, asked: Mapping[str, str]) -> Headers:
        """What an answer to a request with these headers says of its origin."""
        if not (self._named or self._loopback):
            return []
        origin = asked.get("origin", "")
        return [_VARY, *([(b"access-control-allow-origin", origin.encode()), _EXPOSED] if self._allows(origin) else [])]

    def preflight(self, asked: Mapping[str, str]) -> Headers:
        """The answer to a browser that asks whether it may send."""
        told = self.answered(asked)[1:]
        if not told:
            return self.answered(asked)
        wanted = asked.get("access-control-request-headers", "")
        named = [(b"access-control-allow-headers", wanted.encode("latin-1"))] if wanted else []
        return [_VARY_PREFLIGHT, told[0], *_PREFLIGHT, *named]

    def _allows(self, origin: str) -> bool:
        folded = origin.casefold()
        return folded in self._named or (self._loopback and LOOPBACK.fullmatch(folded) is not None)


def _as_sent(named: str) -> str:
    """An origin as browsers write it: in small letters, without a path, and without the port that its scheme implies."""
    folded = named.rstrip("/").casefold()
    return folded.removesuffix(":443" if folded.startswith("https:") else ":80")
