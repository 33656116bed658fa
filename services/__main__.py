"""Starts the mesh: `python -m services` runs every member, `python -m services settlement` one of them; `python -m services
store` looks after their stores, `python -m services health` asks whether they answer.

Members of one cell share this process; the gateways, which do a third of the work of a request, have one of their own beside
them and so a core of its own. Of several cells the first has this process with the catalogue, each other one of its own, and
routing: a bill across cells is work in two cells and between them. `--single` puts everything into this process, `--split` gives
every member of every cell its own.

Prints one line when everything answers, and stops on SIGTERM or SIGINT, also while it starts: the gateway first, then
members in reverse order of need, each with a grace; spans are written and stores closed.
"""

from __future__ import annotations

import gc
import sys

from services.runtime import interrupts

if __name__ == "__main__":
    gc.disable()  # Until all stands: whatever a start makes lives on, and looking for what does not is a fifth of its time.
    interrupts.quiet(child="--child" in sys.argv)  # Before the other imports, which are most of a start.
    if sys.argv[1:2] == ["health"]:  # An engine asks often: without those imports too.
        from services.runtime import health_command

        sys.exit(health_command.main(sys.argv[2:], print, lambda text: print(text, file=sys.stderr)))

import asyncio
import ctypes
import importlib
import logging
import os
import signal
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import uvloop

from services import mesh
from services.runtime.children import READY, TOGETHER, Children
from services.runtime.config import Config, ConfigError, check_databases
from services.runtime.embedded import EmbeddedMesh, given_keys
from services.runtime.keys import KeyLines, Keys, follow, split
from services.runtime.logs import configure_logging, describe, write
from services.runtime.private import UMASK
from services.runtime.server import StartError
from services.runtime.start_words import STORE, chosen, overrides, parser, settings
from services.runtime.texts.starting import language_of, started

# How long a thread beside the loop may keep it waiting: with the usual 5 ms, each turn of a request would wait so long.
_SWITCH_S = 0.0005
# Objects more than were given back, after which the collector looks for what keeps itself. At 700, Python's own number, it looked
# at calls under way alone, twenty times a second.
_YOUNG = 10_000

# A whole number of more digits is refused as it is read: a body of numbers with 4,200, Python's own limit is 4,300, held the
# interpreter for a third of a second. It is the least that Python lets one choose.
_MOST_DIGITS: Final = 640

_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK_BYTES = 1 << 18
KEY_SETTINGS: Final = ("YIBAO_MESH_KEY", "YIBAO_MESH_KEY_FILE")

_LOOK_FOR_KEYS_S: Final = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until it is told to stop; 0 after a clean stop, 1 where something could not start or ended, 2 for bad settings."""
    os.umask(UMASK)
    # uvloop asks it from here, and Python 3.14 would tell whoever starts a mesh.
    warnings.filterwarnings("ignore", "'asyncio.iscoroutinefunction' is deprecated", DeprecationWarning)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == [STORE]:
        gc.enable()
        return _store(words[1:])
    options = parser().parse_args(words)
    sys.setswitchinterval(_SWITCH_S)
    sys.set_int_max_str_digits(_MOST_DIGITS)
    _give_memory_back()
    names = chosen(options)
    try:
        said = overrides(options)
        if options.workers:
            said["YIBAO_WORKERS"] = str(options.workers)
        config = Config.load(os.environ, said)
        configure_logging(config.text("YIBAO_LOG_LEVEL"))
        workers = config.integer("YIBAO_WORKERS")
        check_databases(config, names)
        _check_workers(config, names, workers)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if options.child:
                return runner.run(_to_the_end(_run_child(config, names, KeyLines(sys.stdin.fileno()))))
            here, beside = _places(names, workers, config.started_cells, split=options.split, single=options.single)
            environ = {name: value for name, value in {**os.environ, **said}.items() if name not in KEY_SETTINGS}
            return runner.run(_to_the_end(_run(config, given_keys(config), here, beside, environ)))
    except ConfigError as error:
        print(started(str(error), language_of(os.environ)), file=sys.stderr)
        return 2
    except StartError as error:
        print(started(str(error), language_of(os.environ)), file=sys.stderr)
        return 1


async def _to_the_end(work: Coroutine[Any, Any, int]) -> int:
    """The result of the program's work; after it no signal disturbs the end."""
    try:
        return await work
    finally:
        interrupts.end_undisturbed()


