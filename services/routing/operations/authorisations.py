"""Authorisations of payments that payment of one cell leaves for payment of another: kept for minutes, good once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.kernel import authorisations
from services.kernel.clock import MICROSECOND, Clock, to_micros
from services.routing.domain.hashes import Hasher
from services.routing.store.unit import RoutingStore

KEPT: Final = timedelta(days=1)
"""For how long one is kept whose time is over: so long whoever shows it again is told that it is spent (our decision)."""


@dataclass(frozen=True, slots=True)
class Authorisations:
    """Keeps and spends them. `hashers` gives the key of now, then the one that still holds beside it."""

    store: RoutingStore
    clock: Clock
    hashers: Callable[[], tuple[Hasher, ...]]

    async def keep(self, auth: str, psn_no: str, fixmedins_code: str) -> None:
        """Keeps one that is good from now on; a repeat changes nothing."""
        now = to_micros(self.clock())
        made = authorisations.new(auth, self.hashers()[0].person(psn_no), fixmedins_code, now)
        async with self.store.write() as work:
            await work.authorisations.forget(now - KEPT // MICROSECOND)
            await work.authorisations.keep(made)

    async def spend(self, auth: str, psn_no: str, fixmedins_code: str, used_by: str) -> int:
        """Spends one for an order; until when it was good. PAY_AUTH_UNKNOWN, PAY_AUTH_SPENT, PAY_AUTH_OF_ANOTHER."""
        hashes = [each.person(psn_no) for each in self.hashers()]
        async with self.store.write() as work:
            found = await work.authorisations.find(auth)
            person = found.psn_no if found is not None and found.psn_no in hashes else hashes[0]
            spent = authorisations.shown(found, person, fixmedins_code, used_by, to_micros(self.clock()))
            await work.authorisations.spend(auth, used_by)
        return spent.expires_at
