"""A network of its own for the insured cell: where the link is down, packets are lost and nobody is told. It needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

HERE, THERE = "10.213.77.1", "10.213.77.2"
_BITS: Final = 30


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace with one link to this one."""

    name: str

    @property
    def words(self) -> tuple[str, ...]:
        """What comes before the words of a process that is to live in it."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Takes the link down."""
        _ip("link", "set", self.name, "down")

    def mend(self) -> None:
        """Brings it up again."""
        _ip("link", "set", self.name, "up")


def possible() -> bool:
    """Whether this process may make one."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode == 0


@contextmanager
def namespace() -> Iterator[Namespace]:
    """One, for a block."""
    made = Namespace(f"yibao{os.getpid() % 100_000}")
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", made.name, "type", "veth", "peer", "name", "inside", "netns", made.name)
        _ip("addr", "add", f"{HERE}/{_BITS}", "dev", made.name)
        made.mend()
        for words in (("addr", "add", f"{THERE}/{_BITS}", "dev", "inside"), ("link", "set", "inside", "up")):
            _ip("-n", made.name, *words)
        _ip("-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        # With it goes the link.
        _ip("netns", "delete", made.name)


def moved(addresses: Mapping[str, str], host: str) -> dict[str, str]:
    """The settings with their ports on another host."""
    return {name: f"{host}:{address.rpartition(':')[2]}" for name, address in addresses.items()}


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
