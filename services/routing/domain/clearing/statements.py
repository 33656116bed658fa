"""Statements of a closed month: what one region owes another for the care of its insured, and what each side says to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.kernel.errors import Fault, not_found
from services.routing.domain.clearing.ledger import ALL_FUNDS, Tally
from services.routing.domain.clearing.parties import Pair

INSURED, CARE = "insured", "care"
SIDES: Final = (INSURED, CARE)
SILENT, CONFIRMED, DISPUTED = "silent", "confirmed", "disputed"
PENDING, NETTED, CARRIED = "pending", "netted", "carried"


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """What a side says: silence, consent, or a dispute with its reason."""

    state: str = SILENT
    reason: str = ""
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the journals of a pair come to, and what earlier months left in dispute (`carried_fen`).

    `run` counts how often the month was closed. `outcome` says whether it was netted, or carried to the month `carried_to`.
    """

    month: str
    run: int
    pair: Pair
    settled_count: int
    reversed_count: int
    amount_fen: int
    carried_fen: int
    funds: Mapping[str, int]
    insured: SideAnswer = SideAnswer()
    care: SideAnswer = SideAnswer()
    outcome: str = PENDING
    carried_to: str = ""

    @property
    def total_fen(self) -> int:
        """What is cleared by it."""
        return self.amount_fen + self.carried_fen

    @property
    def disputed(self) -> bool:
        """Whether a side disputes it; silence is consent once the month is netted (our decision)."""
        return DISPUTED in (self.insured.state, self.care.state)

    def answered(self, side: str, answer: SideAnswer) -> Statement:
        """With what a side says now; it may think better of it until the month is netted."""
        return replace(self, insured=answer) if side == INSURED else replace(self, care=answer)


def statements(month: str, run: int, tallies: Iterable[Tally], carried: Mapping[Pair, int]) -> list[Statement]:
    """One for each pair that has journals in the month or a dispute of earlier ones, in their order."""
    totals: dict[Pair, Tally] = {}
    funds: dict[Pair, dict[str, int]] = {}
    for tally in tallies:
        if tally.fund == ALL_FUNDS:
            totals[tally.pair] = tally
        elif tally.amount_fen:
            funds.setdefault(tally.pair, {})[tally.fund] = tally.amount_fen
    made = []
    for pair in sorted(totals.keys() | carried.keys()):
        total = totals.get(pair) or Tally(month, pair, ALL_FUNDS, 0, 0, 0)
        counts = (total.settled_count, total.reversed_count, total.amount_fen)
        if any(counts) or carried.get(pair):
            made.append(Statement(month, run, pair, *counts, carried.get(pair, 0), funds.get(pair, {})))
    return made


def outcomes(found: Sequence[Statement], carried_to: str) -> list[Statement]:
    """What becomes of statements when their month is netted: those in dispute are carried on."""
    return [
        replace(each, outcome=CARRIED, carried_to=carried_to) if each.disputed else replace(each, outcome=NETTED)
        for each in found
    ]


def no_statement(month: str, pair: tuple[str, str]) -> Fault:
    """NOT_FOUND CLEARING_STATEMENT_NOT_FOUND: the pair had nothing to clear in that month."""
    return not_found("CLEARING_STATEMENT_NOT_FOUND", month=month, insured_region=pair[0], care_region=pair[1])
