"""The check of clearing: everything computed anew from the journals alone, and held against what the books say.

It adds up for itself and shares nothing with the way the books are written but the words.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.routing.domain.clearing.journals import REVERSE
from services.routing.domain.clearing.ledger import ALL_FUNDS, CLAIM, PREPAID, Tally
from services.routing.domain.clearing.parties import Pair, pair_of

MOST: Final = 100
"""Findings that are told."""


class Finding(NamedTuple):
    """One rule that is broken, on what, and both figures in fen or counts."""

    rule: str
    subject: str
    expected: int
    found: int


class Line(NamedTuple):
    """A journal as its row stands: the day as text, the parts as JSON text, the month in which it clears."""

    setl_id: str
    kind: str
    order_no: str
    insured_area: str
    care_area: str
    fixmedins_code: str
    setl_day: str
    parts: str
    month: str


@dataclass(slots=True)
class Recount:
    """What the journals come to, read in the order of their keys; and the hash of their lines."""

    count: int = 0
    sums: dict[tuple[str, Pair, str], int] = field(default_factory=lambda: defaultdict(int))
    counts: dict[tuple[str, Pair], int] = field(default_factory=lambda: defaultdict(int))
    findings: list[Finding] = field(default_factory=list)
    _alone: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _reversal: tuple[str, dict[str, int]] | None = None

    def add(self, lines: Iterable[Line]) -> None:
        """More journals. The month in which one clears is no part of what is hashed: facts alone are."""
        hashed: list[str] = []
        for line in lines:
            pair = pair_of(line.insured_area, line.care_area)
            parts: dict[str, int] = dict(json.loads(line.parts))
            for fund, amount in parts.items():
                self.sums[line.month, pair, fund] += amount
            self.sums[line.month, pair, ALL_FUNDS] += sum(parts.values())
            self.counts[line.month, pair] += 1
            if line.kind == REVERSE or self._reversal is not None:
                self._meet(line, parts)
            hashed.append("|".join(line[:-1]))
        self.count += len(hashed)
        self._digest.update("".join(f"{line}\n" for line in hashed).encode())

    @property
    def reversals_alone(self) -> int:
        """Reversals whose settlement has not come (yet)."""
        return self._alone + (self._reversal is not None)

    def _meet(self, line: Line, parts: dict[str, int]) -> None:
        """In the order of keys a reversal stands right before its settlement."""
        before, self._reversal = self._reversal, (line.setl_id, parts) if line.kind == REVERSE else None
        if before is None:
            return
        setl_id, taken = before
        if setl_id != line.setl_id:
            self._alone += 1
        elif taken != {fund: -amount for fund, amount in parts.items()}:
            self.findings.append(Finding("reversal_is_opposite", setl_id, -sum(parts.values()), sum(taken.values())))

    def ledger_hash(self, rest: Iterable[str]) -> str:
        """SHA-256 (hex) of the lines of all journals, then of the lines of what followed from them."""
        whole = self._digest.copy()
        for line in rest:
            whole.update(f"{line}\n".encode())
        return whole.hexdigest()

    def against_tallies(self, tallies: Iterable[Tally]) -> list[Finding]:
        """Tallies that are not what the journals come to."""
        found: list[Finding] = []
        seen: set[tuple[str, Pair, str]] = set()
        for each in tallies:
            key = (each.month, each.pair, each.fund)
            seen.add(key)
            if self.sums.get(key, 0) != each.amount_fen:
                found.append(Finding("tally_equals_journals", _named(key), self.sums.get(key, 0), each.amount_fen))
            count = self.counts.get(key[:2], 0)
            if each.fund == ALL_FUNDS and count != each.settled_count + each.reversed_count:
                counted = each.settled_count + each.reversed_count
                found.append(Finding("tally_counts_journals", _named(key), count, counted))
        lost = sorted(self.sums.keys() - seen)
        return found + [Finding("tally_equals_journals", _named(key), self.sums[key], 0) for key in lost]

    def against_statements(self, statements: Iterable[tuple[str, Pair, int, int, str, str]]) -> list[Finding]:
        """Statements whose own sum is not that of the journals of their month, or whose carried sum nobody left."""
        found: list[Finding] = []
        left: dict[tuple[str, Pair], int] = defaultdict(int)
        taken: dict[tuple[str, Pair], int] = {}
        for month, pair, amount, carried, outcome, carried_to in statements:
            journals = self.sums.get((month, pair, ALL_FUNDS), 0)
            if journals != amount:
                found.append(Finding("statement_equals_journals", _named((month, pair)), journals, amount))
            taken[month, pair] = carried
            if outcome == "carried":
                left[carried_to, pair] += amount + carried
        for key, carried in taken.items():
            if left.get(key, 0) != carried:
                found.append(Finding("carried_equals_disputes", _named(key), left.get(key, 0), carried))
        return found


def against_positions(
    statements: Iterable[tuple[str, Pair, int, int, str, str]], positions: Iterable[tuple[str, str, str, int]]
) -> list[Finding]:
    """Positions that are not the sum of what was netted, and circles that do not sum to 0."""
    nets: dict[tuple[str, str, str], int] = defaultdict(int)
    circles: dict[tuple[str, str], int] = defaultdict(int)
    for month, pair, amount, carried, outcome, _ in statements:
        if outcome == "netted":
            nets[month, pair.circle, pair.care_region] += amount + carried
            nets[month, pair.circle, pair.insured_region] -= amount + carried
    found: list[Finding] = []
    seen: set[tuple[str, str, str]] = set()
    for *where, net in positions:
        key = (where[0], where[1], where[2])
        seen.add(key)
        circles[key[0], key[1]] += net
        if nets.get(key, 0) != net:
            found.append(Finding("position_equals_statements", "/".join(key), nets.get(key, 0), net))
    found += [Finding("position_equals_statements", "/".join(key), nets[key], 0) for key in sorted(nets.keys() - seen)]
    found += [Finding("positions_sum_to_zero", "/".join(key), 0, total) for key, total in circles.items() if total]
    return found


def against_postings(
    recount: Recount,
    paid: Iterable[tuple[str, str, int]],
    prepaid: Iterable[tuple[str, str, int]],
    balances: dict[tuple[str, str], int],
) -> list[Finding]:
    """Regions whose claims are not what journals and paid orders come to, or whose prepayments are not their accounts."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for (_, pair, fund), amount in recount.sums.items():
        if fund == ALL_FUNDS:
            expected[CLAIM, pair.care_region] += amount
            expected[CLAIM, pair.insured_region] -= amount
    for payer, payee, amount in paid:
        expected[CLAIM, payer] += amount
        expected[CLAIM, payee] -= amount
    for insured, care, amount in prepaid:
        expected[PREPAID, insured] += amount
        expected[PREPAID, care] -= amount
    return [
        Finding("balance_equals_journals", "/".join(key), expected.get(key, 0), balances.get(key, 0))
        for key in sorted(expected.keys() | balances.keys())
        if expected.get(key, 0) != balances.get(key, 0)
    ]


def against_accounts(moved: Iterable[tuple[str, str, int]], held: Iterable[tuple[str, str, int]]) -> list[Finding]:
    """Prepayments whose balance is not the sum of their movements."""
    sums = {(insured, care): amount for insured, care, amount in moved}
    return [
        Finding("prepayment_equals_movements", f"{insured}/{care}", sums.get((insured, care), 0), balance)
        for insured, care, balance in held
        if sums.get((insured, care), 0) != balance
    ]


def unbalanced(found: Iterable[tuple[str, int]]) -> list[Finding]:
    """Sources whose postings do not sum to 0."""
    return [Finding("source_sums_to_zero", source, 0, total) for source, total in found]


def _named(key: tuple[str, Pair] | tuple[str, Pair, str]) -> str:
    month, pair, *fund = key
    return "/".join((month, pair.insured_region, pair.care_region, *fund))
