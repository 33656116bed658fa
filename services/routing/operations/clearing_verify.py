"""The check of clearing: every journal read again, and the books held against what they come to."""

from __future__ import annotations

from dataclasses import dataclass

from services.routing.domain.clearing.verification import (
    MOST,
    Finding,
    Recount,
    against_accounts,
    against_positions,
    against_postings,
    unbalanced,
)
from services.routing.store.clearing.verify import VerifyReader, VerifyRows


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked. The same books give the same hash, on whatever database and in whatever order they came."""

    journal_count: int
    reversals_alone: int
    ledger_hash: str
    positions_fen: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verifying:
    """Checks the books."""

    rows: VerifyRows

    async def verify(self) -> Verified:
        """Reads everything, so it takes seconds for a million journals; others go on meanwhile."""
        recount = Recount()
        async with self.rows.reading() as snapshot:
            async for page in snapshot.journals():
                recount.add(page)
            statements = await snapshot.statements()
            positions = await snapshot.positions()
            moved = await snapshot.prepaid()
            findings = [
                *recount.findings,
                *recount.against_tallies(await snapshot.tallies()),
                *recount.against_statements(statements),
                *against_positions(statements, positions),
                *against_postings(recount, await snapshot.paid(), moved, await snapshot.balances()),
                *against_accounts(moved, await snapshot.accounts()),
                *unbalanced(await snapshot.unbalanced(MOST)),
            ]
            hashed = recount.ledger_hash(await _rest(snapshot, positions))
        total = sum(net for *_, net in positions)
        return Verified(recount.count, recount.reversals_alone, hashed, total, tuple(findings[:MOST]))


async def _rest(snapshot: VerifyReader, positions: list[tuple[str, str, str, int]]) -> list[str]:
    """The lines behind those of the journals: positions, then orders."""
    lines = ["|".join(map(str, each)) for each in positions]
    return lines + ["|".join(map(str, each)) for each in await snapshot.payments()]
