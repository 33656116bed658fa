"""Rows of partner profiles, API keys and sign-ins. API keys are kept as digests only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity.domain.digests import digest
from services.identity.domain.partner import ApiKey, AuthStyle, Dialect, KeyHolder, Partner, SignIn
from services.identity.store.tables import Tables
from services.runtime.db import bulk_insert, fetch


class PartnerRows:
    """Partners, keys and sign-ins, in one transaction."""

    def __init__(self, connection: AsyncConnection, tables: Tables) -> None:
        self._connection = connection
        self._partner = tables.partner
        self._api_key = tables.api_key
        self._sign_in = tables.sign_in

    async def find(self, *, code: str = "", access_key: str = "", secret_digest: str = "") -> Partner | None:
        """The profile with this code, access key or digest of an apikey."""
        column = self._partner.c
        if code:
            condition = column.partner_code == code
        elif access_key:
            condition = column.access_key == access_key
        else:
            condition = column.secret_digest == secret_digest
        for row in await fetch(self._connection, select(self._partner).where(condition)):
            return Partner(
                row.partner_code,
                row.partner_name,
                row.role,
                AuthStyle(row.auth_style),
                row.access_key or "",
                row.secret,
                row.sandbox,
                Dialect(**row.dialect),
            )
        return None

    async def save(self, partner: Partner, saved_at: datetime) -> None:
        """A new profile, or one in place of that with the same code."""
        values = {
            "partner_name": partner.partner_name,
            "role": partner.role,
            "auth_style": partner.auth_style.value,
            "access_key": partner.access_key or None,
            "secret": partner.secret,
            "secret_digest": digest(partner.secret) if partner.auth_style is AuthStyle.API_KEY else None,
            "sandbox": partner.sandbox,
            "dialect": _dialect(partner.dialect),
            "saved_at": saved_at,
        }
        same = self._partner.c.partner_code == partner.partner_code
        replaced = await self._connection.execute(update(self._partner).where(same).values(**values))
        if not replaced.rowcount:
            await bulk_insert(self._connection, self._partner, [(partner.partner_code, *values.values())])

    async def find_key(self, key_digest: str) -> ApiKey | None:
        """An API key by its digest."""
        statement = select(self._api_key).where(self._api_key.c.key_digest == key_digest)
        for row in await fetch(self._connection, statement):
            return ApiKey(row.key_digest, KeyHolder(row.role, row.subject), row.issued_at, row.bootstrap)
        return None

    async def add_key(self, key: ApiKey) -> None:
        """A new API key."""
        row = (key.key_digest, key.holder.role, key.holder.subject, key.issued_at, key.bootstrap)
        await bulk_insert(self._connection, self._api_key, [row])

    async def drop_bootstrap(self, holder: KeyHolder, but: str) -> None:
        """Removes the bootstrap keys of the holder except the one of this digest."""
        column = self._api_key.c
        own = (column.bootstrap.is_(True), column.role == holder.role, column.subject == holder.subject)
        await self._connection.execute(delete(self._api_key).where(*own, column.key_digest != but))

    async def hold_sign_in(self, sign_no: str) -> SignIn | None:
        """A sign-in, held against other writers until the transaction ends."""
        return await self._one_sign_in(self._by_number(sign_no).with_for_update())

    async def find_sign_in(self, sign_no: str) -> SignIn | None:
        """A sign-in."""
        return await self._one_sign_in(self._by_number(sign_no))

    async def add_sign_in(self, sign_in: SignIn) -> None:
        """A new sign-in."""
        row = (
            sign_in.sign_no,
            sign_in.fixmedins_code,
            sign_in.opter_no,
            sign_in.mac,
            sign_in.ip,
            sign_in.signed_in_at,
            sign_in.signed_out_at,
        )
        await bulk_insert(self._connection, self._sign_in, [row])

    async def sign_out(self, sign_no: str, moment: datetime) -> None:
        """The sign-in is over."""
        same = self._sign_in.c.sign_no == sign_no
        await self._connection.execute(update(self._sign_in).where(same).values(signed_out_at=moment))

    def _by_number(self, sign_no: str) -> Select[Any]:
        return select(self._sign_in).where(self._sign_in.c.sign_no == sign_no)

    async def _one_sign_in(self, statement: Select[Any]) -> SignIn | None:
        for row in await fetch(self._connection, statement):
            return SignIn(*list(row))
        return None


def _dialect(dialect: Dialect) -> dict[str, bool]:
    return {
        "bare_array_5204": dialect.bare_array_5204,
        "infcode_as_text": dialect.infcode_as_text,
        "strict_sign_no": dialect.strict_sign_no,
    }
