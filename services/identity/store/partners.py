"""Rows of partner profiles, API keys and sign-ins. API keys are kept as digests only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from services.identity.domain.digests import digest
from services.identity.domain.partner import ApiKey, AuthStyle, Dialect, KeyHolder, Partner, PartnerLimit, SignIn
from services.identity.store.statements import Statements
from services.runtime.db import DriverConnection, from_micros, sql, to_json, to_micros

_PARTNER: Final = (
    "SELECT partner_code, partner_name, role, auth_style, access_key, secret, sandbox, dialect, limits FROM partner"
)
_BY_CODE: Final = sql(f"{_PARTNER} WHERE partner_code = ?1")
_BY_ACCESS_KEY: Final = sql(f"{_PARTNER} WHERE access_key = ?1")
_BY_SECRET: Final = sql(f"{_PARTNER} WHERE secret_digest = ?1")
_REPLACE: Final = sql(
    "UPDATE partner SET partner_name = ?2, role = ?3, auth_style = ?4, access_key = ?5, secret = ?6, secret_digest = ?7,"
    " sandbox = ?8, dialect = ?9, limits = ?10, saved_at = ?11 WHERE partner_code = ?1 RETURNING partner_code"
)
_KEY: Final = sql("SELECT key_digest, role, subject, issued_at, bootstrap FROM api_key WHERE key_digest = ?1")
_DROP_KEYS: Final = sql("DELETE FROM api_key WHERE bootstrap = ?1 AND role = ?2 AND subject = ?3 AND key_digest <> ?4")
_SIGN_IN: Final = (
    "SELECT sign_no, fixmedins_code, opter_no, mac, ip, signed_in_at, signed_out_at FROM sign_in WHERE sign_no = ?1"
)
_FIND_SIGN_IN: Final = sql(_SIGN_IN)
_HOLD_SIGN_IN: Final = sql(f"{_SIGN_IN} FOR UPDATE")
_SIGN_OUT: Final = sql("UPDATE sign_in SET signed_out_at = ?2 WHERE sign_no = ?1")


class PartnerRows:
    """Partners, keys and sign-ins, in one transaction."""

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        self._connection = connection
        self._inserts = statements.inserts

    async def find(self, *, code: str = "", access_key: str = "", secret_digest: str = "") -> Partner | None:
        """The profile with this code, access key or digest of an apikey."""
        if code:
            rows = await self._connection.run(_BY_CODE, code)
        elif access_key:
            rows = await self._connection.run(_BY_ACCESS_KEY, access_key)
        else:
            rows = await self._connection.run(_BY_SECRET, secret_digest)
        for partner_code, partner_name, role, auth_style, found, secret, sandbox, dialect, limits in rows:
            return Partner(
                *(partner_code, partner_name, role, AuthStyle(auth_style), found or "", secret, bool(sandbox)),
                Dialect(**json.loads(dialect)),
                tuple(_read_limit(row) for row in json.loads(limits)),
            )
        return None

    async def save(self, partner: Partner, saved_at: datetime) -> None:
        """A new profile, or one in place of that with the same code."""
        secret_digest = digest(partner.secret) if partner.auth_style is AuthStyle.API_KEY else None
        row = (
            *(partner.partner_code, partner.partner_name, partner.role, partner.auth_style.value),
            *(partner.access_key or None, partner.secret, secret_digest, partner.sandbox),
            *(
                to_json(asdict(partner.dialect)),
                to_json([_limit(each) for each in partner.limits]),
                to_micros(saved_at),
            ),
        )
        if not await self._connection.run(_REPLACE, *row):
            await self._insert("partner", *row)

    async def find_key(self, key_digest: str) -> ApiKey | None:
        """An API key by its digest."""
        for found, role, subject, issued_at, bootstrap in await self._connection.run(_KEY, key_digest):
            return ApiKey(found, KeyHolder(role, subject), from_micros(issued_at), bool(bootstrap))
        return None

    async def add_key(self, key: ApiKey) -> None:
        """A new API key."""
        holder = key.holder
        await self._insert(
            "api_key", key.key_digest, holder.role, holder.subject, to_micros(key.issued_at), key.bootstrap
        )

    async def drop_bootstrap(self, holder: KeyHolder, but: str) -> None:
        """Removes the bootstrap keys of the holder except the one of this digest."""
        await self._connection.run(_DROP_KEYS, True, holder.role, holder.subject, but)

    async def hold_sign_in(self, sign_no: str) -> SignIn | None:
        """A sign-in, held against other writers until the transaction ends."""
        return await self._one_sign_in(_HOLD_SIGN_IN, sign_no)

    async def find_sign_in(self, sign_no: str) -> SignIn | None:
        """A sign-in."""
        return await self._one_sign_in(_FIND_SIGN_IN, sign_no)

    async def add_sign_in(self, sign_in: SignIn) -> None:
        """A new sign-in."""
        ended = None if sign_in.signed_out_at is None else to_micros(sign_in.signed_out_at)
        who = (sign_in.sign_no, sign_in.fixmedins_code, sign_in.opter_no, sign_in.mac, sign_in.ip)
        await self._insert("sign_in", *who, to_micros(sign_in.signed_in_at), ended)

    async def sign_out(self, sign_no: str, moment: datetime) -> None:
        """The sign-in is over."""
        await self._connection.run(_SIGN_OUT, sign_no, to_micros(moment))

    async def _one_sign_in(self, statement: Mapping[str, str], sign_no: str) -> SignIn | None:
        for row in await self._connection.run(statement, sign_no):
            number, fixmedins_code, opter_no, mac, ip, signed_in_at, signed_out_at = row
            ended = None if signed_out_at is None else from_micros(signed_out_at)
            return SignIn(number, fixmedins_code, opter_no, mac, ip, from_micros(signed_in_at), ended)
        return None

    async def _insert(self, table: str, *row: object) -> None:
        await self._connection.insert(self._inserts[table][self._connection.dialect], [row])


def _limit(limit: PartnerLimit) -> dict[str, Any]:
    return {
        "from_day": limit.from_day.isoformat(),
        "to_day": None if limit.to_day is None else limit.to_day.isoformat(),
        "calls_per_minute": limit.calls_per_minute,
        "work_under_way": limit.work_under_way,
    }


def _read_limit(row: Mapping[str, Any]) -> PartnerLimit:
    to_day = None if row["to_day"] is None else date.fromisoformat(row["to_day"])
    return PartnerLimit(date.fromisoformat(row["from_day"]), to_day, row["calls_per_minute"], row["work_under_way"])
