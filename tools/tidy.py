"""Rules about the files themselves: sizes, openings, state, addresses. `python -m tools.tidy` prints what breaks one.

It reads the files that git knows or would add, and never changes one. What a linter or a type checker already says is
not said again here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
# A proto file holds one service and its messages whole; half of its lines are comments and options.
PROTO_LINES = 700
FUNCTION_LINES = 50


class Larger(NamedTuple):
    """Leave to be larger than the limit: up to how many lines, and why splitting would be worse."""

    lines: int
    why: str


_ROW_READER: Final = "the loop that reads every value of an upload: a call for each would be felt"
LARGER: Final[Mapping[str, Larger]] = {
    "gateway/national/codec/decode.py::_row_reader": Larger(80, _ROW_READER),
    "gateway/national/codec/decode.py::read": Larger(62, _ROW_READER),
}
"""Files, by path, and functions, by `path::name`, that may be larger. Whoever adds a row has tried to split first.

A proto file is split before its first release: messages go to a file of their topic, and code imports that file. What is
released stays where it is, for buf-breaking refuses a message that moves to another file: then new messages begin a new file, and
the old one, where it must still grow (a service and its new RPCs), gets a row here. A row that is needed no more is a finding.
"""
CODE = ("services/", "gateway/", "tools/", "deploy/", "tests/")
_WAY_OUT: Final = (
    "split it by topic, or where that is worse or forbidden by a release, list it in LARGER of tools/tidy.py"
)
STATELESS = ("services/", "gateway/")
NO_ROOM = frozenset({"utils", "helpers", "common", "misc"})
MUTABLE_CALLS = frozenset(
    "list dict set bytearray defaultdict deque Counter OrderedDict WeakKeyDictionary WeakValueDictionary "
    "Lock Event Queue Semaphore Condition create_engine create_async_engine TracerProvider".split()
)
READ_ONLY = frozenset({"Mapping", "Sequence", "Collection", "AbstractSet", "Iterable"})
UNFINISHED = ".partial"
_HALF: Final = "what a killed program left half written is no file of the repository: remove it"
CLOCKS = frozenset({"now", "today", "utcnow"})
# Written so that no pattern matches its own line.
FORBIDDEN = (
    (re.compile(r"(?<![\w.$}])/(?:home|Users|work|root)/\w"), "a path of one machine"),
    (
        re.compile(r"index[-]url|find[-]links|https?://[^\s\"']*/simple\b|files\.pythonhosted|registry\.npmjs"),
        "a registry",
    ),
    (re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b|raise Not[I]mplemented"), "work left undone"),
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One broken rule: where, and what is expected instead."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def tracked(root: Path = ROOT) -> list[str]:
    """The files that git knows or would add, relative to the root, less the generated ones and the licence."""
    run = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    names = {name.decode() for name in run.stdout.split(b"\0") if name}
    return sorted(
        name for name in names if not name.startswith("protos/gen/") and name != "LICENSE" and (root / name).is_file()
    )


def findings(root: Path = ROOT, larger: Mapping[str, Larger] = LARGER) -> list[Finding]:
    """Every broken rule, in the order of the files; `larger` are the exceptions from limits of size."""
    names = tracked(root)
    found = list(_missing_packages(names))
    found += (Finding(name, 0, _HALF) for name in names if name.endswith(UNFINISHED))
    classes: dict[tuple[str, str], str] = {}
    for name in names:
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += _text_findings(name, text, larger)
        if name.endswith(".py") and name.startswith(CODE):
            found += _module_findings(name, text, larger)
            found += _class_findings(name, text, classes)
    return sorted([*found, *_larger_findings(root, larger)])


def _larger_findings(root: Path, larger: Mapping[str, Larger]) -> Iterator[Finding]:
    """Rows of the exceptions that say no reason, or that nothing needs."""
    for name, row in larger.items():
        path, _, function = name.partition("::")
        if not row.why.strip():
            yield Finding(path, 0, f"{name} may be larger, but its row in tools/tidy.py does not say why")
        if row.lines <= _limit(path, function) or _size(root / path, function) <= _limit(path, function):
            yield Finding(path, 0, f"{name} needs no leave to be larger: take its row out of tools/tidy.py")


def _limit(path: str, function: str = "") -> int:
    if function:
        return FUNCTION_LINES
    return PROTO_LINES if path.endswith(".proto") else FILE_LINES


def _size(file: Path, function: str) -> int:
    """Lines of a file, or of its largest function of that name; 0 where there is none."""
    if not file.is_file():
        return 0
    text = file.read_text(encoding="utf-8")
    if not function:
        return len(text.splitlines())
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return max((_length(node) for node in nodes if node.name == function), default=0)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _allowed(name: str, limit: int, larger: Mapping[str, Larger]) -> int:
    return larger[name].lines if name in larger else limit


def _missing_packages(names: list[str]) -> Iterator[Finding]:
    modules = [name for name in names if name.endswith(".py") and name.startswith(CODE)]
    for folder in sorted({name.rpartition("/")[0] for name in modules}):
        if f"{folder}/__init__.py" not in names:
            yield Finding(folder, 0, "a package needs an __init__.py whose docstring says what it is")


def _text_findings(name: str, text: str, larger: Mapping[str, Larger]) -> Iterator[Finding]:
    lines = text.splitlines()
    limit = _allowed(name, _limit(name), larger)
    if name.endswith((".py", ".proto", ".js", ".html")) and len(lines) > limit:
        yield Finding(name, len(lines), f"{len(lines)} lines; such a file has at most {limit}: {_WAY_OUT}")
    for number, line in enumerate(lines, 1):
        for pattern, what in FORBIDDEN:
            if pattern.search(line):
                yield Finding(name, number, f"{what} does not belong in a tracked file")


def _module_findings(name: str, text: str, larger: Mapping[str, Larger]) -> Iterator[Finding]:
    tree = ast.parse(text, name)
    if not (ast.get_docstring(tree) or "").strip():
        yield Finding(name, 1, "a module opens with a docstring: what it is, what it refuses to do")
    if name.endswith("__init__.py") and len(tree.body) > 1:
        yield Finding(name, tree.body[1].lineno, "an __init__.py holds its docstring and nothing else")
    for part in Path(name).with_suffix("").parts:
        if part in NO_ROOM:
            yield Finding(name, 0, f"there is no room called {part!r}: name the file after what it holds")
    for node in ast.walk(tree):
        yield from _function_findings(name, node, larger)
    if name.startswith(STATELESS):
        yield from _state_findings(name, tree)
    if _is_pure(name):
        yield from _clock_findings(name, tree)


def _function_findings(name: str, node: ast.AST, larger: Mapping[str, Larger]) -> Iterator[Finding]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        lines, limit = _length(node), _allowed(f"{name}::{node.name}", FUNCTION_LINES, larger)
        if lines > limit:
            told = f"{node.name} has {lines} lines; a function has at most {limit}: {_WAY_OUT}"
            yield Finding(name, node.lineno, told)


def _state_findings(name: str, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield Finding(name, node.lineno, "no module-level state: pass what changes as an argument")
    for statement in tree.body:
        match statement:
            case ast.AnnAssign(annotation=annotation, value=ast.expr() as value):
                constant = _read_only(ast.unparse(annotation), value)
            case ast.Assign(targets=targets, value=value):
                constant = [ast.unparse(target) for target in targets] == ["__all__"]
            case _:
                continue
        if _mutable(value) and not constant:
            yield Finding(
                name, statement.lineno, "no module-level state: a table is a tuple, or a filled Final or Mapping"
            )


def _class_findings(name: str, text: str, classes: dict[tuple[str, str], str]) -> Iterator[Finding]:
    """One public class name stands for one idea in a member and in the gateway; `classes` are those of the files before."""
    if not name.startswith(STATELESS):
        return
    house = name.split("/")[1 if name.startswith("services/") else 0]
    for node in ast.parse(text, name).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            first = classes.setdefault((house, node.name), name)
            if first != name:
                told = f"{node.name} stands in {first} too: in one member a word means one thing"
                yield Finding(name, node.lineno, told)


def _read_only(annotation: str, value: ast.expr) -> bool:
    """Whether nobody can fill it later: a type without setters, or Final and not empty."""
    empty = not any(getattr(value, part, None) for part in ("elts", "keys", "generators"))
    declared, _, inner = annotation.partition("[")
    return declared in READ_ONLY or (declared == "Final" and (not empty or inner.split("[")[0] in READ_ONLY))


def _mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        function = value.func
        called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        return called in MUTABLE_CALLS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def _is_pure(name: str) -> bool:
    parts = Path(name).with_suffix("").parts
    in_kernel = parts[:2] == ("services", "kernel") and parts[2] != "clock"
    return in_kernel or (parts[0] == "services" and len(parts) > 2 and parts[2] == "domain")


def _clock_findings(name: str, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield Finding(name, node.lineno, "the domain reads no clock: take the moment as an argument")


def main() -> int:
    """Prints every finding; 1 when there is one."""
    found = findings()
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
