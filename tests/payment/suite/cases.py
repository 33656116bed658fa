"""What a case is, what it needs of a channel, and the steps that many of them begin with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from services.payment.domain.orders import PayOrder
from services.payment.domain.phases import Phase
from tests.payment.suite.party import CODE, MIXED, Party
from tests.payment.suite.shop import CASH, Shop
from yibao.payment.v1 import channel_pb2


class Need(Enum):
    """What a case needs of a channel, beside being one."""

    REMOTE = "a provider that is asked"
    PERSON = "a person who pays some time after the order was made"
    NOTIFIES = "notifies"
    MIXED = "an insured half that the channel settles"
    LATER = "refunds that are accepted first and done later"
    DIFFERS = "answers that may tell another amount than was asked"
    TLS = "a provider that is spoken to over https"
    CERTIFICATE = "keys in certificates, which end"
    WINDOW = "notifies that are good for minutes or hours"
    ODD = "answers with a status"


OF_FORM: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.PERSON: "the code is there with the request: the channel answers at once",
        Need.NOTIFIES: "what is answered at once is not told again",
        Need.WINDOW: "what is answered at once is not told again",
    }
)
"""What orders by a code lack, whatever the channel."""
NOT_MIXED: Final = "its orders are of cash alone: the insured part is ours"
LACKS: Final[Mapping[str, Mapping[Need, str]]] = MappingProxyType(
    {
        "wechat": {},
        "alipay": {Need.CERTIFICATE: "it is given the platform's bare keys, which do not end"},
        "national": {Need.CERTIFICATE: "SM2 keys are bare: they do not end"},
        "bank": {
            Need.NOTIFIES: "a POS calls nobody",
            Need.LATER: "a POS is answered at once; without an answer a refund is sent again",
            Need.DIFFERS: "an answer that repeats another amount is no answer (Session)",
            Need.TLS: "its line has no certificates: each message is sealed",
            Need.CERTIFICATE: "its keys come by sign-on",
            Need.WINDOW: "a POS calls nobody",
        },
        "cash": dict.fromkeys(
            (Need.REMOTE, Need.LATER, Need.DIFFERS, Need.TLS, Need.CERTIFICATE, Need.ODD), "nothing leaves the house"
        ),
    }
)
"""What each channel lacks, and why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A channel in one of its forms."""

    party: type[Party]
    form: channel_pb2.PayForm.ValueType = CODE
    twin: bool = True

    def __str__(self) -> str:
        return f"{self.party.name}-{channel_pb2.PayForm.Name(self.form).removeprefix('PAY_FORM_').lower()}"

    def why_not(self, case: Case) -> str:
        """Why a case means nothing here; "" where it is played."""
        lacks = dict(LACKS[self.party.name])
        if self.form == CODE:
            lacks |= OF_FORM
        if self.form != MIXED:
            lacks[Need.MIXED] = NOT_MIXED
        return next((lacks[need] for need in case.needs if need in lacks), "")


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, what it needs, and how it is played; `at` is the channel at which it found something once."""

    name: str
    needs: tuple[Need, ...]
    play: Callable[[Shop], Awaitable[None]]
    at: str = ""


CASES: Final[list[Case]] = []


def case(
    *needs: Need, at: str = ""
) -> Callable[[Callable[[Shop], Awaitable[None]]], Callable[[Shop], Awaitable[None]]]:
    """Adds a function to the suite under its own name."""

    def added(play: Callable[[Shop], Awaitable[None]]) -> Callable[[Shop], Awaitable[None]]:
        CASES.append(Case(play.__name__, needs, play, at))
        return play

    return added


async def placed(shop: Shop, cash: int = CASH) -> PayOrder:
    """An order that waits for the person, or was charged at once."""
    await shop.tried(cash)
    assert await shop.pay() == ""
    order = await shop.now()
    assert order.phase is (Phase.PAID if shop.form == CODE else Phase.WAITING)
    return order


async def paid(shop: Shop, cash: int = CASH) -> PayOrder:
    """An order that is paid."""
    await placed(shop, cash)
    if shop.form != CODE:
        await shop.person_pays()
    return await shop.ended(Phase.PAID)


async def person_pays(shop: Shop, **given: object) -> None:
    """The person pays, where a person has to."""
    if shop.form != CODE:
        await shop.person_pays(**given)
