"""Rows of electronic credentials, their codes and tokens. Only digests of codes and tokens are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from services.identity.domain.credential import CodeState, Credential, EcToken, ShownCode
from services.identity.store.statements import Statements
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, sql

_CREDENTIAL: Final = sql("SELECT credential_id, psn_no, channel_code, activated_at FROM credential WHERE psn_no = ?1")
_CODE: Final = sql("SELECT code_digest, psn_no, state, expires_at FROM ec_code WHERE code_digest = ?1 FOR UPDATE")
_TOKENS: Final = sql(
    "SELECT token_digest, psn_no, org_id, code_digest, issued_at, expires_at FROM ec_token WHERE AMONG(token_digest, ?1)"
)
_FORGET_CODES: Final = sql("DELETE FROM ec_code WHERE psn_no = ?1 AND expires_at < ?2")
_FORGET_TOKENS: Final = sql("DELETE FROM ec_token WHERE psn_no = ?1 AND expires_at < ?2")
_REPLACE: Final = sql(
    f"UPDATE ec_code SET state = '{CodeState.REPLACED.value}' WHERE psn_no = ?1 AND state = '{CodeState.SHOWN.value}'"
)
_USE: Final = sql(f"UPDATE ec_code SET state = '{CodeState.USED.value}' WHERE code_digest = ?1")


class CredentialRows:
    """Credentials, in one transaction."""

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        self._connection = connection
        self._inserts = statements.inserts

    async def find(self, psn_no: str) -> Credential | None:
        """The person's credential."""
        for credential_id, number, channel_code, activated_at in await self._connection.run(_CREDENTIAL, psn_no):
            return Credential(credential_id, number, channel_code, from_micros(activated_at))
        return None

    async def add(self, credential: Credential) -> None:
        """A new credential."""
        at = to_micros(credential.activated_at)
        await self._insert("credential", credential.credential_id, credential.psn_no, credential.channel_code, at)

    async def show(self, code: ShownCode, shown_at: datetime, forget_before: datetime) -> None:
        """A new code in place of the person's unused one; those that ran out before the moment are forgotten."""
        await self._connection.run(_FORGET_CODES, code.psn_no, to_micros(forget_before))
        await self._connection.run(_REPLACE, code.psn_no)
        moments = to_micros(shown_at), to_micros(code.expires_at)
        await self._insert("ec_code", code.code_digest, code.psn_no, code.state.value, *moments)

    async def hold_code(self, code_digest: str) -> ShownCode | None:
        """The code, held against other writers until the transaction ends."""
        for found, psn_no, state, expires_at in await self._connection.run(_CODE, code_digest):
            return ShownCode(found, psn_no, CodeState(state), from_micros(expires_at))
        return None

    async def use(self, token: EcToken, forget_before: datetime) -> None:
        """The token's code is used, the token is given; the person's tokens that ran out before the moment are forgotten."""
        await self._connection.run(_FORGET_TOKENS, token.psn_no, to_micros(forget_before))
        await self._connection.run(_USE, token.code_digest)
        moments = to_micros(token.issued_at), to_micros(token.expires_at)
        await self._insert("ec_token", token.token_digest, token.psn_no, token.org_id, token.code_digest, *moments)

    async def tokens(self, digests: Collection[str]) -> Mapping[str, EcToken]:
        """Tokens by digest."""
        return {
            row[0]: EcToken(row[0], row[1], row[2], row[3], from_micros(row[4]), from_micros(row[5]))
            for row in await self._connection.run(_TOKENS, list(digests))
        }

    async def _insert(self, table: str, *row: object) -> None:
        await self._connection.insert(self._inserts[table][self._connection.dialect], [row])
