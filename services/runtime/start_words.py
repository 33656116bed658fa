"""The words after `python -m services`: which members run here, and how. A start reads them, and its health check again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from services import cells, mesh
from services.runtime.config import ConfigError

ALL: Final = "all"
STORE: Final = "store"
HEALTH: Final = "health"


def parser() -> argparse.ArgumentParser:
    """Reads members, places and settings; it ends the program where it cannot, as argparse does."""
    made = argparse.ArgumentParser(
        prog="python -m services",
        description="Starts all members of the mesh, or some.",
        epilog=f"python -m services {STORE} --help: check, upgrade, backup and restore of stores; "
        f"python -m services {HEALTH} --help: do the members that run here answer?",
    )
    add_members(made)
    placed = made.add_mutually_exclusive_group()
    placed.add_argument("--split", action="store_true", help="every member in a process of its own")
    placed.add_argument("--single", action="store_true", help="the gateway in the process of the other members")
    made.add_argument("--workers", type=int, default=0, help="processes of each member (needs PostgreSQL)")
    made.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return made


def add_members(made: argparse.ArgumentParser) -> None:
    """The words that every command about members takes: their names, cells and settings."""
    made.add_argument("members", nargs="*", default=ALL, choices=(ALL, *mesh.names()), metavar="MEMBER",
                      help=f"{ALL} (default) or {', '.join(mesh.names())}")  # fmt: skip
    made.add_argument("--cells", default="", metavar="CODE,…", help=f"of these cells: {', '.join(cells.codes())}")
    made.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, before the environment"
    )


def chosen(options: argparse.Namespace) -> list[str]:
    """The members named, in start order."""
    named = [options.members] if isinstance(options.members, str) else options.members
    return [each.name for each in mesh.start_order() if ALL in named or each.name in named]


def overrides(options: argparse.Namespace) -> dict[str, str]:
    """The settings that the words say; ConfigError where one is no NAME=VALUE."""
    return settings(options.set) | ({"YIBAO_CELLS": options.cells} if options.cells else {})


def settings(given: Sequence[str]) -> dict[str, str]:
    """What `--set` says; ConfigError where one is no NAME=VALUE."""
    return dict(_pair(each) for each in given)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ConfigError([f"--set {text}: expected NAME=VALUE"])
    return name, value
