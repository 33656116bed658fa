"""HTTP to addresses that partners name: nobody may lead it into this network. Every address of a name is looked at, and the
connection is made to one that was looked at, whatever the name says a moment later. No redirects, no retries, little read.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import SOCK_STREAM
from typing import TYPE_CHECKING, Any, Final

from services.runtime.telemetry import SpanKind, Telemetry

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 8.0
"""For one call, all of it."""
_MOST_BYTES: Final = 64 * 1024
_MOST_ADDRESSES: Final = 3
_CONNECTIONS: Final = 32
_NAT64: Final = "64:ff9b::"
_V4_BITS: Final = 0xFFFFFFFF

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What came back: the status and the body's bytes."""

    status: int
    body: bytes


class NotTold(Exception):
    """The address may not be asked, or no whole answer came; `reason` is a word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Callbacks:
    """Posts. `plain` lets http through beside https, `private` addresses of this network. `trusted` are the authorities, those of
    the public where it is None.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        plain: bool,
        private: bool,
        resolve: Resolve | None = None,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self._telemetry = telemetry
        self._plain = plain
        self._private = private
        self._resolve = resolve or _resolved
        self._trusted = trusted
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None

    async def post(self, name: str, url: str, body: bytes, timeout_s: float = TIMEOUT_S) -> CallbackAnswer:
        """Posts JSON; `NotTold`. `name` is that of the span, in which nothing of the address stands."""
        with self._telemetry.span(name, kind=SpanKind.CLIENT) as span:
            try:
                async with asyncio.timeout(timeout_s):
                    told = await self._posted(url, body)
            except TimeoutError:
                raise NotTold("TIMEOUT") from None
            span.set_attribute("http.response.status_code", told.status)
            return told

    async def close(self) -> None:
        """Lets go of the connections."""
        async with self._opening:
            if self._client is not None:
                await self._client.aclose()

    async def _posted(self, url: str, body: bytes) -> CallbackAnswer:
        asked = _parsed(url)
        if asked.scheme != "https" and not (self._plain and asked.scheme == "http"):
            raise NotTold("NOT_HTTPS")
        port = asked.port or (443 if asked.scheme == "https" else 80)
        addresses = await self._checked(asked.host, port)
        client, http = await self._opened(), _httpx()
        for address in addresses[:-1]:
            try:
                return await self._sent(client, asked, address, body)
            except (http.ConnectError, http.ConnectTimeout):
                continue
        try:
            return await self._sent(client, asked, addresses[-1], body)
        except http.HTTPError as error:
            raise NotTold(type(error).__name__) from None

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, each of which may be asked; one that may not speaks against the whole host."""
        try:
            found = [host.strip("[]")] if _is_address(host) else await self._resolve(host, port)
        except OSError:
            raise NotTold("HOST_UNKNOWN") from None
        if not found:
            raise NotTold("HOST_UNKNOWN")
        if not all(may_be_asked(each, private=self._private) for each in found):
            raise NotTold("ADDRESS_NOT_ALLOWED")
        return [*dict.fromkeys(found)][:_MOST_ADDRESSES]

    async def _sent(self, client: httpx.AsyncClient, asked: httpx.URL, address: str, body: bytes) -> CallbackAnswer:
        headers = {"host": asked.netloc.decode("ascii"), "content-type": "application/json; charset=utf-8"}
        # The certificate has to be that of the name, though the connection goes to the address.
        names = {} if _is_address(asked.host) else {"sni_hostname": asked.host}
        request = client.stream("POST", asked.copy_with(host=address), headers=headers, content=body, extensions=names)
        async with request as response:
            held = bytearray()
            async for piece in response.aiter_raw():
                held += piece
                if len(held) > _MOST_BYTES:
                    raise NotTold("ANSWER_TOO_LARGE")
            return CallbackAnswer(response.status_code, bytes(held))

    async def _opened(self) -> httpx.AsyncClient:
        """The client, made at the first call. No connection is kept: what was verified for one name is never used for another."""
        async with self._opening:
            if self._client is None:
                http, trusted = _httpx(), self._trusted
                if trusted is None:
                    trusted = await asyncio.to_thread(http.create_ssl_context, trust_env=False)
                self._client = http.AsyncClient(
                    verify=trusted,
                    follow_redirects=False,
                    trust_env=False,
                    timeout=http.Timeout(TIMEOUT_S),
                    limits=http.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=0),
                )
            return self._client


def may_be_asked(address: str, *, private: bool) -> bool:
    """Whether an address is one of the public network, or with `private` one of this; never one of a link, a group or nobody,
    also not as IPv6 that stands for it.
    """
    try:
        found = _meant(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if found.is_unspecified or found.is_multicast or found.is_link_local:
        return False
    site_local = isinstance(found, IPv6Address) and found.is_site_local
    return private or (found.is_global and not found.is_reserved and not site_local)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address.exploded.startswith(ip_address(_NAT64).exploded[:29]):
        inner = IPv4Address(int(address) & _V4_BITS)
    return inner or address


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _httpx() -> Any:
    """The library, loaded at the first call: with the terminal's libraries that it loads it is 6 MB of each member."""
    import httpx  # noqa: PLC0415

    return httpx


def _parsed(url: str) -> httpx.URL:
    http = _httpx()
    try:
        asked: httpx.URL = http.URL(url)
    except (http.InvalidURL, ValueError):
        raise NotTold("NO_ADDRESS") from None
    if not asked.host or asked.userinfo:
        raise NotTold("NO_ADDRESS")
    return asked


async def _resolved(host: str, port: int) -> Sequence[str]:
    found: Sequence[tuple[Any, ...]] = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [str(each[4][0]) for each in found]
