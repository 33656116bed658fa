"""The Alipay twin, killed in the middle of payments and refunds and started again on its file: nothing half, nothing twice."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from services.kernel.clock import BEIJING, system_clock
from services.payment.channels.alipay import Alipay
from services.payment.channels.protocol import Lost
from services.payment.domain.accounts import Account
from services.payment.domain.charges import BillKind, ChannelState, RefundStanding
from services.runtime.config import Config
from services.runtime.outgoing import Outgoing
from services.runtime.telemetry import Telemetry
from tests.payment.alipay_counter import CODE, asked, charge, refund

pytestmark = pytest.mark.torture
KILLS = 8


@asynccontextmanager
async def process(state: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Alipay]]:
    """A twin in a process of its own, and a channel that speaks to it."""
    program = (sys.executable, "-m", "tools.twins", "alipay", "--state", str(state), "--hang", "0")
    running = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert running.stdout is not None
    url = (await running.stdout.readline()).decode().split()[-1]
    outgoing = Outgoing(Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"})))
    async with httpx.AsyncClient(trust_env=False) as client:
        keys = (await client.get(f"{url}/_twin/keys")).json()
    account = Account(
        channel="alipay",
        fixmedins_code="H99010100001",
        merchant_no=keys["app_id"],
        address=url,
        private_key=keys["app_private_key"],
        provider_keys={"1": keys["alipay_public_key"]},
    )
    try:
        yield running, Alipay([account], outgoing, system_clock)
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()
        await outgoing.close()


async def pay_and_take_back(channel: Alipay, number: str) -> None:
    """A scanned code, and its refund; sent again under the same numbers where nobody knows."""
    seen = await channel.look(charge(number, CODE))
    if seen.standing is ChannelState.ABSENT:
        seen = await channel.place(asked(number, CODE))
    assert seen.standing is ChannelState.CHARGED
    back = refund(f"B{number}", charge(number, CODE), 1_000)
    told = await channel.look_refund(back)
    if told.standing is RefundStanding.ABSENT:
        told = await channel.refund(back)
    assert told.standing is RefundStanding.RETURNED


async def one_after_the_other(channel: Alipay, done: list[str]) -> None:
    """Goes on where it was lost, until it is lost again."""
    while True:
        await pay_and_take_back(channel, f"KILLED{len(done):04}")
        done.append(f"KILLED{len(done):04}")


async def test_a_twin_that_is_killed_again_and_again_has_every_charge_and_refund_once(tmp_path: Path) -> None:
    state, chance, done = tmp_path / "alipay.db", random.Random(7), list[str]()
    for _ in range(KILLS):
        async with process(state) as (running, channel):
            asyncio.get_running_loop().call_later(chance.uniform(0.02, 0.25), running.kill)
            with pytest.raises(Lost):
                await one_after_the_other(channel, done)
    async with process(state) as (_, channel):
        await pay_and_take_back(channel, f"KILLED{len(done):04}")
        done.append(f"KILLED{len(done):04}")
        lines = await channel.bill(charge(done[0], CODE).merchant, datetime.now(BEIJING).date())
    counted = Counter((each.kind, each.number, each.amount_fen) for each in lines)
    charges = [(BillKind.CHARGE, each, 3_000) for each in done]
    assert counted == Counter([*charges, *((BillKind.REFUND, f"B{each}", 1_000) for each in done)])
