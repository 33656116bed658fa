"""Multilateral netting: of all that regions owe each other one position each, and few payments that settle them.

The fewest possible payments are found exactly where up to `EXACT` regions of a circle have a position: n regions need n less
the most groups that sum to 0 by themselves. Beyond that finding it takes too long (it is as hard as subset sum), and regions
whose positions are opposite pay each other, then the largest debtor pays the largest creditor: at most n - 1 payments. The
same positions give the same payments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.routing.domain.clearing.parties import Pair

EXACT: Final = 10


@dataclass(frozen=True, slots=True)
class Position:
    """What one region gets of its circle and owes to it, in fen. The nets of a circle sum to 0."""

    circle: str
    region: str
    receivable_fen: int
    payable_fen: int

    @property
    def net_fen(self) -> int:
        """Above 0 what it gets, below 0 what it pays."""
        return self.receivable_fen - self.payable_fen


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Who pays whom, in fen, above 0."""

    circle: str
    payer_region: str
    payee_region: str
    amount_fen: int


def positions(claims: Iterable[tuple[Pair, int]]) -> list[Position]:
    """Positions of all regions that have a claim or a debt, by circle and region. A claim below 0 is owed the other way."""
    sums: dict[tuple[str, str], list[int]] = {}
    for pair, amount_fen in claims:
        sums.setdefault((pair.circle, pair.care_region), [0, 0])[0] += amount_fen
        sums.setdefault((pair.circle, pair.insured_region), [0, 0])[1] += amount_fen
    return [Position(circle, region, got, owed) for (circle, region), (got, owed) in sorted(sums.items())]


def orders(found: Sequence[Position]) -> list[PaymentOrder]:
    """Payments that bring every position to 0, by circle, payer and payee; ValueError where a circle does not sum to 0."""
    circles: dict[str, dict[str, int]] = {}
    for each in found:
        if each.net_fen:
            circles.setdefault(each.circle, {})[each.region] = each.net_fen
    paid: list[PaymentOrder] = []
    for circle, nets in sorted(circles.items()):
        if sum(nets.values()):
            raise ValueError(f"the positions of circle {circle} do not sum to 0")
        for group in _groups(nets):
            paid += (PaymentOrder(circle, *each) for each in _settled(group))
    return sorted(paid, key=lambda each: (each.circle, each.payer_region, each.payee_region))


def _groups(nets: Mapping[str, int]) -> list[dict[str, int]]:
    """Groups that each sum to 0: the most there are, or pairs and the rest where there are many regions."""
    regions = sorted(nets)
    if len(regions) <= EXACT:
        return [{region: nets[region] for region in group} for group in _most_groups(regions, nets)]
    left, groups = dict(nets), []
    by_amount: dict[int, list[str]] = {}
    for region in regions:
        by_amount.setdefault(nets[region], []).append(region)
    for region in regions:
        others = by_amount.get(-nets[region], [])
        if region in left and others:
            other = others.pop(0)
            by_amount[nets[region]].remove(region)
            groups.append({region: left.pop(region), other: left.pop(other)})
    return [*groups, left] if left else groups


def _most_groups(regions: Sequence[str], nets: Mapping[str, int]) -> list[list[str]]:
    """The partition into the most groups of sum 0, over all subsets: `most[s]` of the regions in the bits of s."""
    count = len(regions)
    sums, most, last = [0] * (1 << count), [0] * (1 << count), [-1] * (1 << count)
    for subset in range(1, 1 << count):
        low = (subset & -subset).bit_length() - 1
        sums[subset] = sums[subset & (subset - 1)] + nets[regions[low]]
        for place in range(count):
            rest = subset & ~(1 << place)
            if rest != subset and (last[subset] < 0 or most[rest] > most[subset]):
                most[subset], last[subset] = most[rest], place
        most[subset] += sums[subset] == 0
    groups: list[list[str]] = []
    subset, group = (1 << count) - 1, list[str]()
    while subset:
        group.append(regions[last[subset]])
        subset &= ~(1 << last[subset])
        if sums[subset] == 0:
            groups.append(group)
            group = []
    return groups


def _settled(nets: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """The largest debtor pays the largest creditor, until all are 0; equal ones in the order of their codes."""
    left = dict(nets)
    paid: list[tuple[str, str, int]] = []
    while left:
        payer = min(left, key=lambda region: (left[region], region))
        payee = min(left, key=lambda region: (-left[region], region))
        amount = min(-left[payer], left[payee])
        paid.append((payer, payee, amount))
        for region, change in ((payer, amount), (payee, -amount)):
            left[region] += change
            if not left[region]:
                del left[region]
    return paid
