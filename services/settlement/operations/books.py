"""What settling asks of its own store and of whoever writes its answers down, as protocols."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.settlement.domain.answer import Answer, Reversal
from services.settlement.domain.entries import Books, Wanted, Writing


class BookReader(Protocol):
    """One snapshot of the books."""

    async def load(self, wanted: Wanted) -> Books:
        """All that is known of what is wanted."""
        ...


class BookWriter(BookReader, Protocol):
    """One transaction on the books."""

    async def lock(self, persons: Iterable[str]) -> None:
        """Holds the books of these persons until the transaction ends."""
        ...

    async def save(self, writing: Writing) -> None:
        """Stores everything; raises `Moved` where a fee batch is not open any more."""
        ...


class BookStore(Protocol):
    """The books as the hot path reads and writes them."""

    def reading(self) -> AbstractAsyncContextManager[BookReader]:
        """A snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[BookWriter]:
        """One transaction; raises `Moved` where another process wrote what this one meant to write."""
        ...


class Scribe(Protocol):
    """Writes answers down as they are stored and sent."""

    def settled(self, answer: Answer) -> tuple[bytes, bytes]:
        """The answer of a settlement, and what a query tells beyond it."""
        ...

    def tried(self, answer: Answer, trial_hash: str) -> bytes:
        """The answer of a trial."""
        ...

    def reversed(self, response: bytes, record: bytes, reversal: Reversal) -> tuple[bytes, bytes]:
        """The same two for a counter-entry, made from those of the settlement that it reverses."""
        ...
