"""The deeds of the matrix: what is prepared for each, what is sent until its answer is definite, and how it may end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from tests.mesh import paying
from tests.mesh.hospital import national
from tests.payment.suite.party import CODE, MIXED, Party
from tests.torture.paying.books import Books, Stand
from tests.torture.paying.square import Square
from tools.played.messages import Patient
from tools.sandbox_keys import key_of
from tools.twins.bank.cards import FULL_FEN, PLAIN
from yibao.payment.v1 import channel_pb2

PATIENCE_S: Final = 100.0
REPEAT_S: Final = 0.2
LOOK_S: Final = 0.05
_AGAIN: Final = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_KINDS: Final = {"national": "NATIONAL_APP"}


@dataclass(slots=True)
class Order:
    """An order of a fresh person: what 6201 and 6202 answered."""

    who: Patient
    auth: str
    saved: dict[str, Any]
    split: dict[str, Any]
    repeats: int = 0

    @property
    def number(self) -> str:
        """payOrdId."""
        return str(self.saved["payOrdId"])


@dataclass(slots=True)
class Counter:
    """A hospital's counter at one channel: it repeats what it sends until the answer is definite."""

    square: Square
    party: Party
    books: Books
    last: Order | None = field(default=None)

    async def placed(self) -> Order:
        """An order that was placed."""
        who = await self.square.people.one()
        if self.party.name == "bank":
            await self.party.told("account", card=PLAIN, balance_fen=FULL_FEN)
        auth = await paying.authorised(self.square.hospital, who)
        saved, split = await paying.placed_by(self.square.hospital, who, auth)
        return Order(who, auth, saved, split)

    async def waiting(self) -> Order:
        """An order that waits for its person; by a code nobody has to wait: it is placed alone."""
        order = await self.placed()
        if self.party.form != CODE:
            await self.pay(order)
        return order

    async def paid(self) -> Order:
        """An order that is paid."""
        order = await self.placed()
        await self.pay(order)
        await self.person_pays(order)
        await self.comes_to(order, "paid")
        return order

    async def pay(self, order: Order, request_id: str = "") -> str:
        """Pays until the answer is definite: "" or the reason."""
        data = {
            "payOrdId": order.saved["payOrdId"],
            "payToken": order.saved["payToken"],
            "channel": f"CHANNEL_KIND_{_KINDS.get(self.party.name, self.party.name.upper())}",
            "payForm": channel_pb2.PayForm.Name(self.party.form),
            **{("userNo" if name == "user_no" else name): value for name, value in self._how(order).items()},
        }
        if self.party.form == MIXED:
            payer = {"name": order.who.name, "certNo": order.who.certno, "certType": "01"}
            data |= {"payAuthNo": order.auth, "location": "102.682296,25.054260", "payer": payer}
        body = {
            "requestId": request_id or f"pay-{order.number}",
            "desk": {"fixmedinsCode": self.square.hospital.code},
            "data": data,
        }
        return await self._until_definite(order, lambda: self._rest("/v1/pay-orders:pay", body))

    async def person_pays(self, order: Order) -> str:
        """The person pays what waits, once the channel is there."""
        stand = self.books.stand(order.number)
        if stand.phase != "waiting":
            return ""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                await self.party.pays(stand.charges[-1])
            except httpx.HTTPError:
                await asyncio.sleep(REPEAT_S)
            except AssertionError:
                return ""  # it was paid by the first request, whose answer was lost, or was closed
            else:
                return ""
        return "the channel is away"

    async def refund(self, order: Order) -> str:
        """6203 of all, until the answer is definite."""
        nodes = {"data": paying.refund_of(order.saved, order.split, "R1")}
        return await self._until_definite(order, lambda: self._national(order, "6203", nodes))

    async def revoke(self, order: Order) -> str:
        """6401, until the answer is definite."""
        nodes = {"data": paying.named(self.square.hospital, order.saved, order.who)}
        return await self._until_definite(order, lambda: self._national(order, "6401", nodes))

    async def place_again(self, order: Order) -> None:
        """6202 once more, of an order that has failed, under another authorisation."""
        order.auth = await paying.authorised(self.square.hospital, order.who)
        node = paying.order_of(self.square.hospital, order.saved) | {"payAuthNo": order.auth, "orgBizSer": "1"}
        node |= {"mdtrtId": order.saved["extData"]["mdtrtId"]}
        answer = await self.square.hospital.done("6202", {"data": node})
        order.split = dict(answer.output["data"])

    async def comes_to(self, order: Order, phase: str) -> Stand:
        """The order once it is in a phase."""
        until = time.monotonic() + PATIENCE_S
        while (stand := self.books.stand(order.number)).phase != phase:
            assert time.monotonic() < until, f"{stand} never came to {phase}"
            await asyncio.sleep(LOOK_S)
        return stand

    def _how(self, order: Order) -> Mapping[str, Any]:
        return self.party.how(order.number[-12:] + order.auth[-4:])

    async def _rest(self, path: str, body: Mapping[str, Any]) -> str | None:
        key = key_of("institution", self.square.hospital.code)
        answer = await self.square.hospital.http.post(path, json=body, headers={"Authorization": f"Bearer {key}"})
        if answer.status_code in _AGAIN:
            return None
        return "" if answer.is_success else answer.text[:300]

    async def _national(self, order: Order, infno: str, nodes: Mapping[str, Any]) -> str | None:
        hospital = self.square.hospital
        envelope = hospital.envelope(infno, nodes, f"{infno}-{order.number}"[-30:], order.who.home)
        answer = await hospital.post(envelope)
        if answer.status_code != HTTPStatus.OK:
            return None
        told = national(answer.text)
        return "" if told.succeeded else told.message

    async def _until_definite(self, order: Order, send: Callable[[], Awaitable[str | None]]) -> str:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                told = await send()
            except httpx.HTTPError:
                told = None
            if told is not None and "OUTCOME_UNKNOWN" not in told:
                return told
            order.repeats += 1
            await asyncio.sleep(REPEAT_S)
        return "no definite answer"


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed: what is prepared, what is done (its points are the matrix's), what follows, where it may end, and which ordStas the
    institution is told then.
    """

    name: str
    prepare: Callable[[Counter], Awaitable[Order]]
    act: Callable[[Counter, Order], Awaitable[str]]
    then: Callable[[Counter, Order], Awaitable[str]]
    ends: frozenset[str]
    tells: str


async def _nothing(counter: Counter, order: Order) -> str:
    return ""


async def _notified(counter: Counter, order: Order) -> str:
    """The person pays, and payment hears of it."""
    told = await counter.person_pays(order)
    await counter.comes_to(order, "paid")
    return told


DEEDS: Final = (
    Deed("pay", Counter.placed, Counter.pay, Counter.person_pays, frozenset({"paid", "failed"}), "6"),
    Deed("notify", Counter.waiting, _notified, _nothing, frozenset({"paid"}), "6"),
    Deed("refund", Counter.paid, Counter.refund, _nothing, frozenset({"paid"}), "7"),
    Deed("revoke", Counter.waiting, Counter.revoke, _nothing, frozenset({"revoked"}), "12"),
)


def deeds_of(form: int) -> list[Deed]:
    """The deeds of a form of payment: an order by a code is charged at once, and nobody notifies."""
    return [each for each in DEEDS if each.name != "notify" or form != CODE]
