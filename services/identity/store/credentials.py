"""Rows of electronic credentials, their codes and tokens. Only digests of codes and tokens are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity.domain.credential import CodeState, Credential, EcToken, ShownCode
from services.identity.store.statements import Statements
from services.identity.store.tables import Tables
from services.runtime.db import bulk_insert, fetch


class CredentialRows:
    """Credentials, in one transaction."""

    def __init__(self, connection: AsyncConnection, tables: Tables, statements: Statements) -> None:
        self._connection = connection
        self._credential = tables.credential
        self._code = tables.code
        self._token = tables.token
        self._statements = statements

    async def find(self, psn_no: str) -> Credential | None:
        """The person's credential."""
        statement = select(self._credential).where(self._credential.c.psn_no == psn_no)
        for row in await fetch(self._connection, statement):
            return Credential(row.credential_id, row.psn_no, row.channel_code, row.activated_at)
        return None

    async def add(self, credential: Credential) -> None:
        """A new credential."""
        row = (credential.credential_id, credential.psn_no, credential.channel_code, credential.activated_at)
        await bulk_insert(self._connection, self._credential, [row])

    async def show(self, code: ShownCode, shown_at: datetime, forget_before: datetime) -> None:
        """A new code in place of the person's unused one; those that ran out before the moment are forgotten."""
        column = self._code.c
        own = column.psn_no == code.psn_no
        await self._connection.execute(delete(self._code).where(own, column.expires_at < forget_before))
        unused = (own, column.state == CodeState.SHOWN.value)
        await self._connection.execute(update(self._code).where(*unused).values(state=CodeState.REPLACED.value))
        row = (code.code_digest, code.psn_no, code.state.value, shown_at, code.expires_at)
        await bulk_insert(self._connection, self._code, [row])

    async def hold_code(self, code_digest: str) -> ShownCode | None:
        """The code, held against other writers until the transaction ends."""
        statement = select(self._code).where(self._code.c.code_digest == code_digest).with_for_update()
        for row in await fetch(self._connection, statement):
            return ShownCode(row.code_digest, row.psn_no, CodeState(row.state), row.expires_at)
        return None

    async def use(self, token: EcToken, forget_before: datetime) -> None:
        """The token's code is used, the token is given; the person's tokens that ran out before the moment are forgotten."""
        code, dead = self._code, self._token.c
        own = dead.psn_no == token.psn_no
        await self._connection.execute(delete(self._token).where(own, dead.expires_at < forget_before))
        used = update(code).where(code.c.code_digest == token.code_digest).values(state=CodeState.USED.value)
        await self._connection.execute(used)
        row = (
            token.token_digest,
            token.psn_no,
            token.org_id,
            token.code_digest,
            token.issued_at,
            token.expires_at,
        )
        await bulk_insert(self._connection, self._token, [row])

    async def tokens(self, digests: Collection[str]) -> Mapping[str, EcToken]:
        """Tokens by digest."""
        rows = await fetch(self._connection, self._statements.tokens, {"digests": list(digests)})
        return {row[0]: EcToken(*list(row)) for row in rows}
