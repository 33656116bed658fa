"""Trunks over a Unix socket: who may open one, what ends one, and where calls go by gRPC instead."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.errors import Fault, FaultKind
from services.runtime import trunk, trunk_door
from services.runtime.call import Caller
from services.runtime.config import Config
from services.runtime.status import from_status
from services.runtime.transport import trunk_socket as socket_at
from services.runtime.trunk_socket import BrokenFrame, Frames, SocketOutbox, framed
from tests.runtime import desk
from tests.runtime.desk import GATEWAY, INSTITUTION, look
from tests.runtime.test_outbound import fault_of
from yibao.runtime.v1.trunk_pb2 import Answers, Call, Calls

LOOK: Final = f"/{desk.SERVICE}/Look"


@pytest.fixture
def carriers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What carried each trunk that was opened since."""
    found: list[str] = []
    begin = trunk.Line.__init__

    def noted(self: trunk.Line, member: str, outbox: trunk.Outbox) -> None:
        found.append(type(self).__name__)
        begin(self, member, outbox)

    monkeypatch.setattr(trunk.Line, "__init__", noted)
    return found


def place_of(running: desk.Running) -> Path:
    """Where the desk has its socket."""
    found = socket_at(running.config, running.server.address)
    assert found is not None
    return found


class Guest:
    """A connection to a member's socket, whose bytes the test writes itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def at(cls, place: Path, opening: Call | None = None) -> AsyncIterator[Guest]:
        """Connects, and asks to open a trunk; breaks off at the end of the block."""
        guest = cls(*await asyncio.open_unix_connection(str(place)))
        if opening is not None:
            guest.say(framed(Calls(calls=[opening]).SerializeToString()))
        try:
            yield guest
        finally:
            await guest.leave()

    def say(self, data: bytes) -> None:
        """Sends bytes."""
        self._writer.write(data)

    async def hear(self) -> Answers | None:
        """The next message; None where the connection has ended."""
        try:
            length = int.from_bytes(await asyncio.wait_for(self._reader.readexactly(4), 10), "big")
            return Answers.FromString(await asyncio.wait_for(self._reader.readexactly(length), 10))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def leave(self) -> None:
        """Breaks off."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


def opening(running: desk.Running, caller: Caller = GATEWAY) -> Call:
    """What a member says first."""
    return Call(caller_token=running.tokens.sign(caller, "identity", "gateway"))


async def said_slowly(running: desk.Running, guest: Guest) -> bytes:
    """What a guest said to ask for an answer that is under way now, and waits to be released."""
    await guest.hear()
    token = running.tokens.sign(GATEWAY, "identity")
    slow = Call(number=1, path=LOOK, message=look("slow").SerializeToString(), caller_token=token, seconds=30)
    said = framed(Calls(calls=[slow]).SerializeToString())
    guest.say(said)
    await running.servicer.waiting.wait()
    return said


async def test_calls_on_one_machine_go_by_a_socket_that_only_its_user_can_reach(
    running: desk.Running, carriers: list[str]
) -> None:
    asked = [running.peers.call(running.stub.Look, look(f"n{each}")) for each in range(20)]
    assert [answer.said for answer in await asyncio.gather(*asked)] == [f"n{each}!" for each in range(20)]
    place = place_of(running)
    assert carriers == ["SocketLine"]
    assert (stat.S_IMODE(place.parent.stat().st_mode), stat.S_IMODE(place.stat().st_mode)) == (0o700, 0o600)
    assert place.parent.parent == running.config.data_dir.absolute()


async def test_many_large_calls_at_once_come_whole(running: desk.Running, carriers: list[str]) -> None:
    most = "x" * (trunk.LARGE_BYTES - 1_000)
    notes = [f"n{each}" for each in range(100)]
    asked = [running.peers.call(running.stub.Look, look(note, setl_id=most)) for note in notes]
    assert [answer.said for answer in await asyncio.gather(*asked)] == [f"{note}!" for note in notes]
    assert carriers == ["SocketLine"]


@pytest.mark.parametrize(
    ("caller", "reason"), [(None, "CALLER_TOKEN_MISSING"), (INSTITUTION, "ROLE_NOT_ALLOWED"), (GATEWAY, "")]
)
async def test_only_members_open_trunks(running: desk.Running, caller: Caller | None, reason: str) -> None:
    async with Guest.at(place_of(running), Call() if caller is None else opening(running, caller)) as guest:
        answers = await guest.hear()
        assert answers is not None
        (answer,) = answers.answers
        found = from_status(answer.status) if answer.HasField("status") else None
        assert (answer.number, getattr(found, "reason", "")) == (0, reason)
        if reason:
            assert await guest.hear() is None


