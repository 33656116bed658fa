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
    What stands `outside` of functions, or in one that the file itself calls there, is run at import.
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
        self.called_at_import = _called_at_import(self.tree)
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


def _called_at_import(tree: ast.Module) -> frozenset[str]:
    """The functions of a file that it calls itself when it is imported, and those that these call."""
    calls = {each.name: _called(each.body) for each in tree.body if isinstance(each, ast.FunctionDef)}
    left = [*_called(tree.body)]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name in calls and name not in found:
            found.add(name)
            left += calls[name]
    return frozenset(found)


def _called(statements: list[ast.stmt]) -> set[str]:
    """The names that statements call, outside of the functions in them."""
    found: set[str] = set()
    left: list[ast.AST] = [*statements]
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        left += ast.iter_child_nodes(node)
    return found
