"""Where an order may stand, from where it may come there, and how the national envelope says it: one table for all orders.

What people see follows from the table alone. No phase before PAID is told as paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class Phase(Enum):
    """Where an order stands; `yibao.payment.v1.OrderPhase` says what each means."""

    SAVING = "saving"
    SAVED = "saved"
    TRIED = "tried"
    OPENING = "opening"
    PLACING = "placing"
    WAITING = "waiting"
    CHARGED = "charged"
    PAID = "paid"
    CLOSING = "closing"
    VOIDING = "voiding"
    RETURNING = "returning"
    FAILED = "failed"
    REVOKING = "revoking"
    REVOKED = "revoked"
    REFUNDING = "refunding"
    HELD = "held"


MOVES: Final[Mapping[Phase, frozenset[Phase]]] = MappingProxyType(
    {
        Phase.SAVING: frozenset({Phase.SAVED, Phase.REVOKING}),
        Phase.SAVED: frozenset({Phase.TRIED, Phase.REVOKING}),
        # Tried again: a new authorisation, or lines that changed.
        Phase.TRIED: frozenset({Phase.TRIED, Phase.OPENING, Phase.REVOKING}),
        # Opened with the split that was tried, or it goes back; without cash it is confirmed at once.
        Phase.OPENING: frozenset({Phase.PLACING, Phase.CHARGED, Phase.VOIDING, Phase.FAILED}),
        Phase.PLACING: frozenset(
            {Phase.WAITING, Phase.CHARGED, Phase.CLOSING, Phase.VOIDING, Phase.RETURNING, Phase.HELD}
        ),
        Phase.WAITING: frozenset({Phase.CHARGED, Phase.CLOSING, Phase.VOIDING, Phase.RETURNING, Phase.HELD}),
        # Only a close that the channel has confirmed lets the settlement go.
        Phase.CLOSING: frozenset({Phase.CHARGED, Phase.VOIDING, Phase.RETURNING, Phase.HELD}),
        Phase.CHARGED: frozenset({Phase.PAID, Phase.RETURNING, Phase.FAILED, Phase.REVOKING}),
        # The cash came after all: it goes back.
        Phase.VOIDING: frozenset({Phase.SAVED, Phase.FAILED, Phase.REVOKING, Phase.RETURNING, Phase.HELD}),
        Phase.RETURNING: frozenset({Phase.VOIDING, Phase.FAILED, Phase.REVOKING, Phase.HELD}),
        Phase.FAILED: frozenset({Phase.TRIED, Phase.REVOKING}),
        Phase.REVOKING: frozenset({Phase.REVOKED}),
        Phase.REVOKED: frozenset(),
        Phase.PAID: frozenset({Phase.REFUNDING}),
        Phase.REFUNDING: frozenset({Phase.PAID, Phase.HELD}),
        # What people have decided: to try again where it stood, or that it was done by hand.
        Phase.HELD: frozenset({Phase.WAITING, Phase.RETURNING, Phase.VOIDING, Phase.REFUNDING, Phase.CHARGED}),
    }
)
"""Into which phases an order may come from each."""

RUNNING: Final = frozenset(
    {
        Phase.SAVING,
        Phase.OPENING,
        Phase.PLACING,
        Phase.WAITING,
        Phase.CHARGED,
        Phase.CLOSING,
        Phase.VOIDING,
        Phase.RETURNING,
        Phase.REVOKING,
        Phase.REFUNDING,
    }
)
"""Phases out of which an order comes without anybody asking."""
PLACEABLE: Final = frozenset({Phase.SAVED, Phase.TRIED, Phase.FAILED})
"""Phases in which nothing stands of a bill: it may be placed, and revoked at once."""

_SETTLING: Final = 2
ORD_STAS: Final[Mapping[Phase, int]] = MappingProxyType(
    {
        Phase.SAVING: 0,
        Phase.SAVED: 0,
        Phase.TRIED: 1,
        Phase.OPENING: _SETTLING,
        Phase.PLACING: _SETTLING,
        Phase.WAITING: _SETTLING,
        Phase.CHARGED: 3,
        Phase.CLOSING: _SETTLING,
        Phase.VOIDING: _SETTLING,
        Phase.RETURNING: _SETTLING,
        Phase.FAILED: 15,
        Phase.REVOKING: _SETTLING,
        Phase.REVOKED: 12,
        Phase.REFUNDING: 17,
        Phase.HELD: 14,
    }
)
"""Dictionary ordStas of each phase but PAID, of which the refunds decide."""
AGREED: Final = 4
"""The insured half of a mixed order is agreed, the cash is not known yet."""


def ord_stas(
    phase: Phase, *, agreed: bool, charged_fen: int, refunded_fen: int, insured_returned: bool, knows_17: bool
) -> int:
    """The order by the national dictionary (C§4.5). 17 (refunding) is for institutions whose profile knows it, else 2."""
    if phase is Phase.WAITING and agreed:
        return AGREED
    if phase is Phase.REFUNDING and not knows_17:
        return _SETTLING
    if phase is not Phase.PAID:
        return ORD_STAS[phase]
    all_cash = refunded_fen >= charged_fen
    if insured_returned:
        if all_cash:
            return 7
        return 11 if refunded_fen else 8
    if not refunded_fen:
        return 6
    return 9 if all_cash else 10
