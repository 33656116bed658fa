"""A whole simulated year of clearing: 32 provinces, a million settlements, every computation of it compared."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.torture.victim import show
from tools.bench.clearing import simulate

SETTLEMENTS = 1_000_000


@pytest.mark.torture
def test_a_million_settlements_clear_and_every_computation_agrees(tmp_path: Path) -> None:
    begun = time.perf_counter()
    found = asyncio.run(simulate(tmp_path, SETTLEMENTS, 1, two_processes=True))
    assert found.verified is not None
    show(f"{SETTLEMENTS:,} settlements in {time.perf_counter() - begun:.0f} s, hash {found.verified.ledger_hash}")
    assert found.agrees, (found.faults, found.verified.findings)
    assert found.months_paid == 12
