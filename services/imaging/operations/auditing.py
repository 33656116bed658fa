"""The audit log as it is written: durable before anything is answered, and what arrives together in one commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from services.imaging.domain.audit import (
    GENESIS,
    Access,
    AccessOutcome,
    Action,
    End,
    Row,
    about,
    holds,
    rows_of,
    sealed,
)
from services.imaging.operations.ports import Also, Secrets
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.clock import Clock, to_micros
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Entry, RequestStamp
from services.runtime.writes import Frame

UNAVAILABLE: Final = "AUDIT_UNAVAILABLE"
_KEY_NAME: Final = "audit log"
_KEY_BYTES: Final = 32
_NO_STORE: Final = "STORE_UNAVAILABLE"
_LATER_S: Final = 0.5

Append: TypeAlias = Callable[[Unit, Sequence[Access]], Awaitable[None]]
"""Adds entries in a transaction, once and last."""


@dataclass(frozen=True, slots=True)
class Item:
    """Accesses that are answered together, and what is written with them."""

    accesses: Sequence[Access]
    also: Also | None = None


class AuditBooks:
    """The log's rows, by lists. `found_broken` is told what was found where the end does not hold."""

    def __init__(
        self, store: ImagingStore, secrets: Secrets, clock: Clock, found_broken: Callable[[str], None] = lambda _: None
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._found_broken = found_broken
        self._frame: Frame[Unit, Entry] = Frame(store.write, _none, UNAVAILABLE)
        self._highest = 0

    async def key(self) -> bytes:
        """The key of the log's seal. To be asked for before a transaction opens."""
        return await self._secrets.key(_KEY_NAME, _KEY_BYTES)

    async def appending(self) -> Append:
        """What adds entries in a transaction that is yet to open."""
        return partial(self._append, await self.key())

    async def commit(self, items: Sequence[Item]) -> list[Fault | None]:
        """Keeps a list in one transaction, in its order. Where one of it is refused, each is kept or refused by itself."""
        try:
            await self._keep(items)
        except Fault as fault:
            if fault.reason == _NO_STORE:
                return [Fault(FaultKind.UNAVAILABLE, UNAVAILABLE, retry_after_s=_LATER_S)] * len(items)
            if len(items) == 1:
                return [fault]
            return [outcome for each in items for outcome in await self.commit([each])]
        return [None] * len(items)

    async def _append(self, key: bytes, work: Unit, accesses: Sequence[Access]) -> None:
        """Once and last in a transaction: until that ends no other entry can be added.

        Where the end does not hold, an entry that says so comes first; nobody can take that one away either.
        """
        if not accesses:
            return
        end, last = await work.audit.hold()
        place, broken = self._place(key, end, last)
        at = to_micros(self._clock())
        told = [*broken, *accesses]
        rows = rows_of(told, place, at)
        await work.audit.add(rows, about(told, rows), sealed(key, rows[-1].seq, rows[-1].hash), first=end is None)

    async def _keep(self, items: Sequence[Item]) -> None:
        append = await self.appending()

        async def act(work: Unit) -> None:
            for each in items:
                if each.also is not None:
                    await each.also(work)
            await append(work, [access for each in items for access in each.accesses])

        await self._frame.written(act)

    def _place(self, key: bytes, end: End | None, last: Row | None) -> tuple[tuple[int, bytes], list[Access]]:
        """Behind which place and hash to go on, and the entry that says that the end was found broken."""
        there = (0, GENESIS) if last is None else (last.seq, last.hash)
        said = (0, GENESIS)
        if end is not None and holds(key, end):
            said = (end.seq, end.hash)
        if said == there and (end is None) == (last is None) and said[0] >= self._highest:
            # Committed: what this transaction adds may yet be undone.
            self._highest = said[0]
            return said, []
        detail = f"end {said[0]}, last {there[0]}, known {self._highest}"
        self._found_broken(detail)
        broken = Access(Action.LOG_BROKEN, AccessOutcome.REFUSED, "", detail=detail)
        # What was cut off leaves its gap: nothing takes those places again.
        seq = max(said[0], there[0], self._highest)
        digest = said[1] if said[0] == seq else there[1]
        return (seq, digest if type(digest) is bytes else GENESIS), [broken]


class AuditLog:
    """Where every access is written before it is answered. `submit` gathers what `AuditBooks.commit` keeps."""

    def __init__(self, submit: Callable[[Item], Awaitable[None]]) -> None:
        self._submit = submit

    async def write(self, accesses: Sequence[Access], also: Also | None = None) -> None:
        """Durable when it returns, with what `also` writes. UNAVAILABLE AUDIT_UNAVAILABLE where the store does not take it:
        then nothing is answered. SECRETS_SEALED, and what `also` raises."""
        if accesses or also is not None:
            await self._submit(Item(accesses, also))


async def _none(work: Unit, stamp: RequestStamp) -> Entry | None:
    """Accesses have no request ids: each is one more."""
    return None
