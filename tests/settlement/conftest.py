"""Encounters that are open at a test's own `counter`."""

from __future__ import annotations

import pytest

from services.settlement.domain.care.bill import STAY
from tests.settlement.counter import Counter


@pytest.fixture
async def visit(counter: Counter) -> str:
    """An open visit."""
    return await counter.register("2201:1")


@pytest.fixture
async def stay(counter: Counter) -> str:
    """An open stay."""
    return await counter.register("2401:1", kind=STAY)
