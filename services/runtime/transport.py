"""How bytes reach a peer: a gRPC channel, or the peer's own endpoint where it lives in this process. Both fail alike.

It knows neither messages nor retries: it hands over bytes and metadata with a time limit, and raises a Fault or InternalError.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import grpc

from services import mesh
from services.runtime.config import Config, ConfigError
from services.runtime.placement import Endpoint, Metadata
from services.runtime.status import RpcRefusal, from_rpc_error, from_status
from services.runtime.trunk import LARGE_BYTES, LEAST_LIMIT_BYTES, NoTrunk, Trunk
from services.runtime.trunk_socket import SocketLine, place_of

_KEEPALIVE_MS: Final = 30_000
# Many clients are set to ping every 10 s, with or without a call under way; half of that forgives their jitter.
_PING_EVERY_MS: Final = 5_000
_OWN_CONNECTION: Final = ("grpc.use_local_subchannel_pool", 1)
_HANDSHAKE_MS: Final = 5_000
# A peer that was started anew may have another address under its name, and nobody answers at the old one. By default gRPC tries
# that one for 20 s and asks for the name every 30 s: containers were away for 22 s after their mesh was ready.
_CONNECT_MS: Final = 2_000
_ASK_NAME_EVERY_MS: Final = 1_000
# Of one member: each process of a peer has one.
_MOST_CONNECTIONS: Final = 256
# A member of an earlier release knows no trunks; it may be replaced by one that does.
_ASK_FOR_TRUNK_EVERY_S: Final = 60.0
_LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]", "::1")


class Transport(Protocol):
    """A way to one member."""

    async def unary(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """The answer's bytes."""

    async def close(self) -> None:
        """Lets go of the way."""


class GrpcTransport:
    """A member at an address."""

    def __init__(
        self, seat: str, config: Config, opening: Callable[[], Metadata] | None = None, *, alone: bool = False
    ) -> None:
        """`opening` gives the metadata by which the caller opens a trunk; without it every call goes by itself. `alone` gives it
        a connection of its own; else channels to one address share theirs.
        """
        self._member = seat
        name, cell = mesh.split_seat(seat)
        address = config.of_cell(cell).address(name)
        options = (*channel_options(config), *((_OWN_CONNECTION,) if alone else ()))
        credentials = channel_credentials(config, address)
        self._channel = (
            grpc.aio.secure_channel(address, credentials, options)
            if credentials
            else grpc.aio.insecure_channel(address, options)
        )
        self._calls: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        limit_bytes = config.integer("YIBAO_MAX_MESSAGE_BYTES")
        trunks = config.trunks != "off" and limit_bytes >= LEAST_LIMIT_BYTES
        self._trunk: Trunk | None = None
        if opening is not None and trunks:
            place = trunk_socket(config, address)
            self._trunk = Trunk(self._channel, seat, opening, partial(_near, place, seat, opening, limit_bytes))
        self._alone_until_s = 0.0

    async def unary(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """Sends and waits; raises the Fault that the peer or the network answered."""
        trunk = self._trunk
        if trunk is not None and len(message) < LARGE_BYTES and time.monotonic() >= self._alone_until_s:
            try:
                return await trunk.unary(path, message, metadata, timeout_s)
            except NoTrunk:
                self._alone_until_s = time.monotonic() + _ASK_FOR_TRUNK_EVERY_S
        return await self._by_itself(path, message, metadata, timeout_s)

    async def close(self) -> None:
        """Closes the channel."""
        if self._trunk is not None:
            await self._trunk.close()
        await self._channel.close()

    async def _by_itself(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        call = self._calls.get(path)
        if call is None:
            call = self._calls[path] = self._channel.unary_unary(path)
        try:
            return await call(message, timeout=timeout_s, metadata=tuple(metadata))
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, self._member) from None


class LocalTransport:
    """A member of this process."""

    def __init__(self, member: str, endpoint: Endpoint) -> None:
        self._member = member
        self._endpoint = endpoint

    async def unary(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """Calls the member's chain directly, with the bytes that the wire would carry."""
        try:
            return await self._endpoint.serve(path, message, metadata, timeout_s)
        except RpcRefusal as refusal:
            raise from_status(refusal.status, member=self._member) from None

    async def close(self) -> None:
        """Nothing to let go of."""


def trunk_socket(config: Config, address: str) -> Path | None:
    """Where the member at an address of this machine has its socket for trunks; None where it has none: by its settings, or as
    calls to it are under TLS.
    """
    near = address.rpartition(":")[0] in _LOOPBACK_HOSTS
    if config.trunks != "on" or not near or _tls_files(config, address) is not None:
        return None
    return place_of(config.data_dir, address)


def _near(place: Path | None, seat: str, opening: Callable[[], Metadata], limit_bytes: int) -> SocketLine | None:
    """A line to the socket of a member that is there now, and that this process may use."""
    return SocketLine(place, seat, opening, limit_bytes) if place is not None and os.access(place, os.W_OK) else None


def channel_options(config: Config) -> Sequence[tuple[str, Any]]:
    """Options of a client channel."""
    return (
        *_limits(config),
        # Retries follow the contract's `effect`, in `outbound`; gRPC must not add its own.
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # By this name it knows the least time that an attempt to connect gets.
        ("grpc.min_reconnect_backoff_ms", _CONNECT_MS),
        ("grpc.dns_min_time_between_resolutions_ms", _ASK_NAME_EVERY_MS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    )


def server_options(config: Config, *, shared_port: bool) -> Sequence[tuple[str, Any]]:
    """Options of a server. Sharing the port is on by default in gRPC, and a second server would bind it without a word."""
    return (
        *_limits(config),
        ("grpc.so_reuseport", int(shared_port)),
        # Whoever connects and says nothing is left, and there is an end to them before the descriptors'.
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.max_allowed_incoming_connections", _MOST_CONNECTIONS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_EVERY_MS),
        ("grpc.keepalive_permit_without_calls", 1),
    )


def channel_credentials(config: Config, address: str) -> grpc.ChannelCredentials | None:
    """What a caller shows and trusts; None where the way is plain."""
    files = _tls_files(config, address)
    if files is None:
        return None
    certificate, key, authority = files
    return grpc.ssl_channel_credentials(authority, key, certificate)


def server_credentials(config: Config, address: str) -> grpc.ServerCredentials | None:
    """What a member shows and demands: peers must be signed by the same authority; None where the way is plain."""
    files = _tls_files(config, address)
    if files is None:
        return None
    certificate, key, authority = files
    return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)


def _tls_files(config: Config, address: str) -> tuple[bytes, bytes, bytes] | None:
    mode = config.text("YIBAO_TLS")
    if mode == "off" or (mode == "auto" and address.rpartition(":")[0] in _LOOPBACK_HOSTS):
        return None
    names = ("YIBAO_TLS_CERTIFICATE", "YIBAO_TLS_KEY", "YIBAO_TLS_AUTHORITY")
    problems = [f"{name} must be set: {address} is reached by TLS (or YIBAO_TLS=off)" for name in names]
    paths = [config.path(name) for name in names]
    if any(path is None for path in paths):
        raise ConfigError([problem for problem, path in zip(problems, paths, strict=True) if path is None])
    certificate, key, authority = (_content(name, path) for name, path in zip(names, paths, strict=True) if path)
    return certificate, key, authority


def _content(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{name}: {path} cannot be read ({error.strerror})"]) from None


def _limits(config: Config) -> tuple[tuple[str, int], ...]:
    limit = config.integer("YIBAO_MAX_MESSAGE_BYTES")
    return (("grpc.max_receive_message_length", limit), ("grpc.max_send_message_length", limit))
