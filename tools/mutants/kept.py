"""What became of each fault, one line of JSON each: a run that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.mutants.playing import Verdict
from tools.mutants.source import Fault


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fault, its lines before and after, and who found it."""

    area: str
    fault: Fault
    diff: str
    killer: str | None
    why: str
    seconds: float

    def told(self) -> str:
        """As it is printed."""
        place = f"{self.fault.file}:{self.fault.line}"
        if self.killer is not None:
            return f"caught    {self.area} {place} {self.fault.kind} ({self.seconds:.0f} s)\n{self.diff}\n  by {self.killer}"
        return f"SURVIVED  {self.area} {place} {self.fault.kind} ({self.seconds:.0f} s)\n{self.diff}\n  {self.why}"


class Kept:
    """The outcomes of one sample in a file; the last one of a fault counts, and the first one says how it was at first sight."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_fault: dict[Fault, Outcome] = {}
        self._first: dict[Fault, Outcome] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(_outcome(json.loads(line)))

    def add(self, area: str, fault: Fault, diff: str, verdict: Verdict) -> Outcome:
        """Keeps an outcome at once."""
        outcome = Outcome(area, fault, diff, verdict.killer, verdict.why, round(verdict.seconds, 1))
        self._take(outcome)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(asdict(outcome), ensure_ascii=False)}\n")
        return outcome

    def of(self, fault: Fault) -> Outcome | None:
        """What became of a fault."""
        return self._by_fault.get(fault)

    def at_first(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """What came of the same faults when they were played for the first time."""
        return [self._first[each.fault] for each in outcomes]

    def _take(self, outcome: Outcome) -> None:
        self._by_fault[outcome.fault] = outcome
        self._first.setdefault(outcome.fault, outcome)


def summary(outcomes: Sequence[Outcome], areas: Iterable[str], at_first: Sequence[Outcome] = ()) -> str:
    """Survivors with their lines, then caught/tried by area; where tests were added since, also how many were caught before."""
    tried = Counter(each.area for each in outcomes)
    caught, before = (
        Counter(each.area for each in found if each.killer is not None) for found in (outcomes, at_first or outcomes)
    )
    lines = [each.told() for each in outcomes if each.killer is None]
    lines += [
        f"{name:<10} {caught[name]:>3}/{tried[name]}" + (f", at first sight {before[name]}" if before != caught else "")
        for name in areas
        if tried[name]
    ]
    since = f", at first sight {before.total()}" if before != caught else ""
    lines.append(f"{'all':<10} {caught.total():>3}/{tried.total()}{since}")
    return "\n".join(lines)


def _outcome(told: dict[str, Any]) -> Outcome:
    return Outcome(**{**told, "fault": Fault(**told["fault"])})
