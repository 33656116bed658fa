"""The nodes over HTTP: what one tells of a study that it holds.

A node may tell anything: its answer is bounded, and of it only the values that were asked for are ever made, in a thread, one
answer at a time. Whatever else stands in it is skipped, so that it takes neither memory nor the loop's time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from services.kernel.errors import Fault, FaultKind
from services.runtime.outgoing import Outgoing, Unanswered

_JSON: Final = "application/dicom+json"
_OK: Final = 200
_TIMEOUT_S: Final = 20.0
"""For the metadata of the largest study (our decision)."""
_RETRY_S: Final = 30.0
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of one answer: 10,000 instances with some 3 KB each (our decision)."""
CONNECTIONS: Final = 4
"""To one node at once (our decision): so many answers of it are held."""
MOST_INSTANCES: Final = 10_000
"""Of one answer: the largest study of a CT that is usual (our decision). The manifest of as many is a message of some 3 MB."""
_LONGEST_VALUE: Final = 4_096
_TIMES_NAMED: Final = 2
"""So often as there may be instances a tag of theirs may stand in an answer, in sequences too, before it is read at all."""
_HIDING: Final = re.compile(rb"\\u00(?:3[0-9]|4[1-9a-fA-F])")
"""A digit or a letter that is escaped, by which a tag could stand uncounted: who writes JSON escapes signs alone."""


ToldInstance = Mapping[str, Any]
"""The values of one instance by tag, as DICOM JSON has them (PS3.18, Annex F)."""


class _Element(msgspec.Struct, gc=False):
    """One attribute; its values are read only where they are wanted."""

    Value: msgspec.Raw = msgspec.Raw(b"[]")


class NodeMetadata:
    """Asks nodes with a ticket in the path, which no span tells. `needed` are the tags that every instance has, `tags` those that
    are wanted beside them.
    """

    def __init__(self, outgoing: Outgoing, needed: Sequence[str], tags: Sequence[str]) -> None:
        self._outgoing, self._needed, self._tags = outgoing, tuple(needed), tuple(tags)
        self._reading = asyncio.Lock()

    async def metadata(self, address: str, node_no: str) -> list[ToldInstance]:
        """The metadata of a study's instances; UNAVAILABLE NODE_AWAY where the node does not tell them, NODE_ANSWER_BROKEN where
        what it tells cannot be read."""
        try:
            answer = await self._outgoing.send(
                "node",
                "GET",
                f"{address}/metadata",
                headers={"accept": _JSON},
                timeout_s=_TIMEOUT_S,
                shown="/studies/metadata",
            )
        except Unanswered:
            raise _away(node_no) from None
        if answer.status != _OK:
            raise _away(node_no)
        async with self._reading:
            return await asyncio.to_thread(instances_of, answer.body, self._needed, self._tags)


def instances_of(told: bytes, needed: tuple[str, ...], tags: tuple[str, ...]) -> list[ToldInstance]:
    """What a node tells of instances under the tags that are wanted; UNAVAILABLE NODE_ANSWER_BROKEN where it is no DICOM JSON,
    of too many instances, nested too deep or with too long a value, or where an instance lacks a tag that is needed."""
    try:
        if min(told.count(f'"{tag}"'.encode()) for tag in needed) > MOST_INSTANCES * _TIMES_NAMED or _HIDING.search(
            told
        ):
            raise ValueError
        instances = _decoder(needed, tags).decode(told)
        if len(instances) > MOST_INSTANCES:
            raise ValueError(len(instances))
        return [_values(each, (*needed, *tags)) for each in instances]
    except (ValueError, RecursionError):
        raise Fault(FaultKind.UNAVAILABLE, "NODE_ANSWER_BROKEN", retry_after_s=_RETRY_S) from None


@lru_cache(maxsize=4)
def _decoder(needed: tuple[str, ...], tags: tuple[str, ...]) -> msgspec.json.Decoder[list[msgspec.Struct]]:
    fields: list[Any] = [(f"t{tag}", _Element) for tag in needed]
    fields += [(f"t{tag}", _Element | None, None) for tag in tags]
    instance = msgspec.defstruct("_Instance", fields, rename=lambda name: name[1:], gc=False)
    return msgspec.json.Decoder(list[instance])  # type: ignore[valid-type]  # a type that is made when it runs


def _values(instance: msgspec.Struct, tags: tuple[str, ...]) -> ToldInstance:
    found: dict[str, Any] = {}
    for tag in tags:
        element: _Element | None = getattr(instance, f"t{tag}")
        if element is not None:
            if len(memoryview(element.Value)) > _LONGEST_VALUE:
                raise ValueError(tag)
            found[tag] = {"Value": msgspec.json.decode(element.Value)}
    return found


def _away(node_no: str) -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "NODE_AWAY", {"node_no": node_no}, retry_after_s=_RETRY_S)
