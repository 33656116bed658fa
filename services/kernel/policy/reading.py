"""Typed reading of a plain document that gathers every violation with its path instead of stopping at the first.

Readers answer a harmless stand-in where something is wrong, so that reading goes on; whoever owns the `Findings` must
refuse the document when it is not empty. Only plain JSON kinds pass: text, whole numbers, true, false, null, lists, maps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import TypeVar

from services.kernel.errors import Fault, Violation
from services.kernel.money import fen_of_yuan, percent_of, ratio_of, yuan_text
from services.kernel.policy.kinds import Choice, Kind, Many, Named, Percent, Shape, Text, Whole, Yuan, kinds_of

K = TypeVar("K")

MAX_DEPTH = 24
MAX_TEXT = 2000
MAX_ITEMS = 400
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Findings:
    """The violations of one document, at most one for each path: the first says what matters."""

    def __init__(self) -> None:
        self._by_path: dict[str, Violation] = {}

    def add(self, path: str, rule: str, description: str, **values: str) -> None:
        """Records a violation unless its path has one; `values` are those that the rule's text names."""
        self._by_path.setdefault(path, Violation(path, rule, description, values))

    def __bool__(self) -> bool:
        return bool(self._by_path)

    def all(self) -> tuple[Violation, ...]:
        """All of them, in the order found."""
        return tuple(self._by_path.values())


def scan_kinds(value: object, path: str, findings: Findings, depth: int = 0) -> None:
    """Records what no policy document may hold anywhere: floats, dates, keys that are not text, absurd depth or size."""
    if depth > MAX_DEPTH:
        findings.add(path, "depth", f"nested deeper than {MAX_DEPTH}")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                findings.add(
                    f"{path}[{key!r}]", "key.text", "a key must be text (YAML reads on, off, 1 as something else)"
                )
            else:
                scan_kinds(inner, f"{path}.{key}" if path else key, findings, depth + 1)
    elif isinstance(value, list):
        if len(value) > MAX_ITEMS:
            findings.add(path, "items", f"more than {MAX_ITEMS} entries", most=str(MAX_ITEMS))
        for place, inner in enumerate(value[:MAX_ITEMS]):
            scan_kinds(inner, f"{path}[{place}]", findings, depth + 1)
    elif isinstance(value, float):
        findings.add(path, "float", "a float is never exact: write a whole number, a decimal text or a percent text")
    elif isinstance(value, str):
        if len(value) > MAX_TEXT:
            findings.add(path, "text.length", f"longer than {MAX_TEXT} characters", most=str(MAX_TEXT))
    elif value is not None and type(value) not in (bool, int):
        findings.add(path, "kind", f"{type(value).__name__} is not a plain value; dates must be quoted text")


