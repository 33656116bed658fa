"""`python -m tools.twins.together FOLDER`: all twins in one process, for a sandbox on this machine.

Once all of them serve it prints one line of JSON: by name, where each answers and what a merchant must know of it. What
they remember lies in FOLDER. It ends when its input does, so that it never outlives the program that started it.
"""

from __future__ import annotations

from services.runtime import interrupts

if __name__ == "__main__":
    # Its parent hears Ctrl-C and ends it.
    interrupts.quiet(child=True)

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import uvloop

from tools.sandbox_keys import key_of
from tools.twins.alipay import provider as alipay
from tools.twins.bank import provider as bank
from tools.twins.national import provider as national
from tools.twins.twin import Settings, Twin
from tools.twins.wechat import provider as wechat

PORTS: Final[Mapping[str, int]] = MappingProxyType({"wechat": 7431, "alipay": 7432, "bank": 7433, "national": 7436})
"""Where they stand unless on free ports; the line of the bank's terminals is the port after its own."""
_MAKERS: Final = {"wechat": wechat.twin, "alipay": alipay.twin, "bank": bank.twin, "national": national.twin}
_ASKING: Final = {"wechat": wechat.NAME, "alipay": alipay.NAME}
"""As whom a twin asks the bureau."""


class Taken(Exception):
    """A port that another program has."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves all twins until it is told to end; 1, with a sentence, where a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m tools.twins.together", description="all twins in one process")
    parser.add_argument("folder", type=Path, help="where they keep what they remember")
    parser.add_argument("--bureau", default="", help="as of `python -m tools.twins`")
    parser.add_argument("--free-ports", action="store_true", help="on ports that are free, else on 7431 to 7436")
    parser.add_argument("--merchants", default="1", help="numbers of the merchants that each has from its start: 1,3")
    given = parser.parse_args(arguments)
    numbers = tuple(map(int, given.merchants.split(",")))
    return uvloop.run(_serve(given.folder, given.bureau, numbers, free=given.free_ports))


def settings_of(name: str, folder: Path, bureau: str, merchants: tuple[int, ...] = (1,), *, free: bool) -> Settings:
    """How one of them is started."""
    return Settings(
        port=0 if free else PORTS[name],
        state=folder / f"{name}.sqlite",
        bureau_url=bureau if name in _ASKING else "",
        bureau_key=key_of("channel", _ASKING[name]) if name in _ASKING else "",
        merchants=merchants,
    )


async def _serve(folder: Path, bureau: str, merchants: tuple[int, ...], *, free: bool) -> int:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    started: dict[str, Twin] = {}
    try:
        for name, make in _MAKERS.items():
            twin = make(settings_of(name, folder, bureau, merchants, free=free))
            try:
                await twin.start()
            except OSError as error:
                print(json.dumps({"taken": name, "port": PORTS[name], "error": error.strerror}), flush=True)
                return 1
            started[name] = twin
        said = {name: {"url": twin.url, "keys": twin.provider.keys()} for name, twin in started.items()}
        print(json.dumps(said), flush=True)
        await _told(told)
    finally:
        for twin in started.values():
            await twin.stop()
    return 0


async def _told(told: asyncio.Event) -> None:
    """Returns once a signal came, or the input has ended: who started it is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    waiting = [asyncio.create_task(told.wait()), asyncio.create_task(reader.read())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()


if __name__ == "__main__":
    sys.exit(main())
