"""HTTP to providers outside of the mesh: bounded in time, size and number, no redirects, no retries, nothing of a URL's query in
a span or a log. Who calls repeats what may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from services.runtime.http1 import Broken, Client
from services.runtime.telemetry import SpanKind, Telemetry

TIMEOUT_S: Final = 8.0
"""For one call, all of it."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of an answer: a day's bill of a large merchant (our decision)."""
_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers with names in small letters, the body's bytes as they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left: what a record of what was told to whom keeps. `plain` is what its body says before it is sealed and
    signed.
    """

    provider: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    plain: Any = None


class Unanswered(Exception):
    """No whole answer came. `sent` is False where no connection was made: nothing can have arrived then. `reason` is a word."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        self.reason = reason
        self.sent = sent
        super().__init__(reason)


class Outgoing:
    """One pool of connections for a member. `told` hears of each request before it leaves, which it does not where that raises
    `Unanswered`.
    """

    def __init__(self, telemetry: Telemetry, told: Callable[[Sent], None] | None = None) -> None:
        self._telemetry = telemetry
        self._told = told
        self._client = Client(_CONNECTIONS, MOST_BYTES)

    async def send(
        self,
        provider: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        plain: Any = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Sends one request and waits for its answer; `Unanswered`. `plain` is what its body says, for records."""
        if self._told is not None:
            self._told(Sent(provider, method, url, headers, body, plain))
        path = urlsplit(url).path
        with self._telemetry.span(f"{provider} {method} {path}", kind=SpanKind.CLIENT) as span:
            answer = await self._sent(method, url, headers, body, timeout_s)
            span.set_attribute("http.response.status_code", answer.status)
            return answer

    async def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
        try:
            reply = await self._client.send(method, url, headers, body, timeout_s)
        except Broken as broken:
            raise Unanswered(broken.reason, sent=broken.sent) from None
        return Answer(reply.status, reply.headers, bytes(reply.body))

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._client.close()
