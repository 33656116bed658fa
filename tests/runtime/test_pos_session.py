"""A terminal believes its bank by the seal alone: an answer to another message, or without a good seal, is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.runtime.outgoing import Unanswered
from services.runtime.pos.messages import PosMessage, encode
from services.runtime.pos.seals import packed_keys, sealed
from services.runtime.pos.session import NotSigned, Session
from tests.runtime.test_pos import KEYS, MASTER

Told = Callable[[PosMessage], bytes]
ASKED = {3: "000000", 4: "000000012345", 11: "000002", 25: "00", 49: "156", 60: "22000001000"}
SIGNED_ON = PosMessage("0810", {39: "00", 60: "00000007001", 62: packed_keys(KEYS, MASTER)})
OTHER_KEYS = replace(KEYS, seal=KEYS.pin)


class PlayedLine:
    """A bank that signs on, and then answers as the test says."""

    def __init__(self, told: Told, signed_on: PosMessage = SIGNED_ON) -> None:
        self._told, self._signed_on = told, signed_on
        self.sent: list[PosMessage] = []

    async def exchange(self, provider: str, address: str, message: PosMessage, raw: bytes) -> bytes:
        """The answer to a message."""
        self.sent.append(message)
        if message.mti == "0800":
            same = {number: message.fields[number] for number in (11, 41, 42)}
            return encode(PosMessage(self._signed_on.mti, {**same, **self._signed_on.fields}))
        return self._told(message)


def accepted(asked: PosMessage, **changed: str) -> PosMessage:
    """The bank's answer to a purchase; `f4="…"` changes a field."""
    same = {number: asked.fields[number] for number in (3, 4, 11, 25, 41, 42, 49, 60)}
    return PosMessage("0210", {**same, 39: "00", **{int(name[1:]): value for name, value in changed.items()}})


def session(told: Told, signed_on: PosMessage = SIGNED_ON) -> tuple[Session, PlayedLine]:
    line: Any = PlayedLine(told, signed_on)
    return Session(line, "bank", "127.0.0.1:1", "900000000000001", "10000001", MASTER.hex()), line


async def test_a_sealed_answer_to_what_was_asked_is_believed() -> None:
    terminal, line = session(lambda asked: sealed(accepted(asked), KEYS))
    before = terminal.signed_on
    assert await terminal.sign_on("000001", "000001") == "000007"
    assert (before, terminal.signed_on) == (False, True)
    answer = await terminal.ask("0200", ASKED)
    assert (answer.mti, answer.get(39), answer.get(4)) == ("0210", "00", ASKED[4])
    assert [(each.mti, each.get(41), each.get(42)) for each in line.sent] == [
        ("0800", "10000001", "900000000000001"),
        ("0200", "10000001", "900000000000001"),
    ]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (lambda asked: encode(accepted(asked)), "ANSWER_UNSEALED"),
        (lambda asked: sealed(accepted(asked), OTHER_KEYS), "ANSWER_UNSEALED"),
        (lambda asked: sealed(accepted(asked, f4="000000012346"), KEYS), "ANSWER_TO_ANOTHER"),
        (lambda asked: sealed(accepted(asked, f11="000003"), KEYS), "ANSWER_TO_ANOTHER"),
        (lambda asked: sealed(accepted(asked, f41="10000002"), KEYS), "ANSWER_TO_ANOTHER"),
        (lambda asked: sealed(accepted(asked, f42="900000000000002"), KEYS), "ANSWER_TO_ANOTHER"),
        (lambda asked: sealed(PosMessage("0410", accepted(asked).fields), KEYS), "ANSWER_TO_ANOTHER"),
        (lambda asked: b"\x02\x10\xff", "ANSWER_MALFORMED"),
    ],
)
async def test_what_is_no_answer_of_the_bank_leaves_open_what_became_of_it(told: Told, why: str) -> None:
    terminal, _ = session(told)
    await terminal.sign_on("000001", "000001")
    with pytest.raises(Unanswered, match=why) as raised:
        await terminal.ask("0200", ASKED)
    assert raised.value.sent


@pytest.mark.parametrize("code", ["A0", "77"])
async def test_a_bank_without_our_keys_asks_for_a_sign_on_before_anything_further(code: str) -> None:
    terminal, line = session(lambda asked: encode(accepted(asked, f39=code)))
    await terminal.sign_on("000001", "000001")
    for said in (code, "77"):
        with pytest.raises(NotSigned) as raised:
            await terminal.ask("0200", ASKED)
        assert raised.value.code == said
        assert not terminal.signed_on
    assert len(line.sent) == 2


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (replace(SIGNED_ON, fields={**SIGNED_ON.fields, 39: "03"}), NotSigned),
        (replace(SIGNED_ON, fields={**SIGNED_ON.fields, 62: packed_keys(KEYS, bytes(range(16)))}), Unanswered),
        (replace(SIGNED_ON, fields={39: "00", 62: SIGNED_ON.fields[62]}), Unanswered),
    ],
)
async def test_a_sign_on_without_good_keys_is_none(answer: PosMessage, raised: type[Exception]) -> None:
    terminal, _ = session(lambda asked: b"", answer)
    with pytest.raises(raised):
        await terminal.sign_on("000001", "000001")
    assert not terminal.signed_on
