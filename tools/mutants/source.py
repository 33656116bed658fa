"""A file as bytes and as a tree: where a node stands, and a fault as the replacement of a span."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from itertools import accumulate
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes `start` to `end` of a file replaced by `text`.

    A test runs it that runs a line from `first` to `last`, which are those of the statement; 1 is the first line of a file.
    What stands `outside` of functions is run at import.
    """

    file: str
    line: int
    kind: str
    start: int
    end: int
    text: str
    first: int
    last: int
    outside: bool

    def planted(self, text: bytes) -> bytes:
        """The file with the fault."""
        return text[: self.start] + self.text.encode() + text[self.end :]

    def diff(self, text: bytes) -> str:
        """The lines that change, before and after."""
        before, after = text.decode().splitlines(), self.planted(text).decode().splitlines()
        told = difflib.unified_diff(before, after, lineterm="", n=0)
        return "\n".join(line for line in told if line[:3] not in ("---", "+++") and not line.startswith("@@"))


class Source:
    """The text of a file with the places of its lines."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]

    def span(self, node: Any) -> tuple[int, int]:
        """First byte of a node and the one behind it."""
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def of(self, node: Any) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def line(self, place: int) -> int:
        """The line in which a byte stands."""
        return self.text.count(b"\n", 0, place) + 1

    def between(self, left: Any, right: Any) -> tuple[int, int]:
        """The span between two nodes."""
        return self.span(left)[1], self.span(right)[0]
