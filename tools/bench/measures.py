"""The figures: each measures one thing, as its docstring says, and prints it as soon as it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

from tools.bench import clearing, crypto, engine, loads, processes, report
from tools.bench.figures import several
from tools.bench.floors import running_floor
from tools.bench.loads import GOOD_P99_MS, LoadOutcome, Pace
from tools.bench.preparation import Stock
from tools.bench.subject import SQLITE, Choice, Subject, started
from yibao.settlement.v1 import ledger_pb2

_SEARCH: Final = Pace(seconds=10, warmup_s=5)
_CLOSED_MOST_PER_S: Final = 3000
_CHAINS_MOST_PER_S: Final = 300
_CHAIN_CONNECTIONS: Final = 16
_FLOOR_MOST_PER_S: Final = 6000


class Disagreement(Exception):
    """Two computations of the same came to different sums."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How everything is measured."""

    pace: Pace
    runs: int
    persons: int
    rates: tuple[float, ...]
    ratios: tuple[float, ...]
    databases: tuple[str, ...]
    layout: str
    tries: int
    settings: Mapping[str, str] = field(default_factory=dict)
    cleared: int = 1_000_000
    seed: int = 1

    def __str__(self) -> str:
        return (
            f"{self.runs} runs of {self.pace.seconds:.0f} s after {self.pace.warmup_s:.0f} s of the same load, median and "
            f"worst; {self.persons:,} persons;\n             bills of 20 lines, all lines stored, every settlement its own "
            f"visit, credential and signature checked, every field validated;\n             Poisson arrivals, latency from "
            f"the moment a request was due; fsync on; load generator on the same cores; layout {self.layout}"
        )

    def choice(self, database: str, ratio: float) -> Choice:
        """A mesh under these terms."""
        return Choice(database, ratio, self.layout, self.settings)


def engine_alone(_terms: Terms) -> None:
    """A bill of 20 lines in the pure engine, 2,000 times."""
    print(report.heading("engine alone, 20 lines: split, totals, settle (at most 150 µs)"))
    for name in engine.STACKS:
        runs = [engine.microseconds(name) for _ in range(3)]
        print(f"   {report.figure(several([p50 for p50, _ in runs]), 'µs', 0)} median, ", end="")
        print(f"{report.figure(several([p99 for _, p99 in runs]), 'µs', 0)} p99   {name}", flush=True)


def national_cryptography(_terms: Terms) -> None:
    """SM2 and the mobile envelope, on one core."""
    crypto.national()


def start(terms: Terms) -> None:
    """From the command to a healthy gateway, all members and the sample catalogue; memory then."""
    print(report.heading("start of all members to healthy (at most 5 s and 500 MB)"))
    for layout in dict.fromkeys((terms.layout, "split")):
        times: list[float] = []
        sizes: list[float] = []
        for _ in range(max(3, terms.runs)):
            with started(Choice(SQLITE, 0.05, layout)) as subject:
                times.append(subject.start_s)
                sizes.append(processes.rss_bytes(subject.pids) / 2**20)
        took, size = report.figure(several(times), "s", 2), report.figure(several(sizes), "MB", 0)
        print(f"   {took}, {size}   layout {layout}", flush=True)


def settle(terms: Terms) -> None:
    """2207 through HTTP, gateway, gRPC, settlement and commit, at given rates; the highest rate; the floor."""
    for database in terms.databases:
        for ratio in terms.ratios:
            print(report.heading(f"2207, {terms.choice(database, ratio)}"))
            with started(terms.choice(database, ratio)) as subject:
                scratch = Path(subject.config["YIBAO_DATA_DIR"])
                stock = Stock(subject, terms.persons)
                measured = {rate: _at(subject, stock, rate, terms, scratch) for rate in terms.rates}
                if ratio == terms.ratios[-1]:
                    _most(subject, stock, terms, scratch)
                    _floor(subject, stock, measured, terms, scratch)
                _verify(subject)


def chain(terms: Terms) -> None:
    """1101, 2201, 2203, 2204 with 20 lines, 2206, 2207, one after the other on each of 16 connections."""
    for database in terms.databases:
        for ratio in terms.ratios:
            _chains(terms, terms.choice(database, ratio))


