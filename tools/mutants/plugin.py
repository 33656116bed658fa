"""The part that runs inside pytest: writes down which test runs which lines, or plays chosen tests in a given order.

The environment says which: YIBAO_MUTANTS_RECORD names a folder for the record, YIBAO_MUTANTS_PLAN a file with the tests to play.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import coverage
import pytest
from hypothesis import Phase, settings

RECORD: Final = "YIBAO_MUTANTS_RECORD"
PLAN: Final = "YIBAO_MUTANTS_PLAN"


class Recorder:
    """Which lines of the named files each passed test runs, and for how long it goes."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        files = json.loads((folder / "files.json").read_text(encoding="utf-8"))
        self._coverage = coverage.Coverage(
            data_file=None,
            config_file=False,
            include=[str(root / file) for file in files],
            concurrency=["thread"],
        )
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    def pytest_collection_finish(self) -> None:
        # Tests that run pytest themselves are not meant; processes that xdist starts are, and they collect, too.
        os.environ.pop(RECORD)
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - began
        self._coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        if not self._seconds:
            return
        self._coverage.stop()
        data = self._coverage.get_data()
        tests = [name for name in self._seconds if name not in self._failed]
        places = {name: place for place, name in enumerate(tests)}
        lines: dict[str, dict[int, list[int]]] = defaultdict(dict)
        for file in data.measured_files():
            known = lines[str(Path(file).relative_to(self._root))]
            for line, contexts in data.contexts_by_lineno(file).items():
                known[line] = sorted(places[name] for name in contexts if name in places)
        told = {"tests": [[name, round(self._seconds[name], 3)] for name in tests], "lines": lines}
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        (self._folder / f"part-{time.time_ns():020}-{worker}.json").write_text(json.dumps(told), encoding="utf-8")


class Player:
    """The tests of a plan, in its order; each beginning and each failure is a line in the plan's `.said` file."""

    def __init__(self, plan: Path) -> None:
        self._places = {name: place for place, name in enumerate(json.loads(plan.read_text(encoding="utf-8")))}
        self._said = plan.with_suffix(".said")

    def pytest_collection_finish(self) -> None:
        os.environ.pop(PLAN)

    def pytest_collection(self) -> None:
        # Which example shows it is of no interest here: one that does is enough.
        settings.register_profile("mutants", settings(), phases=(Phase.explicit, Phase.generate), database=None)
        settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda item: self._places[item.nodeid]
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._say("failed", report.nodeid)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._say("began", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._say("failed", report.nodeid)

    def _say(self, word: str, nodeid: str) -> None:
        with self._said.open("a", encoding="utf-8") as file:
            file.write(f"{word}\t{nodeid}\n")


def pytest_configure(config: pytest.Config) -> None:
    """Takes part as the environment says."""
    if folder := os.environ.get(RECORD):
        config.pluginmanager.register(Recorder(Path(folder), config.rootpath))
    if plan := os.environ.get(PLAN):
        config.pluginmanager.register(Player(Path(plan)))
