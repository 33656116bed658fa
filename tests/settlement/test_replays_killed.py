"""Settlement's process is killed in the middle of replays: each is made whole or not at all, and the same request ends it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.settlement.orders_victim import PEOPLE, begun
from tests.settlement.replaying import adjustments, replayed
from tests.settlement.replays_victim import AMOUNTS


@pytest.mark.torture
@pytest.mark.parametrize(("line", "after_s"), [(1, 0.001), (1, 0.006), (3, 0.003), (3, 0.009), (5, 0.004), (7, 0.012)])
async def test_a_replay_stands_whole_or_not_at_all(line: int, after_s: float, tmp_path: Path) -> None:
    begun_of, told = await asyncio.to_thread(killed_behind, line, after_s, tmp_path)
    assert begun_of
    async with begun(tmp_path, days=1) as world:
        assert await world.findings() == ()
        for number in range(PEOPLE):
            made = len(await adjustments(world, f"P{number}"))
            assert made in (0, len(AMOUNTS))
            assert made or number not in told
        for number, setl_id in begun_of.items():
            answer = await replayed(world, setl_id, f"R{number}")
            assert told.get(number, answer.SerializeToString().hex()) == answer.SerializeToString().hex()
            assert len(await adjustments(world, f"P{number}")) == len(AMOUNTS)
        assert await world.findings() == ()


def killed_behind(line: int, after_s: float, folder: Path) -> tuple[dict[int, str], dict[int, str]]:
    """The settlements whose replay had begun, and the answers that were told; the process is killed a moment behind a line."""
    begun_of: dict[int, str] = {}
    told: dict[int, str] = {}
    words = [sys.executable, "-m", "tests.settlement.replays_victim", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        for place, text in enumerate(victim.stdout):
            if place == line:
                try:
                    victim.wait(after_s)
                except subprocess.TimeoutExpired:
                    victim.kill()
            said: list[Any] = json.loads(text)
            if place:
                begun_of[said[0]] = said[1]
                if len(said) > 2:
                    told[said[0]] = said[2]
    return begun_of, told
