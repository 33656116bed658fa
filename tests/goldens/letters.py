"""An answer as it is kept: its status, and the JSON of its body with one field a line, every number in the digits of the body.

What differs from run to run is told by three rules, each of which looks at the form of a value before it hides it:

- a number that the mesh makes (16 digits of the moment in microseconds, then 4 random ones, and a cell's six may stand before
  them) becomes the name of the place where the scene first shows it: `<setl_id of 2207>`. The moment must be one of the scene's;
- `inf_refmsgid` keeps region and second, which must be the present one; the ten digits of its serial become `<serial>`;
- a secret of `SECRETS` becomes the name of its place likewise, where it has the form that stands there.

All else stands as it was answered, moments too: the clock of the scenes stands still. Of a file (9102) its texts are kept.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import httpx

from services.kernel.clock import stamp_text, to_micros

INDENT: Final = "  "
MADE: Final = re.compile(r"(?<!\d)(\d{6})?(\d{16})\d{4}(?!\d)")
REFERENCE: Final = re.compile(r"(\d{6})(\d{14})\d{10}")
SLACK: Final = timedelta(milliseconds=1)
"""Several numbers of one moment go on from each other by less than a microsecond each."""
SECRETS: Final[Mapping[str, re.Pattern[str]]] = {
    "ecToken": re.compile(r"[0-9a-f]{40}"),
    "payToken": re.compile(r"[0-9a-f]{32}"),
    "revsToken": re.compile(r"[0-9a-f]{32}"),
}
FILE: Final = "application/octet-stream"


class Digits(str):
    """A number as JSON wrote it."""

    __slots__ = ()


class NotKept(AssertionError):
    """An answer of a form that no golden holds."""


def read(body: str) -> Any:
    """The value of a JSON text without a blank and without a needless escape, as the gateway writes: it is that text again."""
    value = read_loosely(body)
    if written(value) != body:
        raise NotKept(f"another JSON text says the same: {body[:200]}")
    return value


def read_loosely(text: str) -> Any:
    """The value of any JSON text, its numbers in their digits."""
    return json.loads(text, parse_int=Digits, parse_float=Digits, object_pairs_hook=_once)


def written(value: Any, indent: str = "", begin: str = "") -> str:
    """The JSON text of a value; with an `indent`, one field a line."""
    if isinstance(value, Digits):
        return value
    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    inner, colon = begin + indent, ": " if indent else ":"
    if isinstance(value, dict):
        rows = [f"{json.dumps(name)}{colon}{written(each, indent, inner)}" for name, each in value.items()]
    else:
        rows = [written(each, indent, inner) for each in value]
    opens, closes = "{}" if isinstance(value, dict) else "[]"
    if not indent or not rows:
        return f"{opens}{','.join(rows)}{closes}"
    return f"{opens}\n{inner}" + f",\n{inner}".join(rows) + f"\n{begin}{closes}"


class Names:
    """The names that a scene gives to what differs from run to run. The scene began at a moment; `now` is its clock."""

    def __init__(self, began: datetime, now: Callable[[], datetime]) -> None:
        self._began = to_micros(began)
        self._now = now
        self._named: dict[str, str] = {}

    def kept(self, step: str, response: httpx.Response) -> str:
        """The golden of an answer; NotKept where a value has not the form that its rule wants."""
        kind = response.headers["content-type"]
        body = _texts(response.content) if kind == FILE else read(response.content.decode())
        told = {"status": Digits(response.status_code), "type": kind, "body": self._named_in(body, "", step)}
        return written(told, INDENT) + "\n"

    def _named_in(self, value: Any, name: str, step: str) -> Any:
        if isinstance(value, dict):
            return {key: self._named_in(each, key, step) for key, each in value.items()}
        if isinstance(value, list):
            return [self._named_in(each, name, step) for each in value]
        if not isinstance(value, str) or isinstance(value, Digits):
            return value
        if name == "inf_refmsgid":
            return self._reference(value)
        if name in SECRETS and value:
            if not SECRETS[name].fullmatch(value):
                raise NotKept(f"{name} of {step} has not the form {SECRETS[name].pattern}")
            return self._name(value, name, step)
        return MADE.sub(lambda found: self._made(found, name, step), value)

    def _reference(self, value: str) -> str:
        found = REFERENCE.fullmatch(value)
        if found is None or found[2] != stamp_text(self._now()):
            raise NotKept(f"inf_refmsgid {value} is not region, second and serial")
        return f"{found[1]}{found[2]}<serial>"

    def _made(self, found: re.Match[str], name: str, step: str) -> str:
        latest = to_micros(self._now() + SLACK)
        return self._name(found[0], name, step) if self._began <= int(found[2]) <= latest else found[0]

    def _name(self, value: str, name: str, step: str) -> str:
        """The place where the scene first shows a value; where one place shows several, which of them it is."""
        if value not in self._named:
            place = f"{name} of {step}"
            places = (place if number == 1 else f"{place}, {number}" for number in count(1))
            taken = set(self._named.values())
            self._named[value] = next(each for each in places if each not in taken)
        return f"<{self._named[value]}>"


def _texts(file: bytes) -> dict[str, list[str]]:
    """The lines of each text in a zip."""
    with zipfile.ZipFile(io.BytesIO(file)) as made:
        return {name: made.read(name).decode().splitlines(keepends=True) for name in made.namelist()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, each name once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotKept(f"a name stands twice in {list(found)}")
    return found
