"""Files that institutions upload and download (9101, 9102)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from services.kernel.errors import Fault, not_found

KEPT_FOR: Final = timedelta(days=7)
"""For how long a file is kept (our decision)."""


MOST_FILES: Final = 100
"""How many an institution has at once; the oldest goes where one more comes (our decision): 2 MB each at most."""


COMPARED_FOR: Final = timedelta(days=92)
"""For how long it is kept what a comparison came to: as long as payment keeps bills (our decision)."""
MOST_COMPARED: Final = 1000
"""Comparisons that are kept of an institution; the oldest goes (our decision)."""


class File(NamedTuple):
    """A file of an institution; moments are microseconds UTC."""

    file_qury_no: str
    fixmedins_code: str
    filename: str
    content: bytes
    made_at: int
    ends_at: int


def no_file(file_qury_no: str) -> Fault:
    """NOT_FOUND FILE_NOT_FOUND; also another institution's."""
    return not_found("FILE_NOT_FOUND", file_qury_no=file_qury_no)
