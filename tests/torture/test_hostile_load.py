"""One partner sends the worst bodies, legal and illegal, without pause; another partner's 1101 hardly notices."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

import pytest

from tests.torture.victim import ask, show
from tools.bench.processes import rss_bytes
from tools.running import RunningMesh
from tools.tidy import ROOT

QUIET_S = 15.0
ATTACK_S = 30.0
TIMES = 10
MOST_GROWTH_MB = 100


async def attacking(url: str, seconds: float, kind: str, lines: int = 8) -> Counter[str]:
    """The attack in a process of its own, so that it takes no time of who measures."""
    command = (sys.executable, "-m", "tests.torture.attacker", url, str(seconds), kind, str(lines))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return Counter(json.loads(output))


@pytest.mark.torture
@pytest.mark.parametrize("kind", ["illegal", "legal", "both"])
async def test_another_partners_1101_takes_at_most_ten_times_as_long(attacked: RunningMesh, kind: str) -> None:
    await ask(attacked.url, 3.0)
    quiet = await ask(attacked.url, QUIET_S)
    await attacking(attacked.url, 5.0, kind)
    before_mb = rss_bytes([attacked.process.pid]) / 2**20
    under_attack = asyncio.create_task(attacking(attacked.url, ATTACK_S + 2, kind))
    await asyncio.sleep(1.5)
    during = await ask(attacked.url, ATTACK_S)
    told = await under_attack
    grown_mb = rss_bytes([attacked.process.pid]) / 2**20 - before_mb
    show(
        f"{kind}: quiet {quiet}; under attack {during}; {before_mb:.0f} MB and {grown_mb:+.0f} MB; answered {dict(told)}"
    )
    assert (quiet.failed, during.failed) == (0, 0)
    assert sum(told.values()) > 100
    assert told["no answer"] == 0
    assert told["TOO_MANY_CALLS"] == 0 or kind != "illegal"
    assert grown_mb <= MOST_GROWTH_MB
    assert during.at(0.99) <= TIMES * quiet.at(0.99)