async def test_each_call_is_admitted_by_its_own_token(running: desk.Running) -> None:
    async with Guest.at(place_of(running), opening(running)) as guest:
        await guest.hear()
        asked = Call(number=7, path=LOOK, message=look().SerializeToString(), seconds=5)
        guest.say(framed(Calls(calls=[asked]).SerializeToString()))
        answers = await guest.hear()
        assert answers is not None
        (answer,) = answers.answers
        fault = from_status(answer.status)
        assert (answer.number, getattr(fault, "reason", "")) == (7, "CALLER_TOKEN_MISSING")


@pytest.mark.parametrize(
    ("opened", "said"),
    [
        (False, framed(b"\xff\xff\xff")),
        (False, framed(b"")),
        (False, framed(Calls(calls=[Call(number=1)]).SerializeToString())),
        (False, b"\xff\xff\xff\xff"),
        (True, framed(b"\xff\xff\xff")),
        (True, b"\xff\xff\xff\xff"),
    ],
    ids=["garbage first", "nothing", "a call first", "endless first", "garbage", "endless"],
)
async def test_what_is_no_message_ends_its_own_connection_alone(
    running: desk.Running, log_lines: Callable[[], list[Mapping[str, Any]]], opened: bool, said: bytes
) -> None:
    await running.peers.call(running.stub.Look, look())
    slow = asyncio.create_task(running.peers.call(running.stub.Look, look("slow")))
    await running.servicer.waiting.wait()
    async with Guest.at(place_of(running), opening(running) if opened else None) as guest:
        if opened:
            assert await guest.hear() is not None
        guest.say(said)
        assert await guest.hear() is None
        running.servicer.release.set()
        assert (await slow).said == "slow!"
        assert "a trunk was cut off: what came is no message of one" in json.dumps(log_lines())


async def test_who_connects_and_says_nothing_is_left(running: desk.Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_door, "_OPENED_WITHIN_S", 0.05)
    async with Guest.at(place_of(running)) as guest:
        assert await guest.hear() is None


async def test_a_caller_who_breaks_off_ends_what_is_read_for_him(running: desk.Running) -> None:
    async with Guest.at(place_of(running), opening(running)) as guest:
        await said_slowly(running, guest)
        await guest.leave()
        # The end of what he sends may come before the end of the connection: then it is answered to nobody.
        running.servicer.release.set()
        await running.peers.call(running.stub.Look, look())


async def test_a_member_that_stops_takes_its_socket_away(running: desk.Running) -> None:
    place = place_of(running)
    assert place.exists()
    await running.server.stop(0)
    assert not place.exists()


async def test_a_member_that_stops_leaves_the_socket_of_its_successor(running: desk.Running) -> None:
    place = place_of(running)
    place.unlink()
    place.write_text("another's", encoding="ascii")
    await running.server.stop(0)
    assert place.exists()


async def test_a_socket_that_a_killed_process_left_is_gone_round_and_then_replaced(
    settings: dict[str, str], carriers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk, "_ASK_NEAR_EVERY_S", 0.0)
    running = await desk.start(settings)
    place = place_of(running)
    place.unlink()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    try:
        assert (await running.peers.call(running.stub.Look, look())).said == "hello!"
        assert carriers == ["SocketLine", "StreamLine"]
        await running.server.stop(0)
        again = await desk.start({**settings, "YIBAO_IDENTITY_ADDRESS": running.server.address})
        try:
            assert await said_at_last(running) == "hello!"
            assert (await running.peers.call(running.stub.Look, look())).said == "hello!"
            assert (carriers[-1], len(again.servicer.calls)) == ("SocketLine", 2)
        finally:
            await again.stop()
    finally:
        await running.stop()


