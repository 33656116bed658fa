"""What a member counts is told as Prometheus's own client would tell it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.runtime.metrics import Metrics

_BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def _samples(registry: CollectorRegistry, name: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): round(sample.value, 9)
        for family in registry.collect()
        if family.name == name
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_requests_are_counted_as_the_package_counts_them() -> None:
    metrics, registry = Metrics(), CollectorRegistry()
    counter = Counter("yibao_requests", "", ("method", "infno", "reason"), registry=registry)
    spread = Histogram("yibao_request_seconds", "", ("method", "infno"), registry=registry, buckets=_BOUNDS)
    for seconds, reason in ((0.0, "OK"), (0.002, "OK"), (0.0021, "QUEUE_FULL"), (9.0, "OK"), (11.0, "OK")):
        metrics.ended("s.Settle", "2207", reason, seconds)
        counter.labels("s.Settle", "2207", reason).inc()
        spread.labels("s.Settle", "2207").observe(seconds)
    for name in ("yibao_requests", "yibao_request_seconds"):
        told = _samples(metrics.registry, name)
        assert told
        assert told == _samples(registry, name)


def test_a_reason_that_nobody_declared_counts_as_other() -> None:
    metrics = Metrics()
    metrics.ended("s.Settle", "", "what somebody sent", 0.1)
    metrics.ended("s.Settle", "", "and something else", 0.1)
    labels = {"method": "s.Settle", "infno": "", "reason": "OTHER"}
    assert metrics.registry.get_sample_value("yibao_requests_total", labels) == 2
    assert metrics.registry.get_sample_value("yibao_requests_created", labels)


def test_sizes_of_batches_are_spread_by_queue() -> None:
    metrics = Metrics()
    for size in (1, 2, 65):
        metrics.batches("settles")(size)
    sums = {"queue": "settles"}
    assert metrics.registry.get_sample_value("yibao_batch_items_sum", sums) == 68
    assert metrics.registry.get_sample_value("yibao_batch_items_bucket", {**sums, "le": "2.0"}) == 2
    assert metrics.registry.get_sample_value("yibao_batch_items_count", sums) == 3
