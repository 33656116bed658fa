"""Rules about the files themselves: sizes, openings, state, addresses. `python -m tools.tidy` prints what breaks one.

It reads the files that git knows or would add, and never changes one. What a linter or a type checker already says is
not said again here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
# A proto file holds one service and its messages whole; half of its lines are comments and options.
PROTO_LINES = 700
FUNCTION_LINES = 50
CODE = ("services/", "gateway/", "tools/", "deploy/", "tests/")
STATELESS = ("services/", "gateway/")
NO_ROOM = frozenset({"utils", "helpers", "common", "misc"})
MUTABLE_CALLS = frozenset(
    "list dict set bytearray defaultdict deque Counter OrderedDict WeakKeyDictionary WeakValueDictionary "
    "Lock Event Queue Semaphore Condition create_engine create_async_engine TracerProvider".split()
)
READ_ONLY = frozenset({"Mapping", "Sequence", "Collection", "AbstractSet", "Iterable"})
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


def findings(root: Path = ROOT) -> list[Finding]:
    """Every broken rule, in the order of the files."""
    names = tracked(root)
    found = list(_missing_packages(names))
    for name in names:
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += _text_findings(name, text)
        if name.endswith(".py") and name.startswith(CODE):
            found += _module_findings(name, text)
    return sorted(found)


def _missing_packages(names: list[str]) -> Iterator[Finding]:
    modules = [name for name in names if name.endswith(".py") and name.startswith(CODE)]
    for folder in sorted({name.rpartition("/")[0] for name in modules}):
        if f"{folder}/__init__.py" not in names:
            yield Finding(folder, 0, "a package needs an __init__.py whose docstring says what it is")


def _text_findings(name: str, text: str) -> Iterator[Finding]:
    lines = text.splitlines()
    limit = PROTO_LINES if name.endswith(".proto") else FILE_LINES
    if name.endswith((".py", ".proto", ".js", ".html")) and len(lines) > limit:
        yield Finding(name, len(lines), f"{len(lines)} lines; such a file has at most {limit}")
    for number, line in enumerate(lines, 1):
        for pattern, what in FORBIDDEN:
            if pattern.search(line):
                yield Finding(name, number, f"{what} does not belong in a tracked file")


def _module_findings(name: str, text: str) -> Iterator[Finding]:
    tree = ast.parse(text, name)
    if not (ast.get_docstring(tree) or "").strip():
        yield Finding(name, 1, "a module opens with a docstring: what it is, what it refuses to do")
    if name.endswith("__init__.py") and len(tree.body) > 1:
        yield Finding(name, tree.body[1].lineno, "an __init__.py holds its docstring and nothing else")
    for part in Path(name).with_suffix("").parts:
        if part in NO_ROOM:
            yield Finding(name, 0, f"there is no room called {part!r}: name the file after what it holds")
    for node in ast.walk(tree):
        yield from _function_findings(name, node)
    if name.startswith(STATELESS):
        yield from _state_findings(name, tree)
    if _is_pure(name):
        yield from _clock_findings(name, tree)


def _function_findings(name: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield Finding(name, node.lineno, f"{node.name} has {lines} lines; a function has at most {FUNCTION_LINES}")


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
