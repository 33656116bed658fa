"""The Chinese names of fields, from the file that `tools.field_names` writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

import msgspec


@dataclass(frozen=True, slots=True)
class FieldNames:
    """`names` as most transactions have them, `apart` those that one number calls otherwise."""

    names: Mapping[str, str]
    apart: Mapping[str, Mapping[str, str]]

    def of(self, infno: str, names: Iterable[str]) -> str:
        """What a transaction calls the field that has one of these names, "" where no name is known."""
        apart = self.apart.get(infno, {})
        last = [name.rpartition(".")[2] for name in names]
        return next((apart.get(name) or self.names[name] for name in last if name in self.names), "")


def load() -> FieldNames:
    """The names of all served fields."""
    return msgspec.json.decode(files("gateway.reference").joinpath("field_names.json").read_bytes(), type=FieldNames)
