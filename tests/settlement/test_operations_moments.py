"""Moments that decide, through the operations: refused by field, nothing half written, late uploads until settlement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.kernel.errors import Fault, FaultKind
from services.runtime.db import bulk_insert
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.encounters import DISCHARGED, OPEN, EncounterFilter
from services.settlement.operations.care.encounters import VisitInformation
from services.settlement.operations.care.stays import DischargeInformation
from services.settlement.store.tables import FEE_LINE
from tests.settlement.counter import BEGIN, SOMEBODY, TODAY, Counter, counter_on, line
from tests.settlement.test_operations_encounters import settle
from tests.settlement.world import HOSPITAL, World, sqlite_url, world_on

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
AHEAD = timedelta(minutes=11)


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_database") if postgres else sqlite_url(tmp_path)
    async with world_on(url) as made:
        yield made


async def refusal(awaited: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        await awaited
    return caught.value


async def told(counter: Counter, request_id: str, mdtrt_id: str, begin: datetime, day: date | None = None) -> bytes:
    """2203 with that begin."""
    information = VisitInformation("11", begin, "", "", "", day)
    stamp, name = counter.stamp(request_id), counter.name(mdtrt_id)
    return await counter.encounters.describe_visit(stamp, name, information, counter.clock(), bytes, b"")


async def discharged(counter: Counter, request_id: str, mdtrt_id: str, end: datetime, day: date | None = None) -> bytes:
    """2402 with that end."""
    information = DischargeInformation(end, "", "", "", day)
    stamp, name = counter.stamp(request_id), counter.name(mdtrt_id, STAY)
    return await counter.stays.discharge(stamp, name, information, counter.clock(), bytes, b"")


@pytest.mark.parametrize(("kind", "path"), [("visit", "data.begntime"), (STAY, "mdtrtinfo.begntime")])
async def test_nothing_is_registered_before_it_begins(counter: Counter, kind: str, path: str) -> None:
    fault = await refusal(counter.register("1", kind=kind, begin=TODAY + AHEAD))
    assert (fault.reason, fault.violations[0].path) == ("TIME_IN_FUTURE", path)
    mdtrt_id = await counter.register("1", kind=kind, begin=TODAY + timedelta(minutes=9))
    assert (await counter.encounter(mdtrt_id)).state == OPEN


async def test_a_visit_is_not_told_to_begin_later_than_now_or_a_day_after_its_fees(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    assert (await refusal(told(counter, "2203:1", mdtrt_id, TODAY + AHEAD))).reason == "TIME_IN_FUTURE"
    await counter.upload("2204:1", mdtrt_id, line("1", batch="1"), line("2", batch="1", at=BEGIN + 30 * HOUR))
    fault = await refusal(told(counter, "2203:2", mdtrt_id, BEGIN + 25 * HOUR))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "FEE_TIME_OUTSIDE")
    assert (fault.metadata["feedetl_sn"], fault.violations[0].path) == ("1", "mdtrtinfo.begntime")
    assert (await counter.encounter(mdtrt_id)).begin_at == BEGIN
    await settle(counter, mdtrt_id)
    await told(counter, "2203:3", mdtrt_id, BEGIN + 25 * HOUR)


async def test_a_stay_is_not_discharged_in_the_future_and_its_state_stays(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    fault = await refusal(discharged(counter, "2402:1", mdtrt_id, TODAY + 120 * DAY))
    assert (fault.reason, fault.violations[0].path) == ("TIME_IN_FUTURE", "dscginfo.endtime")
    assert (await counter.encounter(mdtrt_id)).state == OPEN
    await discharged(counter, "2402:1", mdtrt_id, TODAY + 120 * DAY, (TODAY + 120 * DAY).date())
    assert (await counter.encounter(mdtrt_id)).state == DISCHARGED


async def test_fees_before_the_stay_after_now_or_after_the_discharge_are_refused_where_they_arrive(
    counter: Counter,
) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    for wrong in (BEGIN - 25 * HOUR, BEGIN - 50 * DAY, TODAY + AHEAD, TODAY + 60 * DAY):
        fault = await refusal(counter.upload("2301:1", mdtrt_id, line("1"), line("2", at=wrong), kind=STAY))
        assert (fault.reason, fault.metadata["feedetl_sn"]) == ("FEE_TIME_OUTSIDE", "2")
    assert len(await counter.upload("2301:1", mdtrt_id, line("1", at=BEGIN - 24 * HOUR), kind=STAY)) == 1
    await discharged(counter, "2402:1", mdtrt_id, BEGIN + 2 * DAY)
    late = line("2", at=BEGIN + 2 * DAY + AHEAD)
    assert (await refusal(counter.upload("2301:2", mdtrt_id, late, kind=STAY))).reason == "FEE_TIME_OUTSIDE"
    assert len(await counter.upload("2301:2", mdtrt_id, line("2", at=BEGIN + 2 * DAY), kind=STAY)) == 1


async def test_fees_of_a_visit_arise_from_a_day_before_it_until_now(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    for wrong in (BEGIN - 25 * HOUR, TODAY + AHEAD):
        fault = await refusal(counter.upload("2204:1", mdtrt_id, line("1", at=wrong)))
        assert (fault.kind, fault.reason) == (FaultKind.INVALID, "FEE_TIME_OUTSIDE")
    assert len(await counter.upload("2204:1", mdtrt_id, line("1", at=TODAY))) == 1


async def test_a_discharge_before_fees_that_stand_is_refused_and_names_them(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    days = [line(str(number), at=BEGIN + number * DAY) for number in range(1, 7)]
    await counter.upload("2301:1", mdtrt_id, *days, kind=STAY)
    fault = await refusal(discharged(counter, "2402:1", mdtrt_id, BEGIN + 4 * DAY))
    assert (fault.reason, fault.metadata["feedetl_sn"], fault.metadata["lines"]) == ("FEE_TIME_OUTSIDE", "5, 6", "2")
    name = counter.name(mdtrt_id, STAY)
    await counter.fees.cancel_lines(counter.stamp("2302:1"), name, ["5", "6"], counter.clock(), b"")
    await discharged(counter, "2402:1", mdtrt_id, BEGIN + 4 * DAY)


async def test_a_question_about_a_range_that_ends_before_it_begins_is_refused(counter: Counter) -> None:
    fault = await refusal(counter.encounters.listed(EncounterFilter(HOSPITAL, SOMEBODY, TODAY, BEGIN)))
    assert (fault.kind, fault.violations[0].path) == (FaultKind.INVALID, "data.endtime")


async def stay_with_line(world: World, psn_no: str, at: datetime, *, state: str = "discharged") -> str:
    """A stay with one charge that an older release took, whenever it arose."""
    mdtrt_id = await world.encounter(psn_no, kind="stay", state=state)
    batch = await world.fees(mdtrt_id, 50_000, batch="")
    row = (f"L{mdtrt_id}", mdtrt_id, "17", batch, 1, "open", at, 50_000, 0, 0, 0, 50_000, 0, "", "1", b"", b"", None)
    async with world.database.write() as connection:
        await bulk_insert(connection, FEE_LINE, [row])
    return mdtrt_id


async def test_a_stay_with_fees_outside_is_not_settled_and_harms_no_other(world: World) -> None:
    begun = datetime(2025, 3, 10, 1, 0, tzinfo=UTC)
    orders = []
    for number, at in enumerate((begun - 2 * DAY, begun, begun + DAY), 1):
        psn_no = world.person(f"P{number}")
        mdtrt_id = await stay_with_line(world, psn_no, at)
        stay = {"kind": "stay", "chrg_bchno": "0000", "med_type": ""}
        orders.append(world.order(psn_no, mdtrt_id, 50_000, f"2304:{number}", **stay))
    early, fitting, late = await world.settle_all(*orders)
    for fault in (early, late):
        assert isinstance(fault, Fault)
        assert (fault.reason, fault.metadata["feedetl_sn"], fault.metadata["lines"]) == ("FEE_TIME_OUTSIDE", "17", "1")
    assert not isinstance(fitting, BaseException)
    assert await world.findings() == ()


async def test_a_stay_without_charges_says_what_to_do(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.encounter(psn_no, kind="stay", state="discharged")
    order = world.order(psn_no, mdtrt_id, 0, "2304:1", kind="stay", chrg_bchno="0000", med_type="")
    (fault,) = await world.settle_all(order)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "NOTHING_TO_SETTLE")
    assert fault.metadata == {"mdtrt_id": mdtrt_id}


async def test_charges_that_were_all_taken_back_settle_at_zero(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.encounter(psn_no, kind="stay", state="discharged")
    for amount in (5_000, -5_000):
        await world.fees(mdtrt_id, amount, batch="")
    order = world.order(psn_no, mdtrt_id, 0, "2304:1", kind="stay", chrg_bchno="0000", med_type="")
    info = (await world.settle(order)).setlinfo
    assert (info.medfee_sumamt_fen, info.fund_pay_sumamt_fen, info.psn_part_amt_fen) == (0, 0, 0)
    assert await world.findings() == ()
