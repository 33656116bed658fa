"""What follows when a person pays: the cash is collected, the insured half is settled with the bureau, and the merchant is told.

Cash comes first, because it can be given back by the merchant alone (C§1.3). A bureau that does not answer is asked again until
it does, also after a restart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tools.twins.alipay import outcomes, trades
from tools.twins.alipay.ledger import LINE, Ledger, key_of
from tools.twins.alipay.notices import Notices
from tools.twins.alipay.refusals import failed
from tools.twins.alipay.trades import Refund, RefundStatus, Status, Trade
from tools.twins.bureau import Bureau, Claim
from tools.twins.faults import Fault
from tools.twins.notifies import Notifies
from tools.twins.shelf import Document
from tools.twins.twin import Stand

ORDER: Final = "misetorder"
_RESTS_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
_LATER_QUERIES: Final = 2
_REFUSED: Final = "医保结算失败"


class Cashier:
    """Moves trades on."""

    def __init__(self, stand: Stand, ledger: Ledger, notices: Notices, bureau: Bureau) -> None:
        self._stand, self._ledger, self._notices, self._bureau = stand, ledger, notices, bureau
        self.notifies = Notifies(stand.shelf, self._do, stand.settings.time_scale)

    async def pay(self, trade: Trade) -> Trade:
        """The person pays; the trade as it stands after the bureau was asked once."""
        trade = self.collect(trade)
        if trade.medical is Status.WAITING:
            await self._settle(key_of(trade))
        return self._ledger.by_key(key_of(trade)) or trade

    def collect(self, trade: Trade) -> Trade:
        """The person pays; the bureau is still to be asked for the insured half."""
        with self._ledger.change():
            trade = trades.collected(trade, self._ledger.now())
            if trade.own:
                self.line(trade, "交易", trade.parts.own_fen, self._ledger.now())
            if outcomes.follows(self._stand.faults, trade, Fault.INSURANCE_FAILS) and trade.medical:
                trade = trades.unsettled(trade, self._ledger.now(), _REFUSED)
            if trade.medical is Status.WAITING:
                self._ask_later(key_of(trade), 0)
            else:
                self._notices.tell(self.notifies, trade)
            self._ledger.keep(trade)
        return trade

    def deny(self, trade: Trade) -> Trade:
        """The person does not want it: nobody can pay it any more."""
        with self._ledger.change():
            trades.payable(trade)
            trade = trades.closed(trade, self._ledger.now())
            self._ledger.keep(trade)
            self._notices.tell(self.notifies, trade)
        return trade

    def refund(self, trade: Trade, request_no: str, amount_fen: int, reason: str) -> tuple[Trade, Refund, bool]:
        """Gives cash back, or says how the refund of that number stands; True where this request moved the money."""
        now = self._ledger.now()
        before = trades.refund_allowed(trade, request_no, amount_fen, now)
        if before is not None:
            return trade, before, False
        status, later, stuck = self._refund_outcome(trade)
        done = status is RefundStatus.SUCCESS
        refund = Refund(
            request_no=request_no,
            amount_fen=amount_fen,
            status=status,
            asked_at=now,
            done_at=now if done else None,
            reason=reason,
            done_after=later,
            stuck=stuck,
        )
        with self._ledger.change():
            trade = self._refunded(trade, refund)
        return trade, refund, done

    def look(self, trade: Trade, request_no: str) -> tuple[Trade, Refund | None]:
        """How a refund stands; one that is done later gets nearer by being asked for."""
        refund = trade.refund(request_no)
        if refund is None or not refund.done_after:
            return trade, refund
        status = RefundStatus.SUCCESS if refund.done_after == 1 else RefundStatus.PROCESSING
        done_at = self._ledger.now() if refund.done_after == 1 else None
        refund = trades.nearer(refund, status, done_at)
        with self._ledger.change():
            return self._refunded(trade, refund), refund

    def insurance_returned(self, trade: Trade) -> Trade:
        """The bureau has given the insured half back."""
        with self._ledger.change():
            trade = trades.returned(trade, self._ledger.now())
            self._ledger.keep(trade)
            self._order(trade, "refund")
            self._notices.tell(self.notifies, trade)
        return trade

    async def close(self) -> None:
        """Lets go of connections."""
        await self._notices.close()
        await self._bureau.close()

    def _refund_outcome(self, trade: Trade) -> tuple[RefundStatus, int, bool]:
        """How a refund begins, how many queries it takes, and whether it stays where it is."""
        wanted = (Fault.REFUND_LATER, Fault.REFUND_CLOSED, Fault.REFUND_ABNORMAL)
        match outcomes.follows(self._stand.faults, trade, *wanted):
            case Fault.REFUND_LATER:
                return RefundStatus.PROCESSING, _LATER_QUERIES, False
            case Fault.REFUND_CLOSED:
                return RefundStatus.FAIL, 0, False
            case Fault.REFUND_ABNORMAL:
                return RefundStatus.PROCESSING, 0, True
        return RefundStatus.SUCCESS, 0, False

    def _refunded(self, trade: Trade, refund: Refund) -> Trade:
        trade = trades.refunding(trade, refund, self._ledger.now())
        self._ledger.keep(trade)
        if refund.status is RefundStatus.SUCCESS:
            self.line(trade, "退款", -refund.amount_fen, self._ledger.now(), refund.request_no)
            self._notices.tell(self.notifies, trade, refund)
        return trade

    async def _do(self, payload: Document) -> bool:
        """What is planned: a notify, a settlement that the bureau has not answered, or what a person does later."""
        if "settle" in payload:
            if not await self._settle(payload["settle"]):
                self._ask_later(payload["settle"], payload["tries"] + 1)
            return True
        if "pays" in payload or "denies" in payload:
            return await self._act(
                self._ledger.by_key(payload.get("pays") or payload["denies"]), pays="pays" in payload
            )
        return await self._notices.send(payload)

    def _ask_later(self, key: str, tries: int) -> None:
        """The bureau is asked, again and again for ever, as long as the insured half waits."""
        rest_s = _RESTS_S[min(tries, len(_RESTS_S) - 1)]
        self.notifies.plan(f"settle-{tries}-{key}", (rest_s,), {"settle": key, "tries": tries})

    async def _act(self, trade: Trade | None, *, pays: bool) -> bool:
        """The person does what the person does, where that is still possible."""
        if trade is not None and trade.paid_at is None and trade.status() is Status.WAITING:
            if pays:
                await self.pay(trade)
            else:
                self.deny(trade)
        return True

    async def _settle(self, key: str) -> bool:
        """Settles the insured half; False where the bureau has to be asked again."""
        trade = self._ledger.by_key(key)
        if trade is None or trade.medical is not Status.WAITING:
            return True
        answer = await self._bureau.settle(_claim(trade))
        if answer is None:
            return False
        with self._ledger.change():
            trade = self._ledger.by_key(key)
            if trade is None or trade.medical is not Status.WAITING:
                return True
            now = self._ledger.now()
            if answer.settled:
                trade = trades.settled(trade, now, answer.setl_id)
                self._order(trade, "pay")
            else:
                trade = trades.unsettled(trade, now, answer.message or _REFUSED)
            self._ledger.keep(trade)
            self._notices.tell(self.notifies, trade)
        return True

    def line(self, trade: Trade, kind: str, fen: int, at: datetime, request_no: str = "") -> None:
        """Books a line of the bill of that day."""
        line = {
            "app_id": trade.app_id,
            "kind": kind,
            "trade_no": trade.alipay_trade_no,
            "out_trade_no": trade.out_trade_no,
            "request_no": request_no,
            "subject": trade.subject,
            "created_at": trade.created_at.isoformat(),
            "done_at": at.isoformat(),
            "store": trade.asked.get("store_id", ""),
            "fen": fen,
        }
        self._ledger.book(LINE, at, line)

    def _order(self, trade: Trade, kind: str) -> None:
        order_no = self._ledger.number("order")
        document = {"order_no": order_no, "kind": kind, "trade": key_of(trade)}
        self._ledger.note(ORDER, order_no, document)
        store = trade.asked.get("store_id") or trade.asked.get("org_no", "")
        self._ledger.book(f"{ORDER}_line", self._ledger.now(), {"order_no": order_no, "store": store})


def denied(trade: Trade) -> None:
    """Refuses a payment for which the person's money does not suffice."""
    if trade.fault == Fault.DENIED:
        raise failed("ACQ.BUYER_BALANCE_NOT_ENOUGH")


def _claim(trade: Trade) -> Claim:
    return Claim(
        number=trade.trade_no,
        pay_ord_id=trade.asked.get("pay_order_id", ""),
        pay_auth_no=trade.asked.get("pay_auth_no", ""),
        fund_fen=trade.parts.gov_fen,
        acct_fen=trade.parts.account_fen,
        other_fen=trade.parts.other_fen,
    )
