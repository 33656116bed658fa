"""`python -m tools.twins NAME`: starts one provider's twin and serves until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from tools.twins.twin import Settings, Twin

NAMES: Final = ("wechat", "alipay", "bank", "national")
"""Each is a folder beside this file whose module `provider` has `twin(settings) -> Twin`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the twin named by the arguments; 1 where its port is taken."""
    given = _parser().parse_args(arguments)
    settings = Settings(
        host=given.host,
        port=given.port,
        state=given.state,
        record=given.record,
        time_scale=given.time_scale,
        hang_s=given.hang,
        bureau_url=given.bureau,
        bureau_key=given.bureau_key.read_text(encoding="ascii").strip() if given.bureau_key else "",
    )
    return uvloop.run(_serve(given.name, settings, print_keys=given.print_keys))


async def _serve(name: str, settings: Settings, *, print_keys: bool) -> int:
    twin: Twin = importlib.import_module(f"tools.twins.{name}.provider").twin(settings)
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    try:
        await twin.start()
    except OSError as error:
        print(f"port {settings.port} cannot be opened ({error.strerror}); choose another by --port", file=sys.stderr)
        return 1
    print(f"the twin of {name} answers on {twin.url}", flush=True)
    if print_keys:
        print(json.dumps(twin.provider.keys(), indent=2, ensure_ascii=False), flush=True)
    await told.wait()
    await twin.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.twins", description="a payment provider on this machine")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--host", default="127.0.0.1", help="where it listens")
    parser.add_argument("--port", type=int, default=0, help="0: one that is free")
    parser.add_argument("--state", type=Path, help="an SQLite file: a restart goes on where a kill stopped it")
    parser.add_argument("--record", type=Path, help="a file that gets every request as a line of JSON, also decrypted")
    parser.add_argument("--time-scale", type=float, default=1.0, help="0.01: a notify due in a minute comes in 0.6 s")
    parser.add_argument("--hang", type=float, default=30.0, help="seconds until a request without an answer is cut off")
    parser.add_argument(
        "--bureau", default="", help="URL that settles insured parts; without it the twin does so itself"
    )
    parser.add_argument("--bureau-key", type=Path, help="a file with the key by which the twin asks the bureau")
    parser.add_argument("--print-keys", action="store_true", help="print what a merchant must know to talk to it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
