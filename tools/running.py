"""Starts the whole mesh as its users do, on the embedded default, and waits until the gateway answers.

The program started here runs the members and, as a child of its own, the gateway. Demo, `make up` and the benchmark stand
on it; what goes wrong (a port taken, a folder in use, a bad setting) is told in one sentence with what to do.
"""

from __future__ import annotations

import errno
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services import cells, mesh
from services.runtime import server
from services.runtime.config import Config, ConfigError
from services.runtime.embedded import store_held
from services.runtime.interrupts import held_back
from services.runtime.listening import Place
from services.runtime.private import opened_private, private_folder

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0
"""A mesh that will not start ends by itself; four cells on a machine with much else to do have taken 24 s."""
_OWN_PORTS = (20_000, 32_000)
_PORT_TRIES = 20


class StartError(Exception):
    """The mesh did not start; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RunningMesh:
    """A mesh that answers: its gateway, its data folder, the operator's key, its first process and the start-up time.

    `url` is the first cell's gateway, `urls` those of all its cells by code.
    """

    url: str
    data_dir: Path
    operator_key: str
    process: subprocess.Popen[bytes]
    start_s: float
    urls: Mapping[str, str]


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now.

    They lie below those that the system gives to outgoing connections: one of these could take a port of a mesh that is
    being started again. Where there is no such room the system chooses.
    """
    with ExitStack() as held:
        return [_held_port(held) for _ in range(count)]


def _held_port(held: ExitStack) -> int:
    """A port that nobody has, kept until the stack ends."""
    chance = random.SystemRandom()
    for number in (*(chance.randrange(*_OWN_PORTS) for _ in range(_PORT_TRIES)), 0):
        probe = held.enter_context(socket.socket())
        try:
            probe.bind((HOST, number))
        except OSError:
            continue
        return int(probe.getsockname()[1])
    raise StartError("No port is free on this machine.")


def settings(
    data_dir: Path, operator_key: str, *, own_ports: bool, codes: Sequence[str] = (cells.SANDBOX,)
) -> dict[str, str]:
    """Settings of a sandbox in a folder, of one cell or of several; with `own_ports` on ports of its own, else on those of the
    tables.
    """
    values = {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(data_dir),
        "YIBAO_BOOTSTRAP_OPERATOR_KEY": operator_key,
        "YIBAO_LOG_LEVEL": "warning",
        "YIBAO_CELLS": ",".join(codes),
    }
    return values | (ports_of(codes) if own_ports else {})


def ports_of(codes: Sequence[str] = (cells.SANDBOX,)) -> dict[str, str]:
    """Settings by which all members of the cells stand on ports that are free now."""
    wanted = [name for name, *_ in _port_settings(Config.load({"YIBAO_CELLS": ",".join(codes)}))]
    return {
        name: str(port) if name.endswith("_PORT") else f"{HOST}:{port}"
        for name, port in zip(wanted, free_ports(len(wanted)), strict=True)
    }


def _port_settings(config: Config) -> list[tuple[str, str, int]]:
    """Each setting that chooses a port of what is started, with whose port that is and which."""
    found = []
    for seat in mesh.seats(config.started_cells):
        own = config.of_cell(seat.cell)
        if seat.member.services:
            port = int(own.address(seat.member.name).rpartition(":")[2])
            found.append((own.named(f"YIBAO_{seat.member.name.upper()}_ADDRESS"), seat.name, port))
            continue
        for name, port in (
            ("YIBAO_GATEWAY_PORT", own.integer("YIBAO_GATEWAY_PORT")),
            ("YIBAO_OPERATIONS_PORT", own.operations_port),
        ):
            found.append((own.named(name), seat.name, port))
    return found


