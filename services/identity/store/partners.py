"""Rows of partner profiles, API keys and sign-ins. API keys are kept as digests only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from services.identity.domain.mobile import MobileApp
from services.identity.domain.partner import (
    ApiKey,
    AuthStyle,
    Dialect,
    KeyHolder,
    KeyList,
    Partner,
    PartnerLimit,
    SignIn,
)
from services.identity.store.statements import Statements
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, sql, to_json

_PARTNER: Final = (
    "SELECT partner_code, partner_name, role, auth_style, access_key, secret, sandbox, dialect, limits, secret_digest,"
    " mobile, notify_url, notify_plain, knows_refunding FROM partner"
)
_BY_CODE: Final = sql(f"{_PARTNER} WHERE partner_code = ?1")
_BY_ACCESS_KEY: Final = sql(f"{_PARTNER} WHERE access_key = ?1")
_BY_APP: Final = sql(f"{_PARTNER} WHERE app_id = ?1")
_BY_SECRET: Final = sql(f"{_PARTNER} WHERE secret_digest = ?1")
_REPLACE: Final = sql(
    "UPDATE partner SET partner_name = ?2, role = ?3, auth_style = ?4, access_key = ?5, secret = ?6, secret_digest = ?7,"
    " sandbox = ?8, dialect = ?9, limits = ?10, saved_at = ?11, app_id = ?12, mobile = ?13,"
    " notify_url = ?14, notify_plain = ?15, knows_refunding = ?16 WHERE partner_code = ?1 RETURNING partner_code"
)
_KEYS: Final = (
    "SELECT key_digest, role, subject, issued_at, bootstrap, key_id, label, last_used_at, revoked_at FROM api_key"
)
_KEY: Final = sql(f"{_KEYS} WHERE key_digest = ?1")
_HOLD_KEY: Final = sql(f"{_KEYS} WHERE key_id = ?1 FOR UPDATE")
_AFTER: Final = "key_id > ?1 AND (?2 OR revoked_at IS NULL)"
# All along the index of ids, or of holder and id: none needs a sort.
_LIST_KEYS: Final = {
    (False, False): sql(f"{_KEYS} WHERE {_AFTER} ORDER BY key_id LIMIT ?3"),
    (True, False): sql(f"{_KEYS} WHERE {_AFTER} AND role = ?4 ORDER BY key_id LIMIT ?3"),
    (False, True): sql(f"{_KEYS} WHERE {_AFTER} AND subject = ?4 ORDER BY key_id LIMIT ?3"),
    (True, True): sql(f"{_KEYS} WHERE {_AFTER} AND role = ?4 AND subject = ?5 ORDER BY key_id LIMIT ?3"),
}
_REVOKE_KEY: Final = sql("UPDATE api_key SET revoked_at = ?2 WHERE key_id = ?1")
_REISSUE_KEY: Final = sql("UPDATE api_key SET revoked_at = NULL, label = ?2 WHERE key_id = ?1")
_USE_KEY: Final = sql("UPDATE api_key SET last_used_at = ?2 WHERE key_digest = ?1")
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

    async def find(
        self, *, code: str = "", access_key: str = "", secret_digest: str = "", app_id: str = ""
    ) -> Partner | None:
        """The profile with this code, access key, digest of an apikey, or app at the mobile envelope."""
        if code:
            rows = await self._connection.run(_BY_CODE, code)
        elif access_key:
            rows = await self._connection.run(_BY_ACCESS_KEY, access_key)
        elif app_id:
            rows = await self._connection.run(_BY_APP, app_id)
        else:
            rows = await self._connection.run(_BY_SECRET, secret_digest)
        return _partner(rows[0]) if rows else None

    async def save(self, partner: Partner, saved_at: datetime) -> None:
        """A new profile, or one in place of that with the same code."""
        row = (
            *(partner.partner_code, partner.partner_name, partner.role, partner.auth_style.value),
            *(partner.access_key or None, partner.secret, partner.secret_digest or None, partner.sandbox),
            *(
                to_json(asdict(partner.dialect)),
                to_json([_limit(each) for each in partner.limits]),
                to_micros(saved_at),
            ),
            *((partner.mobile.app_id, to_json(asdict(partner.mobile))) if partner.mobile else (None, None)),
            *(partner.notify_url, partner.notify_plain, partner.knows_refunding),
        )
        if not await self._connection.run(_REPLACE, *row):
            await self._insert("partner", *row)

    async def find_key(self, key_digest: str) -> ApiKey | None:
        """An API key by its digest."""
        for row in await self._connection.run(_KEY, key_digest):
            return _api_key(row)
        return None

    async def hold_key(self, key_id: str) -> ApiKey | None:
        """An API key by its id, held against other writers until the transaction ends."""
        for row in await self._connection.run(_HOLD_KEY, key_id):
            return _api_key(row)
        return None

    async def list_keys(self, asked: KeyList) -> Sequence[ApiKey]:
        """The keys asked for, along their ids."""
        statement = _LIST_KEYS[bool(asked.role), bool(asked.subject)]
        rest = (each for each in (asked.role, asked.subject) if each)
        rows = await self._connection.run(statement, asked.after, asked.with_revoked, asked.size, *rest)
        return [_api_key(row) for row in rows]

    async def revoke_key(self, key_id: str, moment: datetime) -> None:
        """The key stands for nobody any more."""
        await self._connection.run(_REVOKE_KEY, key_id, to_micros(moment))

    async def reissue_key(self, key_id: str, label: str) -> None:
        """The key, which was revoked, stands for its holder again."""
        await self._connection.run(_REISSUE_KEY, key_id, label)

    async def note_use(self, key_digest: str, moment: datetime) -> None:
        """The key was used."""
        await self._connection.run(_USE_KEY, key_digest, to_micros(moment))

    async def add_key(self, key: ApiKey) -> None:
        """A new API key."""
        holder = key.holder
        what = (key.key_digest, holder.role, holder.subject, to_micros(key.issued_at), key.bootstrap)
        used, revoked = (None if at is None else to_micros(at) for at in (key.last_used_at, key.revoked_at))
        await self._insert("api_key", *what, key.key_id, key.label, used, revoked)

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


def _partner(row: Sequence[Any]) -> Partner:
    code, name, role, style, access_key, secret, sandbox, dialect, limits, kept, mobile, notify_url, *flags = row
    return Partner(
        *(code, name, role, AuthStyle(style), access_key or "", secret, bool(sandbox)),
        Dialect(**json.loads(dialect)),
        tuple(_read_limit(each) for each in json.loads(limits)),
        kept or "",
        MobileApp(**json.loads(mobile)) if mobile else None,
        notify_url,
        *map(bool, flags),
    )


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


def _api_key(row: Sequence[Any]) -> ApiKey:
    key_digest, role, subject, issued_at, bootstrap, key_id, label, *times = row
    used, revoked = (None if at is None else from_micros(at) for at in times)
    holder = KeyHolder(role, subject)
    return ApiKey(key_digest, holder, from_micros(issued_at), bool(bootstrap), key_id, label, used, revoked)
