"""Payment in a mesh of one cell: nobody and nothing is elsewhere."""

from __future__ import annotations

from typing import Final

from services.kernel.authorisations import Authorisation
from services.kernel.errors import precondition


class NoneElsewhere:
    """All people and institutions are of one cell."""

    async def keep(self, auth: str, psn_no: str, fixmedins_code: str) -> None:
        return None

    async def spent(self, pay_auth_no: str, psn_no: str, fixmedins_code: str, used_by: str) -> Authorisation | None:
        return None


async def card_number(_fixmedins_code: str, card: str) -> int:
    """A bank that says of each card that it has its number."""
    return int(card)


async def any_institution(fixmedins_code: str) -> None:
    """A catalogue that knows every one, but those whose code begins with X."""
    if fixmedins_code.startswith("X"):
        raise precondition("INSTITUTION_UNKNOWN", fixmedins_code=fixmedins_code, day="2026-11-30")


NOBODY: Final = (NoneElsewhere(), card_number, any_institution)
"""No other cell, that bank, and that catalogue."""
