"""Whether an institution may ask about a person now, as the person's cell says: nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import MeantPerson, Purpose, Reader
from services.imaging.operations.ports import GrantDeciding, GrantFinding
from services.kernel.consents import cell_of_grant
from services.kernel.elsewhere import cell_unavailable
from services.kernel.errors import Fault

_NO_ACCESS: Final = "NO_ACCESS"


@dataclass(frozen=True, slots=True)
class Granted:
    """What lets an institution ask about a person: the grant, the person's key, what may be seen."""

    grant_no: str
    person_key: bytes
    scope: Scope


class GrantingCells(GrantFinding, GrantDeciding, Protocol):
    """Both questions."""


@dataclass(frozen=True, slots=True)
class Granting:
    """Asks for the grant, and what it lets be seen."""

    cells: GrantingCells

    async def granted(self, fixmedins_code: str, dr_codg: str, psn_no: str) -> Granted | None:
        """What lets an institution's doctor read of a person now; None of nobody as of somebody who granted nothing, after the
        same questions. CELL_UNAVAILABLE, PEER_UNAVAILABLE."""
        reader = Reader(Purpose.TREATMENT, fixmedins_code, dr_codg)
        try:
            grant = await self.cells.found(reader, MeantPerson(psn_no))
        except Fault as fault:
            if fault.reason != _NO_ACCESS:
                raise
            return None
        (said,) = await self.cells.decided(reader, [grant.grant_no])
        if said.away:
            raise cell_unavailable(cell_of_grant(grant.grant_no) or "")
        # A grant that ended since, or is another person's, shows nothing.
        if said.scope is None or said.person_key != grant.person_key:
            return None
        return Granted(grant.grant_no, grant.person_key, said.scope)
