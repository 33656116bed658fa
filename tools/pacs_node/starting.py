"""What a node and a feed are told on the command line, read so that a mistake is told before anything begins."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

NODE_NO: Final = re.compile(r"[A-Z0-9]{1,20}")
INSTITUTION: Final = re.compile(r"[HP]\d{11}")
_DAY: Final = re.compile(r"\d{8}")


def form(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    """A reader of texts of one form; ArgumentTypeError says `what` is expected."""

    def checked(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise argparse.ArgumentTypeError(f"{what}, like {pattern.pattern}")
        return text

    return checked


def day(text: str) -> str:
    """A day as DICOM writes it; ArgumentTypeError where it is none."""
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is expected, yyyyMMdd, like 20260315") from None
    return text


def address(text: str) -> str:
    """The URL of a server; ArgumentTypeError where it has no scheme or host."""
    try:
        told = urlsplit(text)
        is_one = told.scheme in ("http", "https") and bool(told.hostname) and (told.port is None or told.port > 0)
    except ValueError:
        is_one = False
    if not is_one:
        raise argparse.ArgumentTypeError("a URL is expected, like http://127.0.0.1:7400")
    return text


def key(text: str) -> str:
    """The key that a file holds; ArgumentTypeError where it cannot be read, or holds none."""
    try:
        found = Path(text).read_text(encoding="ascii").strip()
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"{text} cannot be read ({error.strerror}): write the node's key of role NODE into it"
        ) from None
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{text} holds no key: it is no text of ASCII") from None
    if not found or len(found.split()) > 1:
        raise argparse.ArgumentTypeError(f"{text} holds no key: one line with the node's key of role NODE is expected")
    return found
