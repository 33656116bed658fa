"""What the load generator is told and what it tells, as JSON: it is a process of its own, so that it can be watched alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

OPEN, CLOSED, CHAINS = "open", "closed", "chains"

MDTRT_ID_HOLE = b"@" * 20
"""Stands in the requests of a chain where the number of its visit belongs: as long as that number."""

CHAIN = ("1101", "2201", "2203", "2204", "2206", "2207")
"""The transactions of an out-patient visit, in order."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A load. `open`: Poisson arrivals at `rate`. `closed`, `chains`: each connection sends when it was answered."""

    mode: str
    host: str
    port: int
    requests: str
    seconds: float
    warmup_s: float
    rate: float = 0.0
    connections: int = 64
    seed: int = 1

    def text(self) -> str:
        """As the generator reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """From `text`."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load.

    Latencies and `per_s` are those of what was due after the warm-up; `succeeded`, `failed` (by kind, with an example) and
    `unsent` count everything. `late_p99_ms` says how much later than due the generator itself sent, `cpu_share` what it
    took of one core.
    """

    latencies_ms: list[float]
    per_s: float
    succeeded: int
    failed: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    late_p99_ms: float = 0.0
    cpu_share: float = 0.0
    connections: int = 0

    def text(self) -> str:
        """As the bench reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """From `text`."""
        told: Mapping[str, object] = json.loads(text)
        return cls(**told)  # type: ignore[arg-type]  # written by `text`
