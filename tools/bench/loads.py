"""One load on one mesh: visits made ready, the generator run beside it, and what it cost each process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Final

from services.settlement.store.tables import SETTLEMENT
from tools.bench import processes
from tools.bench.figures import Spread, next_rate, spread
from tools.bench.plan import CHAIN, CHAINS, CLOSED, OPEN, Load, Plan
from tools.bench.preparation import Stock
from tools.bench.subject import ROOT, Subject

GOOD_P99_MS: Final = 100.0
_MARGIN: Final = 1.05
_MORE: Final = 200
_SERVER: Final = "postgres"
_SETTLED: Final = "kind = 'settle'"


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What came of a load. `cpu_us` is processor time for each success by process; `written` is what the database holds
    more than before (None where nobody counted)."""

    rate: float
    load: Load
    latencies: Spread
    cpu_us: Mapping[str, float]
    written: int | None = None
    rss_mb: float = 0.0
    steps: int = 1

    @property
    def failed(self) -> int:
        """Everything that was not answered with success."""
        return sum(self.load.failed.values())

    @property
    def is_borne(self) -> bool:
        """Whether all was answered, nearly all of it soon."""
        return not self.failed and self.latencies.p99_ms <= GOOD_P99_MS


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a load lasts, and how many connections it begins with."""

    seconds: float = 60.0
    warmup_s: float = 10.0
    connections: int = 64


def run(load_plan: Plan, roots: list[int]) -> LoadOutcome:
    """Runs a plan in a process of its own; `roots` are the processes that serve it."""
    before = {pid: usage for root in roots for pid, usage in processes.tree(root).items()}
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench.generator", load_plan.text()], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    after = {pid: usage for root in roots for pid, usage in processes.tree(root).items()}
    load = Load.read(done.stdout.decode())
    steps = len(CHAIN) if load_plan.mode == CHAINS else 1
    pieces = max(1, load.succeeded // steps)
    spent = processes.cpu_between(before, after)
    return LoadOutcome(
        load_plan.rate,
        load,
        spread(load.latencies_ms),
        {name: seconds * 1e6 / pieces for name, seconds in spent.items() if seconds > 0},
        # A database server's processes share most of their memory, and it is not the mesh's.
        rss_mb=sum(usage.rss_bytes for usage in after.values() if usage.command != _SERVER) / 2**20,
        steps=steps,
    )


def settle_at(subject: Subject, stock: Stock, rate: float, pace: Pace, seed: int, scratch: Path) -> LoadOutcome:
    """2207 at a rate, each for a visit of its own; afterwards the books are counted."""
    requests = scratch / "requests"
    stock.visits(arrivals_at_most(rate, pace), requests)
    return _counted(subject, plan(OPEN, subject.port, requests, pace, rate, seed))


def settle_closed(subject: Subject, stock: Stock, count: int, pace: Pace, scratch: Path) -> LoadOutcome:
    """2207 as fast as it goes with the connections given, `count` of them at most."""
    requests = scratch / "requests"
    stock.visits(count, requests)
    return _counted(subject, plan(CLOSED, subject.port, requests, pace))


def chains(subject: Subject, stock: Stock, count: int, pace: Pace, scratch: Path) -> LoadOutcome:
    """Whole visits, 1101 to 2207, one after the other on each connection, `count` of them at most."""
    requests = scratch / "requests"
    stock.chains(count, requests)
    return _counted(subject, plan(CHAINS, subject.port, requests, pace))


def highest_rate(
    subject: Subject, stock: Stock, first: float, pace: Pace, tries: int, scratch: Path
) -> tuple[LoadOutcome | None, list[LoadOutcome]]:
    """The highest rate found that was borne, by growing steps and then halves, and everything that was tried."""
    kept: LoadOutcome | None = None
    failed: float | None = None
    tried: list[LoadOutcome] = []
    rate = first
    for attempt in range(tries):
        outcome = settle_at(subject, stock, rate, pace, 100 + attempt, scratch)
        tried.append(outcome)
        if outcome.is_borne:
            kept = outcome
        else:
            failed = rate
        rate = next_rate(kept.rate if kept else rate / 2, failed)
    return kept, tried


def _counted(subject: Subject, load_plan: Plan) -> LoadOutcome:
    before = subject.books.count(SETTLEMENT, _SETTLED)
    outcome = run(load_plan, subject.serving_pids)
    written = subject.books.count(SETTLEMENT, _SETTLED) - before
    return replace(outcome, written=written)


def arrivals_at_most(rate: float, pace: Pace) -> int:
    """More requests than a Poisson stream will want."""
    return ceil(rate * (pace.warmup_s + pace.seconds) * _MARGIN) + _MORE


def plan(mode: str, port: int, requests: Path, pace: Pace, rate: float = 0.0, seed: int = 0) -> Plan:
    """What the generator is told."""
    return Plan(
        mode=mode,
        host="127.0.0.1",
        port=port,
        requests=str(requests),
        seconds=pace.seconds,
        warmup_s=pace.warmup_s,
        rate=rate,
        connections=pace.connections,
        seed=seed,
    )
