"""Questions over DICOMweb on a kept connection: what each takes of the processors' time, and how long its answer takes."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tools.bench import processes
from tools.bench.figures import several, spread
from tools.bench.preparation import Unprepared

_WITHIN_S: Final = 60.0
_IDLE_S: Final = 1.0
_WARM: Final = 20
_STUDY_TAG: Final = b'"0020000D"'
_WINDOWS: Final = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A path with its query, whose session asks, and how many studies answer."""

    path: str
    token: str
    studies: int


@dataclass(frozen=True, slots=True)
class Took:
    """Processor time of one question in milliseconds, median and worst of the runs; the wall's time of all."""

    cpu_ms: float
    worst_ms: float
    p50_ms: float
    p99_ms: float


class Door:
    """A server's door over HTTP, with one connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WITHIN_S)

    def ask(self, question: Question) -> bytes:
        """The answer, which must hold as many studies as it should; Unprepared."""
        headers = {"Accept": "application/dicom+json"}
        if question.token:
            headers["Authorization"] = f"Bearer {question.token}"
        try:
            status, told = self._get(question.path, headers)
        except http.client.RemoteDisconnected:
            # A server may close a connection on which nothing was asked for a while.
            self._connection.close()
            status, told = self._get(question.path, headers)
        found = told.count(_STUDY_TAG)
        if status != 200 or found != question.studies:
            name = question.path.partition("=")[0]
            raise Unprepared(f"{name}: {status}, {found} studies and not {question.studies}: {told[:200]!r}")
        return told

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._connection.request("GET", f"/dicom-web/{path}", headers=dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()


class Asked:
    """A server that is asked kinds of questions, by name; what its processes, those under `roots`, use for them."""

    def __init__(self, port: int, roots: Sequence[int], questions: Mapping[str, Sequence[Question]]) -> None:
        self.questions = questions
        self.spent: dict[str, list[float]] = {name: [] for name in questions}
        self.walls: dict[str, list[float]] = {name: [] for name in questions}
        self._pids = [pid for root in roots for pid in processes.tree(root)]
        self._idle = _idle_share(self._pids)
        self._door = Door(port)

    def run(self, name: str, count: int) -> None:
        """Asks one kind so many times, after some that are not counted: a connection may have been closed meanwhile."""
        kind = self.questions[name]
        for place in range(_WARM):
            self._door.ask(kind[place % len(kind)])
        before, begun = processes.cpu_s(self._pids), time.perf_counter()
        for place in range(count):
            asked = time.perf_counter()
            self._door.ask(kind[place % len(kind)])
            self.walls[name].append((time.perf_counter() - asked) * 1e3)
        took_s = time.perf_counter() - begun
        spent_s = processes.cpu_s(self._pids) - before - self._idle * took_s
        self.spent[name].append(spent_s / count * 1e3)

    def took(self) -> Mapping[str, Took]:
        """What was measured."""
        return {name: _took(self.spent[name], self.walls[name]) for name in self.questions}

    def close(self) -> None:
        """Ends the connection."""
        self._door.close()


def measured(asked: Sequence[Asked], runs: int, count: int) -> list[Mapping[str, Took]]:
    """Each kind so many times in each run: kinds in turn within a run, and servers in turn within a kind, so that what else the
    machine does falls on all alike. What processes use while nobody asks, measured before, is taken off.
    """
    try:
        for _ in range(runs):
            for name in asked[0].questions:
                for each in asked:
                    each.run(name, count)
    finally:
        for each in asked:
            each.close()
    return [each.took() for each in asked]


def _idle_share(pids: Sequence[int]) -> float:
    """Processor seconds a second that processes use while nobody asks: the least of some windows."""
    found = []
    for _ in range(_WINDOWS):
        before, begun = processes.cpu_s(pids), time.perf_counter()
        time.sleep(_IDLE_S)
        found.append((processes.cpu_s(pids) - before) / (time.perf_counter() - begun))
    return min(found)


def _took(spent: Sequence[float], walls: Sequence[float]) -> Took:
    of_runs, of_walls = several(spent), spread(walls)
    return Took(of_runs.median, of_runs.worst, of_walls.p50_ms, of_walls.p99_ms)


def told(name: str, took: Took, more: str = "") -> str:
    """A line of the report."""
    return (
        f"     {name:<28} {took.cpu_ms:6.2f} ms of processor time (worst {took.worst_ms:.2f})"
        f"   p50 {took.p50_ms:6.1f}   p99 {took.p99_ms:6.1f} ms{more}"
    )
