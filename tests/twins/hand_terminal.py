"""A POS terminal written apart from the mesh and the twin: it packs its fields by hand and computes keys and seals by itself.

It is the judge of the twin's bytes: neither `iso8583` nor `services.runtime.pos` is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

# How a field stands on the line: digits of a fixed number, text of a fixed number, digits or text behind their length, bytes.
_FIXED_DIGITS = {3: 6, 4: 12, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 22: 3, 23: 3, 25: 2, 26: 2, 53: 16}
_FIXED_TEXT = {37: 12, 38: 6, 39: 2, 41: 8, 42: 15, 49: 3}
_LED_DIGITS = {2: 1, 32: 1, 35: 1, 48: 2, 60: 2, 61: 2}
_LED_TEXT = {44: 1, 54: 2, 63: 2}
_BYTES = {52: 8, 64: 8}


def des(key: bytes, data: bytes, *, back: bool = False) -> bytes:
    """Each block under a key of double length."""
    cipher = Cipher(TripleDES(key + key[:8]), modes.ECB())
    maker = cipher.decryptor() if back else cipher.encryptor()
    return maker.update(data) + maker.finalize()


def mac(data: bytes, key: bytes) -> bytes:
    """Field 64, step by step as the terminals' rules say."""
    block = bytes(8)
    data += bytes(-len(data) % 8)
    for at in range(0, len(data), 8):
        block = bytes(a ^ b for a, b in zip(block, data[at : at + 8], strict=True))
    text = block.hex().upper().encode()
    first = des(key, text[:8])
    second = des(key, bytes(a ^ b for a, b in zip(first, text[8:], strict=True)))
    return second.hex().upper().encode()[:8]


def _digits(value: str) -> bytes:
    return bytes.fromhex(value + "0" * (len(value) % 2))


def _field(number: int, value: str) -> bytes:
    if number in _FIXED_DIGITS:
        return _digits(value)
    if number in _FIXED_TEXT:
        return value.encode()
    if number in _BYTES:
        return bytes.fromhex(value)
    size = _LED_DIGITS.get(number) or _LED_TEXT[number]
    length = bytes.fromhex(str(len(value)).zfill(2 * size))
    return length + (_digits(value) if number in _LED_DIGITS else value.encode())


