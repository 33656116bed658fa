"""Zips that others made: read as far as is asked for, and no further."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from typing import Final

_READ_IN_PIECES: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def members(files: zipfile.ZipFile) -> Sequence[zipfile.ZipInfo]:
    """What stands in a zip; `BadZipFile` where one is packed in another way than zips of texts are. Of bzip2 and LZMA the
    standard library unpacks whatever a piece of 4 KB holds at once, and that may be gigabytes.
    """
    found = files.infolist()
    if any(each.compress_type not in _READ_IN_PIECES for each in found):
        raise zipfile.BadZipFile("neither stored nor deflated")
    return found
