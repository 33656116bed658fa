"""Refunds: the exact negative of a settlement, last in first out within a person's benefit year and within a stay.

Deductibles, bands, ceilings and admission ordinals depend on the order of settlements, and the rest of a stay on the
settlement before it, be that in another year; so an earlier one cannot be taken out from under a later one (our decision).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.kernel.errors import precondition
from services.settlement.domain.benefits.outcome import MONEY_FIELDS, Components


@dataclass(frozen=True, slots=True)
class SettledRef:
    """A settlement, its place in the ledger of one person, insurance type and benefit year, and whose it is.

    `scope` is the institution, `admdvs` its division and `day` the day of the settlement, which tell others where to go.
    """

    setl_id: str
    sequence: int
    scope: str = ""
    admdvs: str = ""
    day: str = ""


def check_refund_order(target: SettledRef, standing: Iterable[SettledRef]) -> None:
    """Refuses to refund anything but the last standing settlement.

    `standing` are the settlements of the same person, insurance type, pooling area and benefit year that were not
    refunded. Raises SETTLEMENT_REFUNDED when the target is not among them, and what `check_last` raises.
    """
    others = sorted(standing, key=lambda other: other.sequence)
    if target.setl_id not in (other.setl_id for other in others):
        raise precondition("SETTLEMENT_REFUNDED", setl_id=target.setl_id)
    check_last(target, [other for other in others if other.sequence > target.sequence])


def check_last(target: SettledRef, later: Sequence[SettledRef]) -> None:
    """Raises LATER_SETTLEMENT_EXISTS with the number of settlements that stand after the target, oldest first.

    The one to be reversed first is told by division and day; its number only to the institution that made it.
    """
    if later:
        last = later[-1]
        told = {"admdvs": last.admdvs, "day": last.day, "count": str(len(later))}
        named = {"later_setl_id": last.setl_id} if last.scope == target.scope else {}
        raise precondition("LATER_SETTLEMENT_EXISTS", setl_id=target.setl_id, **told, **named)


def refund(components: Components) -> Components:
    """The components of the refund: every amount negated, the reported ratio repeated."""
    return replace(components, **{name: -getattr(components, name) for name in MONEY_FIELDS})


def refund_deltas(deltas: Mapping[str, int]) -> dict[str, int]:
    """The accumulator movements that undo a settlement's."""
    return {key: -delta for key, delta in deltas.items()}
