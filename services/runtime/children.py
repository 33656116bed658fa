"""Members as processes of their own: starts them in order of need, waits for each to be ready, stops them in reverse.

It supervises and nothing more: a child that dies takes the others down, so that whoever runs the mesh sees it.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Final

from services.runtime.server import StartError

READY: Final = "yibao is ready: "

_START_S: Final = 60.0
_KILL_AFTER_S: Final = 5.0


class Children:
    """Processes, each running one member by `python -m services NAME`.

    A child's standard input stays open as long as this process lives; its end tells the child to stop.
    """

    def __init__(
        self, environ: Mapping[str, str], grace_s: float, command: Sequence[str] = (sys.executable, "-m", "services")
    ) -> None:
        self._command = tuple(command)
        self._environ = dict(environ)
        self._grace_s = grace_s
        self._running: list[tuple[str, Process]] = []

    async def start(self, names: Sequence[str]) -> list[str]:
        """Starts the members one after the other; what each says of itself when ready. StartError where one does not come up."""
        told: list[str] = []
        try:
            for name in names:
                told.append(await self._start(name))  # noqa: PERF401  # one after the other: each needs those before
        except BaseException:
            await self.stop()
            raise
        return told

    async def watch(self) -> str:
        """Waits until a child ends by itself; its name."""
        waits = {asyncio.ensure_future(process.wait()): name for name, process in self._running}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        return waits[done.pop()]

    async def stop(self) -> None:
        """Asks each to stop, the last started first, and kills what does not end in time."""
        while self._running:
            _, process = self._running.pop()
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(self._grace_s + _KILL_AFTER_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _start(self, name: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._command, name, "--child", stdin=PIPE, stdout=PIPE, env=self._environ
        )
        self._running.append((name, process))
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_S):
                while line := (await process.stdout.readline()).decode():
                    if line.startswith(READY):
                        return line.removeprefix(READY).strip()
        except TimeoutError:
            raise StartError(f"{name} was not ready after {_START_S:.0f} s") from None
        raise StartError(f"{name} ended before it was ready; what it said stands above")
