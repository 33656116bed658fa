"""GBK, which old hospital systems speak: whether a body is in it, and answers written in it.

GB18030 is read, for it holds every character and GBK is a part of it. What is written is GBK alone: what that lacks goes
out as a JSON escape, which every client reads. It guesses nothing: bytes that are damaged UTF-8 are told, not read as GBK.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_GBK: Final = frozenset({"gbk", "gb2312", "gb18030", "gb18030-2000", "gb18030-2022", "cp936", "936", "ms936"})
_GBK_ALIASES: Final = frozenset({"x-gbk", "windows-936", "gb_2312-80", "csgb2312", "euc-cn"})
_ESCAPED: Final = "yibao.json_escape"
# Bytes that begin no UTF-8 character of three bytes or four. All Chinese takes so many; two is what GBK looks like by chance.
_SHORT: Final = bytes(range(0xE0))
_PART: Final = 65_536


@lru_cache(maxsize=256)
def declares_gbk(content_type: str) -> bool:
    """Whether a Content-Type names GBK or one of its kin."""
    found = _CHARSET.search(content_type)
    return found is not None and found[1].casefold() in _GBK | _GBK_ALIASES


def text_of(body: bytes, declared_gbk: bool) -> str | None:
    """The text of a body, without a byte order mark; None where it is neither UTF-8 nor GBK.

    UTF-8 wins where the bytes are UTF-8, whatever was declared, for headers are copied and bodies are not; but not where
    GBK was declared and the UTF-8 would be Latin, Greek or Cyrillic letters only, which is what two bytes of GBK look like.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None if _is_damaged_utf8(body) else _from_gbk(body)
    if declared_gbk and not text.isascii() and not _long_characters(body):
        return _from_gbk(body) or text
    return text


def to_gbk(text: str) -> bytes:
    """JSON text in GBK."""
    # Named in a table of the process, as Python has it; to name it again changes nothing.
    codecs.register_error(_ESCAPED, _escaped)
    return text.encode("gbk", _ESCAPED)


def _from_gbk(body: bytes) -> str | None:
    try:
        return "".join(_decoded(body, "gb18030", "strict"))
    except UnicodeDecodeError:
        return None


def _decoded(body: bytes, charset: str, errors: str) -> Iterator[str]:
    """The text of a body, part by part: one call on megabytes would hold the interpreter, and the loop with it."""
    decoder = codecs.getincrementaldecoder(charset)(errors)
    for start in range(0, len(body), _PART):
        yield decoder.decode(body[start : start + _PART], start + _PART >= len(body))


def _is_damaged_utf8(body: bytes) -> bool:
    """Whether half of what is not ASCII, or more, is UTF-8 in three bytes or four: a broken character makes no GBK of it."""
    long = broken = 0
    for shown in _decoded(body, "utf-8", "replace"):
        broken += shown.count("\N{REPLACEMENT CHARACTER}")
        long += _long_characters(shown.encode())
    return long >= 2 * broken


def _long_characters(utf8: bytes) -> int:
    return len(utf8.translate(None, _SHORT))


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].encode("utf-16-be")
    return "".join(f"\\u{lacking[i : i + 2].hex()}" for i in range(0, len(lacking), 2)), error.end