class Node:
    """A value with its path. `missing` nodes were reported already and stay silent.

    Where its kind is told, readings without arguments ask for what the kind says; a kind that has no such reading is
    a LookupError.
    """

    __slots__ = ("findings", "kind", "missing", "path", "value")

    def __init__(
        self, value: object, path: str, findings: Findings, kind: Kind | None = None, *, missing: bool = False
    ) -> None:
        self.kind = kind
        self.value = value
        self.path = path
        self.findings = findings
        self.missing = missing

    def wrong(self, rule: str, description: str, **values: str) -> None:
        """Records that this value breaks a rule."""
        if not self.missing:
            self.findings.add(self.path, rule, description, **values)

    def _inner(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _as(self, wanted: type[K]) -> K:
        for kind in kinds_of(self.kind):
            if isinstance(kind, wanted):
                return kind
        raise LookupError(f"{self.path} is read as {wanted.__name__} but is {self.kind}")

    def fields(self, required: Iterable[str] | None = None, optional: Iterable[str] = ()) -> dict[str, Node]:
        """The members of a map. Required ones are always in the answer, optional ones where present; others are wrong.

        Without `required` they are those of the shape; some of its optional ones, where they are told.
        """
        kinds: dict[str, Kind] = {}
        if required is None:
            shape = self._as(Shape)
            kinds = {name: each.kind for name, each in (*shape.required.items(), *shape.optional.items())}
            required, optional = shape.required, optional or shape.optional
        known = tuple(required)
        found: dict[str, Node] = {}
        content: Mapping[object, object] = {}
        absent = self.missing
        if isinstance(self.value, Mapping):
            content = self.value
        else:
            self.wrong("map", "a map is expected")
            absent = True
        allowed = {*known, *optional}
        for key, value in content.items():
            if isinstance(key, str) and key in allowed:
                found[key] = Node(value, self._inner(key), self.findings, kinds.get(key))
            elif isinstance(key, str):
                names = ", ".join(sorted(allowed))
                self.findings.add(self._inner(key), "unknown_key", f"unknown key; known here: {names}", known=names)
        for key in known:
            if key not in found:
                if not absent:
                    self.findings.add(self._inner(key), "required", "is required")
                found[key] = Node(None, self._inner(key), self.findings, kinds.get(key), missing=True)
        return found

    def entries(self, *, least: int | None = None) -> list[Node]:
        """The members of a list."""
        many = Many(None, 0) if self.kind is None else self._as(Many)
        least = many.least if least is None else least
        if not isinstance(self.value, list):
            self.wrong("list", "a list is expected")
            return []
        if len(self.value) < least:
            self.wrong("list.least", f"at least {least} entries", least=str(least))
        return [Node(value, f"{self.path}[{place}]", self.findings, many.of) for place, value in enumerate(self.value)]

    def pairs(self) -> list[tuple[str, Node]]:
        """The members of a map with free keys."""
        if not isinstance(self.value, Mapping):
            self.wrong("map", "a map is expected")
            return []
        of = next((kind.of for kind in kinds_of(self.kind) if isinstance(kind, Named)), None)
        return [(k, Node(v, self._inner(k), self.findings, of)) for k, v in self.value.items() if isinstance(k, str)]

    def text(self, pattern: re.Pattern[str] | None = None) -> str:
        """A text that is not empty, whole under the pattern."""
        if not isinstance(self.value, str) or not self.value:
            self.wrong("text", "a text is expected")
            return ""
        if pattern is None and self.kind is not None:
            pattern = self._as(Text).pattern
        if pattern is not None and pattern.fullmatch(self.value) is None:
            self.wrong("pattern", f"must look like {pattern.pattern}", pattern=pattern.pattern)
            return ""
        return self.value

    def choice(self, allowed: Iterable[str] | None = None) -> str:
        """One of the known words; the first of them stands in for anything else."""
        known = self._as(Choice).words if allowed is None else tuple(allowed)
        if isinstance(self.value, str) and self.value in known:
            return self.value
        self.wrong("choice", f"one of {', '.join(known)}", allowed=", ".join(known))
        return known[0]

    def integer(self, low: int | None = None, high: int | None = None) -> int:
        """A whole number within bounds; true and false are none."""
        if low is None or high is None:
            low, high = self._as(Whole).low, self._as(Whole).high
        if type(self.value) is not int or not low <= self.value <= high:
            told = f"a whole number from {low} to {high} is expected"
            self.wrong("integer.range", told, low=str(low), high=str(high))
            return low
        return self.value

    def flag(self) -> bool:
        """true or false."""
        if not isinstance(self.value, bool):
            self.wrong("bool", "true or false is expected")
            return False
        return self.value

    def day(self) -> date:
        """A date as text, `2025-01-31`."""
        if isinstance(self.value, str) and _DATE.fullmatch(self.value):
            try:
                return date.fromisoformat(self.value)
            except ValueError:
                self.wrong("date", "no such day")
                return date.min
        self.wrong("date", 'a day as text, "2025-01-31", is expected')
        return date.min

    def yuan(self) -> int:
        """An amount in yuan, a whole number or a decimal text, answered in fen."""
        least_fen = 0 if self.kind is None else self._as(Yuan).least_fen
        if isinstance(self.value, bool) or not isinstance(self.value, int | str):
            self.wrong("money", "yuan as a whole number or a decimal text are expected")
            return 0
        try:
            fen = fen_of_yuan(self.value)
        except Fault as fault:
            self.wrong("money", fault.violations[0].description)
            return 0
        if fen < least_fen:
            self.wrong("money.least", f"at least {least_fen} fen", least=yuan_text(least_fen))
            return 0
        return fen

    def percent(self, low: int | None = None, high: int | None = None) -> Fraction:
        """A percent text within bounds (in percent), as a fraction."""
        if low is None or high is None:
            low, high = self._as(Percent).low, self._as(Percent).high
        try:
            ratio = percent_of(self.value if isinstance(self.value, str) else "")
        except Fault as fault:
            self.wrong("percent", fault.violations[0].description)
            return Fraction(0)
        if not Fraction(low, 100) <= ratio <= Fraction(high, 100):
            self.wrong("percent.range", f"from {low}% to {high}%", low=str(low), high=str(high))
            return Fraction(0)
        return ratio

    def factor(self) -> Fraction:
        """A decimal text that is not negative, exactly."""
        try:
            value = ratio_of(self.value if isinstance(self.value, str) else "")
        except Fault:
            self.wrong("factor", 'a decimal text such as "0.06" is expected')
            return Fraction(0)
        if value < 0:
            self.wrong("factor", "must not be negative")
            return Fraction(0)
        return value
