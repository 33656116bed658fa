"""The ledger of clearing: postings by source, each source summing to 0, and the running sums of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.routing.domain.clearing.journals import SETTLE, Filed
from services.routing.domain.clearing.parties import Pair

CLAIM, PREPAID = "claim", "prepaid"
"""Accounts of a region: what others owe it for care (below 0: what it owes), and what it has prepaid (below 0: holds)."""

ALL_FUNDS: Final = ""
"""In place of a fund_pay_type: the sum of all, where a payment settles no single fund."""


class Posting(NamedTuple):
    """One side of a movement of money between two regions, in fen."""

    source: str
    account: str
    region: str
    fund: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a pair's journals of a month come to, of one fund or of all."""

    month: str
    pair: Pair
    fund: str
    settled_count: int
    reversed_count: int
    amount_fen: int


def transfer(
    source: str, account: str, debtor: str, creditor: str, fund: str, amount_fen: int
) -> tuple[Posting, Posting]:
    """Both sides of a movement: the creditor's claim grows by what the debtor's falls."""
    return (
        Posting(source, account, creditor, fund, amount_fen),
        Posting(source, account, debtor, fund, -amount_fen),
    )


def postings_of(filed: Filed) -> Iterator[Posting]:
    """Two for each part of a journal: the care region's claim, and the insured region's debt."""
    source, pair = filed.journal.key.source, filed.pair
    for fund, amount_fen in filed.journal.parts:
        yield from transfer(source, CLAIM, pair.insured_region, pair.care_region, fund, amount_fen)


def tallies_of(fresh: Iterable[Filed]) -> list[Tally]:
    """What journals add to the tallies, in the order of their keys."""
    sums: dict[tuple[str, Pair], dict[str, list[int]]] = {}
    for filed in fresh:
        funds = sums.setdefault((filed.month, filed.pair), {})
        place = 0 if filed.journal.kind == SETTLE else 1
        total = 0
        for fund, amount in filed.journal.parts:
            row = funds.setdefault(fund, [0, 0, 0])
            row[place] += 1
            row[2] += amount
            total += amount
        row = funds.setdefault(ALL_FUNDS, [0, 0, 0])
        row[place] += 1
        row[2] += total
    return [Tally(*key, fund, *row) for key, funds in sorted(sums.items()) for fund, row in sorted(funds.items())]


def negative(tally: Tally) -> Tally:
    """What takes a tally away."""
    return Tally(tally.month, tally.pair, tally.fund, -tally.settled_count, -tally.reversed_count, -tally.amount_fen)
