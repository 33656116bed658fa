"""A person who looks at what is the own: only by a key of the cell that keeps the person's consent.

Only that cell knows whose key it is. Whoever runs another one can make a key in anybody's name there, and would see without
consent what is the person's (our decision).
"""

from __future__ import annotations

from typing import Final

from services.imaging.domain.sessions import PERSONS, Grant, MeantPerson, Purpose, Reader
from services.imaging.operations.ports import GrantFinding
from services.kernel.consents import cell_of_grant
from services.kernel.errors import denied

LOOKING: Final = Reader(Purpose.SELF, PERSONS)
"""Whoever looks at what is the own, before it is known who that is."""


async def own_grant(cells: GrantFinding, psn_no: str, cell: str) -> Grant:
    """The grant of a person's own sight; `cell` is where the person's key was made. NO_ACCESS alike where nobody has the number
    and where another cell keeps the person's consent; CELL_UNAVAILABLE."""
    grant = await cells.found(LOOKING, MeantPerson(psn_no))
    if cell_of_grant(grant.grant_no) != cell:
        raise denied("NO_ACCESS")
    return grant
