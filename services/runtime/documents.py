"""Strict reading of YAML, JSON and CSV into plain values, for files that decide about money.

YAML is read by the rules that all its versions agree on: what one loader takes for a number, a boolean or a date and
another for text is refused with its place and must be quoted. Anchors and aliases work, within a bound. Nothing is guessed,
no object is built, no float passes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from services.kernel.errors import Fault, FaultKind, Violation

MAX_BYTES = 4_000_000
MAX_CSV_BYTES = 256_000_000
MAX_DEPTH = 40
MAX_NODES = 200_000
MAX_CSV_ROWS = 2_000_000
MAX_VIOLATIONS = 100

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER_LIKE = re.compile(
    r"[-+]?(?:\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
_BOOLEAN_LIKE = frozenset("yes no on off y n true false".split())
_NULLS = frozenset(("", "~", "null"))


def document_invalid(violations: Sequence[Violation], source: str) -> Fault:
    """INVALID (DOCUMENT_INVALID) with at most `MAX_VIOLATIONS` of what was found."""
    return Fault(FaultKind.INVALID, "DOCUMENT_INVALID", {"source": source}, violations=violations[:MAX_VIOLATIONS])


def read_document(path: Path) -> object:
    """A file by its suffix: `.json` as JSON, `.yaml` or `.yml` as YAML. Raises DOCUMENT_INVALID."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return read_json(data, path.name)
    if path.suffix in (".yaml", ".yml"):
        return read_yaml(data, path.name)
    raise document_invalid([Violation("", "suffix", ".json, .yaml or .yml")], path.name)


def _text_of(data: bytes | str, source: str, most: int = MAX_BYTES) -> str:
    if len(data) > most:
        raise document_invalid([Violation("", "size", f"more than {most} bytes")], source)
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise document_invalid([Violation("", "utf8", f"byte {error.start} is not UTF-8")], source) from error


class _Composer(yaml.BaseLoader):
    """Composes nodes without giving any scalar a meaning; refuses explicit tags and absurd depth on the way."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's parser is untyped
        if getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(None, None, "explicit tags are refused", event.start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH}", event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)  # type: ignore[arg-type]  # stub wants a Node
        self.depth -= 1
        return node


def read_yaml(data: bytes | str, source: str = "") -> object:
    """One YAML document as text, whole numbers, true, false, null, lists and maps with text keys.

    Raises INVALID (DOCUMENT_INVALID) with every violation: duplicate or non-text keys, floats, `on`/`off`/`yes`/`no`,
    `1_000`, `0o17`, `12:30`, explicit tags, more than one document, expansion beyond `MAX_NODES`. Dates stay text.
    """
    text = _text_of(data, source)
    try:
        loader = _Composer(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise document_invalid([Violation(place, "yaml", str(error.problem))], source) from error
    except yaml.YAMLError as error:
        raise document_invalid([Violation("", "yaml", "characters that YAML does not allow")], source) from error
    builder = _Builder(source)
    value = builder.build(root, "", 0) if root is not None else None
    if builder.violations:
        raise document_invalid(builder.violations, source)
    return value


class _Builder:
    """Turns composed nodes into plain values, counting every visit: an alias costs as much as what it stands for."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.visited = 0
        self.violations: list[Violation] = []

    def wrong(self, node: yaml.Node, path: str, rule: str, text: str) -> None:
        self.violations.append(Violation(path, rule, f"line {node.start_mark.line + 1}: {text}"))

    def build(self, node: yaml.Node, path: str, depth: int) -> object:
        self.visited += 1
        if self.visited > MAX_NODES or depth > MAX_DEPTH:
            bound = f"more than {MAX_NODES} nodes or {MAX_DEPTH} levels once its aliases are expanded"
            raise document_invalid([Violation(path, "expansion", bound)], self.source)
        if isinstance(node, yaml.MappingNode):
            return self._map(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(inner, f"{path}[{place}]", depth + 1) for place, inner in enumerate(node.value)]
        return self._scalar(node, path)

    def _map(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, object]:
        content: dict[str, object] = {}
        for key_node, inner in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.wrong(key_node, path, "key.text", "a key must be text")
                continue
            key = self._scalar(key_node, f"{path}.<key>" if path else "<key>")
            if not isinstance(key, str):
                self.wrong(key_node, path, "key.text", f"the key {key_node.value} is not text; quote it")
                continue
            place = f"{path}.{key}" if path else key
            if key in content:
                self.wrong(key_node, place, "key.duplicate", "the key stands twice")
            content[key] = self.build(inner, place, depth + 1)
        return content

    def _scalar(self, node: yaml.Node, path: str) -> object:
        text: str = node.value
        if getattr(node, "style", None) is not None:
            return text
        if text in _NULLS:
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.fullmatch(text) and text != "-0":
            return int(text)
        if text.lower() in _BOOLEAN_LIKE or text in ("Null", "NULL"):
            self.wrong(node, path, "yaml.boolean", f"{text} means different things to different readers; quote it")
        elif _NUMBER_LIKE.fullmatch(text):
            self.wrong(node, path, "yaml.number", f"{text} is no plain whole number; quote it as a decimal text")
        elif text in ("<<", "="):
            self.wrong(node, path, "yaml.merge", "merge keys are refused; use an alias")
        return text


