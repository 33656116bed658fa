"""What settlement answers, as payment needs it."""

from __future__ import annotations

from dataclasses import dataclass

from services.payment.domain.splits import Split


@dataclass(frozen=True, slots=True)
class Tried:
    """A bill as it was tried; `trial_hash` covers what the split depends on. `insured_cell` is told where routing was asked: the
    cell that has the person's ledgers, which may be the own one.
    """

    split: Split
    trial_hash: str
    insured_cell: str = ""


@dataclass(frozen=True, slots=True)
class OpenedBill:
    """A bill that is pending, by its split and its settlement; `held` where it was marked as charged by its opening."""

    split: Split
    setl_id: str
    held: bool = False
