"""Spans as they ended, on their way to an exporter. The loop that ends one writes down what it has; whatever that becomes, a row
of a file or a span of OpenTelemetry's SDK, is made in the exporter's thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_KEPT: Final = SpanContext(1, 1, False, _SAMPLED)
_SCOPE: Final = InstrumentationScope("yibao")


class EndedSpan(NamedTuple):
    """A span that is kept; `parent_id` is 0 without a parent, `code` and `reason` "" where it did not fail, `links` are ids of
    trace and span.
    """

    seat: str
    name: str
    kind: SpanKind
    trace_id: int
    span_id: int
    parent_id: int
    start_ns: int
    end_ns: int
    code: str
    reason: str
    attributes: Mapping[str, str | int | bool]
    links: Sequence[tuple[int, int]]

    @property
    def context(self) -> SpanContext:
        """What the SDK's pipeline asks of a span: that it is sampled."""
        return _KEPT


class SdkExporter:
    """An exporter of OpenTelemetry's SDK, which takes the SDK's own spans, those of one resource."""

    def __init__(self, exporter: SpanExporter, resource: Resource) -> None:
        self._exporter = exporter
        self._resource = resource

    def export(self, spans: Sequence[EndedSpan]) -> SpanExportResult:
        """Hands a batch on."""
        return self._exporter.export([_readable(span, self._resource) for span in spans])

    def shutdown(self) -> None:
        """Closes the exporter."""
        self._exporter.shutdown()


def _readable(span: EndedSpan, resource: Resource) -> ReadableSpan:
    attributes: dict[str, Any] = dict(span.attributes)
    status = Status(StatusCode.UNSET)
    if span.code:
        attributes["yibao.code"] = span.code
        attributes["yibao.reason"] = span.reason
        status = Status(StatusCode.ERROR, span.reason)
    return ReadableSpan(
        name=span.name,
        context=SpanContext(span.trace_id, span.span_id, False, _SAMPLED),
        parent=SpanContext(span.trace_id, span.parent_id, True, _SAMPLED) if span.parent_id else None,
        resource=resource,
        attributes=attributes,
        links=[Link(SpanContext(trace_id, span_id, True, _SAMPLED)) for trace_id, span_id in span.links],
        kind=span.kind,
        status=status,
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=_SCOPE,
    )
