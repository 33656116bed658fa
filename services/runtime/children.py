"""Members as processes of their own: starts them in order of need, waits for each to be ready, stops them in reverse.

It supervises and nothing more: a child that dies takes the others down, so that whoever runs the mesh sees it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import groupby
from typing import Any, Final

from services import mesh
from services.runtime.interrupts import held_back
from services.runtime.server import StartError

READY: Final = "yibao is ready: "
TOGETHER: Final = "+"
"""Between the names of members that share a child."""

_START_S: Final = 60.0
_KILL_AFTER_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.05

Process = subprocess.Popen[bytes]


class Children:
    """Processes, each running one member by `python -m services NAME`, or several (`identity+settlement`): of all cells that are
    started, or of the one that stands before its name (`110000/settlement`).

    A child's standard input stays open as long as this process lives; its end tells the child to stop. Through it the child
    is given the keys of its member, a line at the start and one whenever they change: so it holds no other's, and they
    stand in no environment. Children come from `subprocess`, which does not copy this process to start another: uvloop's
    own way forks it, and a fork of a process with gRPC threads was seen to spin for ever before it became the child.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        grace_s: float,
        command: Sequence[str] = (sys.executable, "-m", "services"),
        keys_of: Callable[[str], str] = str,
    ) -> None:
        self._keys_of = keys_of
        self._command = tuple(command)
        self._environ = dict(environ)
        self._grace_s = grace_s
        self._running: list[tuple[str, Process]] = []

    async def start(self, names: Sequence[str]) -> list[str]:
        """Starts the members one after the other, the same ones of several cells side by side; what each says of itself when
        ready. StartError where one does not come up.
        """
        told: list[str] = []
        try:
            # Each needs those before, but nobody needs another cell.
            for (_, in_a_cell), same in groupby(names, lambda name: (mesh.split_seat(name)[0], "/" in name)):
                if in_a_cell:
                    told += await _all_of([self._start(name) for name in same])
                else:
                    told += [await self._start(name) for name in same]
        except BaseException:
            await self.stop()
            raise
        return told

    def renew_keys(self) -> None:
        """Gives each child the keys that its member holds now."""
        for name, process in self._running:
            self._give_keys(name, process)

    async def watch(self) -> str:
        """Waits until a child ends by itself; its name."""
        while True:
            for name, process in self._running:
                if process.poll() is not None:
                    return name
            await _an_end([process.pid for _, process in self._running])

    async def stop(self) -> None:
        """Asks each to stop, the last started first, and kills what does not end in time."""
        while self._running:
            _, process = self._running.pop()
            process.terminate()
            try:
                async with asyncio.timeout(self._grace_s + _KILL_AFTER_S):
                    await _ended(process)
            except TimeoutError:
                process.kill()
                await _ended(process)
            _close(process)

    async def _start(self, name: str) -> str:
        process = self._spawned(name)
        self._running.append((name, process))
        self._give_keys(name, process)
        try:
            async with asyncio.timeout(_START_S):
                said = await asyncio.to_thread(_ready_line, process)
        except TimeoutError:
            # The thread that reads ends with the child, which the caller stops now.
            raise StartError(f"{name} was not ready after {_START_S:.0f} s") from None
        if not said:
            raise StartError(f"{name} ended before it was ready; what it said stands above")
        return said.removeprefix(READY).strip()

    def _give_keys(self, name: str, process: Process) -> None:
        assert process.stdin is not None
        # A child that has ended is noticed by whoever watches.
        with suppress(BrokenPipeError):
            process.stdin.write(f"{self._keys_of(name)}\n".encode())
            process.stdin.flush()

    def _spawned(self, name: str) -> Process:
        member, cell = mesh.split_seat(name)
        chosen = ["--set", f"YIBAO_CELL={cell}"] if cell else []
        with held_back():
            return subprocess.Popen(
                [*self._command, *member.split(TOGETHER), "--child", *chosen],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environ,
            )


def _ready_line(process: Process) -> str:
    """The line in which a child says that it is ready; empty where it ended before."""
    assert process.stdout is not None
    while line := process.stdout.readline().decode():
        if line.startswith(READY):
            return line
    return ""


async def _all_of(starting: Sequence[Coroutine[Any, Any, str]]) -> list[str]:
    """What all of them come to; the first refusal, once each is up or ended."""
    outcomes = await asyncio.gather(*starting, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, str)]


async def _an_end(pids: Sequence[int]) -> None:
    """Waits until one of the processes ends, where the kernel tells that; elsewhere a moment."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    with ExitStack() as watched:
        try:
            for pid in pids:
                told = os.pidfd_open(pid)
                watched.callback(os.close, told)
                loop.add_reader(told, ended.set)
                watched.callback(loop.remove_reader, told)
        except (AttributeError, OSError):
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            await ended.wait()


async def _ended(process: Process) -> None:
    while process.poll() is None:  # noqa: ASYNC110  # there is no event to wait for: the kernel is asked
        await asyncio.sleep(_LOOK_EVERY_S)


def _close(process: Process) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