def start(values: Mapping[str, str], *, arguments: tuple[str, ...] = ("all",)) -> RunningMesh:
    """Starts the members and returns when the gateway is healthy; StartError otherwise."""
    config = startable(values)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YIBAO_")} | dict(values)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    urls = {
        code: f"http://{HOST}:{config.of_cell(code).integer('YIBAO_GATEWAY_PORT')}" for code in config.started_cells
    }
    log = config.data_dir / "mesh.log"
    begun = time.perf_counter()
    with writing_in(config.data_dir):
        sink = opened_private(log)
    with sink, held_back():
        old_bytes = sink.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "services", *arguments], env=environment, stdout=sink, stderr=sink, cwd=root()
        )
    try:
        for url in urls.values():
            _wait(url, process, log, old_bytes)
    except BaseException:
        stop(process)
        raise
    key = config.text("YIBAO_BOOTSTRAP_OPERATOR_KEY")
    seconds = time.perf_counter() - begun
    return RunningMesh(urls[config.cell], config.data_dir, key, process, seconds, urls)


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """A block that writes in a data folder, which is made if need be; StartError where that cannot be done."""
    try:
        private_folder(folder)
        yield
    except OSError as error:
        raise StartError(
            f"The folder {folder} cannot be written ({error.strerror}).\n"
            "Let this user write there, or choose another folder by YIBAO_DATA_DIR."
        ) from None


def startable(values: Mapping[str, str]) -> Config:
    """The settings; StartError for one that is wrong, a folder where another mesh runs, or a port that is taken."""
    config = _checked(values)
    # The folder comes first: of a mesh that runs in it, another port would be bad advice.
    _require_own_stores(config)
    _require_free(config)
    return config


def _checked(values: Mapping[str, str]) -> Config:
    try:
        return Config.load(values)
    except ConfigError as error:
        raise StartError(str(error)) from None


def _require_own_stores(config: Config) -> None:
    """StartError where another mesh keeps its data in the same files."""
    try:
        with ExitStack() as held:
            for seat in mesh.seats(config.started_cells):
                held.enter_context(store_held(seat.member, config.of_cell(seat.cell)))
    except server.StartError as error:
        raise StartError(str(error)) from None


def _require_free(config: Config) -> None:
    """StartError where somebody listens on a port of the mesh: another mesh there would answer for this one."""
    for name, member, port in _port_settings(config):
        # As the members themselves open it: a port whose last calls are fading out is free.
        place = Place(member, HOST, port, name, name)
        error = place.probed(shared=False)
        if error is None:
            continue
        if error.errno != errno.EADDRINUSE:
            raise StartError(f"{place.told(error)}.")
        raise StartError(
            f"Port {port} of {member} is taken: is another mesh running here?\n"
            f"Stop it, or choose another port by {name}."
        )


def root() -> Path:
    """The folder that programs of the repository are started in."""
    return Path(__file__).resolve().parent.parent


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, old_bytes: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(timeout=1.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StartError(f"The mesh stopped while it started:\n{_tail(log, old_bytes)}")
            try:
                if client.get(f"{url}/healthz").status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
    raise StartError(
        f"The mesh was not healthy after {START_TIMEOUT_S:.0f} s; its log is {log}:\n{_tail(log, old_bytes)}"
    )


def _tail(log: Path, old_bytes: int, lines: int = 12) -> str:
    """The last lines of this start; `old_bytes` are of earlier ones."""
    text = log.read_bytes()[old_bytes:].decode(errors="replace").splitlines()
    return "\n".join("  " + line for line in text[-lines:])


def stop(process: subprocess.Popen[bytes], grace_s: float = 15.0) -> int:
    """Asks the mesh to stop and waits; kills what does not. Returns the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


@contextmanager
def running(
    data_dir: Path,
    *,
    own_ports: bool = True,
    extra: Mapping[str, str] | None = None,
    codes: Sequence[str] = (cells.SANDBOX,),
) -> Iterator[RunningMesh]:
    """A sandbox mesh, of one cell or of several, for the length of a block."""
    values = settings(data_dir, secrets.token_hex(16), own_ports=own_ports, codes=codes)
    started = start(values | dict(extra or {}))
    try:
        yield started
    finally:
        stop(started.process)
