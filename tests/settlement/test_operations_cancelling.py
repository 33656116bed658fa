"""What a cancellation of fees may not leave behind, and what it cannot take from a settlement that was made before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.errors import FaultKind
from services.settlement.domain.care.bill import STAY
from services.settlement.store.settlements import SettlementBooks
from tests.settlement.counter import Counter, counter_on, line
from tests.settlement.test_operations_encounters import refusal, settle
from tests.settlement.test_operations_fees import batches, cancel, open_total, take_back
from tests.settlement.world import sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
async def counter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counter]:
    """A counter on an empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with counter_on(url) as made:
        yield made


async def test_a_charge_batch_is_not_cancelled_while_a_return_of_its_lines_stands(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"), line("2", batch="1"))
    await counter.upload("2204:2", visit, line("3", "A1", -1000, "-1", batch="2", origin="1"))
    await counter.upload("2204:3", visit, line("4", amount_fen=3000, cnt="3", batch="3"))
    fault = await refusal(cancel(counter, "2205:1", visit, "1"))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "RETURN_EXCEEDS_LINE")
    assert fault.metadata == {"feedetl_sn": "3", "lines": "1"}
    ((path, rule, description),) = [(each.path, each.rule, each.description) for each in fault.violations]
    assert (path, rule) == ("data.chrg_bchno", "return_stands")
    assert "charge batch 2" in description
    assert await open_total(counter, visit) == 4000
    await cancel(counter, "2205:2", visit, "2")
    await cancel(counter, "2205:3", visit, "1")
    assert await open_total(counter, visit) == 3000


async def test_a_line_and_its_return_in_two_charge_batches_are_cancelled_together(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"), line("2", "A1", -500, "-0.5", batch="2", origin="1"))
    assert (await refusal(cancel(counter, "2205:1", visit, "1"))).reason == "RETURN_EXCEEDS_LINE"
    await cancel(counter, "2205:2", visit, "0000")
    assert [batch.state for batch in await batches(counter, visit)] == ["cancelled", "cancelled"]


async def test_a_line_whose_return_is_settled_is_not_cancelled(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("2", amount_fen=3000, cnt="3", batch="2"), line("1", batch="1"))
    await counter.upload("2204:2", visit, line("3", "A1", -1000, "-1", batch="2", origin="1"))
    async with counter.database.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE fee_batch SET state = 'settled', setl_id = 'S1' WHERE chrg_bchno = '2'"
        )
    for place, number in enumerate(("1", "0000")):
        assert (await refusal(cancel(counter, f"2205:{place}", visit, number))).reason == "RETURN_EXCEEDS_LINE"
    assert await open_total(counter, visit) == 1000


async def test_the_lines_of_a_settlement_are_told_after_its_reversal_as_it_held_them(
    counter: Counter, stay: str
) -> None:
    await counter.upload("2301:1", stay, line("1"), line("2"), line("3"), kind=STAY)
    await take_back(counter, "2302:1", stay, "1")
    await settle(counter, stay)
    name = counter.name(stay, STAY)
    held = [(entry.line.feedetl_sn, entry.setl_id) for entry in (await counter.fees.listed(name, "S1")).lines]
    assert held == [("2", "S1"), ("3", "S1")]
    async with SettlementBooks(counter.database).writing() as work:
        await work.mark_reversed("S1")
    for request_id, number in (("2302:2", "2"), ("2302:3", "0000")):
        found = (await counter.fees.listed(name, "S1")).lines
        assert [(entry.line.feedetl_sn, entry.setl_id) for entry in found] == held
        await take_back(counter, request_id, stay, number)
    assert [entry.line.feedetl_sn for entry in (await counter.fees.listed(name, "S1")).lines] == ["2", "3"]
    assert (await counter.fees.listed(name, "")).lines == ()
