"""`python -m tools.twins bank`: the line of the terminals on one port; statements and the control door over HTTP on another.

It never sends a notify: a POS answers on its line alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import date, timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from services.runtime.pos.frames import PosFrame, read_frame
from services.runtime.pos.messages import Malformed, PosMessage, decode, without_card
from services.runtime.pos.parts import kind_of, route_of
from tools.twins.bank import batches
from tools.twins.bank.book import Book, Trade
from tools.twins.bank.cards import ANSWERS, CARDS, MASTER, STATEMENT_SECRET
from tools.twins.bank.host import Host
from tools.twins.faults import OF_REQUESTS, Fault, of_amount
from tools.twins.http import Request, Response
from tools.twins.notifies import Notifies
from tools.twins.shelf import Document
from tools.twins.twin import Settings, Stand, Twin

_TEXT: Final = {"Content-Type": "text/plain; charset=utf-8"}
_IDLE_S: Final = 600.0
_CHOSEN: Final = "chosen"


def twin(settings: Settings) -> Twin:
    """The bank on these ports: the line is on the port after that of HTTP, or on any that is free."""
    return Twin(settings, Bank)


class Bank:
    """Serves the line and what is beside it."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.book = Book(stand.shelf)
        self.host = Host(self.book, stand.clock)
        self.notifies = Notifies(stand.shelf, _send_nothing, stand.settings.time_scale)
        self._line: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.line = ""

    async def start(self) -> None:
        """Opens the line; OSError where its port is taken."""
        settings = self._stand.settings
        port = settings.port + 1 if settings.port else 0
        self._line = await asyncio.start_server(self._serve, settings.host, port)
        self.line = f"{settings.host}:{self._line.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Closes the line and cuts off who is on it."""
        if self._line is None:
            return
        self._line.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._line.wait_closed()

    async def answer(self, request: Request) -> Response | None:
        """`GET /statements/MERCHANT/2026-11-30`."""
        area, _, rest = request.path.lstrip("/").partition("/")
        merchant, _, day = rest.partition("/")
        if area == "statements":
            try:
                asked = date.fromisoformat(day)
            except ValueError:
                return Response(HTTPStatus.BAD_REQUEST, b"a day is 2026-11-30\n", _TEXT)
            if asked >= self._stand.clock.now().date():
                return Response(HTTPStatus.NOT_FOUND, b"a statement is made when its day is over\n", _TEXT)
            return Response(HTTPStatus.OK, batches.statement(self.book, merchant, asked).encode(), _TEXT)
        return Response(HTTPStatus.NOT_FOUND, b"", _TEXT)

    def unavailable(self) -> Response:
        """Its HTTP side is down."""
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"", _TEXT)

    def keys(self) -> Document:
        """Where the line is, the master key of every terminal, the secret of statements, and the published cards."""
        return {
            "line": self.line,
            "statements": self._stand.url,
            "master_key": MASTER.hex().upper(),
            "statement_secret": STATEMENT_SECRET,
            "merchant_no": "900000000000001",
            "terminals": {"10000001": "DES", "20000001": "SM4"},
            "cards": list(CARDS),
            "answers": {f"{digits:04}": code for digits, code in ANSWERS.items()},
        }

    async def control(self, verb: str, body: Document) -> Document | None:
        """`trades`, `account` {card, balance_fen?}, `arrivals` {merchant}, `differences`, `next_day`: the day is over,
        `forget` {terminal, merchant}: its working keys, so that it has to sign on again.
        """
        match verb:
            case "trades":
                return {"trades": [_shown(trade) for trade in self.book.trades(body.get("day"))]}
            case "account":
                return self._account(body)
            case "arrivals":
                self._arrive()
                return {"arrivals": self.book.arrivals(body["merchant"])}
            case "forget":
                terminal = self.book.terminal(body["terminal"], body["merchant"])
                if terminal is None:
                    raise KeyError("terminal")
                terminal.pin_key = terminal.seal_key = ""
                self.book.keep_terminal(terminal)
                return {}
            case "differences":
                return {"differences": batches.differences(self.book)}
            case "next_day":
                now = self._stand.clock.now()
                self._stand.clock.set((now + timedelta(days=1)).replace(hour=0, minute=0, second=1))
                self._arrive()
                return {"now": self._stand.clock.now().isoformat()}
        return None

    def _account(self, body: Document) -> Document:
        account = self.book.account(body["card"])
        if account is None:
            raise KeyError("card")
        if "balance_fen" in body:
            account.balance_fen = int(body["balance_fen"])
            self.book.keep_account(account)
        return {"balance_fen": account.balance_fen}

    def _arrive(self) -> None:
        with self.book.shelf.change():
            batches.arrive(self.book, self._stand.clock.now().date())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while True:
                async with asyncio.timeout(_IDLE_S):
                    frame = await read_frame(reader)
                if frame is None or not await self._converse(frame, writer):
                    return
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError, Malformed):
            # The terminal has gone or speaks something else, or the twin stops: a line just ends.
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(self, frame: PosFrame, writer: asyncio.StreamWriter) -> bool:
        """Answers one message; False where the line ends without an answer."""
        message = decode(frame.payload)
        self._stand.records.bytes_received("ISO8583", without_card(frame.packed(), message))
        self._stand.records.opened("ISO8583", msgspec.json.encode(message.masked()).decode())
        fault = self._fault(message)
        if fault is Fault.TIMEOUT_BEFORE or fault is Fault.UNAVAILABLE:
            await asyncio.sleep(self._stand.settings.hang_s if fault is Fault.TIMEOUT_BEFORE else 0)
            return False
        answer = self.host.answer(message, frame.payload)
        if fault is Fault.TIMEOUT_AFTER:
            await asyncio.sleep(self._stand.settings.hang_s)
            return False
        writer.write(frame.answer(answer).packed())
        await writer.drain()
        return True

    def _fault(self, message: PosMessage) -> Fault | None:
        """The fault of a message: an armed one (method: its type; path: `/purchase`), or its amount's, at its first coming."""
        try:
            kind = kind_of(message.mti, message.get(3), route_of(message.get(60)).code)
        except Malformed:
            kind = None
        path = f"/{kind.name.lower()}" if kind is not None else ""
        armed = self._stand.faults.of_request(Request(message.mti, path, "", {}, b""))
        chosen = of_amount(int(message.get(4, "0")))
        if armed is not None or kind is None or chosen not in OF_REQUESTS - {Fault.UNAVAILABLE}:
            return armed
        key = f"{message.get(41)}/{message.mti}/{message.get(4)}"
        if self._stand.shelf.get(_CHOSEN, key) is not None:
            return None
        self._stand.shelf.put(_CHOSEN, key, {})
        return chosen


async def _send_nothing(_payload: Document) -> bool:
    return True


def _shown(trade: Trade) -> Document:
    """A trade without the card's number."""
    return {name: getattr(trade, name) for name in trade.__struct_fields__ if name != "card"}
