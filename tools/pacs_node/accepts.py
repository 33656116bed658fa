"""What a client of DICOMweb takes: the Accept header with the forms that viewers really send (PS3.18, 8.3.3 and 8.7). Pure.

OHIF leaves `type=application/octet-stream` without quotes and asks for `transfer-syntax=*`; both are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

_MOST_RANGES: Final = 20
_PARAMETER: Final = re.compile(r';\s*([A-Za-z0-9_-]+)\s*=\s*("([^"]*)"|[^;,"]*)')
_SPLIT: Final = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True, slots=True)
class Range:
    """One range: a media type in lower case, of a multipart that of its parts; a transfer syntax, empty where none is said."""

    media: str
    multipart: bool
    transfer_syntax: str = ""
    weight: float = 1.0
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)

    def takes(self, media: str) -> bool:
        """Whether it takes a media type."""
        major = media.partition("/")[0]
        return self.media in (media, "*/*", f"{major}/*")

    def takes_syntax(self, syntax: str, default: str) -> bool:
        """Whether it takes a transfer syntax, where `default` is meant if none is said."""
        return self.transfer_syntax in ("*", syntax) or (not self.transfer_syntax and syntax == default)


def ranges(header: str) -> tuple[Range, ...]:
    """The ranges of a header by their weight; an empty header takes anything, which is a multipart first (PS3.18, 8.7.3). What
    cannot be read is left out."""
    if not header.strip():
        return (Range("*/*", multipart=True), Range("*/*", multipart=False))
    found = [each for text in _SPLIT.split(header)[:_MOST_RANGES] if (each := _range(text)) is not None]
    anything = [each for each in found if each.media == "*/*" and not each.multipart]
    found = [Range("*/*", multipart=True, weight=each.weight) for each in anything] + found
    return tuple(sorted(found, key=lambda each: -each.weight))


def _range(text: str) -> Range | None:
    media, _, _ = text.partition(";")
    media = media.strip().lower()
    if "/" not in media:
        return None
    given = {name.lower(): quoted if value.startswith('"') else value.strip() for name, value, quoted in _found(text)}
    try:
        weight = float(given.get("q", "1"))
    except ValueError:
        return None
    if not 0 < weight <= 1:
        return None
    multipart = media == "multipart/related"
    inner = given.get("type", "*/*").lower() if multipart else media
    return Range(inner, multipart, given.get("transfer-syntax", ""), weight, given)


def _found(text: str) -> Iterable[tuple[str, str, str]]:
    return _PARAMETER.findall(text)
