"""What a twin has received, byte for byte and decrypted: the proof of what a channel was told.

The last requests are kept in memory for the control door; with a file every one is also a line of JSON there.
"""

from __future__ import annotations

import base64
from collections import deque
from pathlib import Path
from typing import Final

import msgspec

from tools.twins.clock import Clock
from tools.twins.http import Request
from tools.twins.shelf import Document

_MOST_KEPT: Final = 10_000


class Records:
    """The requests of a twin, in order, and what it decrypted of them."""

    def __init__(self, clock: Clock, file: Path | None) -> None:
        self._clock = clock
        self._kept: deque[Document] = deque(maxlen=_MOST_KEPT)
        self._sink = None if file is None else file.open("ab", buffering=0)

    def received(self, request: Request) -> None:
        """Keeps one HTTP request: its body as Base64."""
        body = base64.b64encode(request.body).decode()
        self._keep({"method": request.method, "target": request.target, "headers": dict(request.headers), "body": body})

    def bytes_received(self, name: str, data: bytes) -> None:
        """Keeps a message of another protocol than HTTP."""
        self._keep({"method": name, "target": "", "headers": {}, "body": base64.b64encode(data).decode()})

    def opened(self, name: str, text: str) -> None:
        """Keeps what was encrypted in the request received last."""
        self._keep({"opened": name, "text": text})

    def kept(self) -> list[Document]:
        """The last of them, oldest first."""
        return list(self._kept)

    def close(self) -> None:
        """Closes the file."""
        if self._sink is not None:
            self._sink.close()

    def _keep(self, line: Document) -> None:
        line = {"at": self._clock.now().isoformat(timespec="milliseconds"), **line}
        self._kept.append(line)
        if self._sink is not None:
            self._sink.write(msgspec.json.encode(line) + b"\n")
