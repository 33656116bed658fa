"""Care across cells whose clocks are apart, and around the days on which a benefit year ends."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from services.kernel.clock import BEIJING
from tests.mesh.world import ledger_findings
from tests.torture.cells.processes import INSURED_SETTLEMENT
from tests.torture.cells.seams import BEFORE, RECEIVE, Point
from tests.torture.cells.seasons import Season, season, seconds_until
from tests.torture.cells.transactions import admit, reverse, settle

pytestmark: Final = pytest.mark.torture

AHEAD_S: Final = 30
"""How long before midnight a mesh begins to be started: it is up, and a bill is ready, well before."""

CONFIRM: Final = Point(RECEIVE, "OrderService.BatchConfirm", BEFORE, 1)


async def books_add_up(made: Season) -> None:
    """A recomputation of both ledgers finds nothing."""
    for mesh in made.town.cells.values():
        assert await ledger_findings(mesh) == []


@pytest.mark.parametrize("apart_s", [90, -90])
async def test_a_minute_and_a_half_apart_all_goes_as_ever(apart_s: int, tmp_path: Path) -> None:
    async with season(tmp_path, apart_s, 0) as made:
        for prepare in (settle, reverse, admit):
            message, _ = await made.line.done(await made.line.prepared(prepare))
            assert await made.line.at_rest(message) == []
        await books_add_up(made)


@pytest.mark.parametrize("apart_s", [600, -600])
async def test_ten_minutes_apart_a_bill_is_refused_and_whose_clocks_is_said(apart_s: int, tmp_path: Path) -> None:
    async with season(tmp_path, apart_s, 0) as made:
        message = await made.line.prepared(settle)
        before = made.line.books.facts(message.who)
        answer = await made.line.until_definite(message)
        assert answer.message.startswith("[CLOCK_APART]"), answer.message
        assert await made.line.at_rest(message) == []
        assert made.line.books.facts(message.who) == before
        await books_add_up(made)


@pytest.mark.parametrize("apart_s", [90, -90])
@pytest.mark.parametrize("last", [datetime(2026, 12, 31, tzinfo=BEIJING), datetime(2027, 6, 30, tzinfo=BEIJING)])
async def test_the_day_at_the_place_of_care_says_whose_year_it_is(last: datetime, apart_s: int, tmp_path: Path) -> None:
    midnight = last + timedelta(days=1)
    care_s = seconds_until(midnight - timedelta(seconds=AHEAD_S))
    async with season(tmp_path, care_s, care_s + apart_s, care_s) as made:
        line = made.line if last.month == 12 else made.summer
        early, across, late = [await line.prepared(settle) for _ in range(3)]
        done = [await line.done(early)]
        assert made.clock() < midnight - timedelta(seconds=1)
        # This one is opened before midnight; that it comes to nothing, or stands, is decided after it.
        await made.town[INSURED_SETTLEMENT].arm(CONFIRM)
        sending = asyncio.create_task(line.done(across))
        async with asyncio.timeout(AHEAD_S):
            await made.town[INSURED_SETTLEMENT].ended()
        assert made.clock() < midnight
        await asyncio.sleep((midnight - made.clock()).total_seconds() + 0.5)
        await made.town.mend()
        done += [await sending, await line.done(late)]
        for message, answer in done:
            assert await line.at_rest(message) == []
            told = datetime.fromisoformat(answer.output["setlinfo"]["setl_time"]).replace(tzinfo=BEIJING)
            assert {year for year, *_ in line.books.facts(message.who).sums} == {"2027" if told >= midnight else "2026"}
        days = [answer.output["setlinfo"]["setl_time"][:10] for _, answer in done]
        assert (days[0], days[2]) == (f"{last:%Y-%m-%d}", f"{midnight:%Y-%m-%d}")
        await books_add_up(made)
