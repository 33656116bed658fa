"""What care asks of others, as protocols: identity, catalogue, whose a credential is, its store, the makers of numbers.

Every method answers domain values and raises Faults; none of another member is called while a transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol

from services.kernel.errors import Fault
from services.settlement.domain.care.catalogue import Disease, Institution, ItemKey, LocalKind, PricedItem, PriceScope
from services.settlement.domain.care.insured import CredentialQuery, Insured
from services.settlement.store.care_batches import CareBatch
from services.settlement.store.fees import FeeReader, FeeWriter

NewId = Callable[[str], str]
"""Makes an opaque id with a prefix."""


class IdentityPeer(Protocol):
    """Who is insured."""

    async def verify(self, item: CredentialQuery) -> Insured:
        """Whose the credential of the call being served is; raises its refusal."""
        ...

    async def verify_batch(self, items: Sequence[CredentialQuery]) -> Sequence[Insured | Fault]:
        """Whose each credential is, or its refusal, in order; one call. Raises when identity is out of reach."""
        ...

    async def persons(self, psn_nos: Sequence[str]) -> Mapping[str, Insured]:
        """Persons by number with all their enrolments; unknown numbers are absent."""
        ...


class CataloguePeer(Protocol):
    """What institutions, items, diseases and kinds of care are; answers are kept for the catalogue's head they were read at."""

    async def institution(self, code: str, day: date) -> Institution:
        """The institution on the day; PRECONDITION INSTITUTION_UNKNOWN."""
        ...

    async def priced_items(self, scope: PriceScope, keys: Sequence[ItemKey]) -> Mapping[ItemKey, PricedItem]:
        """Items by key, at most one call for all; an unknown code is absent."""
        ...

    async def diseases(self, admdvs: str, day: date, codes: Sequence[str]) -> Mapping[str, Disease]:
        """Diseases by code; an unknown code is absent."""
        ...

    async def local_kinds(self, admdvs: str) -> Sequence[LocalKind]:
        """The kinds of care that a place of care has beside the national ones, the nearest region's first."""
        ...


class ShownCredentials(Protocol):
    """Whose a credential is that somebody shows."""

    async def shown(self, credential: CredentialQuery) -> Insured:
        """Whose it is; raises the refusals of Verify, and EC_TOKEN_SPENT."""
        ...


class EncounterStore(Protocol):
    """The encounters and fees of one database; tests watch what is read and locked."""

    def reading(self) -> AbstractAsyncContextManager[FeeReader]:
        """A snapshot."""
        ...

    def looking(self) -> AbstractAsyncContextManager[FeeReader]:
        """A snapshot for one statement."""
        ...

    def writing(self) -> AbstractAsyncContextManager[FeeWriter]:
        """One transaction; raises `Moved` where a row that must be unique is taken."""
        ...


class CareBatchStore(Protocol):
    """The same database for writes that are decided together."""

    def writing(self) -> AbstractAsyncContextManager[CareBatch]:
        """One transaction; raises `Moved` where a row that must be unique is taken."""
        ...
