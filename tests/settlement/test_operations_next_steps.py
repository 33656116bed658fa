"""What a refusal tells to undo first: the step that would be refused itself is never the next one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.runtime.texts.gateway import next_step
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.encounters import check_not_settled
from tests.settlement.counter import BEGIN, Counter, counter_on, line
from tests.settlement.test_operations_encounters import settle
from tests.settlement.test_operations_moments import discharged, refusal
from tests.settlement.world import sqlite_url


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


async def test_a_settled_stay_is_reversed_before_its_discharge_and_that_before_its_admission(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    await counter.upload("2301:1", mdtrt_id, line("1"), kind=STAY)
    await discharged(counter, "2402:1", mdtrt_id, BEGIN + timedelta(hours=3))
    await settle(counter, mdtrt_id)
    name = counter.name(mdtrt_id, STAY)
    fault = await refusal(counter.encounters.cancel(counter.stamp("2404:1"), name, counter.clock(), b""))
    assert (fault.reason, fault.metadata["state"]) == ("ENCOUNTER_STATE", "discharged")
    assert re.search("2405.*2305", next_step(fault, "zh"))
    stay = await counter.encounter(mdtrt_id)
    with pytest.raises(Fault) as caught:
        check_not_settled(stay, "S1")
    fault = caught.value
    assert re.search("S1.*2305", next_step(fault, "zh"))
    assert re.search("S1.*2305", next_step(fault, "en"))


async def test_what_an_interim_bill_settled_is_reversed_before_the_admission_is_undone(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    await counter.upload("2301:1", mdtrt_id, line("1"), kind=STAY)
    await settle(counter, mdtrt_id)
    name = counter.name(mdtrt_id, STAY)
    for cancelling, reason, step in (
        (counter.encounters.cancel(counter.stamp("2404:1"), name, counter.clock(), b""), "FEES_SETTLED", "2305"),
        (
            counter.fees.cancel_lines(counter.stamp("2302:1"), name, ["1"], counter.clock(), b""),
            "BATCH_SETTLED",
            "2305.*2302",
        ),
    ):
        fault = await refusal(cancelling)
        assert (fault.reason, fault.metadata["setl_id"]) == (reason, "S1")
        assert re.search(step, next_step(fault, "zh"))
        assert re.search(step, next_step(fault, "en"))


async def test_a_settled_batch_of_a_visit_is_cancelled_after_its_settlement_is_reversed(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    await counter.upload("2204:1", mdtrt_id, line("1", batch="1"))
    await settle(counter, mdtrt_id)
    stamp, name = counter.stamp("2205:1"), counter.name(mdtrt_id)
    fault = await refusal(counter.fees.cancel_batches(stamp, name, "1", counter.clock(), b""))
    assert (fault.reason, fault.violations[0].path) == ("BATCH_SETTLED", "data.chrg_bchno")
    for lang in ("zh", "en"):
        assert re.search("2208.*2205", next_step(fault, lang))
