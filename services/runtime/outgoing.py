"""HTTP to providers outside of the mesh: bounded in time, size and number, no redirects, nothing of a URL's query in a span or a
log. Who calls repeats what may be repeated; the library alone asks a GET once more where the connection ended before its answer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import certifi

from services.runtime.telemetry import SpanKind, Telemetry

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S: Final = 8.0
"""For one call, all of it."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of an answer: a day's bill of a large merchant (our decision)."""
CONNECTIONS: Final = 64
"""To one provider at once (our decision)."""
_CONNECT_S: Final = 5.0
_IDLE_S: Final = 20.0
"""How long a connection is kept that nobody uses: less than providers keep theirs (our decision)."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: the status, the headers with names in small letters, the body's bytes as they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it left: what a record of what was told to whom keeps. `plain` is what its body says before it is sealed and
    signed.
    """

    provider: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    plain: Any = None


@dataclass(slots=True)
class _Way:
    """How far a call has come: what its library tells on the way."""

    sent: bool = False


class Unanswered(Exception):
    """No whole answer came. `sent` is False where no connection was made: nothing can have arrived then. `reason` is a word."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        self.reason = reason
        self.sent = sent
        super().__init__(reason)


class Outgoing:
    """One pool of connections for a member. `told` hears of each request before it leaves, which it does not where that raises
    `Unanswered`. A thread loads the library at the first call: it and the authorities take 0.2 s that the loop would stand.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        told: Callable[[SentRequest], None] | None = None,
        *,
        connections: int = CONNECTIONS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._telemetry = telemetry
        self._told = told
        self._connections = connections
        self._most_bytes = most_bytes
        self._opening = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

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
        shown: str | None = None,
    ) -> HttpAnswer:
        """Sends one request and waits for its answer; `Unanswered`. `plain` is what its body says, for records; `shown` is what a
        span tells in place of the path, where that is a secret.
        """
        if self._told is not None:
            self._told(SentRequest(provider, method, url, headers, body, plain))
        path = urlsplit(url).path if shown is None else shown
        with self._telemetry.span(f"{provider} {method} {path}", kind=SpanKind.CLIENT) as span:
            answer = await self._sent(method, url, headers, body, timeout_s)
            span.set_attribute("http.response.status_code", answer.status)
            return answer

    async def _sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> HttpAnswer:
        session, http, way = await self._opened(), _aiohttp(), _Way()
        try:
            async with (
                asyncio.timeout(timeout_s),
                session.request(
                    method,
                    _as_signed(url),
                    headers=headers,
                    data=body or None,
                    allow_redirects=False,
                    trace_request_ctx=way,
                ) as response,
            ):
                held = await self._held(response.content)
                return HttpAnswer(response.status, _joined(response.headers), held)
        except TimeoutError:
            raise Unanswered("TIMEOUT", sent=way.sent) from None
        except (http.ClientError, OSError, ValueError) as error:
            raise Unanswered(type(error).__name__, sent=way.sent) from None

    async def _held(self, content: aiohttp.StreamReader) -> bytes:
        held = bytearray()
        async for piece in content.iter_any():
            held += piece
            if len(held) > self._most_bytes:
                raise Unanswered("ANSWER_TOO_LARGE", sent=True)
        return bytes(held)

    async def _opened(self) -> aiohttp.ClientSession:
        async with self._opening:
            if self._session is None:
                http = await asyncio.to_thread(_aiohttp)
                trusted = await asyncio.to_thread(ssl.create_default_context, cafile=certifi.where())
                tells = http.TraceConfig(trace_config_ctx_factory=_way_of)
                tells.on_request_headers_sent.append(_leaves)
                self._session = http.ClientSession(
                    connector=http.TCPConnector(
                        limit=0, limit_per_host=self._connections, keepalive_timeout=_IDLE_S, ssl=trusted
                    ),
                    cookie_jar=http.DummyCookieJar(),
                    auto_decompress=False,
                    headers={"accept-encoding": "identity", "user-agent": "yibao"},
                    skip_auto_headers=("content-type",),
                    timeout=http.ClientTimeout(total=None, sock_connect=_CONNECT_S),
                    trace_configs=[tells],
                )
            return self._session

    async def close(self) -> None:
        """Lets go of the connections."""
        async with self._opening:
            if self._session is not None:
                await self._session.close()


def _way_of(trace_request_ctx: _Way) -> _Way:
    return trace_request_ctx


async def _leaves(_session: aiohttp.ClientSession, way: Any, _told: aiohttp.TraceRequestHeadersSentParams) -> None:
    way.sent = True


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Names in small letters; repeated ones are one with commas."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _aiohttp() -> Any:
    """The library, loaded at the first call: most members of a mesh make none."""
    import aiohttp  # noqa: PLC0415

    return aiohttp


def _as_signed(url: str) -> Any:
    """An address that is sent as it stands: the library would write some characters of it anew."""
    from yarl import URL  # noqa: PLC0415

    return URL(url, encoded=True)
