"""The benchmark's report: what it says of runs, of failures, of the floor; and its command line."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench import processes, report
from tools.bench.__main__ import parser, terms_of
from tools.bench.figures import spread
from tools.bench.loads import LoadOutcome
from tools.bench.plan import Load
from tools.bench.processes import Usage, cpu_between


def outcome(
    latencies_ms: list[float],
    *,
    failed: dict[str, int] | None = None,
    written: int | None = None,
    cpu_us: dict[str, float] | None = None,
    steps: int = 1,
) -> LoadOutcome:
    load = Load(latencies_ms, 1.0, len(latencies_ms) * steps, failed or {})
    return LoadOutcome(324, load, spread(latencies_ms), cpu_us or {"services all": 900.0}, written, steps=steps)


def test_a_rate_is_held_only_where_the_worst_run_held_it_and_nothing_failed() -> None:
    good, slow = outcome([40.0] * 100), outcome([140.0] * 100)
    assert report.rate_figure([good, good, good], 100).endswith(": held")
    assert report.rate_figure([good, good, slow], 100).endswith(": NOT held")
    assert report.rate_figure([good, outcome([40.0] * 100, failed={"QUEUE_FULL": 1})], 100).endswith(": NOT held")
    assert "p99 40.0 ms (worst 140.0)" in report.rate_figure([good, good, slow], 100)


def test_a_rate_is_borne_by_the_same_measure() -> None:
    assert outcome([40.0] * 100).is_borne
    assert not outcome([40.0] * 98 + [101.0] * 2).is_borne
    assert not outcome([40.0] * 100, failed={"no answer": 1}).is_borne


def test_failures_are_told_by_kind() -> None:
    assert report.troubles(outcome([1.0])) == "0 failed"
    assert report.troubles(outcome([1.0], failed={"B": 2, "A": 1})) == "1 A, 2 B"


def test_a_settlement_that_was_answered_and_is_not_in_the_database_is_told() -> None:
    assert report.troubles(outcome([1.0] * 5, written=5)) == "0 failed"
    assert report.troubles(outcome([1.0] * 5, written=4)) == "5 answered but 4 in the database"
    assert report.troubles(outcome([1.0] * 5, written=5, steps=6)) == "0 failed"


def test_processor_time_is_the_median_by_process_and_their_sum() -> None:
    runs = [outcome([1.0], cpu_us={"services all": value, "postgres": 100.0}) for value in (800.0, 1000.0, 900.0)]
    assert report.processor_time(runs) == "1000 µs of processor time each (services all 900, postgres 100)"


def test_the_ratio_to_the_floor_is_that_of_medians() -> None:
    mesh, floor = [outcome([30.0], cpu_us={"a": 900.0})], [outcome([10.0], cpu_us={"b": 300.0})]
    assert report.ratio(mesh, floor) == "3.0 × the floor's processor time, 3.0 × its p99"


def test_processor_time_between_two_moments_counts_new_processes_from_nothing() -> None:
    before = {1: Usage("services", 0, 5.0)}
    after = {1: Usage("services", 0, 7.0), 2: Usage("postgres", 0, 0.5), 3: Usage("postgres", 0, 0.25)}
    assert cpu_between(before, after) == {"services": 2.0, "postgres": 0.75}


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="this system has no /proc")
def test_a_process_tree_holds_children_with_their_memory() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = processes.tree(os.getpid())
        assert {os.getpid(), child.pid} <= found.keys()
        assert found[os.getpid()].rss_bytes > 10 << 20
        assert processes.rss_bytes([os.getpid()]) >= found[os.getpid()].rss_bytes
    finally:
        child.communicate(b"\n")


def options(*words: str) -> argparse.Namespace:
    return parser().parse_args(words)


def test_the_whole_measurement_is_three_runs_of_a_minute_on_both_databases() -> None:
    terms = terms_of(options())
    assert (terms.runs, terms.pace.seconds, terms.persons) == (3, 60.0, 50_000)
    assert (terms.rates, terms.ratios) == ((324.0, 1000.0), (1.0, 0.05))
    assert terms.databases == ("sqlite", "postgresql")


def test_a_quick_one_is_short_and_says_so() -> None:
    terms = terms_of(options("settle", "--quick", "--database", "sqlite", "--set", "YIBAO_PLACEMENT=local"))
    assert (terms.runs, terms.pace.seconds, terms.databases) == (1, 5.0, ("sqlite",))
    assert "1 runs of 5 s" in str(terms)
    assert terms.settings == {"YIBAO_PLACEMENT": "local"}


def test_an_unknown_figure_or_setting_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["speed"], ["--set", "YIBAO_PLACEMENT"]):
        with pytest.raises(SystemExit):
            options(*words)
    assert "NAME=VALUE" in capsys.readouterr().err
