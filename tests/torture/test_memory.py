"""Ten minutes of mixed requests: the memory of the processes levels off. The curve is printed."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from services.kernel.clock import BEIJING
from tests.torture.attacker import CREDENTIAL, PSN_NO, Client, visit
from tests.torture.bodies import envelope, line
from tests.torture.victim import show
from tools.bench.processes import tree
from tools.running import RunningMesh

MINUTES = 10
EVERY_S = 30.0
MOST_PER_MINUTE_MB = 1.0
LINES = 20
# Of each of two clients: with the answers some fifty requests a second, thirty thousand in all.
PACE_S = 0.025


async def mixed(url: str, until: float, numbers: Iterator[int], sent: list[int]) -> None:
    """Visits with all their transactions, what is refused among them, one after the other."""
    client = Client(url)

    async def say(infno: str, nodes: object) -> Any:
        sent[0] += 1
        await asyncio.sleep(PACE_S)
        return json.loads(await client.post(json.dumps(envelope(infno, nodes, next(numbers))).encode()))

    while time.monotonic() < until:
        await say("1101", {"data": CREDENTIAL})
        mdtrt = await visit(url, next(numbers))
        batch = secrets.token_hex(6)
        rows = [line(mdtrt, place, batch) for place in range(LINES)]
        await say("2204", {"feedetail": rows})
        await say("2204", {"feedetail": [{**rows[0], "cnt": secrets.token_hex(8)}] * LINES})
        seen = {**mdtrt, "med_type": "11", "begntime": f"{datetime.now(UTC).astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"}
        await say("2203", {"mdtrtinfo": seen, "diseinfo": []})
        bill = {**mdtrt, **CREDENTIAL, "insutype": "310", "med_type": "11", "medfee_sumamt": f"{10 * LINES}.00"}
        bill |= {"psn_setlway": "01", "chrg_bchno": batch, "acct_used_flag": "0"}
        await say("2206", {"data": bill})
        settled = await say("2207", {"data": bill})
        if settled["infcode"] == 0:
            reference = {"setl_id": settled["output"]["setlinfo"]["setl_id"], **mdtrt}
            await say("5203", {"data": reference})
            await say("2208", {"data": reference})
        await say("5204", {"data": {**mdtrt, "setl_id": ""}})
        await say("2207", {"data": {**bill, "psn_no": secrets.token_hex(8)}})
        await say("1101", {"data": {**CREDENTIAL, "mdtrt_cert_no": secrets.token_hex(9), "psn_no": PSN_NO[:3]}})
    client.close()


@pytest.mark.torture
async def test_memory_levels_off(attacked: RunningMesh) -> None:
    until, sent = time.monotonic() + 60 * MINUTES, [0]
    numbers = count(1)
    traffic = [asyncio.create_task(mixed(attacked.url, until, numbers, sent)) for _ in range(2)]
    curve: list[tuple[int, list[float]]] = []
    while time.monotonic() < until - EVERY_S / 2:
        await asyncio.sleep(EVERY_S)
        curve.append((sent[0], [usage.rss_bytes / 2**20 for usage in tree(attacked.process.pid).values()]))
        show(f"{sent[0]:>7} requests: {' + '.join(f'{mb:.1f}' for mb in curve[-1][1])} MB")
    await asyncio.gather(*traffic)
    assert sent[0] > 25_000
    half = [sum(mb) for _, mb in curve[len(curve) // 2 :]]
    per_minute = (half[-1] - half[0]) / ((len(half) - 1) * EVERY_S / 60)
    show(f"in the second half {per_minute:+.2f} MB a minute")
    assert per_minute <= MOST_PER_MINUTE_MB
