"""Lines to a bank: kept for the next message while the bank keeps them, never used again after an answer that did not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from services.runtime.outgoing import Unanswered
from services.runtime.pos import line as room
from services.runtime.pos.frames import read_frame
from services.runtime.pos.line import PosLine
from services.runtime.pos.messages import PosMessage
from tests.payment.terminal_lines import quiet

ASKED = PosMessage("0800", {41: "10000001"})


@dataclass
class Host:
    """A bank that answers each frame with its payload; `says` are what it does with the next ones."""

    port: int = 0
    lines: int = 0
    heard: list[int] = field(default_factory=list)
    says: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        number = self.lines
        try:
            while (frame := await read_frame(reader)) is not None:
                self.heard.append(number)
                said = self.says.pop(0) if self.says else ""
                if said == "late":
                    await asyncio.sleep(0.9)
                if said != "ends":
                    writer.write(frame.answer(frame.payload).packed())
                    await writer.drain()
                if said in ("ends", "last"):
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def host() -> AsyncIterator[Host]:
    made = Host()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


@pytest_asyncio.fixture
async def line() -> AsyncIterator[PosLine]:
    made = PosLine(quiet(), timeout_s=0.6)
    yield made
    await made.close()
    await asyncio.sleep(0.01)


async def asked(line: PosLine, host: Host, raw: bytes = b"\x08\x00one") -> bytes:
    return await line.exchange("bank", f"127.0.0.1:{host.port}", ASKED, raw)


async def test_messages_one_after_the_other_go_over_one_line_and_those_at_once_do_not_mix(
    host: Host, line: PosLine
) -> None:
    for word in (b"\x08\x00one", b"\x08\x00two"):
        assert await asked(line, host, word) == word
    assert host.heard == [1, 1]
    words = [b"\x08\x00%d" % number for number in range(5)]
    assert await asyncio.gather(*(asked(line, host, word) for word in words)) == words
    assert host.lines == 5


async def test_a_bank_that_ends_the_line_after_an_answer_gets_one_for_each_message(host: Host, line: PosLine) -> None:
    host.says = ["last"]
    await asked(line, host)
    await asyncio.sleep(0.05)
    for _ in range(3):
        await asked(line, host)
        await asyncio.sleep(0.01)
    assert host.heard == [1, 2, 3, 4]


async def test_a_line_that_was_ended_with_a_message_on_its_way_is_not_kept_again(host: Host, line: PosLine) -> None:
    host.says = ["", "ends"]
    await asked(line, host)
    with pytest.raises(Unanswered, match="LINE_ENDED") as lost:
        await asked(line, host)
    assert lost.value.sent, "nobody knows what the bank did with it"
    for _ in range(2):
        await asked(line, host)
    assert host.heard == [1, 1, 2, 3]


async def test_a_late_answer_is_never_taken_for_that_to_the_next_message(host: Host, line: PosLine) -> None:
    host.says = ["", "late"]
    await asked(line, host, b"\x08\x00one")
    with pytest.raises(Unanswered, match="TimeoutError"):
        await asked(line, host, b"\x08\x00two")
    assert await asked(line, host, b"\x08\x00six") == b"\x08\x00six"
    assert host.lines == 2


async def test_a_line_that_nobody_used_for_long_is_left(
    host: Host, line: PosLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "KEPT_S", 0.0)
    for _ in range(2):
        await asked(line, host)
    assert host.heard == [1, 2]
    monkeypatch.undo()
    for _ in range(2):
        await asked(line, host)
    assert host.heard == [1, 2, 2, 2], "its age says nothing of the bank"
