"""Another computation of clearing, from the file alone: plain SQL and plain sums, sharing no code with routing."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path


def faults(path: Path, claims: Mapping[str, int]) -> list[str]:
    """What does not agree: `claims` are what regions have to get in all, as whoever made the year knows it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as books:
        pairs = _pairs(books)
        return [*_totals(pairs, claims), *_positions(books, pairs), *_money(books)]


Pairs = dict[tuple[str, str, str], int]
"""Sum by month, insured and care region."""


def _pairs(books: sqlite3.Connection) -> Pairs:
    found: Pairs = defaultdict(int)
    rows = books.execute("SELECT insured_area, care_area, month, parts FROM clearing_journal")
    for insured, care, month, parts in rows:
        regions = (insured, care) if insured[:2] == care[:2] else (f"{insured[:2]}0000", f"{care[:2]}0000")
        found[month, *regions] += sum(amount for _, amount in json.loads(parts))
    return found


def _totals(pairs: Pairs, claims: Mapping[str, int]) -> list[str]:
    nets: dict[str, int] = defaultdict(int)
    for (_, insured, care), amount in pairs.items():
        nets[care] += amount
        nets[insured] -= amount
    regions = sorted(nets.keys() | claims.keys())
    return [
        f"{region}: the year made {claims.get(region, 0)} fen, the journals say {nets[region]}"
        for region in regions
        if nets[region] != claims.get(region, 0)
    ]


def _positions(books: sqlite3.Connection, pairs: Pairs) -> list[str]:
    """Replays months in their order: what is disputed waits, what waited is added to the month that it was carried to."""
    waiting: Pairs = defaultdict(int)
    nets: dict[tuple[str, str], int] = defaultdict(int)
    disputed = {
        (month, insured, care): later
        for month, insured, care, later in books.execute(
            "SELECT s.month, insured_region, care_region, carried_to FROM clearing_statement s JOIN clearing_month m"
            " ON m.month = s.month AND m.run = s.run WHERE insured_state = 'disputed' OR care_state = 'disputed'"
        )
    }
    netted = {row[0] for row in books.execute("SELECT month FROM clearing_month WHERE state IN ('netted', 'paid')")}
    for month in sorted(netted):
        for where in {key for key in pairs if key[0] == month} | {key for key in waiting if key[0] == month}:
            amount = pairs.get(where, 0) + waiting.pop(where, 0)
            if where in disputed:
                waiting[disputed[where], where[1], where[2]] += amount
            else:
                nets[month, where[2]] += amount
                nets[month, where[1]] -= amount
    stored: dict[tuple[str, str], int] = defaultdict(int)
    for month, region, net in books.execute(
        "SELECT p.month, region, net_fen FROM clearing_position p JOIN clearing_month m"
        " ON m.month = p.month AND m.run = p.run"
    ):
        stored[month, region] += net
    keys = sorted(stored.keys() | nets.keys())
    found = [
        f"{key}: {nets[key]} fen by the journals, {stored[key]} in the books"
        for key in keys
        if nets[key] != stored[key]
    ]
    return found + ([f"all positions sum to {sum(stored.values())} fen"] if sum(stored.values()) else [])


def _money(books: sqlite3.Connection) -> list[str]:
    """Payments of a month bring every position to 0."""
    left = books.execute(
        "WITH paid AS (SELECT month, payee_region AS region, amount_fen AS fen FROM clearing_payment WHERE state = 'paid'"
        " UNION ALL SELECT month, payer_region, -amount_fen FROM clearing_payment WHERE state = 'paid'"
        " UNION ALL SELECT p.month, region, -net_fen FROM clearing_position p JOIN clearing_month m"
        " ON m.month = p.month AND m.run = p.run WHERE m.state = 'paid')"
        " SELECT month, region, SUM(fen) FROM paid GROUP BY month, region HAVING SUM(fen) <> 0"
    ).fetchall()
    return [f"{month} {region}: {fen} fen are paid too much" for month, region, fen in left]
