"""Finds words in bytes however they are written: in the charsets of providers, with the escapes of JSON and of URLs, as Base64 or
hex, packed, and each of these within another; capitals or not.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote_to_bytes

CHARSETS: Final = ("utf-8", "gbk", "gb18030", "utf-16-le", "utf-16-be")
_DEEPEST: Final = 3
_ESCAPE: Final = re.compile(rb"(?:\\+u[0-9a-fA-F]{4})+")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){4,}")
_PACKED: Final = re.compile(rb"\x1f\x8b\x08|PK\x03\x04")


class Searcher:
    """Looks for the words of one bill."""

    def __init__(self, words: Iterable[str]) -> None:
        self._written: dict[bytes, str] = {}
        for word in words:
            for encoded in _charsets(word).values():
                self._written.setdefault(encoded.lower(), word)
        # The longest first, so that a word that begins another does not hide it.
        each = map(re.escape, sorted(self._written, key=len, reverse=True))
        self._pattern = re.compile(b"|".join(each), re.IGNORECASE)

    def found(self, told: bytes) -> set[str]:
        """The words that stand in some bytes."""
        return {
            self._written[match.lower()]
            for view in set(_views(told, _DEEPEST))
            for match in self._pattern.findall(view)
        }


def written(word: str) -> Mapping[str, bytes]:
    """A word in every way in which the searcher finds it, by the way's name, with something before and behind it."""
    plain = f"x{word}y"
    ways = dict(_charsets(plain))
    ways["json"] = json.dumps({"n": plain}).encode()
    ways["JSON in capitals"] = re.sub(rb"(?<=\\u)....", lambda four: four[0].upper(), ways["json"])
    ways["json in json"] = json.dumps({"n": ways["json"].decode()}).encode()
    for charset, raw in _charsets(plain).items():
        ways[f"percent {charset}"] = quote(raw).encode()
        ways[f"percent {charset} in small letters"] = quote(raw).lower().encode()
        ways[f"hex {charset}"] = b"00" + raw.hex().encode() + b"ff"
        ways[f"HEX {charset}"] = raw.hex().upper().encode()
        ways[f"odd hex {charset}"] = b"7" + raw.hex().encode()
        for shift in range(3):
            ways[f"base64 {charset} {shift}"] = b'"' + base64.b64encode(b"." * shift + raw) + b'"'
        ways[f"base64 for URLs {charset}"] = base64.urlsafe_b64encode(raw)
        ways[f"base64 within base64 {charset}"] = base64.b64encode(b"name=" + base64.b64encode(raw))
    ways["json in percent"] = quote(ways["json"]).encode()
    ways["json in base64"] = base64.b64encode(ways["json"])
    ways["base64 in percent"] = quote(base64.b64encode(plain.encode()), safe="").encode()
    ways["packed"] = b"file" + gzip.compress(plain.encode())
    return ways


def _charsets(word: str) -> dict[str, bytes]:
    """A word in each charset that has its characters."""
    found: dict[str, bytes] = {}
    for charset in CHARSETS:
        with suppress(UnicodeEncodeError):
            found[charset] = word.encode(charset)
    return found


def _views(told: bytes, depth: int) -> Iterator[bytes]:
    """The bytes, and whatever they may be the writing of."""
    yield told
    if not depth:
        return
    for opened in _opened(told):
        if opened and opened != told:
            yield from _views(opened, depth - 1)


def _opened(told: bytes) -> Iterator[bytes]:
    if b"%" in told:
        yield unquote_to_bytes(told.replace(b"+", b" "))
    if b"\\" in told:
        yield _ESCAPE.sub(_unescaped, told)
    for found in _HEX.finditer(told):
        yield binascii.unhexlify(found[0])
        yield binascii.unhexlify(found[0][1:-1])
    for found in _BASE64.finditer(told):
        # A run may begin with something else that looks like it.
        for start in range(4):
            yield from _tried(_base64, found[0][start:])
    for found in _PACKED.finditer(told):
        yield from _tried(_gunzipped, told[found.start() :])


def _tried(way: Callable[[bytes], bytes], told: bytes) -> Iterator[bytes]:
    try:
        yield way(told)
    except (ValueError, zlib.error):
        return


def _base64(run: bytes) -> bytes:
    whole = run[: len(run) - (len(run) % 4 == 1)]
    return base64.b64decode(whole.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(whole) % 4))


def _gunzipped(packed: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(packed, 1 << 20)


def _unescaped(run: re.Match[bytes]) -> bytes:
    units = re.findall(rb"u([0-9a-fA-F]{4})", run[0])
    return b"".join(map(binascii.unhexlify, units)).decode("utf-16-be", "replace").encode()
