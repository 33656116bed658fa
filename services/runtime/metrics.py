"""What a member counts: requests with reason and duration, batches, and gauges that are read when somebody asks.

Labels come from sets that are known beforehand (methods of the contract, numbers of served transactions, declared reasons);
nothing that a client sent and nothing personal becomes one, so that the number of series is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.runtime.status import INTERNAL_ERROR
from yibao.common.v1 import error_reason_pb2

OK: Final = "OK"
OTHER: Final = "OTHER"

_PREFIX: Final = "ERROR_REASON_"
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_ITEMS: Final = (1, 2, 4, 8, 16, 32, 64)

Read = Callable[[], float]


class Metrics:
    """The counters of one member in this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # The package calls the parts of a series once for all; looking them up anew would cost as much as counting.
        self._ended: dict[tuple[str, str, str], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._requests = Counter(
            "yibao_requests", "Requests that ended, by reason; OK is none.", ("method", "infno", "reason"),
            registry=self.registry,
        )  # fmt: skip
        self._durations = Histogram(
            "yibao_request_seconds", "How long requests took, refused ones included.", ("method", "infno"),
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip
        self._batches = Histogram(
            "yibao_batch_items", "Items that travelled or were committed together.", ("queue",),
            registry=self.registry, buckets=_ITEMS,
        )  # fmt: skip
        self._gauges = _Gauges()
        self.registry.register(self._gauges)
        ProcessCollector(registry=self.registry)

    def ended(self, method: str, infno: str, reason: str, seconds: float) -> None:
        """A request ended: full name of its method, number of its transaction, "" where there is none, and its reason."""
        key = (method, infno, reason)
        count, observe = self._ended.get(key) or self._series(key)
        count()
        observe(seconds)

    def batches(self, queue: str) -> Callable[[float], None]:
        """What takes the size of each batch of a queue."""
        return self._batches.labels(queue).observe

    def gauge(self, name: str, help_text: str, labels: Mapping[str, str], read: Read) -> None:
        """A number that is read when somebody asks; another one of the same name and labels takes its place."""
        self._gauges.add(name, help_text, labels, read)

    def _series(self, key: tuple[str, str, str]) -> tuple[Callable[[], None], Callable[[float], None]]:
        method, infno, reason = key
        known = reason if reason in _REASONS else OTHER
        made = (self._requests.labels(method, infno, known).inc, self._durations.labels(method, infno).observe)
        if known == reason:
            self._ended[key] = made
        return made


class _Gauges(Collector):
    """Numbers that others keep anyway."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, dict[tuple[tuple[str, str], ...], Read]]] = {}

    def add(self, name: str, help_text: str, labels: Mapping[str, str], read: Read) -> None:
        self._read.setdefault(name, (help_text, {}))[1][tuple(labels.items())] = read

    def describe(self) -> list[Metric]:
        """Nothing beforehand: gauges are added as a member is put together."""
        return []

    def collect(self) -> Iterator[Metric]:
        for name, (help_text, reads) in self._read.items():
            names = tuple(label for label, _ in next(iter(reads)))
            family = GaugeMetricFamily(name, help_text, labels=names)
            for labels, read in reads.items():
                family.add_metric([value for _, value in labels], read())
            yield family


def _known_reasons() -> frozenset[str]:
    declared = (name.removeprefix(_PREFIX) for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name)
    return frozenset((OK, OTHER, INTERNAL_ERROR, "CANCELLED", *declared))


_REASONS: Final = _known_reasons()
