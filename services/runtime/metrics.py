"""What a member counts: requests with reason and duration, batches, and gauges that are read when somebody asks.

Labels come from sets that are known beforehand (methods of the contract, numbers of served transactions, declared reasons);
nothing that a client sent and nothing personal becomes one, so that the number of series is bounded.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from services.runtime.status import INTERNAL_ERROR
from yibao.common.v1 import error_reason_pb2

OK: Final = "OK"
OTHER: Final = "OTHER"

_PREFIX: Final = "ERROR_REASON_"
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_ITEMS: Final = (1, 2, 4, 8, 16, 32, 64)

Read = Callable[[], float]


class _Count:
    """How often something happened since a moment."""

    __slots__ = ("created_s", "number")

    def __init__(self) -> None:
        self.number = 0
        self.created_s = time.time()


class _Spread:
    """How many of some values lie up to each bound."""

    __slots__ = ("_bounds", "_numbers", "_total", "created_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._numbers = [0] * (len(bounds) + 1)
        self._total = 0.0
        self.created_s = time.time()

    def add(self, value: float) -> None:
        """One value."""
        self._numbers[bisect_left(self._bounds, value)] += 1
        self._total += value

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """Each bound with the number of values up to it, and the sum of all values."""
        upper: list[str] = list(map(floatToGoString, (*self._bounds, inf)))
        return list(zip(upper, accumulate(self._numbers), strict=True)), self._total


class Metrics:
    """The counters of one member in this process. They are added to on the loop alone, where nobody is in between: the package's
    own lock each number, and three of them stand for a request.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended: dict[tuple[str, str, str], tuple[_Count, _Spread]] = {}
        self._series = _Series()
        self._gauges = _Gauges()
        self.registry.register(self._series)
        self.registry.register(self._gauges)
        ProcessCollector(registry=self.registry)

    def ended(self, method: str, infno: str, reason: str, seconds: float) -> None:
        """A request ended: full name of its method, number of its transaction, "" where there is none, and its reason."""
        key = (method, infno, reason)
        count, spread = self._ended.get(key) or self._known(key)
        count.number += 1
        spread.add(seconds)

    def batches(self, queue: str) -> Callable[[float], None]:
        """What takes the size of each batch of a queue."""
        return self._series.batches.setdefault((queue,), _Spread(_ITEMS)).add

    def gauge(self, name: str, help_text: str, labels: Mapping[str, str], read: Read) -> None:
        """A number that is read when somebody asks; another one of the same name and labels takes its place."""
        self._gauges.add(name, help_text, labels, read)

    def _known(self, key: tuple[str, str, str]) -> tuple[_Count, _Spread]:
        """The parts of a request's series. They are looked up once for all: anew would cost as much as counting."""
        method, infno, reason = key
        told = reason if reason in _REASONS else OTHER
        made = (
            self._series.requests.setdefault((method, infno, told), _Count()),
            self._series.durations.setdefault((method, infno), _Spread(_SECONDS)),
        )
        if told == reason:
            self._ended[key] = made
        return made


class _Series(Collector):
    """What a member counts itself, by the values of its labels."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, ...], _Count] = {}
        self.durations: dict[tuple[str, ...], _Spread] = {}
        self.batches: dict[tuple[str, ...], _Spread] = {}

    def collect(self) -> Iterator[Metric]:
        names = ("method", "infno", "reason")
        requests = CounterMetricFamily("yibao_requests", "Requests that ended, by reason; OK is none.", labels=names)
        for labels, count in self.requests.items():
            requests.add_metric(labels, count.number, count.created_s)
        yield requests
        told = "How long requests took, refused ones included."
        yield _family("yibao_request_seconds", told, names[:2], self.durations)
        told = "Items that travelled or were committed together."
        yield _family("yibao_batch_items", told, ("queue",), self.batches)


def _family(name: str, told: str, names: Sequence[str], spreads: Mapping[tuple[str, ...], _Spread]) -> Metric:
    family = HistogramMetricFamily(name, told, labels=names)
    for labels, spread in spreads.items():
        family.add_metric(labels, *spread.told())
        family.add_sample(f"{name}_created", dict(zip(names, labels, strict=True)), spread.created_s)
    return family


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
