"""An audit log on a store, played accesses, and what somebody with the store in hand may do to it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from services.imaging.domain.audit import Access, AccessOutcome, Action, AuditFinding, End, Row, end_examined, examined
from services.imaging.operations.auditing import AuditBooks, AuditLog, Item
from services.imaging.store.unit import ImagingStore
from services.runtime.committer import Committer
from services.runtime.sealing import SealedSecrets, Sealer
from tests.imaging.entries import HOSPITAL, NOON, uid

PERSON_KEY: Final = bytes(range(16))
MESH_KEY: Final = b"m" * 32


def searched(number: int = 1, **changed: Any) -> Access:
    """A doctor has searched studies of a person."""
    said: dict[str, Any] = {
        "action": Action.SEARCHED,
        "outcome": AccessOutcome.SUCCESS,
        "organisation": HOSPITAL,
        "reader": "D1",
        "purpose": "treatment",
        "session_no": "R1",
        "person_key": PERSON_KEY,
        "grant_no": "GS1",
        "study_uid": uid(number),
        "detail": "StudyDate, ModalitiesInStudy",
    }
    return Access(**(said | changed))


class _UndoneError(Exception):
    """Undoes a transaction."""


@dataclass(slots=True)
class Audited:
    """A process with the log of a store."""

    store: ImagingStore
    secrets: SealedSecrets = field(init=False)
    books: AuditBooks = field(init=False)
    committer: Committer[Item, None] = field(init=False)
    log: AuditLog = field(init=False)
    sizes: list[int] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secrets = SealedSecrets(self.store.write, Sealer(lambda: (MESH_KEY,), "secrets", secrets.token_bytes))
        self.books = AuditBooks(self.store, self.secrets, lambda: NOON, self.alarms.append)

        async def counted(items: Any) -> Any:
            self.sizes.append(len(items))
            return await self.books.commit(items)

        self.committer = Committer("access", counted)
        self.log = AuditLog(self.committer.submit)

    async def rows(self) -> list[Row]:
        """All entries."""
        async with self.store.read() as work:
            return await work.audit.after(0, 10_000)

    async def end(self) -> tuple[End | None, Row | None]:
        """The end and the last entry."""
        async with self.store.read() as work:
            return await work.audit.end()

    async def findings(self) -> list[tuple[int, str]]:
        """What does not hold, by place and kind."""
        found: list[AuditFinding] = examined(None, 0, await self.rows())
        found += end_examined(await self.books.key(), *await self.end())
        return [(each.seq, each.what.value) for each in found]

    async def findings_after(self, statement: str) -> list[tuple[int, str]]:
        """What would not hold if somebody did that; it is undone."""
        key, found = await self.books.key(), []
        with suppress(_UndoneError):
            async with self.store.write() as work:
                await work.audit._connection.fetch(statement)
                found = examined(None, 0, await work.audit.after(0, 10_000)) + end_examined(
                    key, *await work.audit.end()
                )
                raise _UndoneError
        return [(each.seq, each.what.value) for each in found]

    async def spoil(self, *statements: str) -> None:
        """What somebody does who has the store and no key."""
        async with self.store.write() as work:
            for each in statements:
                await work.audit._connection.fetch(each)
