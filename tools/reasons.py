"""Rules about error reasons: what code raises is declared, what is declared is raised, explained and worded twice.

Reads the code as text trees and imports nothing of it but the table of texts. A reason that code puts together at run
time is not seen here; the house style refuses those.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENUM = "yibao.common.v1.ErrorReason"
PREFIX = "ERROR_REASON_"
ERRORS = ROOT / "services" / "kernel" / "errors.py"
TEXTS = "services.runtime.texts.table"
PLACES = ("services", "gateway", "tools")
REASON = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_QUOTED = re.compile(rf"""["']{REASON.pattern}["']""")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def problems(declared: Collection[str], comments: Mapping[str, str], named: Collection[str] = ()) -> list[str]:
    """Every broken rule; `comments` are those of the contract by full name, `named` the reasons in its options."""
    if not declared:
        return [f"{ENUM}: the enum of reasons is missing"]
    said = _said()
    raised = {reason: place for each in said for reason, place in each.raised}
    words = {word for each in said for word in each.words} | set(named)
    found = [f"{place}: the reason {r} is not declared in {ENUM}" for r, place in raised.items() if r not in declared]
    found += [f"an option names the reason {r}, which is not declared in {ENUM}" for r in set(named) - set(declared)]
    for reason in declared:
        if not comments.get(f"{ENUM}.{PREFIX}{reason}"):
            found.append(f"{ENUM}: {reason} has no comment")
        if reason not in words:
            found.append(f"{ENUM}: {reason} is declared, but no code raises it")
    for name, comment in comments.items():
        _, errors, listed = comment.partition("Errors:")
        found += [f"{name}: names the error {r}, which is not declared" for r in _unknown(listed, declared) if errors]
    return found + list(_text_problems(declared))


def _unknown(listed: str, declared: Collection[str]) -> list[str]:
    return sorted(set(REASON.findall(listed)) - set(declared))


@dataclass(frozen=True, slots=True)
class _Said:
    """Of one module: reasons that it raises, each with its place, and every word that might be one."""

    raised: tuple[tuple[str, str], ...]
    words: frozenset[str]


@cache
def _said() -> tuple[_Said, ...]:
    """Every module that may raise, read once a process; no tree is built where nothing in quotes might be a reason.

    Python before 3.11.8 sometimes loses count of its depth where trees are built beside other threads (CPython issue 106905).
    """
    makers, found = _makers(), []
    for path in _modules():
        text = path.read_text(encoding="utf-8")
        if _QUOTED.search(text):
            nodes = list(ast.walk(ast.parse(text)))
            found.append(_Said(tuple(_raised(path, nodes, makers)), frozenset(_words(nodes))))
    return tuple(found)


def _modules() -> list[Path]:
    modules = (path for place in PLACES for path in sorted((ROOT / place).rglob("*.py")))
    wordings = ROOT / Path(*TEXTS.split(".")[:-1])
    return [path for path in modules if not path.is_relative_to(wordings)]


def _makers() -> dict[str, int]:
    """Callables of the kernel that take a reason, with its place among the positional arguments (-1: by name only)."""
    makers: dict[str, int] = {}
    for node in ast.parse(ERRORS.read_text(encoding="utf-8")).body:
        functions = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in functions:
            if isinstance(function, ast.FunctionDef):
                names = [argument.arg for argument in function.args.args if argument.arg != "self"]
                if "reason" in [*names, *(argument.arg for argument in function.args.kwonlyargs)]:
                    name = node.name if isinstance(node, ast.ClassDef) else function.name
                    makers[name] = names.index("reason") if "reason" in names else -1
    return makers


def _raised(path: Path, nodes: Iterable[ast.AST], makers: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in makers:
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
        if 0 <= makers[called] < len(node.args):
            given.append(node.args[makers[called]])
        for word in (word for value in given for word in _words(ast.walk(value))):
            yield word, f"{path.relative_to(ROOT)}:{node.lineno}"


def _words(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and REASON.fullmatch(node.value):
            yield node.value


def _text_problems(declared: Collection[str]) -> Iterator[str]:
    try:
        texts: Mapping[str, tuple[str, str]] = importlib.import_module(TEXTS).TEXTS
    except ModuleNotFoundError as error:
        yield f"{TEXTS}: {error}"
        return
    for reason in sorted(set(declared) - texts.keys()):
        yield f"{TEXTS}: {reason} has no text"
    for reason in sorted(texts.keys() - set(declared)):
        yield f"{TEXTS}: {reason} is not declared in {ENUM}"
    for reason, (chinese, english) in texts.items():
        if not CHINESE.search(chinese) or CHINESE.search(english) or not english.strip():
            yield f"{TEXTS}: {reason} needs a Chinese and an English text, in this order"
