"""What care in another cell costs beside care at home: latency at a rate, durable commits, throughput, and processor time as more
cells are known. Care and insured cell are two of one mesh on this machine; further cells stand in routing's registry alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Final

from services.runtime.trace_store import Node, StoredSpan, TraceStore
from tools.bench import loads, report
from tools.bench.cells_subject import CARE, HOME, Mixed, TwoCells, simulate, simulated, stocks, two_cells
from tools.bench.figures import several
from tools.bench.loads import LoadOutcome, Pace
from tools.bench.measures import Terms
from tools.bench.plan import CHAINS, CLOSED, OPEN
from tools.bench.preparation import Stock
from tools.bench.subject import SQLITE, Choice, Subject

RATES: Final = (20.0, 100.0)
"""Settlements a second; the latter is that of the goal."""
MOST_LATENCY: Final = 3.0
LEAST_THROUGHPUT: Final = 0.5
KNOWN: Final = (4, 8, 16, 32)
"""Cells in the registry."""

_PERSONS: Final = 2_000
_PEOPLE_OF_A_CELL: Final = 5_000
_CLOSED_MOST_PER_S: Final = 1_500
_CHAINS_MOST_PER_S: Final = 60
_CHAIN_CONNECTIONS: Final = 8
_WRITTEN_S: Final = 1.5
_COMMIT: Final = "store write"
_PEER: Final = "yibao.peer"
_SERVICES: Final = "yibao.settlement."
_SETTLES: Final = "settlement"


def across(terms: Terms) -> None:
    """2207 of a person of another cell beside that of a person of the own one."""
    choice = Choice(SQLITE, 0.05, terms.layout, terms.settings)
    with two_cells(replace(choice, trace_ratio=1.0)) as at:
        print(report.heading(f"care in {CARE} for people of {HOME}, {choice}"))
        local, remote = stocks(at, _PERSONS)
        _commits(at.care, local, remote)
    with two_cells(choice) as at:
        local, remote = stocks(at, _PERSONS)
        scratch = Path(at.care.config["YIBAO_DATA_DIR"])
        for rate in RATES:
            _latency(at.care, local, remote, rate, terms, scratch)
        _throughput(at.care, local, remote, terms, scratch)
        _known(at, remote, terms, scratch)


def _commits(subject: Subject, local: Stock, remote: Stock) -> None:
    """One settlement of each, alone, as its trace tells it."""
    scratch = Path(subject.config["YIBAO_DATA_DIR"])
    found = []
    for stock in (local, remote):
        requests = scratch / "requests"
        stock.visits(1, requests)
        began = time.time_ns()
        loads.run(replace(loads.plan(CLOSED, subject.port, requests, Pace(5.0, 0.0, 1))), subject.serving_pids)
        time.sleep(_WRITTEN_S)
        store = TraceStore(scratch / "traces.sqlite")
        found.append((*way(store, began), stages(store, began)))
    (here, here_ms, _), (there, there_ms, steps) = found
    print(f" durable commits before the answer: {here} local, {there} remote", flush=True)
    print(f" one alone: {here_ms:.1f} ms local, {there_ms:.1f} ms remote", flush=True)
    print("   " + ", ".join(f"{name} at {cell} {ms:.1f} ms" for name, cell, ms in steps), flush=True)


def way(store: TraceStore, began_ns: int) -> tuple[int, float]:
    """Commits that ended before the answer, and how long that took, of the only message since a moment."""
    root = _only(store, began_ns)
    commits = {
        node.span.span_id
        for top in store.tree(root.trace_id)
        for node in _all(top)
        if node.span.name == _COMMIT and node.span.end_ns <= root.end_ns
    }
    return len(commits), root.duration_ms


def stages(store: TraceStore, began_ns: int) -> list[tuple[str, str, float]]:
    """What gateway and routing asked settlements on the way of that message, in its order: the call, whom, and for how long."""
    calls = {
        node.span.span_id: node.span
        for top in store.tree(_only(store, began_ns).trace_id)
        for node in _all(top)
        if _SETTLES in str(node.span.attributes.get(_PEER, "")) and node.span.name.startswith(_SERVICES)
    }
    found = sorted(calls.values(), key=lambda span: span.start_ns)
    return [(each.name.rpartition(".")[2], str(each.attributes[_PEER]), each.duration_ms) for each in found]


def _only(store: TraceStore, began_ns: int) -> StoredSpan:
    """The span of the only message since a moment."""
    (root,) = (each for each in store.all_spans() if each.name.startswith("POST") and each.start_ns >= began_ns)
    return root


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _latency(subject: Subject, local: Stock, remote: Stock, rate: float, terms: Terms, scratch: Path) -> None:
    print(f" {rate:g} a second, all local, then all remote", flush=True)
    runs: list[list[LoadOutcome]] = []
    for stock in (local, remote):
        runs.append([])
        for seed in range(terms.runs):
            requests = scratch / "requests"
            stock.visits(loads.arrivals_at_most(rate, terms.pace), requests)
            plan = loads.plan(OPEN, subject.port, requests, terms.pace, rate, seed)
            runs[-1].append(loads.run(plan, subject.serving_pids))
            print(report.one_run(runs[-1][-1]), flush=True)
        print(f"   {report.processor_time(runs[-1])}", flush=True)
    here, there = ([run.latencies for run in each] for each in runs)
    p50 = several([each.p50_ms for each in there]).median / several([each.p50_ms for each in here]).median
    p99 = several([each.p99_ms for each in there]).median / several([each.p99_ms for each in here]).median
    print(f"   remote ÷ local: p50 {p50:.1f}, p99 {p99:.1f} (at most {MOST_LATENCY:g} at 100)", flush=True)


def _throughput(subject: Subject, local: Stock, remote: Stock, terms: Terms, scratch: Path) -> None:
    """As fast as 64 connections go, local and mixed in turn: what else the machine does falls on both."""
    pace = replace(terms.pace, connections=64)
    count = ceil(_CLOSED_MOST_PER_S * (pace.seconds + pace.warmup_s))
    ratios = []
    for _ in range(terms.runs):
        speeds = []
        for what, stock in (("all local", local), ("half of them remote", Mixed(local, remote))):
            requests = scratch / "requests"
            stock.visits(count, requests)
            outcome = loads.run(loads.plan(CLOSED, subject.port, requests, pace), subject.serving_pids)
            speeds.append(outcome.load.per_s)
            print(f" closed loop, 64 connections, {what}: {speeds[-1]:.0f} a second, {report.troubles(outcome)}")
            print(f"   {report.processor_time([outcome])}", flush=True)
        ratios.append(speeds[1] / speeds[0])
    told = report.figure(several(ratios, more_is_better=True), "", 2)
    print(f"   half remote ÷ all local: {told} (at least {LEAST_THROUGHPUT:g})", flush=True)


def _known(at: TwoCells, remote: Stock, terms: Terms, scratch: Path) -> None:
    """Whole visits of remote people, 2201 to 2207, while routing knows the people of ever more cells."""
    pace = replace(terms.pace, connections=_CHAIN_CONNECTIONS)
    count = ceil(_CHAINS_MOST_PER_S * (pace.seconds + pace.warmup_s))
    codes, costs = simulated(KNOWN[-1]), []
    for known in KNOWN:
        simulate(at.registry, codes[: known - 2], _PEOPLE_OF_A_CELL)
        requests = scratch / "requests"
        remote.chains(count, requests)
        outcome = loads.run(loads.plan(CHAINS, at.care.port, requests, pace), at.care.serving_pids)
        costs.append(report.total_cpu_us([outcome]) / 1000)
        people = (known - 2) * _PEOPLE_OF_A_CELL
        told = f"{known} cells known, {people:,} simulated people: {costs[-1]:.1f} ms of processor time for a visit"
        print(f" {told}, {report.troubles(outcome)}", flush=True)
    print(f"   {KNOWN[-1]} ÷ {KNOWN[0]} cells: {costs[-1] / costs[0]:.2f}", flush=True)
