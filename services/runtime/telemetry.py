"""Traces of one member: cheap spans, W3C context, declared attributes, and a pipeline that keeps what is sampled or failed.

A span that is neither costs a few microseconds and leaves nothing; a failing span of an unsampled trace is kept by itself.
What a span carries is declared in `attributes`; anything else is refused, so personal data cannot slip in under a new name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from random import Random
from types import TracebackType
from typing import Final, NamedTuple, cast

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind

from services import mesh
from services.kernel.errors import Fault
from services.runtime.attributes import ATTRIBUTES, CELL
from services.runtime.config import Config
from services.runtime.ended_spans import EndedSpan, SdkExporter
from services.runtime.metrics import Metrics
from services.runtime.span_file import SpanFileExporter

__all__ = [
    "ATTRIBUTES",
    "ROOT",
    "Span",
    "SpanKind",
    "SpanRef",
    "Telemetry",
    "current_span",
    "extract",
    "inject",
    "store_span",
    "use_span",
]

Value = str | int | bool

_QUEUE_SPANS: Final = 32_768
_BATCH_SPANS: Final = 2_048
_FLUSH_MS: Final = 500


class UndeclaredAttribute(Exception):
    """A span was given an attribute that the declared table does not have."""


class SpanRef(NamedTuple):
    """A span by its ids, as it comes over the wire."""

    trace_id: int
    span_id: int
    sampled: bool


ROOT: Final = SpanRef(0, 0, False)
"""As a parent: begin a trace of its own, whatever span is current."""

_CURRENT: ContextVar[Span | None] = ContextVar("yibao_span", default=None)


def current_span() -> Span | None:
    """The innermost span that is open here."""
    return _CURRENT.get()


@contextmanager
def use_span(span: Span) -> Iterator[Span]:
    """Makes an open span current for a block, and leaves it open."""
    token = _CURRENT.set(span)
    try:
        yield span
    finally:
        _CURRENT.reset(token)


def inject(span: Span | SpanRef | None = None) -> str:
    """The W3C `traceparent` of a span, by default the current one; "" where there is none."""
    source = span if span is not None else _CURRENT.get()
    if source is None:
        return ""
    return f"00-{source.trace_id:032x}-{source.span_id:016x}-{'01' if source.sampled else '00'}"


def extract(traceparent: str) -> SpanRef | None:
    """The span that a W3C `traceparent` names; None for one that is absent or malformed."""
    if len(traceparent) < 55 or traceparent[2] != "-" or traceparent[35] != "-" or traceparent[52] != "-":
        return None
    try:
        trace_id, span_id = int(traceparent[3:35], 16), int(traceparent[36:52], 16)
        flags = int(traceparent[53:55], 16)
    except ValueError:
        return None
    if not trace_id or not span_id or traceparent[:2] == "ff":
        return None
    return SpanRef(trace_id, span_id, bool(flags & 1))


class Span:
    """One piece of work with a beginning and an end; a context manager that makes itself current for its block.

    An exception that leaves the block marks it failed: a Fault with its code and reason, anything else INTERNAL.
    """

    __slots__ = (
        "_ended", "_owner", "_token", "attributes", "code", "kind", "links", "name", "parent_id", "reason", "sampled",
        "span_id", "start_ns", "trace_id",
    )  # fmt: skip

    def __init__(self, owner: Telemetry, name: str, kind: SpanKind, ids: tuple[int, int, int, bool]) -> None:
        self._owner = owner
        self._token: Token[Span | None] | None = None
        self._ended = False
        self.name = name
        self.kind = kind
        self.trace_id, self.span_id, self.parent_id, self.sampled = ids
        self.attributes: dict[str, Value] | None = None
        self.links: Sequence[Span | SpanRef] = ()
        self.code = ""
        self.reason = ""
        self.start_ns = time.time_ns()

    def set_attribute(self, name: str, value: Value) -> None:
        """Adds a declared attribute; UndeclaredAttribute for any other name."""
        if name not in ATTRIBUTES:
            raise UndeclaredAttribute(name)
        if self.attributes is None:
            self.attributes = {name: value}
        else:
            self.attributes[name] = value

    def set_attributes(self, attributes: Mapping[str, Value]) -> None:
        """Adds declared attributes."""
        if not attributes.keys() <= ATTRIBUTES.keys():
            raise UndeclaredAttribute(", ".join(sorted(attributes.keys() - ATTRIBUTES.keys())))
        if self.attributes is None:
            self.attributes = dict(attributes)
        else:
            self.attributes.update(attributes)

    def link(self, other: Span | SpanRef) -> None:
        """Joins a span of another trace. Where that one is kept this one is too, with all that begins under it from now on."""
        self.links = (*self.links, other)
        self.sampled = self.sampled or other.sampled

    def fail(self, code: str, reason: str) -> None:
        """Marks the span failed; a failed span is kept whether its trace is sampled or not."""
        self.code = code
        self.reason = reason

    @property
    def recording(self) -> bool:
        """True where the span will be kept anyway: costly attributes are worth their price only then."""
        return self.sampled

    def below(self, name: str, attributes: Mapping[str, Value]) -> Span:
        """A new span under this one, of the same member, for a call out of the process."""
        return self._owner.span(name, SpanKind.CLIENT, attributes=attributes, parent=self)

    def end(self) -> None:
        """Ends the span; once is enough."""
        if not self._ended:
            self._ended = True
            if self.sampled or self.code:
                self._owner.keep(self, time.time_ns())

    def __enter__(self) -> Span:
        self._token = _CURRENT.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not self.code:
            if isinstance(error, Fault):
                self.fail(error.kind.value, error.reason)
            elif isinstance(error, asyncio.CancelledError):
                self.fail("CANCELLED", "CANCELLED")
            else:
                self.fail("INTERNAL", type(error).__name__)
        if self._token is not None:
            _CURRENT.reset(self._token)
            self._token = None
        self.end()


def store_span(system: str, operation: str) -> Span | None:
    """A span for one transaction of a store, below the current span; None where that one is not kept.

    `system` is sqlite or postgresql, `operation` read or write.
    """
    above = _CURRENT.get()
    if above is None or not above.recording:
        return None
    return above.below(f"store {operation}", {"db.system": system, "db.operation": operation})


class Telemetry:
    """The spans of one member: its own service name, sampling and exporter; and its metrics. `exporter` replaces the one by
    setting; `cell` is "" for who belongs to none.
    """

    def __init__(
        self, service_name: str, config: Config, exporter: SpanExporter | None = None, *, cell: str = ""
    ) -> None:
        self.service_name = service_name
        self.seat = mesh.seat_name(service_name, cell)
        self.metrics = Metrics()
        self._bits = Random().getrandbits
        self._bound = round(config.trace_ratio * (1 << 64))
        resource = Resource({SERVICE_NAME: service_name} | ({CELL: cell} if cell else {}))
        chosen = SdkExporter(exporter, resource) if exporter is not None else _exporter(config, resource)
        self._pipeline = (
            BatchSpanProcessor(
                cast("SpanExporter", chosen),
                max_queue_size=_QUEUE_SPANS,
                schedule_delay_millis=_FLUSH_MS,
                max_export_batch_size=_BATCH_SPANS,
            )
            if chosen is not None
            else None
        )

    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Value] | None = None,
        parent: Span | SpanRef | None = None,
        links: Iterable[Span | SpanRef] = (),
    ) -> Span:
        """A new span; use it in `with`, or call `end`.

        Its parent is `parent`, else the current span. A span without either begins a trace, which is sampled if one of its
        links is, else by the ratio.
        """
        source = parent if parent is not None else _CURRENT.get()
        span_id = self._bits(64) or 1
        linked: Sequence[Span | SpanRef] = tuple(links)
        if source is not None and source.trace_id:
            span = Span(self, name, kind, (source.trace_id, span_id, source.span_id, source.sampled))
        else:
            trace_id = self._bits(128) or 1
            sampled = any(link.sampled for link in linked) or (trace_id & (1 << 64) - 1) < self._bound
            span = Span(self, name, kind, (trace_id, span_id, 0, sampled))
        span.links = linked
        if attributes:
            span.set_attributes(attributes)
        return span

    def keep(self, span: Span, end_ns: int) -> None:
        """Hands an ended span to the exporter's own thread."""
        if self._pipeline is None:
            return
        # Of what a list is linked to most is kept nowhere: one in twenty, where one in twenty traces is.
        kept = [link for link in span.links if link.sampled] or span.links
        ended = EndedSpan(
            *(self.seat, span.name, span.kind, span.trace_id, span.span_id, span.parent_id, span.start_ns, end_ns),
            *(span.code, span.reason, dict(span.attributes or ()), [(link.trace_id, link.span_id) for link in kept]),
        )
        self._pipeline.on_end(cast("ReadableSpan", ended))

    def flush(self) -> None:
        """Writes out all ended spans now."""
        if self._pipeline is not None:
            self._pipeline.force_flush()

    def stop(self) -> None:
        """Writes out all ended spans and closes the exporter."""
        if self._pipeline is not None:
            self._pipeline.shutdown()  # type: ignore[no-untyped-call]  # the SDK does not type it


def _exporter(config: Config, resource: Resource) -> SpanFileExporter | SdkExporter | None:
    match config.text("YIBAO_TRACE_EXPORTER"):
        case "sqlite":
            return SpanFileExporter(config.trace_file, config.integer("YIBAO_TRACE_KEEP_SPANS"))
        case "otlp":
            # Imported here: it brings an HTTP client that the embedded mesh never needs.
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

            return SdkExporter(OTLPSpanExporter(endpoint=config.text("YIBAO_OTLP_ENDPOINT") or None), resource)
    return None
