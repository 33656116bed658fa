"""Every fault that could be planted in a file, and the sample that is.

Nothing is planted in annotations, decorators, names of types, docstrings, imports, assertions and what is logged: no rule of the
field stands there.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from tools.mutants.kinds import KINDS, Function
from tools.mutants.source import Fault, Source

_PASSED_OVER: Final = (ast.Import, ast.ImportFrom, ast.Assert, ast.JoinedStr, ast.Global, ast.Nonlocal)
_UNREAD: Final = frozenset({"annotation", "returns", "decorator_list", "type_comment", "bases", "type_params"})
_COMPOUND: Final = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_LOGGING: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


def faults_in(file: str, text: bytes) -> list[Fault]:
    """All of a file, in the order of the text."""
    source = Source(text)
    return list(_in(source, file, source.tree, None, (1, 1)))


def sample(root: Path, groups: Mapping[str, Sequence[str]], count: int, seed: str) -> list[Fault]:
    """So many faults of an area, drawn by the seed: an equal share for each group as far as it goes, no line twice.

    A line is drawn first, then a fault of it, so that a long line has no better chance. The same files, count and seed give the
    same sample on every machine.
    """
    drawn = {group: _drawn(root, files, f"{seed}:{group}") for group, files in groups.items()}
    chosen: list[Fault] = []
    while drawn and len(chosen) < count:
        for group in list(drawn):
            found = next(drawn[group], None)
            if found is None:
                del drawn[group]
            elif len(chosen) < count:
                chosen.append(found)
    return chosen


def _drawn(root: Path, files: Sequence[str], seed: str) -> Iterator[Fault]:
    chance = random.Random(seed)
    lines: dict[tuple[str, int], list[Fault]] = defaultdict(list)
    for file in files:
        for fault in faults_in(file, (root / file).read_bytes()):
            lines[file, fault.line].append(fault)
    places = sorted(lines)
    chance.shuffle(places)
    for place in places:
        choice = lines[place]
        chance.shuffle(choice)
        fitting = (each for each in choice if _changes(each, (root / each.file).read_bytes()))
        yield from islice(fitting, 1)


def _changes(fault: Fault, text: bytes) -> bool:
    """Whether a file with the fault is Python, and another program than before."""
    try:
        planted = ast.parse(fault.planted(text))
    except SyntaxError:
        return False
    return ast.dump(planted) != ast.dump(ast.parse(text))


def _in(source: Source, file: str, node: ast.AST, function: Function, lines: tuple[int, int]) -> Iterator[Fault]:
    if isinstance(node, ast.stmt):
        lines = _lines(node)
    kind = KINDS.get(type(node))
    if kind is not None:
        for name, start, end, text in kind(source, node, function):
            at_import = function is None or function.name in source.called_at_import
            yield Fault(file, source.line(start), name, start, end, text, *lines, at_import)
    inside = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
    for field, value in ast.iter_fields(node):
        if field in _UNREAD:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_passed_over(child):
                yield from _in(source, file, child, inside, lines)


def _lines(node: ast.stmt) -> tuple[int, int]:
    """Those of a statement; of one that holds others, those of its head."""
    if isinstance(node, _COMPOUND):
        inner = node.cases[0].pattern if isinstance(node, ast.Match) else node.body[0]
        return node.lineno, max(node.lineno, inner.lineno - 1)
    return node.lineno, node.end_lineno or node.lineno


def _is_of_types(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("TypeVar", "NewType")


def _is_passed_over(node: ast.AST) -> bool:
    if isinstance(node, _PASSED_OVER) or (isinstance(node, ast.Assign) and _is_of_types(node.value)):
        return True
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if not isinstance(node, ast.Expr):
        return False
    said = node.value
    if isinstance(said, ast.Call) and isinstance(said.func, ast.Attribute) and said.func.attr in _LOGGING:
        return "log" in ast.unparse(said.func.value).lower()
    return isinstance(said, ast.Constant)
