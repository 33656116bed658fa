"""Writes `docs/hsa.policy.1.schema.json`: the JSON Schema (draft 2020-12) of policies, made of the kinds that the parser reads.

`python -m tools.policy_schema` rewrites the file, `--check` compares only. The schema knows keys, kinds, words, patterns and
facts. What binds values to each other (a table without gaps, a key that position annual needs, the percents of a method) is
the parser's alone, which tells all of it when a policy is published.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from re import Pattern
from typing import Any, Final

from services.kernel.policy.domains import CODE, FACTS, FactDomain
from services.kernel.policy.kinds import (
    Choice,
    Day,
    Either,
    Factor,
    Flag,
    Kind,
    Many,
    Member,
    Named,
    Null,
    Percent,
    Shape,
    Text,
    When,
    Whole,
    Yuan,
)
from services.kernel.policy.reading import MAX_ITEMS, MAX_TEXT
from services.kernel.policy.shapes import POLICY, SCHEMA
from tools.tidy import ROOT

TARGET: Final = ROOT / "docs" / "hsa.policy.1.schema.json"
Json = dict[str, Any]

_YUAN: Final = r"^{sign}[0-9]{{1,15}}(?:\.[0-9]{{1,2}}0{{0,10}})?$"
_PERCENT: Final = r"^{sign}[0-9]{{1,6}}(?:\.[0-9]{{1,6}})?%$"
_FACTOR: Final = r"^[+]?[0-9]{1,15}(?:\.[0-9]{1,12})?$"
_FEN: Final = 100


def schema() -> Json:
    """The schema as it should be."""
    shapes: dict[str, Json] = {}
    root = _shape(POLICY, shapes)
    facts = {"when": _when()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "$comment": "Made by python -m tools.policy_schema from services/kernel/policy. Rules between values are the parser's.",
        **root,
        "$defs": {name: shapes[name] for name in sorted(shapes)} | facts,
    }


def text() -> str:
    """The file."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def _shape(shape: Shape, shapes: dict[str, Json]) -> Json:
    members = {**shape.required, **shape.optional}
    found: Json = {
        "type": "object",
        "description": shape.about,
        "properties": {name: _member(each, shapes) for name, each in members.items()},
        "required": list(shape.required),
        "additionalProperties": False,
    }
    if shape.one:
        found["oneOf"] = [{"required": [name]} for name in shape.one]
    return found


def _member(member: Member, shapes: dict[str, Json]) -> Json:
    return {"description": member.about, **_kind(member.kind, shapes)}


def _kind(kind: Kind | None, shapes: dict[str, Json]) -> Json:
    match kind:
        case Shape():
            if kind.name not in shapes:
                shapes[kind.name] = {}
                shapes[kind.name] = _shape(kind, shapes)
            return {"$ref": f"#/$defs/{kind.name}"}
        case Either():
            return {"anyOf": [_kind(each, shapes) for each in kind.kinds]}
        case Many():
            return {"type": "array", "items": _kind(kind.of, shapes), "minItems": kind.least, "maxItems": MAX_ITEMS}
        case Named():
            return _named(kind, shapes)
        case When():
            return {"$ref": "#/$defs/when"}
        case _:
            return _plain(kind)


def _plain(kind: Kind | None) -> Json:
    match kind:
        case Text():
            pattern = {} if kind.pattern is None else {"pattern": _whole(kind.pattern)}
            return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, **pattern}
        case Choice(words=words, pattern=pattern):
            known: Json = {"enum": list(words)}
            return known if pattern is None else {"anyOf": [known, {"type": "string", "pattern": _whole(pattern)}]}
        case Whole():
            return {"type": "integer", "minimum": kind.low, "maximum": kind.high}
        case Flag():
            return {"type": "boolean"}
        case Day():
            return {"type": "string", "pattern": "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"}
        case Null():
            return {"type": "null"}
        case Yuan():
            whole: Json = {"type": "integer", "minimum": -(-kind.least_fen // _FEN)}
            return {"anyOf": [whole, {"type": "string", "pattern": _YUAN.format(sign="[+]?")}]}
        case Percent():
            return {"type": "string", "pattern": _PERCENT.format(sign="[+-]?" if kind.low < 0 else "[+]?")}
        case Factor():
            return {"type": "string", "pattern": _FACTOR}
        case _:
            raise TypeError(f"no schema for {kind}")


def _named(kind: Named, shapes: dict[str, Json]) -> Json:
    inner = _kind(kind.of, shapes)
    found: Json = {"type": "object"}
    if isinstance(kind.key, tuple):
        found |= {"properties": dict.fromkeys(kind.key, inner), "additionalProperties": False}
    else:
        found |= {"propertyNames": {"pattern": _whole(kind.key)}, "additionalProperties": inner}
    if kind.exactly is not None:
        found |= {"minProperties": kind.exactly, "maxProperties": kind.exactly}
    return found


def _when() -> Json:
    """A condition over the declared facts."""
    facts: Json = {}
    excluding: list[Json] = []
    for name, domain in FACTS.items():
        if not domain.numeric:
            facts[name] = {"type": "array", "minItems": 1, "uniqueItems": True, "items": _values(domain)}
            continue
        bound = {"type": "integer", "minimum": domain.low, "maximum": domain.high}
        interval = {
            "type": "object",
            "properties": {"min": bound, "max": bound},
            "additionalProperties": False,
            "minProperties": 1,
        }
        facts[name] = interval
        facts[f"{name}_any"] = {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": interval}
        excluding.append({"not": {"required": [name, f"{name}_any"]}})
    return {
        "type": "object",
        "description": "A case: each fact has one of the values, or lies in one of the ranges. Empty for every case.",
        "properties": facts,
        "additionalProperties": False,
        "allOf": excluding,
    }


def _values(domain: FactDomain) -> Mapping[str, Any]:
    if domain.open:
        return {"type": "string", "pattern": _whole(CODE)}
    return {"enum": [*domain.values, *domain.beside]}


def _whole(pattern: Pattern[str]) -> str:
    return f"^(?:{pattern.pattern})$"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file, or says that it is stale; 1 then."""
    parser = argparse.ArgumentParser(prog="python -m tools.policy_schema", description="The JSON Schema of policies.")
    parser.add_argument("--check", action="store_true", help="compare only")
    if not parser.parse_args(arguments).check:
        TARGET.write_text(text(), encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == text():
        return 0
    print(f"{TARGET.name} is stale: run python -m tools.policy_schema")
    return 1


if __name__ == "__main__":
    sys.exit(main())
