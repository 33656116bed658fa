"""A place in a long statement by which a test sees that the loop goes on beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from services.runtime.driver_connection import DriverConnection


class GoingOn:
    """A place in long work on SQLite that ends once the loop has gone on: in the loop's own thread it never would."""

    def __init__(self) -> None:
        self._there, self._on = threading.Event(), threading.Event()
        self.passed = 0

    def __call__(self) -> int:
        """In the statement; 0."""
        self._there.set()
        assert self._on.wait(20), "the loop stands still"
        self._there.clear()
        self._on.clear()
        self.passed += 1
        return 0

    def turn(self) -> None:
        """In the loop, at each of its turns."""
        if self._there.is_set():
            self._on.set()

    async def known_to(self, connection: DriverConnection) -> None:
        """Makes it a function of SQL."""
        await connection._raw.create_function("going_on", 0, self)


class Halting(list[Sequence[object]]):
    """Rows between which the place stands."""

    def __init__(self, rows: Sequence[Sequence[object]], place: GoingOn) -> None:
        super().__init__(rows)
        self._place = place

    def __iter__(self) -> Iterator[Sequence[object]]:
        for number, row in enumerate(super().__iter__()):
            if number == len(self) // 2:
                self._place()
            yield row
