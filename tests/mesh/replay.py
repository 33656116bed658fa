"""Sends the messages of a journal again and tells where an answer is not what it was: a store keeps its word over releases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import httpx

_PATH: Final = "/fsi/api/rsfComIfsService/callService"
# What stands is told as it stands; only the end of a journal asks for it when nothing changes any more.
_READS: Final = frozenset({"1101", "1201", "2001", "2206", "2303", "5201", "5202", "5203", "5204", "5206"})
_AFRESH: Final = frozenset({"/v1/credentials:showCode"})


def writes(journal: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The messages that left an entry."""
    return (each for each in journal if each["name"] not in _READS | _AFRESH)


def looked_up(journal: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The questions at the end, after which nothing was written."""
    last = max(place for place, each in enumerate(journal) if each["name"] not in _READS)
    return iter(journal[last + 1 :])


async def otherwise(http: httpx.AsyncClient, messages: Iterator[Mapping[str, Any]]) -> list[str]:
    """Where the answers differ, one text a message. What an answer says beyond the old one is no difference."""
    found: list[str] = []
    for number, each in enumerate(messages):
        sent = dict(each["sent"])
        if each["name"].startswith("/"):
            key = {"Authorization": f"Bearer {sent.pop('apiKey')}"}
            answer = await http.post(each["name"], json=sent, headers=key)
        else:
            answer = await http.post(f"{_PATH}/{each['name']}", json=sent)
        was, now = _told(each["answer"]), _told(answer.text)
        found += [f"{number} {each['name']} {path}" for path in _differences(was, now, "")]
    return found


def _told(text: str) -> Any:
    """An answer without what belongs to its message alone."""
    body = json.loads(text)
    return (
        {"infcode": body["infcode"], "err_msg": body["err_msg"], "output": body["output"]}
        if "infcode" in body
        else body
    )


def _differences(was: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name, value in was.items():
            yield from _differences(value, now.get(name), f"{path}.{name}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differences(old, new, f"{path}[{place}]")
    elif was != now:
        yield f"{path}: {was!r} ≠ {now!r}"
