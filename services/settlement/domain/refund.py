"""Refunds: the exact negative of a settlement, last in first out within a person's benefit year.

Deductibles, bands, ceilings and admission ordinals depend on the order of settlements, so an earlier one cannot be taken
out from under a later one (our decision).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from services.kernel.errors import precondition
from services.settlement.domain.outcome import MONEY_FIELDS, Components


@dataclass(frozen=True, slots=True)
class SettledRef:
    """A settlement and its place in the ledger of one person, insurance type and benefit year."""

    setl_id: str
    sequence: int


def check_refund_order(target: SettledRef, standing: Iterable[SettledRef]) -> None:
    """Refuses to refund anything but the last standing settlement.

    `standing` are the settlements of the same person, insurance type, pooling area and benefit year that were not
    refunded. Raises SETTLEMENT_REFUNDED when the target is not among them, LATER_SETTLEMENT_EXISTS naming the last one.
    """
    last = target
    found = False
    for other in standing:
        found = found or other.setl_id == target.setl_id
        if other.sequence > last.sequence:
            last = other
    if not found:
        raise precondition("SETTLEMENT_REFUNDED", setl_id=target.setl_id)
    if last.setl_id != target.setl_id:
        raise precondition("LATER_SETTLEMENT_EXISTS", setl_id=target.setl_id, later_setl_id=last.setl_id)


def refund(components: Components) -> Components:
    """The components of the refund: every amount negated, the reported ratio repeated."""
    return replace(components, **{name: -getattr(components, name) for name in MONEY_FIELDS})


def refund_deltas(deltas: Mapping[str, int]) -> dict[str, int]:
    """The accumulator movements that undo a settlement's."""
    return {key: -delta for key, delta in deltas.items()}
