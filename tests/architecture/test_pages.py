"""A page says where the next one begins: whoever reads a list to its end would stop at the first page, and take it for all."""

from __future__ import annotations

import ast
from typing import Final

import pytest

from services.runtime.contract import Contract
from tools.tidy import ROOT

TOKEN: Final = "next_page_token"
PAGES: Final = {
    method.response_class.DESCRIPTOR.name
    for method in Contract.of_mesh().methods.values()
    if TOKEN in method.response_class.DESCRIPTOR.fields_by_name
}
SERVICERS: Final = sorted(ROOT.glob("services/*/servicer/**/*.py"))


def made(text: str) -> list[tuple[str, bool]]:
    """The pages that a module makes, and whether each is told where the next one begins."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    names = [each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "") for each in calls]
    return [
        (name, any(each.arg == TOKEN for each in call.keywords))
        for name, call in zip(names, calls, strict=True)
        if name in PAGES
    ]


def test_every_page_that_is_made_says_where_the_next_one_begins() -> None:
    found = {path.relative_to(ROOT).as_posix(): made(path.read_text(encoding="utf-8")) for path in SERVICERS}
    assert {(path, name) for path, pages in found.items() for name, told in pages if not told} == set()
    assert {name for pages in found.values() for name, _ in pages} == PAGES


@pytest.mark.parametrize(("told", "kept"), [("next_page_token=token_of(page.end)", True), ("", False)])
def test_a_page_without_is_found(told: str, kept: bool) -> None:
    assert made(f"pb.ListGrantsResponse({told})") == [("ListGrantsResponse", kept)]
