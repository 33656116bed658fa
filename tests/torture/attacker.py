"""One partner that sends the worst bodies without pause: `python -m tests.torture.attacker URL SECONDS KIND LINES`.

It prints how many requests it sent and how many were refused with which reason. KIND is `legal`, `illegal` or `both`.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from services.kernel.clock import BEIJING
from tests.torture.bodies import envelope, illegal, legal

CREDENTIAL: Final = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990000199001010011"}
PSN_NO: Final = "99000000000000000001"
_REASON: Final = re.compile(rb'"err_msg":"\[([A-Z_]+)\]')


class Client:
    """One connection, kept, and opened anew where it was ended."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        """Ends the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def post(self, body: bytes) -> bytes:
        """The answer's body, b"" where the connection ended without one."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 24)
            reader, writer = self._streams
            head = f"POST /fsi/api HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer)
            text = await reader.readexactly(int(length[1]) if length else 0)
            if b"connection: close" in answer:
                self.close()
            return text
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return b""


async def visit(url: str, number: int) -> dict[str, str]:
    """Registers a visit of the sandbox's person."""
    now = datetime.now(UTC).astimezone(BEIJING)
    data = {"psn_no": PSN_NO, "insutype": "310", **CREDENTIAL, "begntime": f"{now:%Y-%m-%d %H:%M:%S}"}
    data |= {"ipt_otp_no": secrets.token_hex(6), "dept_code": "A01", "dept_name": "内科", "caty": "A03"}
    client = Client(url)
    answer = await client.post(json.dumps(envelope("2201", {"data": data}, number)).encode())
    client.close()
    mdtrt_id = json.loads(answer)["output"]["data"]["mdtrt_id"]
    return {"mdtrt_id": mdtrt_id, "psn_no": PSN_NO}


async def attack(url: str, seconds: float, kind: str, lines: int) -> Counter[str]:
    """Sends on `lines` connections until the time is over; what was answered, counted."""
    until = time.monotonic() + seconds
    told: Counter[str] = Counter()
    bad, numbers = illegal(), count(1)

    async def send_legal(_: int) -> None:
        client = Client(url)
        while time.monotonic() < until:
            bodies = legal(await visit(url, next(numbers)), numbers)
            # Ten uploads make 5,000 lines, the most that a list tells.
            for _ in range(20):
                if time.monotonic() < until:
                    _count(told, await client.post(next(bodies)()))
        client.close()

    async def send_illegal(place: int) -> None:
        client = Client(url)
        while time.monotonic() < until:
            for _, body in bad[place:] + bad[:place]:
                if time.monotonic() < until:
                    _count(told, await client.post(body))
        client.close()

    kinds: Any = {"legal": [send_legal], "illegal": [send_illegal], "both": [send_legal, send_illegal]}[kind]
    await asyncio.gather(*(kinds[place % len(kinds)](place) for place in range(lines)))
    return told


def _count(told: Counter[str], answer: bytes) -> None:
    reason = _REASON.search(answer)
    told[reason[1].decode() if reason else "OK" if answer.startswith(b'{"infcode":0') else "no answer"] += 1


if __name__ == "__main__":
    found = asyncio.run(attack(sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    print(json.dumps(found))  # noqa: T201  # a program