async def _started(children: Children, names: Sequence[str], stopping: asyncio.Event) -> list[str]:
    """What the children say when they are ready; a start that is told to stop meanwhile is taken back, and says nothing."""
    if stopping.is_set():
        return []
    starting, asked = asyncio.create_task(children.start(names)), asyncio.create_task(stopping.wait())
    await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait((starting,))
    return [] if starting.cancelled() else starting.result()


async def _run(
    config: Config, keys: Keys, here: Sequence[str], beside: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Runs members here and others as children, each with its own keys, which follow a file of keys that changes."""
    codes = config.started_cells
    own = codes[:1] if any(TOGETHER in each for each in beside) else codes
    members = EmbeddedMesh(config, here, keys=keys, codes=own) if here else None
    children = Children(
        environ, config.seconds("YIBAO_STOP_GRACE_S"), keys_of=lambda name: keys.text(_seats(name, codes))
    )
    renewals = [children.renew_keys, *([members.renew_keys] if members else [])]
    seats = [seat for name in (*here, *beside) for seat in _seats(name, codes)]
    async with _following_keys(config, keys, seats, renewals):
        if members is not None and not beside:
            return await _serve(members, _stop_signal())
        return await _run_beside(members, children, beside)


async def _run_child(config: Config, names: Sequence[str], lines: KeyLines) -> int:
    running = EmbeddedMesh(config, names, keys=Keys(split(lines.first())))
    stopping, loop = _stop_signal((signal.SIGTERM,)), asyncio.get_running_loop()

    def listen() -> None:
        """Takes new keys from the parent; its silence means that it is gone, killed perhaps, and nobody else would stop this."""
        came = lines.more()
        if came is None:
            loop.remove_reader(lines.descriptor)
            stopping.set()
        for line in came or ():
            running.take_keys(line)

    loop.add_reader(lines.descriptor, listen)
    try:
        return await _serve(running, stopping)
    finally:
        loop.remove_reader(lines.descriptor)


async def _serve(running: EmbeddedMesh, stopping: asyncio.Event) -> int:
    await running.start(stopping.is_set)
    if not stopping.is_set():
        _keep_what_lives()
        print(READY + ", ".join(_told(running)), flush=True)
        await stopping.wait()
    await running.stop()
    return 0


@asynccontextmanager
async def _following_keys(
    config: Config, keys: Keys, seats: Sequence[str], renewals: Sequence[Callable[[], None]]
) -> AsyncIterator[None]:
    """During the block a file of keys that changes is read again, and whoever holds keys gets the new ones.

    Whatever befalls one look, the next one comes; keys that could not be handed to everybody are handed on again then.
    """

    async def look() -> None:
        due, complaint = False, ""
        while True:
            await asyncio.sleep(_LOOK_FOR_KEYS_S)
            try:
                due = follow(keys, config, seats) or due
                if due:
                    for renew in renewals:
                        renew()
                due, complaint = False, ""
            except Exception as error:  # noqa: BLE001  # who stopped looking would keep the old keys for ever, without a word
                if type(error).__name__ != complaint:
                    complaint = type(error).__name__
                    fields = describe(error, with_text=config.sandbox)
                    write(logging.getLogger("yibao.keys"), logging.ERROR, "keys not handed on; tried again", fields)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()


async def _run_beside(here: EmbeddedMesh | None, children: Children, names: Sequence[str]) -> int:
    """Runs members here and others as children, which start after them and stop before them."""
    stopping = _stop_signal()
    told: list[str] = []
    if here is not None:
        await here.start(stopping.is_set)
        told += _told(here)
    died = None
    try:
        told += await _started(children, names, stopping)
        if not stopping.is_set():
            _keep_what_lives()
            print(READY + ", ".join(dict.fromkeys(told)), flush=True)
            died = await _ended_by_itself(children, stopping)
    finally:
        await children.stop()
        if here is not None:
            await here.stop()
    if died is not None:
        raise StartError(f"{died} ended by itself; the others were stopped")
    return 0


def _told(running: EmbeddedMesh) -> list[str]:
    """Where each member listens, as the line of readiness says it."""
    return [f"{name} {address}" for name, address in running.addresses.items()]


async def _ended_by_itself(children: Children, stopping: asyncio.Event) -> str | None:
    """Waits for the end; the name of the child that brought it, None where it was asked for."""
    asked, ended = asyncio.create_task(stopping.wait()), asyncio.create_task(children.watch())
    await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
    died = ended.result() if ended.done() and not stopping.is_set() else None
    asked.cancel()
    ended.cancel()
    return died


def _places(
    names: list[str], workers: int, codes: Sequence[str], *, split: bool, single: bool
) -> tuple[list[str], list[str]]:
    """Which members run here, of the first cell only where a child has several of another one, and which as children in their
    order: a child runs its members in all cells, or in the one that is named.
    """
    if split or workers > 1:
        apart = [each for name in names for each in _apart(name, codes)]
        return [], [each for each in apart for _ in range(workers)]
    members = [name for name in names if name != mesh.GATEWAY]
    if single or not members or members == names:
        return names, []
    of_a_cell = [name for name in members if not mesh.is_national(name)]
    if len(codes) == 1 or len(of_a_cell) < 2:  # one alone has --split
        return members, [mesh.GATEWAY]
    across = [name for name in members if mesh.is_national(name) and mesh.callees_of(name)]
    others = [f"{code}/{TOGETHER.join(of_a_cell)}" for code in codes[1:]]
    between = [TOGETHER.join(across)] if across else []
    return [name for name in members if name not in across], [*others, *between, mesh.GATEWAY]


def _apart(name: str, codes: Sequence[str]) -> list[str]:
    """A member by itself in each cell."""
    return [name] if len(codes) == 1 or mesh.is_national(name) else [f"{code}/{name}" for code in codes]


def _seats(name: str, codes: Sequence[str]) -> list[str]:
    """All that a child of that name runs."""
    member, cell = mesh.split_seat(name)
    members = member.split(TOGETHER)
    if cell or all(mesh.is_national(each) for each in members):
        return [mesh.seat_name(each, cell) for each in members]
    return [mesh.seat_name(member, code) for code in codes]


def _give_memory_back() -> None:
    """Blocks of large bodies come from the system and go back to it: glibc would learn to keep them, in pieces."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def _keep_what_lives() -> None:
    """What lives from here on is the program itself: the collector need not walk it again and again.

    Nor what is under way, most of which goes by itself when it is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    gc.enable()


def _stop_signal(numbers: Sequence[int] = (signal.SIGTERM, signal.SIGINT)) -> asyncio.Event:
    stopping = asyncio.Event()
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def _check_workers(config: Config, names: Sequence[str], workers: int) -> None:
    if workers == 1:
        return
    for seat in mesh.seats(config.started_cells):
        name, own = seat.member.name, config.of_cell(seat.cell)
        if name in names and seat.member.has_store and own.database_url(name).startswith("sqlite"):
            setting = own.named(f"YIBAO_{name.upper()}_DATABASE_URL")
            raise ConfigError(
                [f"YIBAO_WORKERS: {seat.name} keeps its data in SQLite, which has one writer; set {setting}"]
            )


def _store(words: Sequence[str]) -> int:
    """`store`, whose rooms no start needs."""
    command: Any = importlib.import_module("services.runtime.store_command")

    def config_of(given: Sequence[str]) -> Config:
        config = Config.load(os.environ, settings(given))
        configure_logging(config.text("YIBAO_LOG_LEVEL"))
        return config

    try:
        result: int = command.main(words, config_of, print, _complain, language_of(os.environ))
    except ConfigError as error:
        _complain(started(str(error), language_of(os.environ)))
        return 2
    return result


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
