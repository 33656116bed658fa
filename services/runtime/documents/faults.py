"""What all documents share: their bounds, the one fault that refuses them, and text out of bytes."""

from __future__ import annotations

from collections.abc import Sequence

from services.kernel.errors import Fault, FaultKind, Violation

MAX_BYTES = 4_000_000
MAX_TABLE_BYTES = 256_000_000
MAX_DEPTH = 40
MAX_NODES = 200_000
MAX_ROWS = 2_000_000
MAX_VIOLATIONS = 100


def document_invalid(violations: Sequence[Violation], source: str) -> Fault:
    """INVALID (DOCUMENT_INVALID) with at most `MAX_VIOLATIONS` of what was found."""
    return Fault(FaultKind.INVALID, "DOCUMENT_INVALID", {"source": source}, violations=violations[:MAX_VIOLATIONS])


def text_of(data: bytes | str, source: str, most: int = MAX_BYTES) -> str:
    """The text of a document of at most `most` bytes; Raises DOCUMENT_INVALID."""
    if len(data) > most:
        raise document_invalid([Violation("", "size", f"more than {most} bytes", {"most": str(most)})], source)
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise document_invalid([Violation("", "utf8", f"byte {error.start} is not UTF-8")], source) from error
