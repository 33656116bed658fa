"""Orders of the national app's twin and what may become of them; amounts are yuan on the wire and fen here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.kernel.money import fen_of_yuan, yuan_text
from tools.twins.clock import Clock
from tools.twins.faults import Fault, of_amount
from tools.twins.shelf import Shelf

_ORDER: Final = "order"
_REFUND: Final = "refund"
REFUSED, UNKNOWN, CHANGED, TOO_MUCH = 4003, 4004, 4005, 4006
UNKNOWN_WORD: Final = "SETTLING"
"""A status that is none of the interface's."""
_REFUND_STATES: Final[Mapping[Fault | None, str]] = {
    Fault.REFUND_LATER: "DOING",
    Fault.REFUND_CLOSED: "FAIL",
    Fault.REFUND_ABNORMAL: "ABNORMAL",
}


class Refusal(Exception):
    """The app will not do it."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class Order(msgspec.Struct):
    """An order as it was pushed, and how it stands."""

    number: str
    merchant: str
    data: dict[str, Any]
    cash_fen: int
    trade_no: str
    state: str = "WAIT"
    paid_at: str = ""
    returned_fen: int = 0

    @property
    def fault(self) -> Fault | None:
        """What its amount chooses."""
        return of_amount(self.cash_fen)


class Refund(msgspec.Struct):
    """A refund; `asked` counts the looks at it."""

    number: str
    order: str
    fen: int
    refund_no: str
    state: str
    at: str
    asked: int = 0


class Orders:
    """The app's orders on its shelf."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf, self._clock = shelf, clock

    def push(self, data: dict[str, Any]) -> Order:
        """A new order, or the one that stands under its number and says the same; REFUSED, CHANGED."""
        number, cash_fen = data["outTradeNo"], fen_of_yuan(data["cashAmt"])
        kept = self._kept(number)
        if kept is not None:
            if kept.data != data:
                raise Refusal(CHANGED, "同一商户订单号内容不同")
            return kept
        parts = (fen_of_yuan(data[name]) for name in ("fundPay", "psnAcctPay", "othPay"))
        if cash_fen <= 0 or sum(parts) > fen_of_yuan(data["feeSumamt"]) or not data["userNo"]:
            raise Refusal(REFUSED, "金额或用户不正确")
        order = Order(number, data["merchantNo"], data, cash_fen, self._number("NA"))
        if order.fault is Fault.DENIED:
            raise Refusal(REFUSED, "用户不可支付")
        self._keep(order)
        return order

    def order(self, number: str) -> Order:
        """One by the merchant's number; UNKNOWN."""
        found = self._kept(number)
        if found is None:
            raise Refusal(UNKNOWN, "订单不存在")
        return found

    def pay(self, number: str, *, force: bool = False) -> Order:
        """The person pays in the app; one that is closed cannot be paid, but by `force` (the app's own race)."""
        order = self.order(number)
        if order.state != "WAIT" and not (force and order.state == "CLOSED"):
            raise Refusal(REFUSED, "订单不可支付")
        order.state, order.paid_at = "PAID", self._now()
        self._keep(order)
        return order

    def close(self, number: str) -> Order:
        """Nobody can pay it any more; one that was paid stays."""
        order = self.order(number)
        if order.state == "WAIT":
            order.state = "CLOSED"
            self._keep(order)
        return order

    def refund(self, number: str, refund_no: str, fen: int, fault: Fault | None = None) -> Refund:
        """Gives cash back, once under its number; `fault` goes before that of the amount. UNKNOWN, REFUSED, TOO_MUCH, CHANGED."""
        kept = self._shelf.get(_REFUND, refund_no)
        if kept is not None:
            found = msgspec.convert(kept, Refund)
            if (found.order, found.fen) != (number, fen):
                raise Refusal(CHANGED, "同一退款单号内容不同")
            return found
        order = self.order(number)
        if order.state != "PAID":
            raise Refusal(REFUSED, "订单不可退款")
        if fen <= 0 or order.returned_fen + fen > order.cash_fen:
            raise Refusal(TOO_MUCH, "退款金额超过可退金额")
        state = _REFUND_STATES.get(fault or order.fault, "DONE")
        made = Refund(refund_no, number, fen, self._number("NR"), state, self._now())
        self._keep_refund(made)
        if state == "DONE":
            self._returned(order, fen)
        return made

    def look_refund(self, refund_no: str) -> Refund:
        """How a refund stands: one that is done later is so at the second look; UNKNOWN."""
        kept = self._shelf.get(_REFUND, refund_no)
        if kept is None:
            raise Refusal(UNKNOWN, "退款不存在")
        found = msgspec.convert(kept, Refund)
        found.asked += 1
        if found.state == "DOING" and found.asked > 1:
            found.state = "DONE"
            self._returned(self.order(found.order), found.fen)
        self._keep_refund(found)
        return found

    def bill(self, merchant: str, day: str) -> list[dict[str, Any]]:
        """Payments and refunds of a day."""
        orders = {
            order.number: order for _, kept in self._shelf.each(_ORDER) if (order := msgspec.convert(kept, Order))
        }
        rows = [
            {"eventType": "PAY", "outTradeNo": each.number, "tradeNo": each.trade_no, "amt": yuan_text(each.cash_fen)}
            for each in orders.values()
            if each.merchant == merchant and each.paid_at[:10] == day
        ]
        for _, kept in self._shelf.each(_REFUND):
            each = msgspec.convert(kept, Refund)
            if each.state == "DONE" and each.at[:10] == day and orders[each.order].merchant == merchant:
                told = {"outRefdNo": each.number, "tradeNo": each.refund_no, "amt": yuan_text(each.fen)}
                rows.append({"eventType": "REFUND", **told})
        return rows

    def _returned(self, order: Order, fen: int) -> None:
        order.returned_fen += fen
        if order.returned_fen == order.cash_fen:
            order.state = "REFUNDED"
        self._keep(order)

    def _kept(self, number: str) -> Order | None:
        kept = self._shelf.get(_ORDER, number)
        return None if kept is None else msgspec.convert(kept, Order)

    def _keep(self, order: Order) -> None:
        self._shelf.put(_ORDER, order.number, msgspec.to_builtins(order))

    def _keep_refund(self, refund: Refund) -> None:
        self._shelf.put(_REFUND, refund.number, msgspec.to_builtins(refund))

    def _number(self, prefix: str) -> str:
        return f"{prefix}{self._clock.now():%Y%m%d}{self._shelf.next_number(prefix):08d}"

    def _now(self) -> str:
        return f"{self._clock.now():%Y-%m-%d %H:%M:%S}"


def order_told(order: Order) -> dict[str, Any]:
    """How an order is told in answers and notifies."""
    paid = order.cash_fen + (order.fault is Fault.NOTIFY_DIFFERS) if order.paid_at else 0
    return {
        "outTradeNo": order.number,
        "tradeNo": order.trade_no,
        "tradeStas": UNKNOWN_WORD if order.fault is Fault.UNKNOWN_STATUS and order.paid_at else order.state,
        "feeSumamt": order.data["feeSumamt"],
        "paidAmt": yuan_text(paid),
        "payTime": order.paid_at,
        "payUrl": f"nhsa://pay?tradeNo={order.trade_no}",
    }


def refund_told(refund: Refund) -> dict[str, Any]:
    """How a refund is told in answers and notifies."""
    return {
        "outTradeNo": refund.order,
        "outRefdNo": refund.number,
        "refdNo": refund.refund_no,
        "refdStas": refund.state,
        "refdAmt": yuan_text(refund.fen),
        "refdTime": refund.at if refund.state == "DONE" else "",
    }
