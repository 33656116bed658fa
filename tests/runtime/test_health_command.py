"""`python -m services health`: each member here is asked for itself, over the way on which its callers come."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from services import mesh
from services.runtime import health_command
from services.runtime.config import Config
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from tests.runtime import desk
from tests.runtime.test_transport import certificates
from tools.running import HOST, free_ports

PORT = "YIBAO_GATEWAY_PORT"


@dataclass
class Asked:
    """What the command said, and how it ended."""

    said: list[str] = field(default_factory=list)
    complained: list[str] = field(default_factory=list)
    code: int = -1


def ask(*words: str, beginning: Path = Path("/nowhere")) -> Asked:
    asked = Asked()
    asked.code = health_command.main(words, asked.said.append, asked.complained.append, beginning)
    return asked


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    # A proxy of the machine's is none of a member's way.
    monkeypatch.setenv("http_proxy", f"http://{HOST}:9")
    monkeypatch.delenv("no_proxy", raising=False)


@contextmanager
def gateway(status: int) -> Iterator[int]:
    """Whoever answers `/livez` with a status; its port."""

    class Live(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's own name
            """Says nothing."""

    with HTTPServer((HOST, 0), Live) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


async def test_a_member_that_serves_is_well(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    running = await desk.start(settings)
    try:
        # As a container's member listens.
        port = running.server.address.rpartition(":")[2]
        monkeypatch.setenv("YIBAO_IDENTITY_ADDRESS", f"0.0.0.0:{port}")
        monkeypatch.setenv("YIBAO_TLS", "off")
        asked = await asyncio.to_thread(ask, "identity")
    finally:
        await running.stop()
    assert (asked.code, asked.said) == (0, ["identity is well"])


async def test_a_member_whose_store_does_not_answer_is_not(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ready() -> bool:
        return False

    server = MemberServer(desk.MEMBER, config, Telemetry("identity", config), [], ready=ready)
    await server.start()
    try:
        monkeypatch.setenv("YIBAO_IDENTITY_ADDRESS", server.address)
        asked = await asyncio.to_thread(ask, "identity")
    finally:
        await server.stop(0)
        server.telemetry.stop()
    assert (asked.code, asked.said) == (1, ["identity is not serving"])


@pytest.mark.parametrize(("authority", "code"), [("of the mesh", 0), ("another", 1)])
async def test_a_certificate_is_asked_for_its_authority_and_not_for_the_address(
    authority: str, code: int, settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificates(tmp_path / "tls", "identity.mesh.example")
    if authority == "another":
        trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    running = await desk.start({**settings, **tls})
    try:
        trusted = {"YIBAO_TLS_AUTHORITY": str(tmp_path / "other.pem")} if code else {}
        for name, value in {**tls, **trusted, "YIBAO_IDENTITY_ADDRESS": running.server.address}.items():
            monkeypatch.setenv(name, value)
        asked = await asyncio.to_thread(ask, "identity")
    finally:
        await running.stop()
    assert asked.code == code
    assert asked.said[0].startswith("identity does not answer (" if code else "identity is well")


def test_who_is_away_does_not_answer_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    away, closed = free_ports(2)
    monkeypatch.setenv("YIBAO_IDENTITY_ADDRESS", f"{HOST}:{away}")
    with gateway(200) as port:
        monkeypatch.setenv(PORT, str(port))
        asked = ask("gateway", "identity")
    assert asked.code == 1
    assert asked.said == ["identity does not answer (UNAVAILABLE)", "gateway is well"]
    monkeypatch.setenv(PORT, str(closed))
    assert ask("gateway").said == ["gateway does not answer (ConnectionRefusedError)"]


def test_a_gateway_that_answers_something_else_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with gateway(500) as port:
        monkeypatch.setenv(PORT, str(port))
        asked = ask("gateway")
    assert (asked.code, asked.said) == (1, ["gateway answers 500"])


def test_who_takes_the_call_and_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_command, "_WITHIN_S", 0.3)
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv(PORT, str(port))
        monkeypatch.setenv("YIBAO_IDENTITY_ADDRESS", f"{HOST}:{port}")
        asked = ask("gateway", "identity")
    assert asked.said == ["identity does not answer (DEADLINE_EXCEEDED)", "gateway does not answer (TimeoutError)"]


@pytest.mark.parametrize(
    "words",
    [
        ["python", "-m", "services", "gateway", "--set"],
        ["/sbin/docker-init", "--", "python", "-m", "services", "--workers", "1", "gateway", "--set"],
    ],
    ids=["the program itself", "behind an init"],
)
def test_without_words_it_asks_what_the_container_was_started_with(words: list[str], tmp_path: Path) -> None:
    first = tmp_path / "cmdline"
    with gateway(200) as port:
        first.write_bytes("\0".join([*words, f"{PORT}={port}", ""]).encode())
        asked = ask(beginning=first)
    assert (asked.code, asked.said) == (0, ["gateway is well"])


def test_a_container_started_without_words_runs_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_at(monkeypatch, mesh.start_order())
    first = tmp_path / "cmdline"
    first.write_bytes(b"python\0-m\0services\0")
    said = ask(beginning=first).said
    assert [line.split()[0] for line in said] == [each.name for each in mesh.start_order()]


def test_a_container_of_another_cell_is_asked_at_that_cells_own_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_at(monkeypatch, [mesh.member("gateway")])
    first = tmp_path / "cmdline"
    with gateway(200) as port:
        monkeypatch.setenv("YIBAO_110000_GATEWAY_PORT", str(port))
        first.write_bytes(b"python\0-m\0services\0gateway\0--cells\0sandbox,110000\0")
        both = ask(beginning=first)
        assert both.said == ["gateway does not answer (ConnectionRefusedError)", "110000/gateway is well"]
        monkeypatch.setenv("YIBAO_CELL", "110000")
        assert ask("gateway").said == ["110000/gateway is well"]


def nobody_at(monkeypatch: pytest.MonkeyPatch, members: Sequence[mesh.Member]) -> None:
    """Nobody listens where these members would be asked."""
    for member, port in zip(members, free_ports(len(members)), strict=True):
        if member.services:
            monkeypatch.setenv(f"YIBAO_{member.name.upper()}_ADDRESS", f"{HOST}:{port}")
        else:
            monkeypatch.setenv(PORT, str(port))


@pytest.mark.parametrize("first", [b"", b"/bin/sh\0-c\0sleep 9\0", b"services\0-m\0"])
def test_outside_a_container_of_the_mesh_it_wants_names(first: bytes, tmp_path: Path) -> None:
    file = tmp_path / "cmdline"
    file.write_bytes(first)
    asked = ask(beginning=file)
    assert (asked.code, asked.said) == (2, [])
    assert asked.complained == ["name the members: this is no container that runs a member"]


def test_a_setting_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORT, "http")
    asked = ask("gateway")
    assert asked.code == 2
    assert PORT in asked.complained[0]


def test_an_engine_starts_it_as_a_program_that_imports_little() -> None:
    loaded = (
        "import sys, runpy; sys.argv[1:] = ['health', '--help']\n"
        "try: runpy.run_module('services', run_name='__main__')\n"
        "except SystemExit as end: print(end.code, sorted({'sqlalchemy', 'uvloop', 'opentelemetry'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=30)
    assert "python -m services health" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 []"