class HandTerminal:
    """A terminal with a line to a bank; `ask` sends one message and gives the fields of the answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: str, merchant: str) -> None:
        self._reader, self._writer = reader, writer
        self.number, self.merchant = number, merchant
        self.batch, self.trace = "000001", 0
        self.pin_key = self.mac_key = b""

    async def sign_on(self, master: bytes) -> dict[int, str]:
        """0800: takes batch and working keys."""
        answer = await self.ask("0800", {60: f"00{self.batch}001", 63: "01 "})
        keys = bytes.fromhex(answer[62])
        self.pin_key, self.mac_key = des(master, keys[:16], back=True), des(master, keys[20:36], back=True)
        assert des(self.pin_key, bytes(8))[:4] == keys[16:20]
        assert des(self.mac_key, bytes(8))[:4] == keys[36:40]
        self.batch = answer[60][2:8]
        return answer

    async def buy(self, card: str, fen: int, reference: str = "", **more: str) -> dict[int, str]:
        """0200 of a purchase; `more` are further fields as `f52="…"`."""
        fields = {2: card, 3: "000000", 4: f"{fen:012d}", 22: "021", 25: "00", 49: "156", 63: f"01 {reference}"}
        return await self.ask("0200", fields | _more(more) | {60: f"22{self.batch}000"})

    async def balance(self, card: str, **more: str) -> dict[int, str]:
        """0200 of a look at the balance."""
        fields = {2: card, 3: "310000", 22: "021", 25: "00", 49: "156", 60: f"01{self.batch}000"}
        return await self.ask("0200", fields | _more(more))

    async def void(self, bought: dict[int, str], fen: int, **more: str) -> dict[int, str]:
        """0200 of a void of what `bought` answered."""
        fields = {3: "200000", 4: f"{fen:012d}", 25: "00", 37: bought[37], 49: "156", 60: f"23{self.batch}000"}
        return await self.ask("0200", fields | {61: f"{bought[60][2:8]}{bought[11]}{bought[13]}"} | _more(more))

    async def refund(self, bought: dict[int, str], fen: int, **more: str) -> dict[int, str]:
        """0220 of a refund of what `bought` answered."""
        fields = {3: "200000", 4: f"{fen:012d}", 25: "00", 37: bought[37], 49: "156", 60: f"25{self.batch}000"}
        return await self.ask("0220", fields | {61: f"{bought[60][2:8]}{bought[11]}{bought[13]}"} | _more(more))

    async def reverse(self, code: str, trace: int, fen: int, processing: str = "000000") -> dict[int, str]:
        """0400 of what was sent under this trace of the open batch."""
        fields = {3: processing, 4: f"{fen:012d}", 11: f"{trace:06d}", 25: "00", 39: "98", 49: "156"}
        return await self.ask("0400", fields | {60: f"{code}{self.batch}000"})

    async def settle(self, totals: str) -> dict[int, str]:
        """0500 with these 31 digits of the country's cards."""
        return await self.ask("0500", {48: totals + "0" * 31, 49: "156", 60: f"00{self.batch}201", 63: "01 "})

    async def ask(self, mti: str, fields: dict[int, str], *, spoil: bool = False) -> dict[int, str]:
        """Sends a message under the next trace, unless it has one; seals what is sealed."""
        if 11 not in fields:
            self.trace += 1
        own = {11: f"{self.trace:06d}", 41: self.number, 42: self.merchant} | fields
        self._writer.write(self.packed(mti, own, spoil=spoil))
        length = int.from_bytes(await self._reader.readexactly(2), "big")
        body = await self._reader.readexactly(length)
        assert body[:5].hex() == "6000000003"
        return self._read(body[11:])

    def packed(self, mti: str, fields: dict[int, str], *, spoil: bool = False) -> bytes:
        """The bytes of a message; with `spoil` under a seal of another."""
        sealing = mti in {"0200", "0220", "0400"}
        numbers = sorted({*fields, 64} if sealing else fields)
        bitmap = sum(1 << (64 - number) for number in numbers).to_bytes(8, "big")
        body = bytes.fromhex(mti) + bitmap + b"".join(_field(number, fields[number]) for number in sorted(fields))
        if sealing:
            body += mac(body + b"\1" * spoil, self.mac_key or bytes(16))
        framed = bytes.fromhex("6000030000602200000000") + body
        return len(framed).to_bytes(2, "big") + framed

    def _read(self, body: bytes) -> dict[int, str]:
        bits = int.from_bytes(body[2:10], "big")
        at, told = 10, {0: body[:2].hex()}
        for number in (number for number in range(1, 65) if bits >> (64 - number) & 1):
            at, told[number] = self._one(body, at, number)
        assert at == len(body)
        if 64 in told and self.mac_key:
            assert body[-8:] == mac(body[:-8], self.mac_key)
        return told

    def _one(self, body: bytes, at: int, number: int) -> tuple[int, str]:
        if number in _FIXED_DIGITS:
            count = _FIXED_DIGITS[number]
            return at + (count + 1) // 2, body[at : at + (count + 1) // 2].hex()[:count]
        if number in _FIXED_TEXT:
            return at + _FIXED_TEXT[number], body[at : at + _FIXED_TEXT[number]].decode()
        if number in _BYTES:
            return at + _BYTES[number], body[at : at + _BYTES[number]].hex()
        size = 2 if number == 62 else _LED_DIGITS.get(number) or _LED_TEXT[number]
        length, start = int(body[at : at + size].hex()), at + size
        if number in _LED_DIGITS:
            return start + (length + 1) // 2, body[start : start + (length + 1) // 2].hex()[:length]
        piece = body[start : start + length]
        return start + length, piece.hex() if number == 62 else piece.decode()


def _more(more: dict[str, str]) -> dict[int, str]:
    return {int(name[1:]): value for name, value in more.items()}


@asynccontextmanager
async def terminal(
    line: str, number: str = "10000001", merchant: str = "900000000000001"
) -> AsyncIterator[HandTerminal]:
    """A terminal with an open line."""
    host, _, port = line.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield HandTerminal(reader, writer, number, merchant)
    finally:
        writer.close()
        await writer.wait_closed()