def read_json(data: bytes | str, source: str = "") -> object:
    """One JSON document without floats, duplicate keys or NaN. Raises DOCUMENT_INVALID."""
    violations: list[Violation] = []

    def refuse_number(text: str) -> str:
        violations.append(Violation("", "json.number", f"{text} is no whole number; write it as text"))
        return text

    def whole(text: str) -> int | str:
        return int(text) if len(text) <= 19 else refuse_number(text)

    def refuse_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
        content = dict(pairs)
        if len(content) != len(pairs):
            violations.append(Violation("", "key.duplicate", f"a key stands twice among {', '.join(content)[:200]}"))
        return content

    try:
        value: object = json.loads(
            _text_of(data, source),
            parse_float=refuse_number,
            parse_int=whole,
            parse_constant=refuse_number,
            object_pairs_hook=refuse_twice,
        )
    except json.JSONDecodeError as error:
        raise document_invalid([Violation(f"line {error.lineno}", "json", error.msg)], source) from error
    except RecursionError as error:
        raise document_invalid([Violation("", "depth", "nested too deep")], source) from error
    if violations:
        raise document_invalid(violations, source)
    return value


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A data row: the line of the file it ends on, and its cells by column, all text, nothing trimmed or guessed."""

    line: int
    cells: dict[str, str]


def read_csv(
    data: bytes | str, required: Sequence[str], optional: Sequence[str] | None = (), source: str = ""
) -> tuple[CsvRow, ...]:
    """The rows of a comma-separated file with a header.

    The header names every required column once, optional ones at will, no others, in any order; with `optional` None any
    other column is the caller's to judge. Every row has exactly as many cells. Raises DOCUMENT_INVALID with every bad line.
    """
    reader = csv.reader(io.StringIO(_text_of(data, source, MAX_CSV_BYTES), newline=""), strict=True)
    violations: list[Violation] = []
    rows: list[CsvRow] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            if header is None:
                header = cells
                violations.extend(_header_violations(header, required, optional))
                if violations:
                    break
            elif len(cells) != len(header):
                told = f"{len(cells)} cells under {len(header)} columns"
                violations.append(Violation(f"line {reader.line_num}", "csv.cells", told))
            elif len(rows) >= MAX_CSV_ROWS:
                violations.append(Violation(f"line {reader.line_num}", "csv.rows", f"more than {MAX_CSV_ROWS} rows"))
                break
            else:
                rows.append(CsvRow(reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        violations.append(Violation(f"line {reader.line_num}", "csv", str(error)))
    if header is None:
        violations.append(Violation("line 1", "csv.header", "a header is required"))
    if violations:
        raise document_invalid(violations, source)
    return tuple(rows)


def _header_violations(
    header: Sequence[str], required: Sequence[str], optional: Sequence[str] | None
) -> Iterator[Violation]:
    for name in required:
        if name not in header:
            yield Violation("line 1", "csv.column", f"the column {name} is missing")
    for place, name in enumerate(header):
        if name in header[:place]:
            yield Violation("line 1", "csv.column", f"the column {name} stands twice")
        elif optional is not None and name not in required and name not in optional:
            yield Violation("line 1", "csv.column", f"the column {name[:80]} is unknown")
