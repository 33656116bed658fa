"""Settlement's process is killed in the middle of visits that are written together: each message stands whole, or not at all."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.settlement.care_victim import LINES, PEOPLE, VISITS, begun, digest_of, steps
from tests.settlement.counter import Counter


@pytest.mark.parametrize("count", [60, *(pytest.param(each, marks=pytest.mark.torture) for each in range(1, 280, 23))])
async def test_what_was_answered_stays_and_nothing_stands_by_half(count: int, tmp_path: Path) -> None:
    told = await asyncio.to_thread(killed_after, count, tmp_path)
    assert len(told) >= count
    async with begun(tmp_path, chance=22) as counter:
        before = await kept(counter)
        # A row stands with the entry of its message alone, and an entry with all its rows.
        assert (before["encounter"], before["fee_batch"]) == (before["2201"], before["2204"])
        assert before["fee_line"] == LINES * before["2204"]
        assert before["described"] == before["2203"]
        assert before["2201"] + before["2203"] + before["2204"] >= len(told)
        answers = {}
        for person in range(PEOPLE):
            for visit in range(VISITS):
                async for name, answer in steps(counter, person, visit):
                    answers[name] = digest_of(answer)
        assert {name: answers[name] for name in told} == told
        every = PEOPLE * VISITS
        counted = ("encounter", "described", "fee_batch", "2201", "2203", "2204")
        assert await kept(counter) == dict.fromkeys(counted, every) | {"fee_line": LINES * every}


async def kept(counter: Counter) -> dict[str, int]:
    """How many rows there are, how many visits are described, and how many entries by transaction."""
    texts = {table: f"SELECT COUNT(*) FROM {table}" for table in ("encounter", "fee_batch", "fee_line")}
    texts["described"] = "SELECT COUNT(*) FROM encounter WHERE med_type <> ''"
    for infno in ("2201", "2203", "2204"):
        texts[infno] = f"SELECT COUNT(*) FROM encounter_entry WHERE request_id LIKE '{infno}:%'"
    async with counter.database.driver_read() as connection:
        return {name: int((await connection.fetch(text, ()))[0][0]) for name, text in texts.items()}


def killed_after(count: int, folder: Path) -> dict[str, str]:
    """The digest of each answer that was told; the process is killed behind so many."""
    words = [sys.executable, "-m", "tests.settlement.care_victim", str(folder)]
    told: dict[str, str] = {}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        for place, line in enumerate(victim.stdout, 1):
            if place == count:
                victim.kill()
            name, digest = json.loads(line)
            told[name] = digest
    assert victim.returncode == -9
    return told
