"""What the figures were measured on: processor, memory, versions, load, and how long this disk takes to make bytes durable."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tools.bench.figures import Spread, spread

_PACKAGES = ("grpcio", "protobuf", "sqlalchemy", "uvloop")
_SYNCS = 300


def described(folder: Path) -> list[str]:
    """Lines that tell it."""
    disk = fsync_spread(folder)
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"processor    {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        f"system       {platform.system()} {platform.release()}, Python {platform.python_version()}, {packages}",
        f"disk         fsync of 8 KiB: p50 {disk.p50_ms:.2f} ms, p99 {disk.p99_ms:.2f} ms ({disk.count} times, {folder})",
        f"load before  {load} (1, 5, 15 minutes)",
    ]


def fsync_spread(folder: Path) -> Spread:
    """How long one durable write of 8 KiB takes, in the folder where the databases will be."""
    # fdatasync is what databases use; some systems have fsync alone.
    durable: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
    taken: list[float] = []
    path = folder / "fsync.probe"
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            begun = time.perf_counter()
            file.write(bytes(8192))
            durable(file.fileno())
            taken.append((time.perf_counter() - begun) * 1000)
    path.unlink()
    return spread(taken)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
