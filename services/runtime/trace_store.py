"""Reads the local span file: finds traces by a business number and builds their trees. It never writes.

A commit serves many traces at once and lies in none of them; it is shown under every span that it is linked to;
so is what was sent out of its transaction later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

_COLUMNS: Final = "trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, code, reason, attributes"
_MAX_SPANS: Final = 10_000
_MOST_JOINED: Final = 20
# A request, the commit that served it, and what went out of that commit's transaction later.
_DEEPEST: Final = 2


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One kept span; `code` is "" where it did not fail."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    code: str
    reason: str
    attributes: dict[str, Any]

    @property
    def duration_ms(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Node:
    """A span with what happened under it, in order of time; `linked` marks a span of another trace."""

    span: StoredSpan
    children: tuple[Node, ...]
    linked: bool = False


class TraceStore:
    """The span file of a machine."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, key: str) -> list[str]:
        """Traces in which a business number occurs (msgid, request id, setl_id, mdtrt_id), the latest first."""
        query = (
            "SELECT trace_id, max(row) AS latest FROM span_keys WHERE value = ? GROUP BY trace_id ORDER BY latest DESC"
        )
        return [row[0] for row in self._rows(query, (key,))]

    def joined(self, key: str) -> list[str]:
        """Traces to which the spans with a business number are linked: of what came back later, what it came back to."""
        query = (
            "SELECT DISTINCT link.trace_id FROM span_keys AS named JOIN span_links AS link ON link.row = named.row "
            "JOIN spans AS span ON span.trace_id = link.trace_id AND span.span_id = link.span_id WHERE named.value = ? "
            f"ORDER BY span.id DESC LIMIT {_MOST_JOINED}"
        )
        return [row[0] for row in self._rows(query, (key,))]

    def spans(self, trace_id: str) -> list[StoredSpan]:
        """The kept spans of one trace, in order of their beginning."""
        query = f"SELECT {_COLUMNS} FROM spans WHERE trace_id = ? ORDER BY start_ns LIMIT {_MAX_SPANS}"
        return [_span(row) for row in self._rows(query, (trace_id,))]

    def all_spans(self) -> list[StoredSpan]:
        """Every kept span, in order of writing."""
        return [_span(row) for row in self._rows(f"SELECT {_COLUMNS} FROM spans ORDER BY id", ())]

    def tree(self, trace_id: str) -> tuple[Node, ...]:
        """The trace as trees, with the commits linked to its spans and what is linked to those; a span whose parent was not
        kept is a root."""
        return _trees(self.spans(trace_id), self._linked(trace_id, (trace_id,)))

    def _linked(self, trace_id: str, above: tuple[str, ...]) -> dict[str, list[Node]]:
        """What hangs under the spans of a trace, by their ids; `above` are the traces under which that one hangs."""
        hung: dict[str, list[Node]] = {}
        if len(above) > _DEEPEST:
            return hung
        query = (
            "SELECT link.span_id, span.trace_id, span.span_id FROM span_links AS link "
            "JOIN spans AS span ON span.id = link.row WHERE link.trace_id = ? AND span.trace_id <> ?"
        )
        for at, other, span_id in self._rows(query, (trace_id, trace_id)):
            if other not in above:
                for root in _trees(self.spans(other), self._linked(other, (*above, other)), span_id):
                    hung.setdefault(at, []).append(Node(root.span, root.children, linked=True))
        return hung

    def edges(self) -> frozenset[tuple[str, str]]:
        """Which service was seen calling which."""
        query = (
            "SELECT DISTINCT caller.service, callee.service FROM spans AS callee JOIN spans AS caller "
            "ON caller.trace_id = callee.trace_id AND caller.span_id = callee.parent_id "
            "WHERE caller.service <> callee.service"
        )
        return frozenset((row[0], row[1]) for row in self._rows(query, ()))

    def _rows(self, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        if not self._file.exists():
            return []
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=5.0)) as connection:
            return connection.execute(query, parameters).fetchall()


def _span(row: tuple[Any, ...]) -> StoredSpan:
    trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, code, reason, attributes = row
    return StoredSpan(
        trace_id,
        span_id,
        parent_id,
        service,
        name,
        kind,
        start_ns,
        end_ns,
        code,
        reason,
        msgspec.json.decode(attributes),
    )


def _trees(spans: Iterable[StoredSpan], hung: dict[str, list[Node]], top: str | None = None) -> tuple[Node, ...]:
    """Nodes without a parent among `spans`, or the one whose id is `top`."""
    by_id = {span.span_id: span for span in spans}
    below: dict[str, list[StoredSpan]] = {}
    for span in by_id.values():
        if span.parent_id in by_id and span.parent_id is not None:
            below.setdefault(span.parent_id, []).append(span)

    def node(span: StoredSpan) -> Node:
        children = [node(child) for child in below.get(span.span_id, ())] + hung.get(span.span_id, [])
        return Node(span, tuple(sorted(children, key=lambda child: child.span.start_ns)))

    roots = [by_id[top]] if top in by_id and top else [each for each in by_id.values() if each.parent_id not in by_id]
    return tuple(node(root) for root in sorted(roots, key=lambda span: span.start_ns))
