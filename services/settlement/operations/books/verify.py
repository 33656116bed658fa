"""The books checked: recomputed from the journal by the store, and held against the ceilings of the policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.kernel.errors import Fault
from services.settlement.domain.benefits.stack import StackRequest
from services.settlement.domain.benefits.versions import benefit_year
from services.settlement.domain.books.verification import CeilingCheck, LedgerGroup, Verification, ceilings
from services.settlement.operations.benefits.ports import PolicyPeer
from services.settlement.store.verify import LedgerChecks

_NO_STACK = ("STACK_NOT_FOUND", "POLICY_NOT_EFFECTIVE")


@dataclass(frozen=True, slots=True)
class Verifying:
    """Checks the books."""

    checks: LedgerChecks
    catalogue: PolicyPeer

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
