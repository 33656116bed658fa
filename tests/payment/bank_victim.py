"""A process that does one thing at a POS and dies at a chosen point of it: `python -m tests.payment.bank_victim`."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from typing import Final, NoReturn

from services.payment.channels.bank import BankChannel
from services.payment.domain.accounts import Account
from services.payment.domain.terminals import Line, LineState, Wanted
from services.payment.store.terminal_rows import TerminalRows
from services.runtime.outgoing import Outgoing
from services.runtime.pos.line import PosLine
from services.runtime.pos.messages import PosMessage
from tests.payment.terminal_lines import MERCHANT, TestClock, charge, opened, quiet, refund
from tools.twins.bank.cards import MASTER

POINTS: Final = ("before begin", "after begin", "before send", "after answer", "after change")
DIED: Final = 9


class DyingBook(TerminalRows):
    """Dies at a point of keeping a line."""

    point = ""

    async def begin(self, wanted: Wanted) -> Line | None:
        """Begins, or dies before or after."""
        die_at(self.point, "before begin")
        line = await super().begin(wanted)
        die_at(self.point, "after begin")
        return line

    async def change(self, line: Line, state: LineState, *, day: str = "", rrn: str = "", code: str = "") -> Line:
        """Changes, and dies."""
        changed = await super().change(line, state, day=day, rrn=rrn, code=code)
        die_at(self.point, "after change")
        return changed


class DyingLine(PosLine):
    """Dies at a point of sending one type of message."""

    point, mti = "", ""

    async def exchange(self, provider: str, address: str, message: PosMessage, raw: bytes) -> bytes:
        """Sends, or dies before or after."""
        if message.mti != self.mti:
            return await super().exchange(provider, address, message, raw)
        die_at(self.point, "before send")
        answer = await super().exchange(provider, address, message, raw)
        die_at(self.point, "after answer")
        return answer


def die_at(chosen: str, point: str) -> None:
    """As a kill does: nothing is closed, nothing is said."""
    if chosen == point:
        os._exit(DIED)


async def act(address: str, url: str, what: str, point: str) -> NoReturn:
    """Does one thing; ends with 0 where it lived."""
    clock = TestClock(datetime.now(UTC))
    account = Account(
        channel="bank",
        fixmedins_code=MERCHANT.fixmedins_code,
        merchant_no=MERCHANT.merchant_no,
        app_no=MERCHANT.app_no,
        address=address,
        secret=MASTER.hex(),
    )
    line, book = DyingLine(quiet(), timeout_s=5.0), DyingBook(await opened(url, clock), clock)
    line.point = book.point = point
    channel = BankChannel(lambda _: account, book, line, Outgoing(quiet()), clock)
    match what:
        case "pay":
            line.mti = "0200"
            await channel.place(charge("CHARGE0002"))
        case "void":
            line.mti = "0200"
            await channel.refund(refund())
        case "refund":
            line.mti = "0220"
            await channel.refund(refund(fen=300))
        case "undo":
            line.mti = "0400"
            await channel.look(charge("CHARGE0003"))
        case "settle":
            line.mti = "0500"
            await channel.settle_batch(MERCHANT)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(act(*sys.argv[1:]))
