"""The books checked: recomputed from the journal by the store, and held against the ceilings of the policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.kernel.errors import Fault
from services.settlement.domain.catalogue import StackRequest
from services.settlement.domain.verification import CeilingCheck, Finding, LedgerGroup, Verification, ceilings
from services.settlement.domain.versions import benefit_year
from services.settlement.operations.ports import CataloguePeer

_NO_STACK = ("STACK_NOT_FOUND", "POLICY_NOT_EFFECTIVE")


class LedgerChecks(Protocol):
    """The store's own arithmetic."""

    async def counts(self) -> tuple[int, int, int]:
        """Settlements with counter-entries, postings, and movements of accumulators."""
        ...

    async def broken(self) -> Sequence[Finding]:
        """What breaks a rule."""
        ...

    async def groups(self) -> Sequence[LedgerGroup]:
        """The insurance types, places and years in which somebody accumulated something."""
        ...

    async def above(self, check: CeilingCheck) -> Sequence[Finding]:
        """Accumulators above a ceiling."""
        ...


@dataclass(frozen=True, slots=True)
class Verifying:
    """Checks the books."""

    checks: LedgerChecks
    catalogue: CataloguePeer

    async def verify(self, today: date) -> Verification:
        """Every rule on everything; ceilings are those of the last day of each year, or of today."""
        settlements, postings, accumulators = await self.checks.counts()
        findings = list(await self.checks.broken())
        for group in await self.checks.groups():
            for check in await self._ceilings(group, today):
                findings += await self.checks.above(check)
        return Verification(settlements, postings, accumulators, tuple(findings))

    async def _ceilings(self, group: LedgerGroup, today: date) -> list[CeilingCheck]:
        day = min(today, date(int(group.benefit_year), 12, 31))
        try:
            choice = await self.catalogue.stack(StackRequest(group.insuplc_admdvs, group.insutype, day, day, day))
            if benefit_year(choice.stack.benefit_year_start, today).label == group.benefit_year:
                choice = await self.catalogue.stack(
                    StackRequest(group.insuplc_admdvs, group.insutype, today, today, today)
                )
        except Fault as fault:
            if fault.reason not in _NO_STACK:
                raise
            return []
        return ceilings(group, choice.stack)
