"""The arithmetic of the benchmark: arrivals, percentiles, and what is told of several runs. Pure; it measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Latencies of one run in milliseconds."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Several:
    """One figure of several runs: its median and its worst."""

    median: float
    worst: float


def arrivals(rate: float, seconds: float, chance: Random) -> list[float]:
    """Moments of a Poisson stream in seconds from its beginning, growing: the gaps are exponential with mean 1/rate."""
    found: list[float] = []
    moment = chance.expovariate(rate)
    while moment < seconds:
        found.append(moment)
        moment += chance.expovariate(rate)
    return found


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of all values do not exceed (nearest rank); `ordered` grows."""
    if not ordered:
        return 0.0
    return ordered[max(1, ceil(share * len(ordered))) - 1]


def spread(latencies_ms: Iterable[float]) -> Spread:
    """What a run's latencies look like."""
    ordered = sorted(latencies_ms)
    p50, p90, p99 = (percentile(ordered, share) for share in (0.5, 0.9, 0.99))
    return Spread(len(ordered), p50, p90, p99, ordered[-1] if ordered else 0.0)


def several(values: Sequence[float], *, more_is_better: bool = False) -> Several:
    """Median and worst; ValueError for no value."""
    if not values:
        raise ValueError("no run, no figure")
    return Several(median(values), min(values) if more_is_better else max(values))


def next_rate(kept: float, failed: float | None) -> float:
    """The rate to try next where `kept` was borne and `failed` (if any) was not: a quarter more, else the middle."""
    return kept * 1.25 if failed is None else (kept + failed) / 2
