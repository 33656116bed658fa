"""What the operations ask of the store, as protocols."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol

from services.catalogue.domain.pricing import PriceRows
from services.catalogue.domain.publishing import Decision, Publication
from services.catalogue.domain.queries import InstitutionFilter, PolicyPlace, StackRows
from services.catalogue.domain.records import Disease, Institution, Key, LocalMedType, PolicyVersion, Record, Term


class Writing(Protocol):
    """One publication's transaction; nobody else publishes meanwhile."""

    async def find_publication(self, scope: str, request_id: str) -> Publication | None:
        """The entry of an earlier request of that id."""
        ...

    async def head(self) -> str:
        """The catalogue's hash."""
        ...

    async def standing(self, kind: type[Record], keys: Collection[Key]) -> Sequence[Record]:
        """All records of those keys."""
        ...

    async def policy_kinds(self, policy_ids: Collection[str]) -> Mapping[str, str]:
        """Which of these policies are published, and of which kind."""
        ...

    async def divisions(self, codes: Collection[str]) -> frozenset[str]:
        """Which of these divisions are published, for whatever days."""
        ...

    async def constraints(self) -> Sequence[PolicyVersion]:
        """All policies that only constrain others."""
        ...

    async def save(self, publication: Publication, decision: Decision) -> None:
        """Writes the new records, closes the ended ones, and the entry."""
        ...


class Store(Protocol):
    """The catalogue's rows."""

    def publishing(self) -> AbstractAsyncContextManager[Writing]:
        """Opens a publication's transaction: committed where the block ends, rolled back where it raises."""
        ...

    async def head(self) -> str:
        """The catalogue's hash; one indexed read."""
        ...

    async def price_rows(self, codes: Collection[str], regions: Sequence[str], first: date, last: date) -> PriceRows:
        """Rows that hold on any day from first to last."""
        ...

    async def stack_rows(self, regions: Sequence[str], insutype: str, first: date, last: date) -> StackRows:
        """Stacks on the last day, and versions of their policies that hold on any day from first to last."""
        ...

    async def find_policy(self, policy_id: str, version: str, policy_hash: str) -> PolicyVersion | None:
        """The newest version that has all the parts that are not empty."""
        ...

    async def list_policies(self, after: PolicyPlace | None, limit: int) -> Sequence[PolicyVersion]:
        """By id, newest version first; without their documents."""
        ...

    async def institutions(self, codes: Collection[str], day: date) -> Sequence[Institution]:
        """Those that hold on the day."""
        ...

    async def search_institutions(self, wanted: InstitutionFilter, day: date, limit: int) -> Sequence[Institution]:
        """Those that hold on the day, by code."""
        ...

    async def term(self, standard: str, code: str, day: date) -> Term | None:
        """The term as it holds on the day."""
        ...

    async def diseases(self, codes: Collection[str], regions: Sequence[str], day: date) -> Sequence[Disease]:
        """Those that hold on the day."""
        ...

    async def local_med_types(self, regions: Sequence[str]) -> Sequence[LocalMedType]:
        """Those of these regions, whatever their days."""
        ...
