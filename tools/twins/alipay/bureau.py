"""Who settles the insured half of a medical trade: the bureau at an address, or one that the twin plays itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

REFUSED: Final = "REFUSED"
"""An authorisation that begins so is refused by the bureau that the twin plays."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the bureau is asked to settle: the order and the authorisation that it gave itself, and the parts in fen."""

    pay_order_id: str
    pay_auth_no: str
    total_fen: int
    fund_fen: int
    account_fen: int
    other_fen: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What the bureau says: settled under `setl_id`, or not, with its sentence."""

    settled: bool
    setl_id: str = ""
    message: str = ""


class Bureau(Protocol):
    """Settles insured parts."""

    async def settle(self, claim: Claim) -> Settled | None:
        """The same answer for the same order; None where nobody knows, so that it is asked again."""

    async def close(self) -> None:
        """Lets go of connections."""


class OwnBureau:
    """Settles whatever it is asked to; an authorisation that begins with REFUSED it does not know."""

    async def settle(self, claim: Claim) -> Settled | None:
        """At once."""
        if claim.pay_auth_no.startswith(REFUSED):
            return Settled(settled=False, message="授权信息不存在")
        return Settled(settled=True, setl_id=f"S{claim.pay_order_id}"[:30])

    async def close(self) -> None:
        """Nothing to close."""
