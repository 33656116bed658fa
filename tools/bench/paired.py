"""Ratios of what was measured in turn, with how sure they are. Pure.

A round asks every side the same within seconds, so that a machine which slows down slows all of them: what is told is the
median of the rounds' ratios, not the ratio of two means. Its interval comes from drawing the rounds again, a thousand times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Final

from tools.bench.figures import percentile

_DRAWS: Final = 1000
_SURE: Final = 0.95
_ENOUGH: Final = 6


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio and the interval in which it lies in 95 of 100 such measurements."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}–{self.high:.3f}]"

    @property
    def widest(self) -> float:
        """How far from 1 the interval reaches, on either side."""
        return max(abs(self.low - 1), abs(self.high - 1))


def of_values(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """The median ratio of values measured round by round; ValueError where there are none, or not as many."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return _drawn(len(ratios), lambda rounds: median(ratios[each] for each in rounds))


def of_percentiles(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], share: float) -> Ratio:
    """The ratio of a percentile of all rounds together: a single round has too few values in its tail."""
    if len(ours) != len(theirs):
        raise ValueError("a round of one side is missing")

    def statistic(rounds: Sequence[int]) -> float:
        mine = sorted(value for each in rounds for value in ours[each])
        other = sorted(value for each in rounds for value in theirs[each])
        return percentile(mine, share) / percentile(other, share)

    return _drawn(len(ours), statistic)


def _drawn(count: int, statistic: Callable[[Sequence[int]], float]) -> Ratio:
    if not count:
        raise ValueError("no round, no ratio")
    # The same figures always tell the same interval.
    chance = Random(2207)
    found = sorted(statistic(chance.choices(range(count), k=count)) for _ in range(_DRAWS))
    return Ratio(statistic(range(count)), percentile(found, (1 - _SURE) / 2), percentile(found, 1 - (1 - _SURE) / 2))


def told(ratio: Ratio, same: Ratio, rounds: int) -> str:
    """What a reader may conclude; `same` is the ratio of today's tree to itself, measured in the same rounds.

    A difference is told where the interval leaves out 1 and the ratio lies farther from 1 than the tree lies from itself.
    Of fewer than six rounds the interval means nothing: all of them lie on one side by chance too often.
    """
    if rounds < _ENOUGH:
        return f"too few rounds to tell ({_ENOUGH})"
    change = abs(ratio.value - 1)
    if not ratio.low <= 1 <= ratio.high and change > same.widest:
        return f"{change:.1%} {'more' if ratio.value > 1 else 'less'}"
    return f"no difference above {max(same.widest, ratio.widest):.1%}"
