"""The catalogue's look-ups: each names a day and gets what applied on it. Nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from services.catalogue.domain.pricing import PricedItem, PriceList, PriceScope
from services.catalogue.domain.queries import InstitutionFilter, PolicyPlace
from services.catalogue.domain.records import Disease, Institution, LocalMedType, PolicyStack, PolicyVersion, Term
from services.catalogue.domain.regions import region_ladder
from services.catalogue.store.reading import CatalogueStore
from services.kernel.errors import invalid, not_found
from services.kernel.pages import Page, page_of

SEARCH_LIMIT = 100

T = TypeVar("T", Disease, PolicyStack)


@dataclass(frozen=True, slots=True)
class ResolvedStack:
    """The versions of a stack's policies, in the stack's order, and the catalogue they were read from."""

    versions: tuple[PolicyVersion, ...]
    head: str


class Lookups:
    """The look-ups on one store."""

    def __init__(self, store: CatalogueStore) -> None:
        self._store = store

    async def head(self) -> str:
        """The catalogue's hash."""
        return await self._store.head()

    async def priced_items(self, scope: PriceScope, keys: Sequence[tuple[str, date]]) -> list[PricedItem | None]:
        """Items by (code, day), in the order asked; None for a code that no item has on its day."""
        codes = sorted({code for code, _ in keys})
        days = [day for _, day in keys]
        rows = await self._store.price_rows(codes, region_ladder(scope.admdvs), min(days), max(days))
        prices = PriceList(scope, rows)
        known: dict[tuple[str, date], PricedItem | None] = {}
        for key in keys:
            if key not in known:
                known[key] = prices.price(*key)
        return [known[key] for key in keys]

    async def priced_item(self, scope: PriceScope, code: str, day: date) -> PricedItem:
        """One item; NOT_FOUND ITEM_NOT_FOUND."""
        found = (await self.priced_items(scope, [(code, day)]))[0]
        if found is None:
            raise not_found("ITEM_NOT_FOUND", med_list_codg=code, day=day.isoformat())
        return found

    async def resolve_stack(self, admdvs: str, insutype: str, day: date, begin_day: date | None) -> ResolvedStack:
        """Every version that may decide about a stay from `begin_day` to `day`.

        The stack is that of the day of settlement, of the division itself or the nearest region above it that has one (our
        decision). NOT_FOUND STACK_NOT_FOUND where there is none, or where a policy of it has no version on those days: a
        layer that is left out unsaid would be money left out.
        """
        first = min(day, begin_day or day)
        last = max(day, begin_day or day)
        regions = region_ladder(admdvs)
        rows = await self._store.stack_rows(regions, insutype, first, last)
        stack = _nearest(regions, [row for row in rows.stacks if row.from_day <= day <= (row.to_day or day)])
        where = {"admdvs": admdvs, "insutype": insutype, "day": day.isoformat()}
        if stack is None:
            raise not_found("STACK_NOT_FOUND", **where, missing="stack")
        versions: list[PolicyVersion] = []
        for policy_id in stack.policy_ids:
            mine = sorted((each for each in rows.versions if each.policy_id == policy_id), key=_by_age)
            if not mine:
                raise not_found("STACK_NOT_FOUND", **where, missing=policy_id)
            versions += mine
        return ResolvedStack(tuple(versions), rows.head)

    async def policy(self, policy_id: str, version: str, policy_hash: str) -> PolicyVersion:
        """The policy that has all the parts given; the newest version without one. NOT_FOUND POLICY_NOT_FOUND."""
        if not policy_id and not policy_hash:
            raise invalid("policy_id", "required", "the id or the hash of a policy is needed")
        found = await self._store.find_policy(policy_id, version, policy_hash)
        if found is None:
            raise not_found(
                "POLICY_NOT_FOUND", policy=f"{policy_id}@{version}" if version else policy_id or policy_hash
            )
        return found

    async def list_policies(self, after: PolicyPlace | None, size: int) -> Page[PolicyVersion]:
        """The next page: by id, newest version first."""
        found = await self._store.list_policies(after, size + 1)
        return page_of(found, size, lambda last: (last.policy_id, last.from_day, last.version))

    async def institutions(self, codes: Sequence[str], day: date) -> list[Institution | None]:
        """Institutions in the order asked; None for one that is not in the catalogue on the day."""
        found = {each.fixmedins_code: each for each in await self._store.institutions(set(codes), day)}
        return [found.get(code) for code in codes]

    async def search_institutions(self, wanted: InstitutionFilter, day: date) -> Sequence[Institution]:
        """At most 100, by code."""
        return await self._store.search_institutions(wanted, day, SEARCH_LIMIT)

    async def term(self, standard: str, code: str, day: date) -> Term:
        """NOT_FOUND TERM_NOT_FOUND."""
        found = await self._store.term(standard, code, day)
        if found is None:
            raise not_found("TERM_NOT_FOUND", standard=standard, code=code, day=day.isoformat())
        return found

    async def diseases(self, admdvs: str, day: date, codes: Sequence[str]) -> list[Disease | None]:
        """Diseases in the order asked, each from the nearest region that has it; None for an unknown one."""
        regions = region_ladder(admdvs)
        rows = await self._store.diseases(set(codes), regions, day)
        return [_nearest(regions, [row for row in rows if row.dise_codg == code]) for code in codes]

    async def local_med_types(self, admdvs: str) -> list[LocalMedType]:
        """The kinds of care that hold at a place beside the national ones, on whatever days: the nearest region first.

        All of them: a settlement that misses one refuses it as undeclared. Operators publish some hundred at most.
        """
        regions = region_ladder(admdvs)
        rows = await self._store.local_med_types(regions)
        return sorted(rows, key=lambda row: regions.index(row.admdvs))


def _nearest(regions: Sequence[str], rows: Collection[T]) -> T | None:
    found = {row.admdvs: row for row in rows}
    return next((found[region] for region in regions if region in found), None)


def _by_age(version: PolicyVersion) -> tuple[date, str]:
    return version.from_day, version.version
