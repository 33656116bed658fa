"""Starts the whole mesh as one child process on the embedded default and waits until the gateway answers.

Demo, `make up` and the benchmark stand on it; what goes wrong (a port taken, a bad setting) is told in
one sentence with what to do.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services import mesh

HOST = "127.0.0.1"
START_TIMEOUT_S = 30.0


class StartError(Exception):
    """The mesh did not start; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RunningMesh:
    """A mesh that answers: its gateway, its data folder, the operator's key, its process and the start-up time."""

    url: str
    data_dir: Path
    operator_key: str
    process: subprocess.Popen[bytes]
    start_s: float


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def settings(data_dir: Path, operator_key: str, *, own_ports: bool) -> dict[str, str]:
    """Settings of a sandbox in a folder; with `own_ports` on ports of its own, else on those of the mesh table."""
    values = {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(data_dir),
        "YIBAO_BOOTSTRAP_OPERATOR_KEY": operator_key,
        "YIBAO_LOG_LEVEL": "warning",
    }
    if own_ports:
        for member, port in zip(mesh.MESH, free_ports(len(mesh.MESH)), strict=True):
            if member.services:
                values[f"YIBAO_{member.name.upper()}_ADDRESS"] = f"{HOST}:{port}"
            else:
                values["YIBAO_GATEWAY_PORT"] = str(port)
    return values


def start(values: Mapping[str, str], *, arguments: tuple[str, ...] = ("all",)) -> RunningMesh:
    """Starts the members and returns when the gateway is healthy; StartError otherwise."""
    data_dir = Path(values["YIBAO_DATA_DIR"])
    data_dir.mkdir(parents=True, exist_ok=True)
    _require_free(values)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YIBAO_")} | dict(values)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    port = values.get("YIBAO_GATEWAY_PORT", str(mesh.member(mesh.GATEWAY).port))
    url = f"http://{HOST}:{port}"
    log = data_dir / "mesh.log"
    begun = time.perf_counter()
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", *arguments], env=environment, stdout=sink, stderr=sink, cwd=_root()
        )
    try:
        _wait(url, process, log)
    except BaseException:
        stop(process)
        raise
    key = values.get("YIBAO_BOOTSTRAP_OPERATOR_KEY", "")
    return RunningMesh(url, data_dir, key, process, time.perf_counter() - begun)


def _require_free(values: Mapping[str, str]) -> None:
    """StartError where somebody listens on a port of the mesh: another mesh there would answer for this one."""
    for member in mesh.MESH:
        name = f"YIBAO_{member.name.upper()}_ADDRESS" if member.services else "YIBAO_GATEWAY_PORT"
        port = int(values.get(name, str(member.port)).rpartition(":")[2])
        with socket.socket() as probe:
            # As the members themselves open it: a port whose last calls are fading out is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                raise StartError(
                    f"Port {port} of {member.name} is taken: is another mesh running here?\n"
                    f"Stop it, or choose another port by {name}."
                ) from None


def _root() -> Path:
    return Path(__file__).resolve().parent.parent


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(timeout=1.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StartError(f"The mesh stopped while it started:\n{_tail(log)}")
            try:
                if client.get(f"{url}/healthz").status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
    raise StartError(f"The mesh was not healthy after {START_TIMEOUT_S:.0f} s; its log is {log}:\n{_tail(log)}")


def _tail(log: Path, lines: int = 12) -> str:
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
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
def running(data_dir: Path, *, own_ports: bool = True, extra: Mapping[str, str] | None = None) -> Iterator[RunningMesh]:
    """A sandbox mesh for the length of a block."""
    started = start(settings(data_dir, secrets.token_hex(16), own_ports=own_ports) | dict(extra or {}))
    try:
        yield started
    finally:
        stop(started.process)
