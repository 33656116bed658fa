"""What the benchmark prints: one line a figure, each with what it must or should be. It judges nothing but says what is off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.bench.figures import Several, several
from tools.bench.loads import LoadOutcome

WIDTH = 118


def heading(text: str) -> str:
    """A line over a group of figures."""
    return f"\n── {text} ".ljust(WIDTH, "─")


def figure(several_runs: Several, unit: str, digits: int = 1) -> str:
    """`12.3 ms (worst 15.0)`."""
    return f"{several_runs.median:.{digits}f} {unit} (worst {several_runs.worst:.{digits}f})"


def one_run(outcome: LoadOutcome) -> str:
    """A run as it ended."""
    load, seen = outcome.load, outcome.latencies
    return (
        f"   {seen.count:>6} answers  p50 {seen.p50_ms:7.1f}  p90 {seen.p90_ms:7.1f}  p99 {seen.p99_ms:7.1f}  "
        f"max {seen.max_ms:7.1f} ms  {troubles(outcome)}  late p99 {load.late_p99_ms:.1f} ms  "
        f"generator {load.cpu_share:.0%} of a core"
    )


def troubles(outcome: LoadOutcome) -> str:
    """Refusals and lost answers by kind, and settlements that the database does not hold; `0 failed` where all is well."""
    told = [f"{count} {kind}" for kind, count in sorted(outcome.load.failed.items())]
    if outcome.written is not None and outcome.written != settled(outcome):
        told.append(f"{settled(outcome)} answered but {outcome.written} in the database")
    return ", ".join(told) or "0 failed"


def settled(outcome: LoadOutcome) -> int:
    """Settlements answered with success: of a chain it is the last of its steps."""
    return outcome.load.succeeded // outcome.steps


def rate_figure(outcomes: Sequence[LoadOutcome], limit_ms: float) -> str:
    """Several runs at one rate: median and worst of p50 and p99, and whether the limit held."""
    p50 = several([outcome.latencies.p50_ms for outcome in outcomes])
    p99 = several([outcome.latencies.p99_ms for outcome in outcomes])
    failed = sum(outcome.failed for outcome in outcomes)
    held = "held" if p99.worst <= limit_ms and not failed else "NOT held"
    return (
        f"p50 {figure(p50, 'ms')}   p99 {figure(p99, 'ms')}   failed {failed}   limit p99 ≤ {limit_ms:.0f} ms: {held}"
    )


def processor_time(outcomes: Sequence[LoadOutcome]) -> str:
    """Processor time for each success, by process, median of the runs, and their sum."""
    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.cpu_us))
    parts = {name: several([outcome.cpu_us.get(name, 0.0) for outcome in outcomes]).median for name in names}
    listed = ", ".join(f"{name} {value:.0f}" for name, value in parts.items() if value >= 1)
    return f"{sum(parts.values()):.0f} µs of processor time each ({listed})"


def total_cpu_us(outcomes: Iterable[LoadOutcome]) -> float:
    """Median over the runs of all processor time for each success."""
    return several([sum(outcome.cpu_us.values()) for outcome in outcomes]).median


def ratio(mesh: Sequence[LoadOutcome], floor: Sequence[LoadOutcome]) -> str:
    """How much more the mesh takes than its floor."""
    cpu = total_cpu_us(mesh) / total_cpu_us(floor)
    p99 = several([o.latencies.p99_ms for o in mesh]).median / several([o.latencies.p99_ms for o in floor]).median
    return f"{cpu:.1f} × the floor's processor time, {p99:.1f} × its p99"
