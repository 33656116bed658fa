"""Several members in one process and on one loop, of one cell or of several: started in order of need, stopped in reverse.

It knows members by the mesh table only. A member on SQLite has its file for itself: a second process that would run it on
the same file does not start.
"""

from __future__ import annotations

import fcntl
import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from services import mesh
from services.kernel.clock import Clock, ahead, system_clock
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.config import Config, check_databases
from services.runtime.keys import Keys, load, split
from services.runtime.private import opened_private, private_folder
from services.runtime.server import StartError
from services.runtime.telemetry import Telemetry
from services.runtime.texts.table import text


class Startable(Protocol):
    """What a member's `build` gives: a server that is not yet running."""

    @property
    def address(self) -> str:
        """Where it listens once started."""

    async def start(self) -> None:
        """Opens it."""

    async def stop(self, grace_s: float) -> None:
        """Closes it."""


Build = Callable[[Config, Clock, Telemetry, TokenSigner], Startable | Awaitable[Startable]]


@dataclass(frozen=True, slots=True)
class _Started:
    name: str
    server: Startable
    rest: ExitStack


class EmbeddedMesh:
    """The members named, or all of them, in this process: of the cells that are named, or of every cell that is started."""

    def __init__(
        self,
        config: Config,
        names: Sequence[str] = (),
        clock: Clock = system_clock,
        build_of: Callable[[mesh.Member], Build] | None = None,
        keys: Keys | None = None,
        codes: Sequence[str] = (),
    ) -> None:
        self.config = config
        chosen = frozenset(names or mesh.names())
        check_databases(config, tuple(chosen))
        here = mesh.seats(codes or config.started_cells)
        self._seats = tuple(each for each in here if each.member.name in chosen)
        self._clock = clock
        self._build_of = build_of or imported_build
        self._started: list[_Started] = []
        self._signers: dict[str, TokenSigner] = {}
        self.keys = keys or given_keys(config)

    def renew_keys(self) -> None:
        """Gives each member that runs here the keys that hold now."""
        for seat, signer in self._signers.items():
            signer.renew(self.keys.of(seat))

    def take_keys(self, line: str) -> None:
        """Takes the keys that whoever started this process hands it."""
        if self.keys.replace(split(line), self._signers):
            self.renew_keys()

    @property
    def addresses(self) -> dict[str, str]:
        """Where each running member listens."""
        return {each.name: each.server.address for each in self._started}

    async def start(self, told_to_stop: Callable[[], bool] = lambda: False) -> None:
        """Starts every member after those that it calls; StartError says which one cannot, and nothing is left running.

        Once told to stop it begins no further member. The one under way comes up: to cancel it in the middle would leave a
        connection to its store that nobody closes.
        """
        try:
            for seat in self._seats:
                if not told_to_stop():
                    await self._start(seat)
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, grace_s: float | None = None) -> None:
        """Stops in reverse order: the gateway accepts nothing more, then its members, each with a grace."""
        limit_s = self.config.seconds("YIBAO_STOP_GRACE_S") if grace_s is None else grace_s
        while self._started:
            last = self._started.pop()
            await last.server.stop(limit_s)
            last.rest.close()

    async def _start(self, seat: mesh.Seat) -> None:
        member, config = seat.member, self.config.of_cell(seat.cell)
        clock = ahead(self._clock, config.clock_offset_s(national=member.national))
        with ExitStack() as rest:
            rest.enter_context(store_held(member, config))
            telemetry = Telemetry(member.name, config, cell=seat.cell)
            rest.callback(telemetry.stop)
            try:
                signer = self._signers[seat.name] = TokenSigner(self.keys.of(seat.name), clock)
                made: Any = self._build_of(member)(config, clock, telemetry, signer)
                server: Startable = await made if inspect.isawaitable(made) else made
                await server.start()
            except Fault as fault:
                raise start_error(member, config, fault) from fault
            self._started.append(_Started(seat.name, server, rest.pop_all()))


@contextmanager
def store_held(member: mesh.Member, config: Config) -> Iterator[None]:
    """Keeps other processes from running the member on the same SQLite file during the block; StartError where one does.

    Members remember what only they write: two of them on one file would answer with what is no longer so. PostgreSQL is
    open to several.
    """
    if not member.has_store:
        yield
        return
    # Imported here: the gateway's process opens no store.
    from services.runtime.db import place_of  # noqa: PLC0415
    from services.runtime.store_errors import Cause, unavailable  # noqa: PLC0415

    lock: AbstractContextManager[object] = nullcontext()
    try:
        place = place_of(config.database_url(member.name))
        if isinstance(place, Path):
            lock = _locked(place.with_name(f"{place.name}.{member.name}.lock"))
    except BlockingIOError:
        raise start_error(member, config, unavailable(Cause.HELD)) from None
    except OSError:
        raise start_error(member, config, unavailable(Cause.UNWRITABLE)) from None
    except ValueError as error:
        told = f"{mesh.seat_name(member.name, config.cell)} cannot start: {error}"
        raise StartError(f"{told}; {_elsewhere(member, config)}") from None
    with lock:
        yield


def _locked(file: Path) -> BinaryIO:
    """The file, opened and locked: the kernel lets go of it with the process, however that ends. BlockingIOError where it is
    another's.
    """
    private_folder(file.parent)
    opened = opened_private(file)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        opened.close()
        raise
    return opened


def given_keys(config: Config) -> Keys:
    """The keys of caller tokens; StartError where their file cannot be read or the sandbox cannot keep its own."""
    try:
        return load(config)
    except OSError as error:
        if config.path("YIBAO_MESH_KEY_FILE"):
            raise StartError(f"YIBAO_MESH_KEY_FILE: {error.filename} cannot be read ({error.strerror})") from None
        raise StartError(
            f"The folder {config.data_dir} cannot be used ({error.strerror}): choose another by YIBAO_DATA_DIR"
        ) from None


def start_error(member: mesh.Member, config: Config, fault: Fault) -> StartError:
    """Why a member does not start: for a store also where it is, what helps, and which setting chooses another."""
    why = text(fault, "en")
    if member.has_store and fault.reason == "STORE_UNAVAILABLE":
        why = f"{_cause(member, config, fault) or why}, or {_elsewhere(member, config)}"
    return StartError(f"{mesh.seat_name(member.name, config.cell)} cannot start: {why}")


def _cause(member: mesh.Member, config: Config, fault: Fault) -> str:
    """What is known of a store's refusal, "" for nothing."""
    from services.runtime.db import place_of  # noqa: PLC0415  # as above
    from services.runtime.store_errors import StoreUnavailable  # noqa: PLC0415

    if not isinstance(fault, StoreUnavailable) or fault.cause is None:
        return ""
    return fault.cause.told(place_of(config.database_url(member.name)), fault.values)


def _elsewhere(member: mesh.Member, config: Config) -> str:
    """How the member gets another store, by the setting that chose this one and the one that wins over it."""
    own = config.named(f"YIBAO_{member.name.upper()}_DATABASE_URL")
    if config.values[own]:
        return f"choose another database by {own}"
    if config.text("YIBAO_DATABASE_URL"):
        return f"choose another database by YIBAO_DATABASE_URL or {own}"
    return f"choose another folder by YIBAO_DATA_DIR or another database by {own}"


def imported_build(member: mesh.Member) -> Build:
    """The member's own `build`, imported only now: a process loads no member that it does not run."""
    place = "gateway.app" if member.name == mesh.GATEWAY else f"services.{member.name}.wiring"
    build: Build = importlib.import_module(place).build
    return build
