"""The simulated year of clearing, in small: its books agree with themselves, with its own sums and with plain SQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tools.bench.clearing import YearOutcome, simulate


def played(folder: Path, settlements: int, seed: int, days: int) -> YearOutcome:
    folder.mkdir()
    return asyncio.run(simulate(folder, settlements, seed, days=days))


def test_ten_thousand_settlements_clear_and_every_computation_agrees(tmp_path: Path) -> None:
    found = played(tmp_path / "a", 10_000, 1, 120)
    assert found.verified is not None
    assert (found.faults, found.verified.findings, found.verified.positions_fen) == ([], (), 0)
    assert found.settlements == 10_000
    assert found.differences == found.planted > 0
    assert min(found.reversals, found.late, found.disputes, found.left_out, found.payments, found.warnings) > 0
    assert (found.roll_backs, found.months_paid) == (1, 4)


def test_the_same_seed_gives_the_same_hash_and_another_one_another(tmp_path: Path) -> None:
    first, again, other = (
        played(tmp_path / name, 500, seed, 3).verified for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.ledger_hash == again.ledger_hash != other.ledger_hash
