"""One request while it is read: where its values come from, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.national.codec.notes import Notes, Shape
from gateway.national.codec.refusing import violation_of
from gateway.national.codec.scalars import Unfit
from gateway.national.codec.spelling import Spelling
from services.kernel.errors import Violations

Row = dict[str, Any]
Values = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """One request while it is read: its envelope, its `input`, the request key, what was found wrong, and where somebody
    wants them, notes of what is lenient."""

    envelope: Row
    root: Row
    request_key: str
    notes: Notes | None = None
    violations: Violations = field(default_factory=Violations)

    def refuse(self, path: str, unfit: Unfit) -> None:
        """Notes a value that does not fit."""
        if not self.violations.full():
            self.violations.append(violation_of(path, unfit))

    def spelt(self, how: Spelling, raw: Any, place: str, key: str, shape: Shape) -> None:
        """Notes a value that was read, where the text writes it otherwise."""
        odd = how.odd(raw) if self.notes is not None else None
        if odd is not None and self.notes is not None:
            self.notes.value(place, key, shape, odd.rule, odd.values)
