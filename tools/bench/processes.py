"""Memory and processor time of a process and all its children, read from /proc. Elsewhere than on Linux nothing is known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment: its command, resident memory, and processor seconds until then."""

    command: str
    rss_bytes: int
    cpu_s: float


def tree(root: int) -> dict[int, Usage]:
    """The process and all that descend from it; empty where there is no /proc or no such process."""
    parents = dict(_parents())
    members = {root} & parents.keys()
    found = True
    while found:
        more = {pid for pid, parent in parents.items() if parent in members and pid not in members}
        members |= more
        found = bool(more)
    usages = {pid: _usage(pid) for pid in sorted(members)}
    return {pid: usage for pid, usage in usages.items() if usage is not None}


def rss_bytes(roots: list[int]) -> int:
    """Resident memory of several trees; what processes share is counted in each."""
    return sum(usage.rss_bytes for root in roots for usage in tree(root).values())


def cpu_s(pids: Iterable[int]) -> float:
    """Processor seconds of these processes until now, to the microsecond where the kernel counts so finely.

    `stat` counts in hundredths of a second, as much as ten settlements take. What an ended thread used is lost.
    """
    return sum(_scheduled_s(pid) for pid in pids)


def cpu_between(before: Mapping[int, Usage], after: Mapping[int, Usage]) -> dict[str, float]:
    """Processor seconds by command between two moments; a process that is new began at nothing."""
    spent: dict[str, float] = {}
    for pid, usage in after.items():
        known = before.get(pid)
        used = usage.cpu_s - (known.cpu_s if known else 0.0)
        spent[usage.command] = spent.get(usage.command, 0.0) + used
    return spent


def _scheduled_s(pid: int) -> float:
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        return sum(int((each / "schedstat").read_bytes().split()[0]) for each in threads) / 1e9
    except (OSError, IndexError):
        found = _usage(pid)
        return found.cpu_s if found else 0.0


def _parents() -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    if not _PROC.is_dir():
        return found
    for entry in _PROC.iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields is not None:
            found.append((int(entry.name), int(fields[1])))
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields after the name, which may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _usage(pid: int) -> Usage | None:
    fields = _stat(pid)
    if fields is None:
        return None
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    return Usage(_command(words), int(fields[21]) * page, (int(fields[11]) + int(fields[12])) / ticks)


def _command(words: list[bytes]) -> str:
    """`services settlement`, `postgres`, …: a name that says which part it is, without numbers or paths."""
    texts = [word.decode("utf-8", "replace") for word in words if word]
    if not texts:
        return "?"
    if "-m" in texts and texts.index("-m") + 1 < len(texts):
        module = texts.index("-m") + 1
        return " ".join(text for text in texts[module : module + 2] if "/" not in text)
    return texts[0].rpartition("/")[2].split(":")[0].split(" ")[0]
