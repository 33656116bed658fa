"""Whatever is lost between a POS and its bank, in whatever order: at the end both know the same, to the fen."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.payment.channels.bank import BankChannel
from services.payment.channels.protocol import Lost
from services.payment.domain.charges import ChannelState, RefundStanding
from services.runtime.outgoing import Outgoing
from tests.payment.terminal_lines import MERCHANT, Counter, charge, counter, quiet, refund
from tools.twins.bank.cards import FULL_FEN as FULL

MESSAGES = ("0200", "0220", "0400", "0500", "0800")
FAULTS = ("TIMEOUT_BEFORE", "TIMEOUT_AFTER", "UNAVAILABLE")


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[Outgoing]:
    made = Outgoing(quiet())
    yield made
    await made.close()


async def _until_known(asked: Callable[[Any], Awaitable[Any]], about: Any) -> Any:
    """What is said of it, asked as often as nobody knows."""
    for _ in range(50):
        try:
            return await asked(about)
        except Lost:
            continue
    raise AssertionError("nobody will ever know")


async def _step(desk: Counter, channel: BankChannel, chance: random.Random, number: int) -> None:
    """One thing that a counter does, with or without something that goes wrong meanwhile."""
    for _ in range(chance.choice((0, 1, 1, 2))):
        await desk.goes_wrong(chance.choice(FAULTS), chance.choice(MESSAGES))
    about = charge(f"CHARGE{chance.randrange(max(0, number - 6), number + 1):04d}")
    back = refund(f"{about.charge_no}{chance.choice('ABC')}", chance.choice((1_000, 400, 300)), about.charge_no)
    what = chance.randrange(14)
    try:
        if what < 5:
            await channel.place(charge(f"CHARGE{number:04d}"))
        elif what < 11:
            await channel.refund(back)
        elif what == 11:
            await channel.look(about)
        elif what == 12 and chance.random() < 0.5:
            await channel.close(about)
        elif what == 12:
            await channel.settle_batch(MERCHANT)
        else:
            await desk.next_day()
    except Lost:
        pass  # that is what this test is about


@pytest.mark.parametrize("seed", [5, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(100, 300))])
async def test_in_the_end_bank_and_book_know_the_same_to_the_fen(seed: int, outgoing: Outgoing, tmp_path: Path) -> None:
    chance = random.Random(seed)
    async with counter(outgoing, tmp_path) as desk:
        channels = [desk.channel, desk.another()]
        for number in range(40):
            await _step(desk, chance.choice(channels), chance, number)
        await desk.client.delete("/_twin/faults")
        kept = 0
        for number in range(40):
            seen = await _until_known(desk.channel.look, charge(f"CHARGE{number:04d}"))
            assert seen.standing in (
                ChannelState.ABSENT,
                ChannelState.CHARGED,
                ChannelState.CLOSED,
                ChannelState.RETURNED,
            )
            kept += seen.charged_fen
            for letter, fen in ((letter, fen) for letter in "ABC" for fen in (1_000,)):
                told = await _until_known(desk.channel.look_refund, refund(f"CHARGE{number:04d}{letter}", fen))
                assert told.standing is not RefundStanding.UNKNOWN
                kept -= told.refunded_fen
        assert await desk.balance() == FULL - kept
        settled = await _until_known(desk.channel.settle_batch, MERCHANT)
        assert settled is None or settled.equal
        assert (await desk.told("differences"))["differences"] == []