async def said_at_last(running: desk.Running) -> str:
    """The answer as soon as there is one."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Fault):
                answer = await running.peers.call(running.stub.Look, look())
                return str(answer.said)
            await asyncio.sleep(0.05)


async def test_a_trunk_that_breaks_fails_its_calls_as_unavailable(running: desk.Running) -> None:
    ringing = asyncio.create_task(running.peers.call(running.stub.Look, look("slow"), timeout_s=3))
    await running.servicer.waiting.wait()
    await running.server.stop(0)
    assert (await fault_of(ringing)).kind in (FaultKind.UNAVAILABLE, FaultKind.DEADLINE)


async def test_where_there_can_be_no_socket_calls_go_by_grpc(
    settings: dict[str, str],
    short_folder: Path,
    carriers: list[str],
    log_lines: Callable[[], list[Mapping[str, Any]]],
) -> None:
    (short_folder / "trunks").write_text("no folder", encoding="ascii")
    running = await desk.start(settings)
    try:
        assert (await running.peers.call(running.stub.Look, look())).said == "hello!"
        assert carriers == ["StreamLine"] or carriers == ["SocketLine", "StreamLine"]
        assert "no socket for trunks; callers of this machine come by gRPC" in json.dumps(log_lines())
    finally:
        await running.stop()


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("10.0.0.7:7401", {"YIBAO_TLS": "off"}),
        ("127.0.0.1:7401", {"YIBAO_TRUNKS": "grpc"}),
        ("127.0.0.1:7401", {"YIBAO_TRUNKS": "off"}),
        ("127.0.0.1:7401", {"YIBAO_DATA_DIR": "/" + "long/" * 25}),
    ],
    ids=["another machine", "grpc", "off", "too long for a socket"],
)
def test_whose_trunks_go_by_no_socket(settings: dict[str, str], address: str, more: dict[str, str]) -> None:
    assert socket_at(Config.load(settings), "127.0.0.1:7401") is not None
    assert socket_at(Config.load({**settings, **more}), address) is None


def test_calls_under_tls_go_by_no_socket(settings: dict[str, str], tmp_path: Path) -> None:
    parts = {}
    for name in ("CERTIFICATE", "KEY", "AUTHORITY"):
        (tmp_path / name).write_text("some", encoding="ascii")
        parts[f"YIBAO_TLS_{name}"] = str(tmp_path / name)
    assert socket_at(Config.load({**settings, **parts, "YIBAO_TLS": "on"}), "127.0.0.1:7401") is None


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1_000])
def test_messages_are_cut_out_wherever_the_bytes_were_parted(step: int) -> None:
    messages = [b"", b"a", b"bc" * 40, b"", b"d" * 200]
    sent = b"".join(framed(each) for each in messages)
    frames = Frames(204)
    found: list[bytes] = []
    for begin in range(0, len(sent), step):
        found += frames.fed(sent[begin : begin + step])
    assert found == messages


def test_a_message_over_the_limit_is_refused_before_it_has_come() -> None:
    frames = Frames(10)
    assert frames.fed(framed(b"x" * 6)) == [b"x" * 6]
    with pytest.raises(BrokenFrame):
        frames.fed((7).to_bytes(4, "big"))


class Pipe:
    """A transport that keeps what is written, and is full from then on until it is emptied."""

    def __init__(self, outbox: SocketOutbox) -> None:
        self.written: list[bytes] = []
        self.kept_back = -1
        self._outbox = outbox

    def set_write_buffer_limits(self, high: int) -> None:
        """Notes how many bytes may wait for the end of a turn."""
        self.kept_back = high

    def write(self, data: bytes) -> None:
        """Takes it, and no more."""
        self.written.append(data)
        self._outbox.pause()


def joined(frames: Sequence[str]) -> bytes:
    return ",".join(frames).encode()


async def test_a_large_message_goes_at_once_with_what_came_before_it() -> None:
    outbox = SocketOutbox(joined)
    pipe: Any = Pipe(outbox)
    outbox.connect(pipe)
    outbox.open()
    outbox.put(1, "small", 5)
    assert pipe.written == []
    outbox.put(2, "large", 4096)
    assert pipe.written == [framed(b"small,large")]
    assert pipe.kept_back == 0
    outbox.put(3, "later", 4096)
    await asyncio.sleep(0)
    assert len(pipe.written) == 1


async def test_while_the_other_side_takes_none_all_waits_and_then_goes_together() -> None:
    outbox = SocketOutbox(joined)
    pipe: Any = Pipe(outbox)
    outbox.connect(pipe)
    outbox.put(1, "held", 1)
    await asyncio.sleep(0)
    assert pipe.written == []
    outbox.open()
    await asyncio.sleep(0)
    outbox.put(2, "a", 1)
    outbox.put(3, "b", 1)
    await asyncio.sleep(0)
    assert pipe.written == [framed(b"held")]
    emptied = asyncio.create_task(outbox.written())
    await asyncio.sleep(0)
    outbox.resume()
    await asyncio.wait_for(emptied, 5)
    assert pipe.written == [framed(b"held"), framed(b"a,b")]


@pytest.mark.parametrize("together", [True, False], ids=["in one message", "in two"])
async def test_a_call_that_is_left_before_it_began_is_forgotten(running: desk.Running, together: bool) -> None:
    served = running.server._trunks.opened(SocketOutbox(lambda frames: b""))
    calls = [Call(number=1, path=LOOK, seconds=5), Call(number=1, left=True)]
    for each in [calls] if together else [[call] for call in calls]:
        served.heard(Calls(calls=each).SerializeToString())
    assert served._tasks == {}
    await asyncio.wait_for(served.finished(), 5)
    assert running.servicer.calls == []


async def test_a_number_that_is_under_way_is_no_other_call(running: desk.Running) -> None:
    async with Guest.at(place_of(running), opening(running)) as guest:
        slow = await said_slowly(running, guest)
        guest.say(slow)
        assert await guest.hear() is None
        await asyncio.wait_for(running.servicer.cancelled.wait(), 5)
