"""The protocol that every channel speaks: place, look, close, refund, hear, and the day's bill.

A channel is handed messages of `yibao.payment.v1.channel` and nothing else. It keeps no state but keys: the intent is stored
before a call, and what it says is stored after it, by who calls. It never repeats a call by itself, never makes a number, and
never decides what a difference of amounts means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.payment.domain.accounts import Account
from services.payment.domain.charges import BillLine, Heard, RefundSeen, Seen
from yibao.payment.v1 import channel_pb2


class Lost(Exception):
    """No answer, an answer that cannot be believed, or a fault of the provider: nobody knows whether the call had an effect.

    `sent` is False where nothing left this process, so that nothing can have happened. `refused` is True where the provider has
    answered, and will answer nothing else before somebody mends something. `reason` is a word for logs.
    """

    def __init__(self, reason: str, *, sent: bool = True, refused: bool = False) -> None:
        self.reason = reason
        self.sent = sent
        self.refused = refused
        super().__init__(reason)


class Forged(Exception):
    """A notify that does not prove who sent it, or is too old; `reason` is a word for logs. Nothing in it is believed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request at a door of the gateway as it arrived: the door's last part, the query, headers by names in small letters, and
    the body's bytes.
    """

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """What a channel can do, as data. `forms` are those it serves. `closes` says whether an unpaid charge can be closed;
    `repeats_refunds` whether a refund may be sent again under its number; `notifies` whether it calls back; `moves_money`
    is False where a clerk's word is the charge. `balances` says that it tells what a card's account has (`Balances`).
    """

    name: str
    kind: channel_pb2.ChannelKind.ValueType
    forms: frozenset[channel_pb2.PayForm.ValueType]
    closes: bool = True
    notifies: bool = True
    moves_money: bool = True
    balances: bool = False


class Balances(Protocol):
    """A channel at a bank with real accounts."""

    async def balance(self, merchant: channel_pb2.Merchant, code: str) -> int | str:
        """What a card's account has, in fen; the bank's word where it does not say. `Lost`."""
        ...


class Channel(Protocol):
    """One provider. Every method raises `Lost` where nobody knows; a refusal is a value."""

    terms: Terms

    async def place(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Asks for a charge under its number; sent again after ABSENT only."""
        ...

    async def look(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """How a charge stands, by its number."""
        ...

    async def close(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Asks that nobody can pay any more; CLOSED only where the channel has confirmed that, CHARGED where it came too late."""
        ...

    async def refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """Asks that cash goes back, under the refund's number; a repeat under the same number is one refund."""
        ...

    async def look_refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """How a refund stands."""
        ...

    async def tell_returned(self, refund: channel_pb2.ChannelRefund) -> None:
        """Tells the channel of a mixed order that the bureau has given the insured part back; nothing for other channels.
        Repeats are safe; `Lost` also where it refuses.
        """
        ...

    def hear(self, delivery: Delivery) -> Heard:
        """What a notify says, after it is verified over the raw bytes and is not too old; `Forged`. Whoever stores events and
        nonces finds repeats and replays.
        """
        ...

    async def bill(self, merchant: channel_pb2.Merchant, day: date) -> Sequence[BillLine]:
        """The day's bill, lines in the provider's order; empty for a day without any."""
        ...


def merchant_of(account: Account) -> channel_pb2.Merchant:
    """An account as a channel is told of it."""
    return channel_pb2.Merchant(
        fixmedins_code=account.fixmedins_code,
        fixmedins_name=account.fixmedins_name,
        merchant_no=account.merchant_no,
        sub_merchant_no=account.sub_merchant_no,
        app_no=account.app_no,
        city_no=account.city_no,
    )
