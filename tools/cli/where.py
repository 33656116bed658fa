"""Where the mesh is that a command means: its address and its data folder, if nobody says them.

`make up` leaves its address in its data folder for as long as it runs, so that a sandbox on another port is found too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from services import cells, mesh

URL_VARIABLE: Final = "YIBAO_URL"
UP_FOLDER: Final = Path(".yibao") / "up"
ADDRESS_FILE: Final = "gateway.url"
KEY_FILE: Final = "operator.key"
_HOST: Final = "127.0.0.1"


class NoAddress(Exception):
    """What was given as the mesh's address is none; the text says what to write."""


def url_of(environ: Mapping[str, str], cell: str = "") -> str:
    """YIBAO_URL; else the gateway's host and port where the settings name them; else a sandbox that runs in this folder;
    else the default port. Of a cell that is named the variable is not asked: it speaks of one gateway.
    """
    if not cell and (named := environ.get(URL_VARIABLE)):
        return named
    code = cell or cells.SANDBOX
    setting = "YIBAO_GATEWAY_PORT" if code == cells.SANDBOX else f"YIBAO_{code}_GATEWAY_PORT"
    host, port = environ.get("YIBAO_GATEWAY_HOST"), environ.get(setting)
    if not (host or port) and (found := running_here(environ, code)):
        return found
    here = _HOST if not host or host in ("0.0.0.0", "::") else host  # not bound here, only understood
    return f"http://{f'[{here}]' if ':' in here else here}:{port or mesh.Seat(mesh.member(mesh.GATEWAY), code).port}"


def folder_of(environ: Mapping[str, str]) -> Path:
    """The data folder of the mesh on this machine: YIBAO_DATA_DIR, else that of `make up`."""
    return Path(environ.get("YIBAO_DATA_DIR") or UP_FOLDER)


def address_file(folder: Path, cell: str = cells.SANDBOX) -> Path:
    """Where a sandbox in that data folder leaves the address of a cell's gateway."""
    return (folder if cell == cells.SANDBOX else folder / "cells" / cell) / ADDRESS_FILE


def running_here(environ: Mapping[str, str], cell: str = cells.SANDBOX) -> str:
    """The address of the sandbox that runs in this folder, "" where none does."""
    try:
        return address_file(folder_of(environ), cell).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def operator_key(environ: Mapping[str, str], url: str) -> str:
    """The operator's key of the sandbox that runs in this folder at that address, "" for any other.

    The file is readable by its own user only, who started that mesh.
    """
    if url.rstrip("/") not in {running_here(environ, code) for code in cells.codes()} - {""}:
        return ""
    try:
        return (folder_of(environ) / KEY_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def checked(url: str) -> str:
    """The address; NoAddress where it has no scheme, another one than HTTP's, no host or no port that there is."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme not in ("http", "https"):
        raise NoAddress(f"http://{rest if colon else url}")
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole or any(letter.isspace() for letter in url):
        raise NoAddress(f"{scheme}://127.0.0.1:{mesh.member(mesh.GATEWAY).port}")
    return url
