"""What a judge needs beside its SDK: the twin's control door, a door for notifies, and a bill's lines.

It knows the standard library alone, for a judge runs in a process of its own.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl
from urllib.request import ProxyHandler, Request, build_opener

_WAIT_S = 5
_OPEN = build_opener(ProxyHandler({})).open

Told = dict[str, Any]


class Desk:
    """A merchant at the twin, with a door for notifies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.keys: Told = self.control("keys", "GET")
        self._heard: Queue[bytes] = Queue()
        self._server = HTTPServer(("127.0.0.1", 0), _door(self._heard))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def notify_url(self) -> str:
        """Where notifies go."""
        return f"http://127.0.0.1:{self._server.server_port}/notify"

    def control(self, verb: str, method: str = "POST", **body: object) -> Told:
        """One verb at the control door."""
        request = Request(f"{self.address}/_twin/{verb}", json.dumps(body).encode(), method=method)  # the twin's
        told: Told = json.load(_OPEN(request, timeout=_WAIT_S))
        return told

    def heard(self) -> dict[str, str]:
        """The fields of the next notify."""
        return dict(parse_qsl(self._heard.get(timeout=_WAIT_S).decode(), keep_blank_values=True))

    def bill(self, url: str) -> list[list[str]]:
        """The lines of the bill behind a link: the first file of a zip, in GBK, without comments."""
        held = _OPEN(url, timeout=_WAIT_S).read()
        with zipfile.ZipFile(io.BytesIO(held)) as files:
            text = files.read(files.namelist()[0]).decode("gbk")
        return [[field.strip() for field in row] for row in csv.reader(text.splitlines()) if not row[0].startswith("#")]


def judge(scenario: Callable[[Desk], Told]) -> None:
    """Plays a scenario at the twin whose address the program is given, and writes what the SDK saw as JSON."""
    json.dump(scenario(Desk(sys.argv[1])), sys.stdout, ensure_ascii=False)


def _door(heard: Queue[bytes]) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            heard.put(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"success")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Door
