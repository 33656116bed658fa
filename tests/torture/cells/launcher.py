"""`python -m services` with seams in it, and a test at its standard input: `python -m tests.torture.cells.launcher MEMBER…`

A line of JSON is a command: `begin` counts points anew (and records, or arms one), `recorded` asks for what was recorded. Each is
answered by a line. The end of the input is the end of the process: none outlives its test.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from services.__main__ import main
from services.runtime.config import Config
from tests.torture.cells.seams import Point, Watch, install, move_machine_clock

ANSWER: Final = "@"
"""What the line of an answer begins with."""

FIRST: Final = "CELLS_FIRST"
"""The variable of the environment that holds the first command, which holds from the first moment on."""


def obey(watch: Watch) -> None:
    """Takes commands until the input ends. It reads the descriptor itself: a stream would be locked where the program ends."""
    rest = b""
    while came := os.read(0, 65_536):
        *lines, rest = (rest + came).split(b"\n")
        for line in lines:
            os.write(1, f"{ANSWER}{json.dumps(answered(watch, json.loads(line)))}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def begin(watch: Watch, command: dict[str, Any]) -> None:
    """Begins to count points, as a command says."""
    armed = Point(*command["armed"]) if command.get("armed") else None
    number, twice_s = command.get("signal", signal.SIGKILL), command.get("twice_s")
    watch.begin(record=command.get("record", False), armed=armed, number=number, twice_s=twice_s)


def answered(watch: Watch, command: dict[str, Any]) -> object:
    """Does what a command says."""
    if command["do"] == "recorded":
        return watch.recorded()
    begin(watch, command)
    return True


def watched(install: Callable[[Watch], None]) -> None:
    """Puts seams into this process and takes commands from now on."""
    watching = Watch()
    install(watching)
    begin(watching, json.loads(os.environ.get(FIRST, "{}")))
    threading.Thread(target=obey, args=(watching,), daemon=True).start()


if __name__ == "__main__":
    watched(install)
    config = Config.load(os.environ)
    move_machine_clock(config.clock_offset_s(national=not os.environ.get("YIBAO_CELL")))
    sys.exit(main(sys.argv[1:]))
