"""What a comparison prints: each figure of both trees, their ratio, and the same ratio of today's tree to itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import TYPE_CHECKING, Final

from tools.bench import paired
from tools.bench.figures import percentile
from tools.bench.paired import Ratio
from tools.bench.plan import CHAIN

if TYPE_CHECKING:
    from tools.bench.against import Round

OPEN: Final = "2207 open"
"""2207 at a given rate, beside the `2207` of a closed loop."""

_WHAT, _VALUE, _RATIO = 42, 10, 21


def table(today: Sequence[Round], earlier: Sequence[Round], again: Sequence[Round], name: str, other: str) -> str:
    """All figures, of at least one round."""
    values = f"{'today':>{_VALUE}} {'earlier':>{_VALUE}}"
    heading = f"\n {'':<{_WHAT}} {values}  {'today ÷ earlier':<{_RATIO}}  {'today ÷ today':<{_RATIO}}"
    found = [*_each_round(today, earlier, again), *_tails(today, earlier, again)]
    lines = [_line(figure, len(earlier)) for figure in found]
    return "\n".join([f"\n today    {name}\n earlier  {other}", heading, *lines, *_explained()])


@dataclass(frozen=True, slots=True)
class _Figure:
    what: str
    digits: int
    mine: float
    other: float
    ratio: Ratio
    same: Ratio


def _each_round(today: Sequence[Round], earlier: Sequence[Round], again: Sequence[Round]) -> Iterator[_Figure]:
    for what, value, digits in _figures():
        ours, theirs, twin = ([value(each) for each in rounds] for rounds in (today, earlier, again))
        mean = [(one + two) / 2 for one, two in zip(ours, twin, strict=True)]
        ratio, same = paired.of_values(mean, theirs), paired.of_values(twin, ours)
        yield _Figure(what, digits, median(mean), median(theirs), ratio, same)


def _tails(today: Sequence[Round], earlier: Sequence[Round], again: Sequence[Round]) -> Iterator[_Figure]:
    ours, theirs, twin = ([each.latencies_ms for each in rounds] for rounds in (today, earlier, again))
    both = [one + two for one, two in zip(ours, twin, strict=True)]
    for share in (0.5, 0.99):
        mine, other = (percentile(sorted(chain.from_iterable(side)), share) for side in (both, theirs))
        ratio, same = paired.of_percentiles(both, theirs, share), paired.of_percentiles(twin, ours, share)
        yield _Figure(f"{OPEN}, p{share * 100:.0f}, ms", 1, mine, other, ratio, same)


def _figures() -> list[tuple[str, Callable[[Round], float], int]]:
    """What a round tells besides latencies: its name, the value, its digits."""
    return [
        ("processor time per bill (whole visit), ms", lambda each: each.all_cpu_s * 1000, 2),
        *((f"  of that {what}, ms", _cpu_of(what), 3) for what in (*CHAIN, OPEN)),
        ("closed loop, visits a second", lambda each: 1 / sum(each.wall_s[what] for what in CHAIN), 1),
        *((f"  {what} alone, a second", _speed_of(what), 0) for what in ("1101", "2204", "2207")),
    ]


def _cpu_of(what: str) -> Callable[[Round], float]:
    return lambda each: each.cpu_s[what] * 1000


def _speed_of(what: str) -> Callable[[Round], float]:
    return lambda each: 1 / each.wall_s[what]


def _line(figure: _Figure, rounds: int) -> str:
    values = f"{figure.mine:>{_VALUE}.{figure.digits}f} {figure.other:>{_VALUE}.{figure.digits}f}"
    ratios = f"{figure.ratio!s:<{_RATIO}}  {figure.same!s:<{_RATIO}}"
    return f" {figure.what:<{_WHAT}} {values}  {ratios}  {paired.told(figure.ratio, figure.same, rounds)}"


def _explained() -> tuple[str, ...]:
    return (
        "\n Ratios are medians over the rounds (p50 and p99: of all rounds together); in brackets where they lie in 95 of 100",
        " such measurements. `today ÷ today` is the same tree twice: a change that is smaller than its interval cannot be told",
        " on this machine now, and more rounds make it narrower. Processor time is disturbed less than what is told in seconds.",
    )
