"""What the gateway answers to GET beside REST: the OpenAPI document and the reference, files of this folder as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from typing import Final

import msgspec

from gateway import openapi
from gateway.door import Page
from gateway.http import Response
from gateway.national.transactions import Transactions
from gateway.reference import comments, examples, names
from gateway.rest import Routes

_FILES: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "parts.js": "text/javascript; charset=utf-8",
    "views.js": "text/javascript; charset=utf-8",
}
# A browser shows the end of a line as a space, which Chinese has none of.
_UNSPACED: Final = re.compile(r"(?:(?<=[\u3000-\u9fff\uff00-\uffef])|(?<=[\u3000-\u9fff\uff00-\uffef]</b>))\n +(?!<p)")
_EVERYWHERE: Final = ("0.0.0.0", "::", "[::]")


def pages(routes: Routes, table: Transactions, address: Callable[[], str]) -> dict[str, Page]:
    """The pages by path. `address` tells host and port once the gateway is started; the document is made when it is asked
    for first."""

    @cache
    def specification() -> Response:
        described = openapi.document(
            routes,
            table,
            comments.load(),
            version("yibao-mesh"),
            examples=examples.load(),
            names=names.load(),
            server=server_of(address()),
        )
        return Response(200, msgspec.json.encode(described))

    page = _file("page.html", "text/html; charset=utf-8")
    page = replace(page, body=_UNSPACED.sub("", page.body.decode()).encode())
    own = {f"/docs/{name}": _file(name, kind) for name, kind in _FILES.items()}
    health = Response(200, b'{"status":"SERVING"}')
    return {
        "/openapi.json": specification,
        "/": lambda: page,
        "/docs": lambda: page,
        "/healthz": lambda: health,
        **{path: partial(_same, answer) for path, answer in own.items()},
    }


def server_of(address: str) -> str:
    """The URL of an address; one that listens everywhere is reached on this machine."""
    host, _, port = address.rpartition(":")
    if host in _EVERYWHERE:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host.strip("[]") and host[0] != "[" else f"http://{host}:{port}"


def _same(answer: Response) -> Response:
    return answer


def _file(name: str, content_type: str) -> Response:
    return Response(200, files("gateway.reference").joinpath(name).read_bytes(), content_type)
