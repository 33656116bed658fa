"""What settlement's operations ask of others, as protocols: identity, catalogue, the makers of numbers and of answers.

Every method answers domain values and raises Faults; none is called while a transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol

from services.kernel.errors import Fault
from services.settlement.domain.answer import Answer, Reversal
from services.settlement.domain.catalogue import (
    Disease,
    Institution,
    ItemKey,
    LocalKind,
    PricedItem,
    PriceScope,
    StackChoice,
    StackRequest,
)
from services.settlement.domain.insured import CredentialQuery, Insured
from services.settlement.domain.notices import Told
from services.settlement.domain.orders import PendingOrder
from services.settlement.domain.outcome import Settlement
from services.settlement.domain.stack import CompiledStack
from services.settlement.store.fees import FeeReader, FeeWriter

__all__ = ["CataloguePeer", "CredentialQuery", "EncounterStore", "IdentityPeer", "NewId", "Scribe", "Telling"]

NewId = Callable[[str], str]
"""Makes an opaque id with a prefix."""

Telling = Callable[[], Told]
"""When and by which span notices are written now."""


class IdentityPeer(Protocol):
    """Who is insured."""

    async def verify_batch(self, items: Sequence[CredentialQuery]) -> Sequence[Insured | Fault]:
        """Whose each credential is, or its refusal, in order; one call. Raises when identity is out of reach."""
        ...

    async def persons(self, psn_nos: Sequence[str]) -> Mapping[str, Insured]:
        """Persons by number with all their enrolments; unknown numbers are absent."""
        ...


class CataloguePeer(Protocol):
    """What an item is and what the policy says; answers are kept for the catalogue's head they were read at."""

    async def institution(self, code: str, day: date) -> Institution:
        """The institution on the day; PRECONDITION INSTITUTION_UNKNOWN."""
        ...

    async def priced_items(self, scope: PriceScope, keys: Sequence[ItemKey]) -> Mapping[ItemKey, PricedItem]:
        """Items by key, at most one call for all; an unknown code is absent."""
        ...

    async def stack(self, request: StackRequest) -> StackChoice:
        """The chosen, compiled policies; STACK_NOT_FOUND, POLICY_NOT_EFFECTIVE."""
        ...

    async def stack_of(self, hashes: Sequence[str]) -> CompiledStack:
        """The compiled policies of these contents, whatever came after them; POLICY_NOT_FOUND."""
        ...

    async def diseases(self, admdvs: str, day: date, codes: Sequence[str]) -> Mapping[str, Disease]:
        """Diseases by code; an unknown code is absent."""
        ...

    async def local_kinds(self, admdvs: str) -> Sequence[LocalKind]:
        """The kinds of care that a place of care has beside the national ones, the nearest region's first."""
        ...


class EncounterStore(Protocol):
    """The encounters and fees of one database; tests watch what is read and locked."""

    def reading(self) -> AbstractAsyncContextManager[FeeReader]:
        """A snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[FeeWriter]:
        """One transaction; raises `Moved` where a row that must be unique is taken."""
        ...


class Scribe(Protocol):
    """Writes answers down as they are stored and sent."""

    def settled(self, answer: Answer) -> tuple[bytes, bytes]:
        """The answer of a settlement, and what a query tells beyond it."""
        ...

    def tried(self, answer: Answer, trial_hash: str, blocking: PendingOrder | None) -> bytes:
        """The answer of a trial; `blocking` is the pending order that a settlement would wait for."""
        ...

    def reversed(self, response: bytes, record: bytes, reversal: Reversal) -> tuple[bytes, bytes]:
        """The same two for a counter-entry, made from those of the settlement that it reverses."""
        ...

    def replayed(self, response: bytes, setl_id: str, settlement: Settlement) -> bytes:
        """The answer of a settlement that a replay has decided anew under that number, made from the one that it replaces."""
        ...
