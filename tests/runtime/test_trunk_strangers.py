"""Who is kept from a trunk's socket, on either side: other users of the machine, and other networks of it."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from services.runtime import trunk_socket
from services.runtime.trunk_socket import framed
from tests.runtime import desk
from tests.runtime.desk import look
from tests.runtime.test_trunk_socket import Guest, opening, place_of
from yibao.runtime.v1.trunk_pb2 import Call, Calls

Lines = Callable[[], list[Mapping[str, Any]]]

_NEAR: Final = """
import os, sys
from pathlib import Path
from services.runtime.transport import _near
if os.geteuid() == 0:
    os.setuid(65534)
print(_near(Path(sys.argv[1]), "identity", lambda: (), 1 << 20))
"""


def as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every other end is a process of another user."""

    class Other:
        @staticmethod
        def getsockopt(*_: int) -> bytes:
            return struct.pack("iII", 1, os.geteuid() + 1, 0)

    ask = trunk_socket.is_own
    made = type("Way", (), {"get_extra_info": lambda self, name: Other()})
    for place in (trunk_socket, sys.modules["services.runtime.trunk_door"]):
        monkeypatch.setattr(place, "is_own", lambda _: ask(made()))


async def test_a_caller_says_nothing_to_another_users_process_and_goes_by_grpc(
    running: desk.Running, monkeypatch: pytest.MonkeyPatch, log_lines: Lines
) -> None:
    came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result(await reader.read())
        writer.close()

    place = place_of(running)
    place.unlink()
    server = await asyncio.start_unix_server(listen, str(place))
    as_another(monkeypatch)
    try:
        assert (await running.peers.call(running.stub.Look, look())).said == "hello!"
        assert await asyncio.wait_for(came, 5) == b""
        assert "another user's process listens there" in json.dumps(log_lines())
    finally:
        server.close()


async def test_a_member_hears_nothing_of_another_users_process(
    running: desk.Running, monkeypatch: pytest.MonkeyPatch, log_lines: Lines
) -> None:
    as_another(monkeypatch)
    async with Guest.at(place_of(running), opening(running)) as guest:
        assert await guest.hear() is None
    assert "another user's process came" in json.dumps(log_lines())


def test_a_folder_that_is_closed_to_a_caller_has_no_socket_for_it(short_folder: Path) -> None:
    folder = short_folder / "trunks"
    folder.mkdir()
    (folder / "7401.sock").touch()
    folder.chmod(0)
    try:
        words = [sys.executable, "-c", _NEAR, str(folder / "7401.sock")]
        found = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (found.stdout.strip(), found.stderr) == ("None", "")
    finally:
        folder.chmod(0o700)


async def test_a_folder_that_leads_elsewhere_is_not_entered(
    settings: dict[str, str], short_folder: Path, log_lines: Lines
) -> None:
    (elsewhere := short_folder / "elsewhere").mkdir(mode=0o755)
    (short_folder / "trunks").symlink_to(elsewhere)
    running = await desk.start(settings)
    try:
        assert (await running.peers.call(running.stub.Look, look())).said == "hello!"
        assert (list(elsewhere.iterdir()), elsewhere.stat().st_mode & 0o777) == ([], 0o755)
        assert "no socket for trunks; callers of this machine come by gRPC" in json.dumps(log_lines())
    finally:
        await running.stop()


def test_one_port_in_two_networks_of_a_machine_has_two_sockets(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = trunk_socket.place_of(short_folder, "127.0.0.1:7401")
    monkeypatch.setattr(trunk_socket, "_NETWORK", short_folder)
    there = trunk_socket.place_of(short_folder, "127.0.0.1:7401")
    monkeypatch.setattr(trunk_socket, "_NETWORK", short_folder / "none")
    alone = trunk_socket.place_of(short_folder, "127.0.0.1:7401")
    assert len({here, there, alone}) == 3
    assert alone == short_folder / "trunks" / "7401.sock"


async def test_a_caller_that_takes_no_answers_is_asked_for_no_calls(
    running: desk.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []

    async def serve(path: str, *_: Any) -> bytes:
        served.append(path)
        return b"x" * 100_000

    monkeypatch.setattr(running.server._trunks, "_serve", serve)
    async with Guest.at(place_of(running), opening(running)) as guest:
        await guest.hear()
        for number in range(1, 401):
            guest.say(framed(Calls(calls=[Call(number=number, message=b"x" * 10_000, seconds=30)]).SerializeToString()))
        seen = -1
        while seen != len(served):
            seen = len(served)
            await asyncio.sleep(0.3)
        assert 0 < seen < 400
        heard: set[int] = set()
        while len(heard) < 400:
            answers = await guest.hear()
            assert answers is not None
            heard |= {each.number for each in answers.answers}
        assert len(served) == 400
