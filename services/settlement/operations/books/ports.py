"""What the books ask of others: how answers are written down, and by which span notices are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from services.settlement.domain.benefits.outcome import Settlement
from services.settlement.domain.books.answer import Reversal, SettlementAnswer
from services.settlement.domain.books.notices import NoticeOrigin

NoticeOrigins = Callable[[], NoticeOrigin]
"""When and by which span notices are written now."""


class Scribe(Protocol):
    """Writes answers down as they are stored and sent."""

    def settled(self, answer: SettlementAnswer) -> tuple[bytes, bytes]:
        """The answer of a settlement, and what a query tells beyond it."""
        ...

    def reversed(self, response: bytes, record: bytes, reversal: Reversal) -> tuple[bytes, bytes]:
        """The same two for a counter-entry, made from those of the settlement that it reverses."""
        ...

    def replayed(self, response: bytes, setl_id: str, settlement: Settlement) -> bytes:
        """The answer of a settlement that a replay has decided anew under that number, made from the one that it replaces."""
        ...
