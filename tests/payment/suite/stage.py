"""Where the suite is played: a channel's twin in this process, a door at which its notifies and its questions to the bureau
arrive, and a store for each shop.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from services.kernel.clock import BEIJING, Clock
from services.kernel.errors import Fault
from services.payment.channels.protocol import Delivery
from services.payment.store.terminal_rows import TerminalRows
from services.payment.store.unit import PaymentStore
from services.runtime.db import Database
from services.runtime.outgoing import Outgoing, SentRequest
from services.runtime.pos.line import PosLine
from tests.payment.suite.party import Party
from tests.payment.terminal_lines import quiet
from tests.twins.wechat_desk import fresh_state
from tools.twins import bureau
from tools.twins.http import Request, Response, Server
from tools.twins.twin import Settings, Twin
from yibao.payment.v1 import channel_pb2

WAIT_S: Final = 5.0
_SERIALS: Final = count(1)
_MARKS: Final = count(1)
Agreed = Callable[[str, str, str, tuple[int, int, int]], Awaitable[Any]]


@dataclass
class Doorstep:
    """Where notifies arrive, by the path that they were told; and where a channel asks the bureau."""

    stage: Stage
    arrived: list[tuple[str, Delivery]] = field(default_factory=list)
    told: asyncio.Condition = field(default_factory=asyncio.Condition)
    answer: Response = field(default_factory=lambda: Response(HTTPStatus.OK, b'{"code":0,"success":true}'))

    async def take(self, request: Request) -> Response:
        """Keeps a notify for whoever it was sent to, or asks payment's bureau."""
        if request.path == bureau.PATH:
            return await self._settled(json.loads(request.body))
        _, place, name = request.path.split("/")
        async with self.told:
            self.arrived.append((place, Delivery(name, request.query, request.headers, request.body)))
            self.told.notify_all()
        if name == "alipay":
            return Response(HTTPStatus.OK, b"success", {"Content-Type": "text/plain"})
        return self.answer

    async def _settled(self, asked: dict[str, str]) -> Response:
        parts = (int(asked["fundFen"]), int(asked["acctFen"]), int(asked["otherFen"]))
        assert self.stage.agreed is not None
        try:
            order = await self.stage.agreed(asked["payOrdId"], asked["channelCode"], asked["payAuthNo"], parts)
        except Fault as fault:
            refused = {"error": {"message": fault.reason, "details": []}}
            return Response(HTTPStatus.BAD_REQUEST, json.dumps(refused).encode())
        return Response(HTTPStatus.OK, json.dumps({"setlId": order.setl_id}).encode())


@dataclass
class Stage:
    """A channel's world for many cases, one after the other. `offset_s` is how much its time is ahead: it never goes back."""

    party: Party
    door: Server | None
    step: Doorstep | None
    outgoing: Outgoing
    line: PosLine
    sent: list[SentRequest]
    folder: Path
    template: Path
    twin: Twin | None = None
    agreed: Agreed | None = None
    offset_s: float = 0.0
    mark: str = ""
    recorded: Callable[[SentRequest], None] | None = None
    store: PaymentStore = field(init=False)
    database: Database = field(init=False)

    def lines(self, clock: Clock) -> dict[str, Any]:
        """What adapters need beside their accounts."""
        book = TerminalRows(self.database, clock)
        return {"outgoing": self.outgoing, "pos": self.line, "book": book, "clock": clock, "libcrypto": ""}

    def notify_url(self) -> str:
        """The door of this case's own."""
        assert self.door is not None
        return f"{self.door.url}/{self.mark}"

    def serial(self) -> int:
        """A number for a terminal that nobody has used."""
        return next(_SERIALS)

    def on(self, seconds: float) -> None:
        """Time passes for all."""
        self.offset_s += seconds
        if self.twin is not None:
            self.twin.stand.clock.move(self.offset_s)
            self.twin.stand.clock.skew(self.offset_s)

    def next_day(self) -> None:
        """It is noon of tomorrow: today's bill can be read."""
        now = datetime.now(UTC) + timedelta(seconds=self.offset_s)
        noon = (now + timedelta(days=1)).astimezone(BEIJING).replace(hour=12)
        self.on((noon - now).total_seconds())

    @asynccontextmanager
    async def expired_door(self, context: ssl.SSLContext) -> AsyncIterator[str]:
        """A server over https, which nobody should say anything to."""
        said = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.read(1):
                said.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        assert not said.is_set()

    async def notified(self, many: int = 1) -> list[Delivery]:
        """The notifies of this case, once there are so many."""
        assert self.step is not None
        async with asyncio.timeout(WAIT_S), self.step.told:
            await self.step.told.wait_for(lambda: len(self.heard()) >= many)
        return self.heard()

    def heard(self) -> list[Delivery]:
        """The notifies of this case that have come."""
        assert self.step is not None
        return [delivery for place, delivery in self.step.arrived if place == self.mark]

    @asynccontextmanager
    async def case(self) -> AsyncIterator[None]:
        """A store of its own for one case."""
        self.mark = f"{next(_MARKS)}"
        file = self.folder / f"{self.mark}.sqlite"
        shutil.copy(self.template, file)
        database = Database(f"sqlite:///{file}", lambda: datetime.now(UTC) + timedelta(seconds=self.offset_s))
        self.database, self.store = database, PaymentStore(database)
        await self.store.start()
        self.sent.clear()
        try:
            yield
        finally:
            if self.door is not None:
                await self.party.mended()
            await database.close()


@asynccontextmanager
async def stage(
    party: type[Party], form: channel_pb2.PayForm.ValueType, folder: Path, *, program: str = ""
) -> AsyncIterator[Stage]:
    """A stage; `program` is the folder of the twin, none for a channel without one."""
    template = await _template(folder)
    sent: list[SentRequest] = []
    telemetry = quiet()

    def told(each: SentRequest) -> None:
        sent.append(each)
        if made.recorded is not None:
            made.recorded(each)

    outgoing, line = Outgoing(telemetry, told), PosLine(telemetry, told, 2.0)
    async with AsyncExitStack() as open_:
        open_.push_async_callback(outgoing.close)
        open_.push_async_callback(line.close)
        nowhere = await open_.enter_async_context(httpx.AsyncClient())
        made = Stage(party(nowhere, {}, form), None, None, outgoing, line, sent, folder, template)
        if program:
            made.step = Doorstep(made)
            made.door = Server(made.step.take, "127.0.0.1", 0)
            await made.door.start()
            open_.push_async_callback(made.door.stop)
            settings = Settings(
                state=_state(program, folder), hang_s=0.0, time_scale=0.0, bureau_url=made.door.url, bureau_key="key"
            )
            twin = made.twin = importlib.import_module(f"tools.twins.{program}.provider").twin(settings)
            await twin.start()
            open_.push_async_callback(twin.stop)
            client = httpx.AsyncClient(base_url=twin.url, trust_env=False, verify=False, timeout=WAIT_S)
            made.party = party(await open_.enter_async_context(client), twin.provider.keys(), form)
        yield made


def _state(program: str, folder: Path) -> Path | None:
    """WeChat's keys take long to make."""
    if program != "wechat":
        return None
    file = folder / "twin.db"
    file.write_bytes(fresh_state())
    return file


async def _template(folder: Path) -> Path:
    """An empty store of payment."""
    file = Path(tempfile.mkdtemp(dir=folder)) / "payment.sqlite"
    database = Database(f"sqlite:///{file}", lambda: datetime.now(UTC))
    await PaymentStore(database).start()
    await database.close()
    return file
