"""Payment is killed at every point of what it does at a POS: afterwards nobody was charged twice and no refund is lost."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.payment.channels.protocol import Lost
from services.payment.domain.charges import ChannelState, RefundStanding
from services.runtime.outgoing import Outgoing
from tests.payment.bank_victim import DIED, POINTS
from tests.payment.terminal_lines import MERCHANT, charge, counter, quiet, refund
from tools.twins.bank.cards import FULL_FEN

DEEDS = ("pay", "void", "refund", "undo", "settle")
SHORT = {("pay", "after answer")}
# What begins no line, or changes none, has no such point.
LIVES = {
    ("undo", "before begin"),
    ("undo", "after begin"),
    ("settle", "before begin"),
    ("settle", "after begin"),
    ("settle", "after change"),
}
CELLS = [
    pytest.param(*cell, marks=() if cell in SHORT else pytest.mark.torture) for cell in itertools.product(DEEDS, POINTS)
]


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[Outgoing]:
    made = Outgoing(quiet())
    yield made
    await made.close()


@pytest.mark.parametrize(("what", "point"), CELLS)
async def test_a_kill_at_a_pos_leaves_nothing_that_is_not_known_afterwards(
    what: str, point: str, outgoing: Outgoing, tmp_path: Path
) -> None:
    async with counter(outgoing, tmp_path) as desk:
        await desk.told("clock", offset_s=0)
        desk.clock.now = datetime.now(UTC)
        assert (await desk.channel.place(charge("CHARGE0001"))).standing is ChannelState.CHARGED
        if what == "undo":
            await desk.goes_wrong("TIMEOUT_AFTER", "0200", "/purchase")
            with pytest.raises(Lost):
                await desk.channel.place(charge("CHARGE0003"))
        place = (desk.account.address, f"sqlite:///{tmp_path}/payment.sqlite", what, point)
        victim = (sys.executable, "-m", "tests.payment.bank_victim", *place)
        assert await asyncio.to_thread(subprocess.call, victim) == (0 if (what, point) in LIVES else DIED)
        after = desk.another()
        kept = 0
        for number in ("CHARGE0001", "CHARGE0002", "CHARGE0003"):
            seen = await after.look(charge(number))
            assert seen.standing in {
                ChannelState.CHARGED,
                ChannelState.CLOSED,
                ChannelState.ABSENT,
                ChannelState.RETURNED,
            }
            kept += seen.charged_fen
        back = await after.look_refund(refund(fen=300 if what == "refund" else 1_000))
        assert back.standing in {RefundStanding.RETURNED, RefundStanding.ABSENT}
        assert await desk.balance() == FULL_FEN - kept + back.refunded_fen
        settled = await after.settle_batch(MERCHANT)
        assert settled is None or settled.equal
        if what in {"void", "refund"}:
            asked = refund(fen=300 if what == "refund" else 1_000)
            assert (await after.refund(asked)).standing is RefundStanding.RETURNED
            assert await desk.balance() == FULL_FEN - kept + asked.refund_fen
