"""What reversals and queries ask of the store of settlements, as protocols."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.settlement.domain.booking import Posting
from services.settlement.domain.encounters import Entry
from services.settlement.domain.entries import StoredAnswer
from services.settlement.domain.ledger import LedgerKey
from services.settlement.domain.opening import Opened
from services.settlement.domain.refund import SettledRef
from services.settlement.domain.reversal import BookedSettlement, KnownMessage, MessageName
from services.settlement.operations.books import BookReader, BookWriter


class SettlementReader(BookReader, Protocol):
    """Settlements as one snapshot shows them."""

    async def settlement(self, setl_id: str) -> BookedSettlement | None:
        """The settlement or counter-entry of that number."""
        ...

    async def settlement_by_request(self, scope: str, request_id: str) -> BookedSettlement | None:
        """What a request left: settlement, counter-entry or void."""
        ...

    async def settlement_by_msgid(self, scope: str, msgid: str, mdtrt_id: str) -> BookedSettlement | None:
        """The latest settlement or counter-entry that a message of this number left on the encounter."""
        ...

    async def messages(self, scope: str, asked: MessageName, infnos: Collection[str]) -> list[KnownMessage]:
        """What the number of a message stands for at an institution: messages of these transactions, the void of that
        message included, and the message that made the settlement or encounter of that number."""
        ...

    async def later(self, settlement: BookedSettlement) -> list[SettledRef]:
        """What stands after a settlement in its ledger, and what of its stay stands after it in another, oldest first."""
        ...

    async def postings(self, source_id: str) -> list[Posting]:
        """The postings of a source, in order."""
        ...

    async def opened(self, ledgers: Sequence[LedgerKey]) -> Mapping[LedgerKey, Opened]:
        """With what the accounts and years of these ledgers were opened."""
        ...

    async def deltas(self, source_id: str) -> dict[str, int]:
        """The movements of accumulators of a source, by key."""
        ...

    async def entry(self, scope: str, request_id: str) -> StoredAnswer | None:
        """The answer of a request that left an entry of its own."""
        ...


class SettlementWriter(SettlementReader, BookWriter, Protocol):
    """Settlements inside one transaction."""

    async def mark_reversed(self, setl_id: str) -> None:
        """The settlement is reversed, and its fee batches are open again."""
        ...

    async def add_entry(self, entry: Entry) -> None:
        """Keeps the answer of a request that leaves no settlement."""
        ...


class SettlementStore(Protocol):
    """The settlements of one database."""

    def reading(self) -> AbstractAsyncContextManager[SettlementReader]:
        """A snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[SettlementWriter]:
        """One transaction; raises `Moved` where another process wrote what this one meant to write."""
        ...
