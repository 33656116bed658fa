"""Zips of one text, as institutions exchange them."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

from services.runtime.zips import members
from services.settlement.domain.books.detail_files import malformed

_MOST_BYTES: Final = 32 * 1024 * 1024


def text_of(content: bytes) -> str:
    """The text of a file, or of the only one in a zip; INVALID FILE_MALFORMED."""
    if content[:2] == b"PK":
        content = _unzipped(content)
    for encoding in ("utf-8-sig", "gbk"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise malformed("file.text", "text in UTF-8 or GBK")


def _unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            (only,) = members(files)
            with files.open(only) as held:
                text = held.read(_MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, ValueError, EOFError):
        raise malformed("file.zip", "a zip of one text") from None
    if len(text) > _MOST_BYTES:
        raise malformed("file.zip", "a zip of one text")
    return text


def zipped(name: str, text: str) -> bytes:
    """A zip with that text."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(name, text)
    return held.getvalue()
