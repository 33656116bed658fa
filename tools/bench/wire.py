"""HTTP/1.1 as the load generator speaks it: whole requests made beforehand, answers cut out of a stream of bytes.

It knows exactly what the gateway sends (a status line, headers with a length, a body) and nothing more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_LENGTH = struct.Struct(">I")
_END = b"\r\n\r\n"


class BrokenAnswer(Exception):
    """Bytes that are no answer with a length."""


def request(host: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """One POST, ready to be sent."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode("ascii") + _END + body


def write_requests(path: Path, requests: Iterable[bytes]) -> int:
    """Keeps requests in a file, each behind its length; how many there were."""
    count = 0
    with path.open("wb") as file:
        for each in requests:
            file.write(_LENGTH.pack(len(each)))
            file.write(each)
            count += 1
    return count


def read_requests(path: Path) -> list[bytes]:
    """The requests of such a file."""
    return list(_split(path.read_bytes()))


def _split(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        yield data[place : place + length]
        place += length


class AnswerReader:
    """Cuts answers out of what one connection receives."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> tuple[int, bytes] | None:
        """Status and body of the answer that is complete now, None while it is not. One answer at a time is under way."""
        held = self._held = self._held + data if self._held else data
        end = held.find(_END)
        if end < 0:
            return None
        head = held[:end].lower()
        place = head.find(b"content-length:")
        if place < 0 or not held.startswith(b"HTTP/1."):
            raise BrokenAnswer(held[:80].decode("latin-1"))
        stop = head.find(b"\r\n", place)
        length = int(head[place + 15 : stop if stop >= 0 else len(head)])
        whole = end + len(_END) + length
        if len(held) < whole:
            return None
        self._held = held[whole:]
        return int(held[9:12]), held[whole - length : whole]
