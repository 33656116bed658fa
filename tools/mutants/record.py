"""Which tests run a line, how long each takes, and so which to play against a fault, the quickest first."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from tools.mutants.source import Fault

_FEW: Final = 10
_NAMED: Final = re.compile(r"\[([^\[\]]+\.py)\]$")
_ROOM: Final = 3
"""`services`, the service and its room."""


@dataclass(frozen=True, slots=True)
class Record:
    """Seconds by test; tests by file and line. Only tests that passed without a fault."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, frozenset[str]]]

    def running(self, fault: Fault, importers: Iterable[str] = ()) -> list[str]:
        """The tests that run the statement of a fault, in the order to play them.

        Where these are few, those that run anything of the file come behind them, then of those files that import it, then of
        its room: what is run at import, or once because it is kept, is run for tests that do not show. A function that no test
        runs is no such thing: no test is played for it.
        """
        lines = self.lines.get(fault.file, {})
        of_line = set(chain.from_iterable(lines.get(line, ()) for line in range(fault.first, fault.last + 1)))
        # A test that reads the text of a file instead of running it bears the file's name.
        readers = {test for test in self.seconds if (named := _NAMED.search(test)) and fault.file.endswith(named[1])}
        if not of_line and not fault.outside:
            return self.ordered(readers)
        room = Path(fault.file).parts[:_ROOM]
        beside = [file for file in self.lines if Path(file).parts[:_ROOM] == room]
        of_file, of_importers, of_room = (self._of(files) for files in ([fault.file], importers, beside))
        played = self.ordered(readers) + self.ordered(of_line - readers, fault.file)
        for wider in (of_file, of_importers, of_room):
            if len(played) < _FEW:
                played += self.ordered(wider.difference(played), fault.file)
        return played

    def _of(self, files: Iterable[str]) -> set[str]:
        return set(chain.from_iterable(chain.from_iterable(self.lines.get(file, {}).values()) for file in files))

    def ordered(self, tests: Iterable[str], of: str = "") -> list[str]:
        """File after file, so that what a file starts is started once: those first that are named after the tested file, then
        those of its service, each time those that are soon through.
        """
        files: dict[str, list[str]] = defaultdict(list)
        for test in tests:
            files[test.split("::")[0]].append(test)
        by_time = sorted(files.values(), key=lambda chosen: (sum(self.seconds[each] for each in chosen), min(chosen)))
        by_time.sort(key=lambda chosen: -_nearness(chosen[0].split("::")[0], of))
        return [test for chosen in by_time for test in sorted(chosen, key=lambda each: (self.seconds[each], each))]


def _nearness(test: str, tested: str) -> int:
    """2 where a test has the name of what it tests or its last word (tables of `registry_tables`), 1 where it is of the same
    service.
    """
    path = Path(tested)
    if path.stem in Path(test).stem or path.stem.rpartition("_")[2] in Path(test).stem.split("_"):
        return 2
    return int(len(path.parts) > 1 and (path.parts[1] in Path(test).parts or path.parts[0] in Path(test).parts))


def load(folder: Path) -> Record:
    """The record that the runs have written into a folder; of a file with tests, what the last run says of it."""
    seconds: dict[str, float] = {}
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    seen: set[str] = set()
    for part in sorted(folder.glob("part-*.json"), reverse=True):
        told = json.loads(part.read_text(encoding="utf-8"))
        names = [name for name, _ in told["tests"]]
        fresh = {name for name in names if name.split("::")[0] not in seen}
        seconds |= {name: took for name, took in told["tests"] if name in fresh}
        for file, known in told["lines"].items():
            for line, places in known.items():
                lines[file][int(line)] |= {names[place] for place in places} & fresh
        seen |= {name.split("::")[0] for name in names}
    return Record(
        seconds,
        {file: {line: frozenset(tests) for line, tests in known.items()} for file, known in lines.items()},
    )


def importers_of(root: Path, files: Sequence[str]) -> dict[str, set[str]]:
    """Which of the files import which: the imported file, and those that do."""
    known = {file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): file for file in files}
    found: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for node in ast.walk(ast.parse((root / file).read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            elif isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            else:
                continue
            for name in names:
                if name in known:
                    found[known[name]].add(file)
    return found
