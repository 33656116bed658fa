"""What the gateway answers to GET for the viewer: its files, and three libraries as npm installed them beside this.

Where they are not installed the page says what to install; nothing is fetched from another host but pictures, and those from the
nodes that are registered alone. The libraries have the licence MIT.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

from gateway.door import Page
from gateway.http import Response

PATH: Final = "/viewer"
INSTALLED: Final = Path(__file__).parent / "node_modules"
Origins = Callable[[], Awaitable[Sequence[str]]]
"""Where nodes serve pictures, `https://host:port` each."""

_SCRIPT: Final = "text/javascript; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_FILES: Final = {
    "viewer.css": "text/css; charset=utf-8",
    "viewer.js": _SCRIPT,
    "asking.js": _SCRIPT,
    "parts.js": _SCRIPT,
    "picture.js": _SCRIPT,
    "texts.js": _SCRIPT,
}
# The loader's worker and its decoders are files of their own, which are asked for when a picture needs them.
_LIBRARIES: Final = (
    ("cornerstone-core/dist", ("cornerstone.min.js",)),
    ("dicom-parser/dist", ("dicomParser.min.js",)),
    ("cornerstone-wado-image-loader/dist/dynamic-import", ("*.js", "*.wasm")),
)
_TYPES: Final = {".js": _SCRIPT, ".wasm": "application/wasm"}
_POLICY: Final = (
    "default-src 'none'; script-src {script}; worker-src 'self'; style-src {style}; img-src 'self' data:; connect-src {connect}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# A worker keeps to the policy of its own file. What the decoders are compiled with evaluates text, so the worker may, which
# sees pixels alone and reaches nobody but this gateway; the page may not.
_WORKER: Final = "worker"
_DECODING: Final = "'self' 'wasm-unsafe-eval' 'unsafe-eval'"
_HEADERS: Final = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
_INSTALL: Final = "npm ci --prefix \"$(python -c 'import gateway.viewer as v; print(v.__path__[0])')\""
_ABSENT: Final = f"""<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>yibao</title>
<p>阅片页面的程序库尚未安装。请在运行网关的机器上、用同一个Python环境执行下列命令（约17 MB，需要Node.js），然后重新启动网关：</p>
<p lang="en">The viewer's libraries are not installed. On the machine of the gateway, with its Python, run this (some 17 MB;
it needs Node.js) and start the gateway again:</p>
<pre style="white-space: pre-wrap">{_INSTALL}</pre></html>
"""


def pages(origins: Origins, installed: Path = INSTALLED) -> dict[str, Page]:
    """The pages by path. `origins` is asked at each opening of the page."""
    libraries = dict(_libraries(installed))
    page: Page = partial(_opened, origins)
    if len(libraries) <= len(_LIBRARIES):
        page = partial(_same, Response(503, _ABSENT.encode(), _HTML, _headers("'none'", style="'unsafe-inline'")))
    own = {f"{PATH}/{name}": _file(name, kind) for name, kind in _FILES.items()}
    return {
        PATH: page,
        f"{PATH}/": page,
        **{path: partial(_same, answer) for path, answer in own.items()},
        **{f"{PATH}/lib/{name}": partial(_read, file) for name, file in libraries.items()},
    }


def _headers(connect: str, script: str = "'self'", style: str = "'self'") -> dict[str, str]:
    policy = _POLICY.format(connect=connect, script=script, style=style)
    return {**_HEADERS, "content-security-policy": policy, "cache-control": "no-cache"}


async def _opened(origins: Origins) -> Response:
    """The page, which may speak to this gateway and to the nodes."""
    connect = " ".join(["'self'", *await origins()])
    body = files("gateway.viewer").joinpath("viewer.html").read_bytes()
    return Response(200, body, _HTML, {**_headers(connect), "cache-control": "no-store"})


def _libraries(installed: Path) -> Iterator[tuple[str, Path]]:
    for folder, patterns in _LIBRARIES:
        for pattern in patterns:
            for file in sorted((installed / folder).glob(pattern)):
                yield file.name, file


def _read(file: Path) -> Response:
    """A library: a name of npm's stands for one version for a day."""
    script = _DECODING if _WORKER in file.name else "'self'"
    headers = {**_headers("'self'", script), "cache-control": "max-age=86400"}
    return Response(200, file.read_bytes(), _TYPES[file.suffix], headers)


def _same(answer: Response) -> Response:
    return answer


def _file(name: str, content_type: str) -> Response:
    return Response(200, files("gateway.viewer").joinpath(name).read_bytes(), content_type, _headers("'self'"))
