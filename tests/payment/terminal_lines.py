"""A bank's channel at its twin, with a book of lines on SQLite, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import MetaData

from services.payment.channels.bank import STATEMENT_KEY, BankChannel
from services.payment.domain.accounts import Account
from services.payment.domain.terminals import Line
from services.payment.store.terminal_rows import TerminalRows
from services.payment.store.terminal_tables import terminal_tables
from services.runtime.config import Config
from services.runtime.db import Database, Schema
from services.runtime.outgoing import Outgoing, SentRequest
from services.runtime.pos.line import PosLine
from services.runtime.telemetry import Telemetry
from tests.twins.doors import told
from tools.twins.bank.cards import PLAIN, STATEMENT_SECRET
from tools.twins.bank.provider import Bank, twin
from tools.twins.twin import Settings, Twin
from yibao.payment.v1 import channel_pb2


class TestClock:
    """The time of a test."""

    __test__ = False

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def opened(url: str, clock: TestClock) -> Database:
    """A store with the tables of terminals alone."""
    metadata = MetaData()
    terminal_tables(metadata)
    database = Database(url, clock)
    await database.start(Schema(metadata))
    return database


@dataclass
class Counter:
    """A channel at its bank, as a test holds it."""

    twin: Twin
    channel: BankChannel
    book: TerminalRows
    clock: TestClock
    client: httpx.AsyncClient
    sent: list[SentRequest]
    account: Account
    files: Outgoing
    database: Database
    lines: list[PosLine]

    @property
    def bank(self) -> Bank:
        """The twin's rules."""
        assert isinstance(self.twin.provider, Bank)
        return self.twin.provider

    def another(self, timeout_s: float = 0.5) -> BankChannel:
        """The channel of a process that was started anew on the same book."""
        line = PosLine(quiet(), self.sent.append, timeout_s)
        self.lines.append(line)
        return BankChannel(lambda _: self.account, self.book, line, self.files, self.clock)

    async def told(self, verb: str, **body: object) -> Any:
        """What the control door answers."""
        return await told(self.client, verb, **body)

    async def balance(self, card: str = PLAIN) -> int:
        """What the account at the bank has."""
        return int((await self.told("account", card=card))["balance_fen"])

    async def goes_wrong(self, fault: str, method: str, path: str = "", times: int = 1) -> None:
        """Arms a fault."""
        await self.told("faults", fault=fault, method=method, path=path, times=times)

    async def known(self, number: str) -> Line:
        """A line of the book."""
        line = await self.book.line(number)
        assert line is not None
        return line

    async def next_day(self) -> None:
        """At the bank and here."""
        now = (await self.told("next_day"))["now"]
        self.clock.now = datetime.fromisoformat(now)


MERCHANT = channel_pb2.Merchant(
    fixmedins_code="H99010100001", merchant_no="900000000000001", app_no="10000001", fixmedins_name="测试医院"
)


def charge(number: str = "CHARGE0001", fen: int = 1_000, card: str = PLAIN) -> channel_pb2.ChannelCharge:
    """A charge on a card."""
    return channel_pb2.ChannelCharge(
        charge_no=number,
        merchant=MERCHANT,
        form=channel_pb2.PAY_FORM_CODE,
        total_fen=fen,
        acct_fen=fen,
        charge_fen=fen,
        code=f"{card}=4912000000000000"[:37],
    )


def refund(
    number: str = "REFUND0001", fen: int = 1_000, of: str = "CHARGE0001", paid: int = 1_000
) -> channel_pb2.ChannelRefund:
    """A refund of a charge."""
    return channel_pb2.ChannelRefund(
        refund_no=number,
        charge_no=of,
        merchant=MERCHANT,
        form=channel_pb2.PAY_FORM_CODE,
        charged_fen=paid,
        refund_fen=fen,
    )


def quiet() -> Telemetry:
    """Telemetry that keeps nothing."""
    return Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"}))


@asynccontextmanager
async def counter(
    files: Outgoing, folder: Path, *, secret: str = "", terminal_no: str = "10000001"
) -> AsyncIterator[Counter]:
    """A channel at its twin. The twin's clock stands at noon of the test's day and goes on."""
    telemetry = quiet()
    bank = twin(Settings(hang_s=0.0))
    await bank.start()
    sent = list[SentRequest]()
    clock = TestClock(datetime(2026, 11, 30, 4, tzinfo=UTC))
    database = await opened(f"sqlite:///{folder}/payment.sqlite", clock)
    lines = [PosLine(telemetry, sent.append, 0.5)]
    try:
        async with httpx.AsyncClient(base_url=bank.url, trust_env=False, verify=False, timeout=5.0) as client:
            assert isinstance(bank.provider, Bank)
            keys = bank.provider.keys()
            account = Account(
                channel="bank",
                fixmedins_code=MERCHANT.fixmedins_code,
                merchant_no=MERCHANT.merchant_no,
                app_no=terminal_no,
                address=str(keys["line"]),
                files_address=bank.url,
                secret=secret or str(keys["master_key"]),
                provider_keys={STATEMENT_KEY: STATEMENT_SECRET},
            )
            bank.stand.clock.set(clock.now + timedelta(seconds=1))
            book = TerminalRows(database, clock)
            channel = BankChannel(lambda _: account, book, lines[0], files, clock)
            yield Counter(bank, channel, book, clock, client, sent, account, files, database, lines)
    finally:
        for each in lines:
            await each.close()
        await database.close()
        await bank.stop()
