"""Messages through NATS JetStream: published with a name and confirmed by the stream, read by a durable reader, at least once.

It connects when it is first used, and again by itself; who uses it meanwhile gets PEER_UNAVAILABLE. The stream is made where
there is none; one that stands keeps its own settings. A message that is published twice under a name is kept once, within
some minutes; whoever reads must bear what comes twice later.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NothingCame
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError

from services.kernel.errors import Fault, FaultKind
from services.runtime.config import Config

URL: Final = "YIBAO_NATS_URL"
REPLICAS: Final = "YIBAO_NATS_REPLICAS"

_PEER: Final = "nats"
_NAME_HEADER: Final = "Nats-Msg-Id"
_CONNECT_S: Final = 5.0
_ANSWER_S: Final = 5.0
_TWICE: Final = timedelta(minutes=10)
"""How long the stream knows the names of messages (our decision)."""
_AWAITED: Final = timedelta(seconds=10)
"""After which a message that was delivered and not acknowledged is delivered again (our decision)."""
_UNACKED: Final = 1000


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream by its name; the subjects begin with one word, and the code of the cell that publishes follows. `kept` is how
    long messages are kept."""

    name: str
    subject: str
    kept: timedelta

    def of(self, cell: str) -> str:
        """The subject of a cell; a broker's permissions can hold each cell to its own."""
        return f"{self.subject}.{cell}"


NOTICES: Final = StreamName("YIBAO_NOTICES", "yibao.notices", timedelta(days=35))
"""Notices of cross-region settlements, kept as long as outboxes keep them."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be published, under a name that it has for ever."""

    subject: str
    name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as it was delivered."""

    subject: str
    payload: bytes
    _raw: Any = field(repr=False)

    async def ack(self) -> None:
        """Says that it needs no more delivery; one whose word is lost comes again."""
        with suppress(NatsError):
            await self._raw.ack()


class Stream:
    """One stream of the servers that are set."""

    def __init__(self, config: Config, name: StreamName) -> None:
        self._servers = [each.strip() for each in config.text(URL).split(",") if each.strip()]
        self._tls = _context(config) if any(each.startswith("tls://") for each in self._servers) else None
        self._config = StreamConfig(
            name=name.name,
            subjects=[name.of("*")],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=name.kept.total_seconds(),
            duplicate_window=_TWICE.total_seconds(),
            num_replicas=config.integer(REPLICAS),
        )
        self._connecting = asyncio.Lock()
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._readers: dict[str, JetStreamContext.PullSubscription] = {}

    async def publish(self, messages: Sequence[Message]) -> int:
        """Publishes in order; how many from the first one on are kept by the stream. PEER_UNAVAILABLE where none is."""
        jetstream = await self._connected()
        sent = (
            jetstream.publish(
                each.subject,
                each.payload,
                timeout=_ANSWER_S,
                stream=self._config.name,
                headers={_NAME_HEADER: each.name},
            )
            for each in messages
        )
        answers = await asyncio.gather(*sent, return_exceptions=True)
        for place, answer in enumerate(answers):
            if isinstance(answer, BaseException):
                if not isinstance(answer, (NatsError, TimeoutError, OSError)):
                    raise answer
                self._jetstream = None
                if not place:
                    raise _away() from None
                return place
        return len(messages)

    async def read(self, reader: str, most: int, wait_s: float) -> list[Delivered]:
        """What a durable reader has not acknowledged yet, as soon as there is something; nothing where none came in time."""
        jetstream = await self._connected()
        try:
            if reader not in self._readers:
                self._readers[reader] = await jetstream.pull_subscribe(
                    "", durable=reader, stream=self._config.name, config=_READER
                )
            found = await self._readers[reader].fetch(most, timeout=wait_s)
        except NothingCame:
            return []
        except (NatsError, OSError):
            # A reader whose server is gone is looked for anew, wherever the cluster has it now; a stream that is gone is made.
            self._readers.pop(reader, None)
            self._jetstream = None
            raise _away() from None
        return [Delivered(each.subject, each.data, each) for each in found]

    async def close(self) -> None:
        """Ends the connection."""
        if self._client is not None:
            await self._client.close()
        self._client = self._jetstream = None

    async def _connected(self) -> JetStreamContext:
        async with self._connecting:
            if self._jetstream is None:
                try:
                    self._jetstream = await self._opened()
                except (NatsError, OSError, TimeoutError):
                    raise _away() from None
            return self._jetstream

    async def _opened(self) -> JetStreamContext:
        if self._client is None or self._client.is_closed:
            options: Mapping[str, Any] = {} if self._tls is None else {"tls": self._tls}
            async with asyncio.timeout(_CONNECT_S):
                self._client = await nats.connect(
                    self._servers,
                    error_cb=_unheard,
                    connect_timeout=2,
                    reconnect_time_wait=1,
                    max_reconnect_attempts=-1,
                    **options,
                )
        jetstream = self._client.jetstream(timeout=_ANSWER_S)
        try:
            await jetstream.stream_info(self._config.name or "")
        except NotFoundError:
            # Two that make it at once: the second finds it, if with other settings.
            with suppress(BadRequestError):
                await jetstream.add_stream(self._config)
        return jetstream


_READER: Final = ConsumerConfig(
    ack_policy=AckPolicy.EXPLICIT, ack_wait=_AWAITED.total_seconds(), max_ack_pending=_UNACKED
)


def _context(config: Config) -> ssl.SSLContext:
    """TLS as members speak it with each other: the same authority and, where one is set, the same certificate."""
    authority, certificate, key = (config.path(f"YIBAO_TLS_{part}") for part in ("AUTHORITY", "CERTIFICATE", "KEY"))
    context = ssl.create_default_context(cafile=authority)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def _away() -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": _PEER}, retry_after_s=1.0)


async def _unheard(_: Exception) -> None:
    """The package tells each try to connect; whoever uses the stream is told by what it asked."""
