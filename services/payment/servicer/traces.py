"""Traces of orders: a later call about an order is joined to the one that began to pay it."""

from __future__ import annotations

from services.payment.domain.orders import PayOrder
from services.runtime.telemetry import current_span, extract


def joined(order: PayOrder) -> PayOrder:
    """The order, to whose payment the span of this call is linked."""
    span, began = current_span(), extract(order.traceparent)
    if span is not None and began is not None:
        span.link(began)
    return order
