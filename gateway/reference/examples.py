"""Questions and answers of a sandbox, as `python -m tests.examples` played them: what the reference shows of each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import msgspec

from gateway.http import query_values
from gateway.rest import Route

_FILE: Final = "examples.json"


@dataclass(frozen=True, slots=True)
class Examples:
    """`national` has request and answer by number; `rest` the same with the path, by the method's full name."""

    national: Mapping[str, Mapping[str, Any]]
    rest: Mapping[str, Mapping[str, Any]]

    def parameters(self, route: Route) -> dict[str, str]:
        """The values that the played path has for parameters in path and query."""
        played = self.rest.get(route.method.full_name)
        if played is None:
            return {}
        path, _, query = str(played["path"]).partition("?")
        found = route.pattern.fullmatch(path)
        in_path = zip(route.names, found.groups() if found else (), strict=False)
        return {**dict(in_path), **dict(query_values(query))}


def load() -> Examples:
    """The played examples."""
    text = files("gateway.reference").joinpath(_FILE).read_bytes()
    return msgspec.json.decode(text, type=Examples)
