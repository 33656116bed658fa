"""What kind an order is, and which kinds are open where and from when: switches are data, and without one everything is open.

Which feeType of 6201 is which kind is our decision; the dictionary names them (C§4.5, dictionary feeType).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from services.kernel.errors import precondition


class OrderType(IntEnum):
    """Kinds of orders, by the contract's numbers (`yibao.payment.v1.PayOrderType`)."""

    REGISTRATION = 1
    CONSULTATION = 2
    DEPOSIT = 3
    DISCHARGE = 4
    PHARMACY = 5
    INTERNET = 6


_OF_FEE_TYPE: Final[Mapping[str, OrderType]] = MappingProxyType(
    {
        "01": OrderType.CONSULTATION,
        "02": OrderType.DISCHARGE,
        "03": OrderType.CONSULTATION,
        "04": OrderType.CONSULTATION,
        "05": OrderType.INTERNET,
        "06": OrderType.CONSULTATION,
        "07": OrderType.PHARMACY,
        "08": OrderType.CONSULTATION,
        "09": OrderType.PHARMACY,
    }
)


@dataclass(frozen=True, slots=True)
class Switch:
    """Something is closed in an area (the first digits of a division), from a day to a day (None: without end). `order_type` None
    and `channel` "" mean all of them.
    """

    area: str
    from_day: date
    to_day: date | None = None
    order_type: OrderType | None = None
    channel: str = ""

    def closes(self, admdvs: str, order_type: OrderType, channel: str, day: date) -> bool:
        """Whether it closes this."""
        return (
            admdvs.startswith(self.area)
            and self.from_day <= day
            and (self.to_day is None or day <= self.to_day)
            and self.order_type in (None, order_type)
            and self.channel in ("", channel)
        )


def kind_of(fee_type: str, *, registration: bool, deposit: bool = False) -> OrderType | None:
    """The kind of an order by its feeType; `registration` says that the bill is that of a registration, `deposit` that it is none
    but money kept for a stay. None for no feeType.
    """
    kind = _OF_FEE_TYPE.get(fee_type)
    if deposit and kind is not None:
        return OrderType.DEPOSIT
    return OrderType.REGISTRATION if registration and kind is OrderType.CONSULTATION else kind


def check_open(switches: Sequence[Switch], admdvs: str, order_type: OrderType, channel: str, day: date) -> None:
    """PRECONDITION ORDER_TYPE_CLOSED, or CHANNEL_CLOSED_HERE where a channel is asked for; both name the area and the day."""
    for each in switches:
        if (channel or not each.channel) and each.closes(admdvs, order_type, channel, day):
            told = {"area": each.area, "from_day": each.from_day.isoformat()}
            if each.channel:
                raise precondition("CHANNEL_CLOSED_HERE", channel=channel, **told)
            raise precondition("ORDER_TYPE_CLOSED", order_type=order_type.name, **told)