def clearing_year(terms: Terms) -> None:
    """A simulated year of clearing between 32 provinces, with every computation of it compared."""
    if not clearing.year(terms.cleared, terms.seed):
        raise Disagreement("the year of clearing does not agree with itself")


def _chains(terms: Terms, choice: Choice) -> None:
    pace = Pace(terms.pace.seconds, terms.pace.warmup_s, _CHAIN_CONNECTIONS)
    print(report.heading(f"whole visit, 20 lines, {choice} (at least 60 a second)"))
    with started(choice) as subject:
        stock = Stock(subject, terms.persons)
        count = ceil(_CHAINS_MOST_PER_S * (pace.seconds + pace.warmup_s))
        scratch = Path(subject.config["YIBAO_DATA_DIR"])
        runs = []
        for _ in range(terms.runs):
            runs.append(loads.chains(subject, stock, count, pace, scratch))
            print(report.one_run(runs[-1]), flush=True)
        speed = report.figure(several([run.load.per_s for run in runs], more_is_better=True), "visits/s")
        print(f"   {speed}, {report.processor_time(runs)}")
        _verify(subject)


def _at(subject: Subject, stock: Stock, rate: float, terms: Terms, scratch: Path) -> list[LoadOutcome]:
    print(f" {rate:g} a second", flush=True)
    runs: list[LoadOutcome] = []
    for seed in range(terms.runs):
        runs.append(loads.settle_at(subject, stock, rate, terms.pace, seed, scratch))
        print(report.one_run(runs[-1]), flush=True)
    print(f"   {report.rate_figure(runs, GOOD_P99_MS)}")
    print(f"   {report.processor_time(runs)}; {runs[-1].rss_mb:.0f} MB", flush=True)
    return runs


def _most(subject: Subject, stock: Stock, terms: Terms, scratch: Path) -> None:
    """How much it bears."""
    count = ceil(_CLOSED_MOST_PER_S * (_SEARCH.seconds + _SEARCH.warmup_s))
    closed = loads.settle_closed(subject, stock, count, _SEARCH, scratch)
    print(
        f" closed loop, {_SEARCH.connections} connections: {closed.load.per_s:.0f} a second, {report.troubles(closed)}"
    )
    print(f"   {report.processor_time([closed])}", flush=True)
    if not terms.tries:
        return
    first = max(324.0, closed.load.per_s * 0.6)
    kept, tried = loads.highest_rate(subject, stock, first, _SEARCH, terms.tries, scratch)
    listed = ", ".join(f"{run.rate:.0f}: {run.latencies.p99_ms:.0f} ms" for run in tried)
    found = f"{kept.rate:.0f} a second" if kept else "none of those tried"
    print(
        f" highest rate with p99 ≤ {GOOD_P99_MS:.0f} ms: {found} (p99 in {_SEARCH.seconds:.0f} s: {listed})", flush=True
    )


def _floor(
    subject: Subject, stock: Stock, measured: Mapping[float, Sequence[LoadOutcome]], terms: Terms, scratch: Path
) -> None:
    """The same hops and rows without logic, in as many processes as the mesh."""
    closed_most = ceil(_FLOOR_MOST_PER_S * (_SEARCH.seconds + _SEARCH.warmup_s))
    most = sum(loads.arrivals_at_most(rate, terms.pace) for rate in measured) + closed_most
    with running_floor(subject, stock, most, scratch) as floor:
        for rate, runs in measured.items():
            outcome = floor.settle_at(rate, terms.pace, 0)
            print(f" floor at {rate:g} a second\n{report.one_run(outcome)}")
            print(f"   {report.processor_time([outcome])}; the mesh: {report.ratio(runs, [outcome])}", flush=True)
        closed = floor.settle_closed(closed_most, _SEARCH)
        print(f" floor, closed loop, {_SEARCH.connections} connections: {closed.load.per_s:.0f} a second", flush=True)


def _verify(subject: Subject) -> None:
    """Every balance and accumulator recomputed from the journal."""
    answer = subject.call("yibao.settlement.v1.LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest())
    print(
        f" ledger verified: {answer.settlements_checked} settlements, {answer.postings_checked} postings, "
        f"{answer.accumulators_checked} accumulators, {len(answer.findings)} findings",
        flush=True,
    )
