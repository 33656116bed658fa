"""Operations know their store by its types alone: they are given one, so that what they decide can be read without its rows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tools.tidy import ROOT

MODULES: Final = sorted((ROOT / "services").glob("*/operations/**/*.py"))


def types(tree: ast.Module) -> Iterator[ast.AST]:
    """Whatever says a type: annotations, and what a module names for them."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as told) | ast.AnnAssign(annotation=told):
                yield told
            case ast.FunctionDef(returns=ast.expr() as told) | ast.AsyncFunctionDef(returns=ast.expr() as told):
                yield told
    yield from (each.value for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign) and each.value)


def run_by(text: str) -> set[str]:
    """The names of a store that a module uses for more than types."""
    tree = ast.parse(text)
    of_store = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and ".store" in (node.module or "")
        for alias in node.names
    }
    told = {id(each) for node in types(tree) for each in ast.walk(node)}
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in of_store and id(node) not in told
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda each: each.relative_to(ROOT).as_posix())
def test_operations_use_their_store_in_types_alone(module: Path) -> None:
    assert run_by(module.read_text(encoding="utf-8")) == set()


def test_a_store_that_is_made_or_asked_by_name_is_found() -> None:
    head = "from services.a.store.unit import Rows, Store\nAct = Callable[[Rows], None]\n"
    assert run_by(f"{head}def f(store: Store) -> Rows:\n    return store.rows()\n") == set()
    assert run_by(f"{head}def f() -> Rows:\n    return Store().rows()\n") == {"Store"}
    assert run_by(f"{head}def f(each: object) -> bool:\n    return isinstance(each, Rows)\n") == {"Rows"}
