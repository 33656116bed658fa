"""The control verbs of Alipay's twin: what the person, the bureau and the platform itself do when they are told to."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.kernel.money import yuan_text
from tools.twins.alipay import outcomes, trades
from tools.twins.alipay.cashier import Cashier
from tools.twins.alipay.counter import Counter
from tools.twins.alipay.ledger import Ledger
from tools.twins.alipay.notices import FORGERIES, Notices
from tools.twins.alipay.people import ANYBODY, PEOPLE, UNKNOWN_TO_BUREAU
from tools.twins.alipay.platform import SANDBOX_APP, Platform
from tools.twins.alipay.refusals import Refusal
from tools.twins.alipay.telling import facts
from tools.twins.alipay.trades import Form, Parts, Status, Trade
from tools.twins.faults import Fault
from tools.twins.shelf import Document
from tools.twins.twin import Stand

_OF_TRADES: Final = frozenset({"trade", "scan", "pay", "deny", "return_insured"})


class Control:
    """What only a twin can do."""

    def __init__(
        self,
        stand: Stand,
        platform: Platform,
        ledger: Ledger,
        notices: Notices,
        cashier: Cashier,
        counter: Counter,
    ) -> None:
        self._stand, self._platform, self._ledger = stand, platform, ledger
        self._notices, self._cashier, self._counter = notices, cashier, counter

    async def do(self, verb: str, body: Document) -> Document | None:
        """One verb; None where there is none of that name. KeyError, ValueError where it cannot be done.

        `trade`, `scan`, `pay` (`deny`, `force`), `deny`, `return_insured`, `notify` (`forge`) name a trade by `out_trade_no`, or
        by `number`: any of its numbers, or its code. `authorise` names a `req_biz_no`. `app` makes an application known,
        `rotate` changes the platform's key, `plant` books paid trades of the past, `people` tells who does what.
        """
        match verb:
            case "app":
                methods = tuple(map(str, body.get("methods", ())))
                self._platform.register(str(body["app_id"]), str(body["public_key"]), methods)
                return {}
            case "authorise":
                self._counter.authorise(str(body.get("app_id", SANDBOX_APP)), str(body["req_biz_no"]))
                return {}
            case "rotate":
                return {"alipay_public_key": self._platform.rotate()}
            case "people":
                return {"people": dict(PEOPLE), "unknown_to_bureau": UNKNOWN_TO_BUREAU}
            case "plant":
                return {"trades": self._plant(body)}
            case "notify":
                return await self._notify(self._named(body), str(body.get("forge", "")))
        if verb not in _OF_TRADES:
            return None
        trade = await self._acted(verb, self._named(body), body)
        return dict(facts(self._stand.faults, trade)) | {"refunded": yuan_text(trade.refunded_fen)}

    async def _acted(self, verb: str, trade: Trade, body: Document) -> Trade:
        """What a person or the bureau does to a trade. `force` pays what is closed, as one who pressed too late."""
        denies = verb == "deny" or bool(body.get("deny"))
        try:
            match verb:
                case "pay" if not denies and outcomes.follows(self._stand.faults, trade, Fault.DENIED) is None:
                    return await self._cashier.pay(trades.reopened(trade) if body.get("force") else trade)
                case "pay" | "deny":
                    return self._cashier.deny(trade)
                case "scan":
                    trades.payable(trade)
                    with self._ledger.change():
                        trade = trades.scanned(trade, str(body.get("user_id", ANYBODY)))
                        self._ledger.keep(trade)
                case "return_insured":
                    return self._cashier.insurance_returned(trade)
        except Refusal as refusal:
            raise ValueError(refusal.sub_code) from None
        return trade

    def _named(self, body: Document) -> Trade:
        number, app_id = str(body.get("number") or body["out_trade_no"]), str(body.get("app_id", SANDBOX_APP))
        trade = self._ledger.by_number(number) or self._ledger.by_key(f"{app_id}|{number}")
        if trade is None:
            raise KeyError(number)
        return trade

    async def _notify(self, trade: Trade, forge: str) -> Document:
        """Sends the last notify of a trade once more, now, perhaps forged."""
        if forge not in FORGERIES:
            raise ValueError(f"forge is one of {FORGERIES}")
        payload = self._notices.last(trade)
        if payload is None:
            raise ValueError("nothing was ever told of it")
        return {"accepted": await self._notices.send(payload | {"forge": forge})}

    def _plant(self, body: Document) -> int:
        """Many paid trades at once, for a day's bill: `trades` of `out_trade_no total paid_at` (fen, RFC 3339) and `app_id`."""
        planted = body["trades"]
        with self._ledger.change():
            for each in planted:
                paid_at, fen = datetime.fromisoformat(each["paid_at"]), int(each["total"])
                trade_no = self._ledger.number("trade")
                trade = Trade(
                    app_id=str(each.get("app_id", SANDBOX_APP)),
                    out_trade_no=str(each["out_trade_no"]),
                    trade_no=trade_no,
                    alipay_trade_no=trade_no,
                    form=Form.CODE,
                    subject="医药费",
                    parts=Parts(total_fen=fen, own_fen=fen),
                    own=Status.SUCCESS,
                    created_at=paid_at,
                    expires_at=paid_at,
                    changed_at=paid_at,
                    paid_at=paid_at,
                    user_id=ANYBODY,
                )
                self._ledger.keep(trade, trade_no)
                self._cashier.line(trade, "交易", fen, paid_at)
        return len(planted)
