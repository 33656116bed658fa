"""What tests of payment's operations share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.payment.store.unit import PaymentStore
from services.runtime.db import Database
from tests.payment.order_fakes import Dice, House, Ticking


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Payment on a store of its own, where nothing goes wrong by itself."""
    clock, dice = Ticking(), Dice(0)
    dice.calm = True
    database = Database(f"sqlite:///{tmp_path}/payment.sqlite", clock)
    store = PaymentStore(database)
    await store.start()
    yield House(store, clock, dice, "h")
    await database.close()
