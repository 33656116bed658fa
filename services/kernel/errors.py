"""The one expected failure of the mesh: a `Fault` with a kind, a reason and every number its text names.

A Fault is raised anywhere, becomes a `google.rpc.Status` in one interceptor, a Fault again in the caller and a problem
body in the gateway. It carries no text: texts stand in one table, in Chinese and English, keyed by the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

MOST_VIOLATIONS: Final = 20
"""Broken fields that one refusal names; the rest are counted."""

MORE_VIOLATIONS: Final = "more_violations"
"""Name in a fault's metadata under which stands how many broken fields it does not name: `480`, or `480+` for at least."""

AWAY: Final = frozenset(
    ("PEER_UNAVAILABLE", "DEADLINE_EXCEEDED", "TOO_MANY_CALLS", "SHUTTING_DOWN", "STORE_UNAVAILABLE")
)
"""Reasons by which one who was asked does not answer now; the same question may be answered later."""


class FaultKind(Enum):
    """What the caller can do about it; the value is the canonical gRPC status code's name."""

    INVALID = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "ALREADY_EXISTS"
    PRECONDITION = "FAILED_PRECONDITION"
    DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    UNAVAILABLE = "UNAVAILABLE"
    EXHAUSTED = "RESOURCE_EXHAUSTED"
    DEADLINE = "DEADLINE_EXCEEDED"
    UNSERVED = "UNIMPLEMENTED"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken field: its path in the request (`bill.chrg_bchno`, `lines[3].cnt`), a rule id, what was expected in
    English, and the values that the rule's text names. The values stay where it was made: over the wire go its two texts,
    and `chinese` is the Chinese one of a violation that came so."""

    path: str
    rule: str
    description: str = ""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    chinese: str = field(default="", compare=False)


class Violations(list[Violation]):
    """Broken fields of one request as they are found: the first `most` are kept, `more` is the number of the rest.

    `open_ended` where not everything was looked at: there are `more` at least.
    """

    def __init__(self, most: int = MOST_VIOLATIONS) -> None:
        self._most = most
        self.more = 0
        self.open_ended = False
        super().__init__()

    def full(self) -> bool:
        """True where no more are kept; then one more is counted. Asked before a violation is worded, which costs."""
        if len(self) < self._most:
            return False
        self.more += 1
        return True

    def add(self, violation: Violation) -> None:
        """Keeps one, or counts it."""
        if not self.full():
            self.append(violation)


class Fault(Exception):
    """An expected refusal.

    `reason` is UPPER_SNAKE and stands in `error_reason.proto`; `metadata` holds every value that the text names, as
    text; `violations` all broken fields; `retry_after_s` is set when waiting helps. Never holds personal data; only `told`
    may, bytes for a member that serves the same elsewhere, which stand in no text and leave by the contract's field alone.
    """

    def __init__(
        self,
        kind: FaultKind,
        reason: str,
        metadata: Mapping[str, str] | None = None,
        *,
        violations: Iterable[Violation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.kind = kind
        self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})
        if isinstance(violations, Violations) and violations.more:
            self.metadata[MORE_VIOLATIONS] = f"{violations.more}{'+' if violations.open_ended else ''}"
        self.violations: tuple[Violation, ...] = tuple(violations)
        self.retry_after_s = retry_after_s
        self.told = b""
        super().__init__(reason)

    def __repr__(self) -> str:
        return f"Fault({self.kind.name}, {self.reason}, {self.metadata}, {list(self.violations)})"


def invalid(path: str, rule: str, description: str = "", *, reason: str = "INVALID_REQUEST", **metadata: str) -> Fault:
    """An INVALID fault with one violation; the texts of both may name the metadata."""
    return Fault(FaultKind.INVALID, reason, metadata, violations=[Violation(path, rule, description, metadata)])


def not_found(reason: str, **metadata: str) -> Fault:
    """A NOT_FOUND fault; the metadata names what was looked for, never by a personal number."""
    return Fault(FaultKind.NOT_FOUND, reason, metadata)


def conflict(reason: str, **metadata: str) -> Fault:
    """A CONFLICT fault: the same name or request id stands for something else already."""
    return Fault(FaultKind.CONFLICT, reason, metadata)


def precondition(reason: str, **metadata: str) -> Fault:
    """A PRECONDITION fault: the state of the encounter, person or ledger does not allow it now."""
    return Fault(FaultKind.PRECONDITION, reason, metadata)


def denied(reason: str, **metadata: str) -> Fault:
    """A DENIED fault: this caller may not do this."""
    return Fault(FaultKind.DENIED, reason, metadata)
