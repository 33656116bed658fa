"""Settlement's process is killed in the middle of opening and ending orders: each stands once, in one phase, to the fen."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.books import orders as domain
from tests.settlement.orders_victim import AMOUNT, BILLS, PEOPLE, again, begun


@pytest.mark.parametrize("lines", [30, *(pytest.param(each, marks=pytest.mark.torture) for each in range(1, 96, 7))])
async def test_every_order_ends_in_one_phase_and_what_was_answered_stays(lines: int, tmp_path: Path) -> None:
    told, digests = await asyncio.to_thread(killed_after, lines, tmp_path)
    assert len(told) > 0
    async with begun(tmp_path, days=1) as world:
        assert await world.findings() == ()
        pending = await world.orders.overdue(1000)
        assert len(pending) <= PEOPLE
        await world.orders.lapse(pending)
        assert await world.findings() == ()
        phases: Counter[str] = Counter()
        for name, phase in told.items():
            found = await world.orders.order(name)
            # What was answered as ended is so; what was answered as opened may have been ended unheard, or lapsed.
            assert phase in (found.phase, domain.PENDING)
            phases[found.phase] += 1
            assert (await again(world, name))[1] in ("", digests[name])
        for number in range(PEOPLE):
            confirmed = 0
            for bill in range(BILLS):
                try:
                    found = await world.orders.order(f"O{number}-{bill}")
                except Fault:
                    break
                confirmed += found.phase == domain.CONFIRMED
            balance, _ = await world.balance(f"P{number}")
            assert balance == 2 * BILLS * AMOUNT - confirmed * AMOUNT
            assert (await world.accumulators(f"P{number}")).get("op_inscp", 0) == confirmed * AMOUNT
        assert await world.findings() == ()


def killed_after(lines: int, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The last phase that was told of each order, and the digest of its bill; the process is killed behind so many lines."""
    told: dict[str, str] = {}
    digests: dict[str, str] = {}
    words = [sys.executable, "-m", "tests.settlement.orders_victim", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        for place, line in enumerate(victim.stdout, 1):
            if place == lines:
                victim.kill()
            name, phase, digest = json.loads(line)
            told[name] = phase
            digests.setdefault(name, digest)
    assert victim.returncode == -9
    return told, digests
