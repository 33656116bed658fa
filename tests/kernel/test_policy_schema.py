"""The JSON Schema of policies is made of the kinds that the parser reads, and refuses the keys and kinds that it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from services.kernel.errors import Fault
from services.kernel.policy.kinds import Either, Kind, Many, Named, Shape
from services.kernel.policy.parsing import parse_policy
from services.kernel.policy.shapes import POLICY
from tests.kernel.test_policy_parsing import NAMES, sample
from tools import policy_schema

SCHEMA: Final = Draft202012Validator(policy_schema.schema())
RICH: Final = ("jinan-employee@2025-01-01", "chengdu-employee@2023-01-01", "cross-province@2023-01-01")
Path = tuple[str | int, ...]


def parsed(document: Any) -> bool:
    try:
        parse_policy(document)
    except Fault:
        return False
    return True


def places(value: Any, kind: Kind | None, path: Path = ()) -> Iterator[tuple[Path, Any, Kind | None]]:
    """The values of a document that the shapes know, with their kinds; of a list the first."""
    yield path, value, kind
    kinds = kind.kinds if isinstance(kind, Either) else (kind,)
    for each in kinds:
        if isinstance(each, Shape) and isinstance(value, dict):
            members = {**each.required, **each.optional}
            for name, inner in value.items():
                yield from places(inner, members[name].kind, (*path, name))
        elif isinstance(each, Many) and isinstance(value, list):
            for place, inner in enumerate(value[:1]):
                yield from places(inner, each.of, (*path, place))
        elif isinstance(each, Named) and isinstance(value, dict):
            for name, inner in value.items():
                yield from places(inner, each.of, (*path, name))


def at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def broken(document: Any) -> Iterator[tuple[str, Any]]:
    """The document with one key or one kind wrong, at every place."""
    kinds = cycle([["x"], {"x": "y"}, True, "", 1.5])
    for path, value, kind in list(places(document, POLICY)):
        shapes = [each for each in (kind.kinds if isinstance(kind, Either) else (kind,)) if isinstance(each, Shape)]
        if isinstance(value, dict) and shapes:
            more = deepcopy(document)
            at(more, path)["colour"] = "red"
            yield f"{path} with an unknown key", more
            for name in shapes[0].required:
                less = deepcopy(document)
                del at(less, path)[name]
                yield f"{path} without {name}", less
        if path:
            other = deepcopy(document)
            at(other, path[:-1])[path[-1]] = wrong = next(kinds) if not isinstance(value, bool | list | dict) else 7
            yield f"{path} as {wrong!r}", other


def test_the_file_is_the_schema_of_now() -> None:
    assert policy_schema.TARGET.read_text(encoding="utf-8") == policy_schema.text(), "run python -m tools.policy_schema"


def test_it_is_a_schema_and_every_key_is_described() -> None:
    found = policy_schema.schema()
    Draft202012Validator.check_schema(found)
    shapes = [found, *(shape for name, shape in found["$defs"].items() if name != "when")]
    assert [key for shape in shapes for key, each in shape["properties"].items() if not each["description"]] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_policy_is_valid(name: str) -> None:
    assert [error.message for error in SCHEMA.iter_errors(sample(name))] == []


@pytest.mark.parametrize("name", RICH)
def test_what_is_broken_in_one_key_or_kind_is_refused_by_the_schema_and_by_the_parser(name: str) -> None:
    count = 0
    for what, document in broken(sample(name)):
        count += 1
        assert not SCHEMA.is_valid(document), what
        assert not parsed(document), what
    assert count > 50


@pytest.mark.parametrize(
    ("fact", "values"),
    [
        ("hosp_lv", ["9"]),
        ("hosp_lv", []),
        ("hosp_lv", ["1", "1"]),
        ("hosp_lv", "1"),
        ("colour", ["red"]),
        ("age", {}),
        ("age", {"min": 151}),
        ("age", {"least": 1}),
        ("age_any", []),
        ("hosp_lv_any", [{"min": 1}]),
        ("contracted", ["1"]),
        ("disease", ["心脏"]),
    ],
)
def test_a_condition_that_no_fact_has_is_refused_by_both(fact: str, values: Any) -> None:
    document = sample("jinan-employee@2025-01-01")
    document["layers"][0]["when"] = {fact: values}
    assert not SCHEMA.is_valid(document)
    assert not parsed(document)
