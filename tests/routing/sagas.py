"""Sagas for tests: one that begins, and their operation over a store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from services.routing.domain.sagas import Saga, SagaKind, State
from services.routing.operations.sagas import SagaBooks, Sagas
from services.routing.store.unit import RoutingStore
from services.runtime.committer import Committer

NOON: Final = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
CARE, INSURED, HOSPITAL = "110000", "370000", "H11010000001"


@dataclass
class Ticking:
    """A clock that a test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """This moment."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Time goes on."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Kept:
    """The operation over a store, as one process has it."""

    store: RoutingStore
    clock: Ticking = field(default_factory=Ticking)
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.books = SagaBooks(self.store, self.clock)
        committer: Committer[Any, Any] = Committer("saga", self.books.commit)
        numbers = count(1)
        self.sagas = Sagas(self.books, committer.submit, lambda: f"R{next(numbers):03}", self.failures.append)

    def new(
        self,
        request_id: str = "2207:1",
        kind: SagaKind = SagaKind.SETTLE,
        content: str = "c",
        target: str = "",
        left_s: float = 10,
    ) -> Saga:
        """A saga of a message."""
        message = (HOSPITAL, request_id, content)
        return self.sagas.new(kind, CARE, INSURED, message, "visit", left_s, target)

    async def state(self, order_no: str) -> State:
        """How it stands."""
        saga = await self.books.find(order_no)
        assert saga is not None
        return saga.state
