"""Cancellations that come a second time under another message: what is cancelled stays so, and nothing else is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.settlement.domain.care.bill import STAY
from tests.settlement.counter import Counter, counter_on, line
from tests.settlement.test_operations_encounters import discharge, refusal, settle
from tests.settlement.test_operations_fees import batches, cancel, open_total, take_back
from tests.settlement.world import sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
async def counter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counter]:
    """A counter on an empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with counter_on(url) as made:
        yield made


async def undo(counter: Counter, request_id: str, mdtrt_id: str) -> bytes:
    """2405."""
    name = counter.name(mdtrt_id, STAY)
    return await counter.stays.undo_discharge(counter.stamp(request_id), name, counter.clock(), b"")


async def test_a_charge_batch_that_is_cancelled_is_cancelled_again(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"), line("2", batch="2"))
    for place in range(2):
        await cancel(counter, f"2205:1{place}", visit, "1")
        assert await open_total(counter, visit) == 1000
    for place in range(2):
        await cancel(counter, f"2205:2{place}", visit, "0000")
    assert (await refusal(cancel(counter, "2205:3", visit, "3"))).reason == "CHARGE_BATCH_NOT_FOUND"


async def test_a_number_that_was_cancelled_and_is_settled_since_is_not_cancelled(counter: Counter, visit: str) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"))
    await cancel(counter, "2205:1", visit, "1")
    await counter.upload("2204:2", visit, line("2", batch="1"))
    await settle(counter, visit)
    fault = await refusal(cancel(counter, "2205:2", visit, "1"))
    assert (fault.reason, fault.metadata["setl_id"]) == ("BATCH_SETTLED", "S1")


async def test_lines_of_a_stay_that_are_cancelled_are_left_out_of_a_second_cancellation(
    counter: Counter, stay: str
) -> None:
    await counter.upload("2301:1", stay, line("1"), line("2"), line("3"), kind=STAY)
    await take_back(counter, "2302:1", stay, "1")
    for request_id, numbers in (("2302:2", ("1",)), ("2302:3", ("1", "2")), ("2302:4", ("2", "1"))):
        await take_back(counter, request_id, stay, *numbers)
    assert await open_total(counter, stay) == 1000
    assert len(await batches(counter, stay)) == 3
    fault = await refusal(take_back(counter, "2302:5", stay, "1", "9"))
    assert (fault.reason, [each.path for each in fault.violations]) == (
        "FEE_LINE_NOT_FOUND",
        ["data[1].feedetl_sn"],
    )


async def test_fees_are_cancelled_again_also_where_the_stay_was_cancelled_since(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1"), kind=STAY)
    await take_back(counter, "2302:1", stay, "1")
    name = counter.name(stay, STAY)
    for request_id in ("2404:1", "2404:2"):
        await counter.encounters.cancel(counter.stamp(request_id), name, counter.clock(), b"")
    await take_back(counter, "2302:2", stay, "1")
    await take_back(counter, "2302:3", stay, "0000")
    assert (await refusal(take_back(counter, "2302:4", stay, "9"))).reason == "ENCOUNTER_STATE"


async def test_a_discharge_is_undone_again_while_the_stay_lies_as_the_first_undo_left_it(
    counter: Counter, stay: str
) -> None:
    assert (await refusal(undo(counter, "2405:0", stay))).reason == "ENCOUNTER_STATE"
    await discharge(counter, "2402:1", stay)
    for request_id in ("2405:1", "2405:2"):
        await undo(counter, request_id, stay)
        assert (await counter.encounter(stay)).state == "open"
    await discharge(counter, "2402:2", stay)
    await undo(counter, "2405:1", stay)
    assert (await counter.encounter(stay)).state == "discharged"
    await undo(counter, "2405:3", stay)
    assert (await counter.encounter(stay)).state == "open"
    await counter.encounters.cancel(counter.stamp("2404:1"), counter.name(stay, STAY), counter.clock(), b"")
    assert (await refusal(undo(counter, "2405:4", stay))).metadata["state"] == "cancelled"
