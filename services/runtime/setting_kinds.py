"""How the text of a setting is read, by kind: each reader gives the value, or ValueError with the words for what it wants.
And which settings do not go together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from services import cells

CLOCK_OFFSET: Final = "CLOCK_OFFSET_S"
"""How the names end of the settings that move clocks."""

_TEN_YEARS_S: Final = 315_360_000
_ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?")


def _one_of(*words: str) -> Callable[[str], object]:
    def read(raw: str) -> object:
        if raw.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return raw.lower()

    return read


def _folder(raw: str) -> object:
    """A question mark would end the path in the URL of a database, which then stood elsewhere."""
    if "?" in raw:
        raise ValueError("a path without a question mark")
    return Path(raw)


def _flag(raw: str) -> object:
    if raw.lower() not in ("on", "off", "1", "0", "true", "false", "yes", "no"):
        raise ValueError("on or off")
    return raw.lower() in ("on", "1", "true", "yes")


def _trunks(raw: str) -> object:
    """It was a flag until there were sockets: the words of one still hold."""
    if raw.lower() == "grpc":
        return "grpc"
    try:
        return "on" if _flag(raw) else "off"
    except ValueError:
        raise ValueError("one of on, grpc, off") from None


def _number(low: float, high: float, words: str, whole: bool) -> Callable[[str], object]:
    def read(raw: str) -> object:
        try:
            value = int(raw) if whole else float(raw)
        except ValueError:
            raise ValueError(words) from None
        if not low <= value <= high:
            raise ValueError(words)
        return value

    return read


def _address(raw: str) -> object:
    host, _, port = raw.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("host:port")
    return raw


def _key(raw: str) -> object:
    if len(raw.encode()) < 32:
        raise ValueError("at least 32 characters long")
    return raw


def _hour(raw: str) -> object:
    """An hour of a day, or "off"."""
    if raw.lower() == "off" or (raw.isdecimal() and int(raw) < 24):
        return raw.lower()
    raise ValueError("an hour from 0 to 23, or off")


def _origins(raw: str) -> object:
    """Scheme, host and port of each, as a browser sends them in `Origin`: never a star, never `null`, never a path."""
    for each in raw.split(","):
        if not _ORIGIN.fullmatch(each.strip().casefold()):
            raise ValueError("origins as https://host:port, with commas")
    return raw


def _cell(raw: str) -> object:
    if raw.strip() not in cells.codes():
        raise ValueError("a cell: " + ", ".join(cells.codes()))
    return raw.strip()


def _cells(raw: str) -> object:
    """Codes with commas, each once, in the order of the table."""
    given = {each.strip() for each in raw.split(",")}
    if not given <= set(cells.codes()):
        raise ValueError("cells with commas, out of " + ", ".join(cells.codes()))
    return tuple(code for code in cells.codes() if code in given)


KINDS: Final[Mapping[str, Callable[[str], object]]] = {
    "text": str,
    "path": Path,
    "folder": _folder,
    "flag": _flag,
    "address": _address,
    "key": _key,
    "origins": _origins,
    "cell": _cell,
    "cells": _cells,
    "trunks": _trunks,
    "port": _number(0, 65535, "a port, 0 to 65535", whole=True),
    # The batch RPCs of the contract take no more items.
    "batch": _number(1, 64, "a whole number from 1 to 64", whole=True),
    "count": _number(1, 1 << 31, "a whole number of at least 1", whole=True),
    "offset": _number(-_TEN_YEARS_S, _TEN_YEARS_S, "a whole number of seconds, at most ten years", whole=True),
    "days": _number(1, 36_500, "a whole number of days, at most a hundred years", whole=True),
    "hour": _hour,
    "seconds": _number(0.0, 86400.0, "a number of seconds", whole=False),
    "ratio": _number(0.0, 1.0, "a number from 0 to 1", whole=False),
    "level": _one_of("debug", "info", "warning", "error"),
    "exporter": _one_of("sqlite", "otlp", "none"),
    "placement": _one_of("grpc", "local"),
    "tls": _one_of("auto", "on", "off"),
    "notices": _one_of("grpc", "nats"),
    "replicas": _number(1, 5, "a whole number from 1 to 5", whole=True),
}


def contradictions(values: Mapping[str, object]) -> list[str]:
    """Settings each of which is right, and that do not go together."""
    if values.get("YIBAO_MESH_KEY") and values.get("YIBAO_MESH_KEY_FILE"):
        return ["YIBAO_MESH_KEY_FILE: YIBAO_MESH_KEY is set as well; give one of the two"]
    moved = [name for name, value in values.items() if name.endswith(CLOCK_OFFSET) and value]
    if moved and not values.get("YIBAO_SANDBOX"):
        return [f"{name}: only a sandbox's clocks are moved (YIBAO_SANDBOX=on)" for name in moved]
    if values.get("YIBAO_NOTICES") == "nats" and not values.get("YIBAO_NATS_URL"):
        return ["YIBAO_NOTICES: nats needs the servers in YIBAO_NATS_URL"]
    own, known = values.get("YIBAO_CELL"), values.get("YIBAO_CELLS")
    if own and isinstance(known, tuple) and own not in known:
        return [f"YIBAO_CELL: {own} is none of YIBAO_CELLS ({', '.join(known)})"]
    workers, pool = values.get("YIBAO_COMMIT_WORKERS"), values.get("YIBAO_DATABASE_POOL")
    if isinstance(workers, int) and isinstance(pool, int) and workers > pool:
        return [f"YIBAO_COMMIT_WORKERS: {workers} commits need as many connections, YIBAO_DATABASE_POOL has {pool}"]
    return []
