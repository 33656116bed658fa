"""The catalogue's reads, and the door to publishing. Every answer is read in one snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import date

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.domain.pricing import PriceRows
from services.catalogue.domain.queries import InstitutionFilter, PolicyPlace, StackRows
from services.catalogue.domain.records import (
    EMPTY_HEAD,
    Disease,
    Institution,
    Item,
    LocalMedType,
    PolicyStack,
    PolicyVersion,
    PriceCeiling,
    SelfpayRatio,
    Term,
)
from services.catalogue.store.publishing import LOCK, PublishingTransaction
from services.catalogue.store.rows import on_days, records_of, select_records, storable
from services.catalogue.store.schema import schema
from services.catalogue.store.tables import (
    DISEASE,
    INSTITUTION,
    LOCAL_MED_TYPE,
    POLICY,
    PUBLICATION,
    STACK,
    TABLES,
    TERM,
)
from services.runtime.db import Database, advisory_lock, fetch, in_values


class CatalogueStore:
    """The rows of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Only one process writes a SQLite file, so its head is known here until the next publication; elsewhere it is read.
        self._head: str | None = None
        self._publications = 0

    async def start(self) -> None:
        """Makes the tables or brings them up; STORE_UNAVAILABLE."""
        await self._database.start(schema())

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[PublishingTransaction]:
        """Opens a publication's transaction: committed where the block ends, rolled back where it raises."""
        try:
            async with self._database.write() as connection:
                await advisory_lock(connection, [LOCK])
                yield PublishingTransaction(connection)
        finally:
            self._publications += 1
            self._head = None

    async def head(self) -> str:
        """The catalogue's hash; one indexed read at most."""
        if self._head is not None:
            return self._head
        seen = self._publications
        async with self._database.read() as connection:
            head = await _head(connection)
        if self._database.dialect == "sqlite" and seen == self._publications:
            self._head = head
        return head

    async def price_rows(self, codes: Collection[str], regions: Sequence[str], first: date, last: date) -> PriceRows:
        """Rows that hold on any day from first to last."""
        wanted = {"codes": storable(codes), "regions": list(regions)}
        item, ceiling, ratio = TABLES[Item], TABLES[PriceCeiling], TABLES[SelfpayRatio]
        of_items = select_records(Item).where(
            in_values(item.columns.med_list_codg, "codes"), on_days(item, first, last)
        )
        of_ceilings = select_records(PriceCeiling).where(
            in_values(ceiling.columns.med_list_codg, "codes"),
            in_values(ceiling.columns.admdvs, "regions"),
            on_days(ceiling, first, last),
        )
        of_ratios = select_records(SelfpayRatio).where(
            in_values(ratio.columns.med_list_codg, "codes"),
            in_values(ratio.columns.admdvs, "regions"),
            on_days(ratio, first, last),
        )
        async with self._database.read() as connection:
            return PriceRows(
                records_of(Item, await fetch(connection, of_items, {"codes": wanted["codes"]})),
                records_of(PriceCeiling, await fetch(connection, of_ceilings, wanted)),
                records_of(SelfpayRatio, await fetch(connection, of_ratios, wanted)),
            )

    async def stack_rows(self, regions: Sequence[str], insutype: str, first: date, last: date) -> StackRows:
        """Stacks, and versions of their policies, that hold on any day from first to last."""
        of_stacks = select_records(PolicyStack).where(
            in_values(STACK.columns.admdvs, "regions"),
            in_values(STACK.columns.insutype, "insutypes"),
            on_days(STACK, first, last),
        )
        of_versions = select_records(PolicyVersion).where(
            in_values(POLICY.columns.policy_id, "ids"), on_days(POLICY, first, last)
        )
        async with self._database.read() as connection:
            wanted = {"regions": list(regions), "insutypes": storable([insutype])}
            stacks = records_of(PolicyStack, await fetch(connection, of_stacks, wanted))
            ids = sorted({policy_id for stack in stacks for policy_id in stack.policy_ids})
            versions = records_of(PolicyVersion, await fetch(connection, of_versions, {"ids": ids}))
            return StackRows(await _head(connection), stacks, versions)

    async def find_policy(self, policy_id: str, version: str, policy_hash: str) -> PolicyVersion | None:
        """The newest version that has all the parts that are not empty."""
        statement = select_records(PolicyVersion)
        wanted: dict[str, Sequence[str]] = {}
        for name, value in (("policy_id", policy_id), ("version", version), ("policy_hash", policy_hash)):
            if value:
                statement = statement.where(in_values(POLICY.columns[name], name))
                wanted[name] = storable([value])
        newest = statement.order_by(POLICY.columns.from_day.desc(), POLICY.columns.version.desc()).limit(1)
        async with self._database.read() as connection:
            found = records_of(PolicyVersion, await fetch(connection, newest, wanted))
        return found[0] if found else None

    async def list_policies(self, after: PolicyPlace | None, limit: int) -> Sequence[PolicyVersion]:
        """By id, newest version first."""
        columns = POLICY.columns
        statement = select_records(PolicyVersion)
        if after is not None:
            if not storable([after.policy_id]) or not storable([after.version]):
                return []
            older = or_(
                columns.from_day < after.from_day,
                and_(columns.from_day == after.from_day, columns.version < after.version),
            )
            statement = statement.where(
                or_(columns.policy_id > after.policy_id, and_(columns.policy_id == after.policy_id, older))
            )
        ordered = statement.order_by(columns.policy_id, columns.from_day.desc(), columns.version.desc()).limit(limit)
        async with self._database.read() as connection:
            return records_of(PolicyVersion, await fetch(connection, ordered))

    async def institutions(self, codes: Collection[str], day: date) -> Sequence[Institution]:
        """Those that hold on the day."""
        statement = select_records(Institution).where(
            in_values(INSTITUTION.columns.fixmedins_code, "codes"), on_days(INSTITUTION, day, day)
        )
        async with self._database.read() as connection:
            return records_of(Institution, await fetch(connection, statement, {"codes": storable(codes)}))

    async def search_institutions(self, wanted: InstitutionFilter, day: date, limit: int) -> Sequence[Institution]:
        """Those that hold on the day, by code."""
        columns = INSTITUTION.columns
        parts = (wanted.fixmedins_type, wanted.fixmedins_name, wanted.fixmedins_code)
        if len(storable(parts)) != len(parts):
            return []
        statement = select_records(Institution).where(on_days(INSTITUTION, day, day))
        if wanted.fixmedins_type:
            statement = statement.where(columns.fixmedins_type == wanted.fixmedins_type)
        if wanted.fixmedins_name:
            statement = statement.where(columns.fixmedins_name.icontains(wanted.fixmedins_name, autoescape=True))
        if wanted.fixmedins_code:
            statement = statement.where(columns.fixmedins_code == wanted.fixmedins_code)
        async with self._database.read() as connection:
            rows = await fetch(connection, statement.order_by(columns.fixmedins_code).limit(limit))
            return records_of(Institution, rows)

    async def term(self, standard: str, code: str, day: date) -> Term | None:
        """The term as it holds on the day."""
        statement = select_records(Term).where(
            in_values(TERM.columns.standard, "standards"),
            in_values(TERM.columns.code, "codes"),
            on_days(TERM, day, day),
        )
        async with self._database.read() as connection:
            wanted = {"standards": storable([standard]), "codes": storable([code])}
            found = records_of(Term, await fetch(connection, statement, wanted))
        return found[0] if found else None

    async def diseases(self, codes: Collection[str], regions: Sequence[str], day: date) -> Sequence[Disease]:
        """Those that hold on the day."""
        statement = select_records(Disease).where(
            in_values(DISEASE.columns.dise_codg, "codes"),
            in_values(DISEASE.columns.admdvs, "regions"),
            on_days(DISEASE, day, day),
        )
        async with self._database.read() as connection:
            wanted = {"codes": storable(codes), "regions": list(regions)}
            return records_of(Disease, await fetch(connection, statement, wanted))

    async def local_med_types(self, regions: Sequence[str]) -> Sequence[LocalMedType]:
        """Those of these regions, whatever their days."""
        columns = LOCAL_MED_TYPE.columns
        statement = (
            select_records(LocalMedType)
            .where(in_values(columns.admdvs, "regions"))
            .order_by(columns.local_med_type, columns.admdvs, columns.from_day)
        )
        async with self._database.read() as connection:
            return records_of(LocalMedType, await fetch(connection, statement, {"regions": list(regions)}))


async def _head(connection: AsyncConnection) -> str:
    columns = PUBLICATION.columns
    rows = await fetch(connection, select(columns.head).order_by(columns.seq.desc()).limit(1))
    return str(rows[0][0]) if rows else EMPTY_HEAD
