"""What every way of making a trade has in common: the number is free, the amounts hold, the request may die, the person may pay
by himself.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from tools.twins.alipay import outcomes, trades
from tools.twins.alipay.calls import Call, Lost
from tools.twins.alipay.cashier import Cashier
from tools.twins.alipay.ledger import Ledger
from tools.twins.alipay.people import PEOPLE, Person
from tools.twins.alipay.refusals import UNKNOWN, Refusal, failed
from tools.twins.alipay.trades import Form, Parts, Status, Trade
from tools.twins.faults import Fault
from tools.twins.twin import Stand

USUAL_LIFE: Final = timedelta(hours=2)
PERSON_S: Final = (2.0,)
"""So long a person needs who pays, or denies, without being told to."""
_DEAD: Final = "dead_number"
_HEARD_S: Final = 2.0
_STEP_S: Final = 0.01


class Placing:
    """Makes trades."""

    def __init__(self, stand: Stand, ledger: Ledger, cashier: Cashier) -> None:
        self._stand, self._ledger, self._cashier = stand, ledger, cashier

    def before(self, call: Call, number: str, fen: int) -> Fault | None:
        """Meets the fault that an amount has for its first request; what comes back is the fault after effect, or None."""
        fault = outcomes.of_first_request(self._stand.shelf, f"{call.app_id}|{number}", fen)
        if fault is Fault.TIMEOUT_BEFORE:
            raise Lost
        if fault is Fault.UNAVAILABLE:
            raise Refusal(UNKNOWN, "isp.unknow-error")
        return fault

    def standing(self, call: Call, number: str, form: Form, parts: Parts) -> Trade | None:
        """The unpaid trade that this request is a repeat of, or None where the number is free."""
        key = f"{call.app_id}|{number}"
        if self._ledger.noted(_DEAD, key) is not None:
            raise failed("ACQ.TRADE_HAS_CLOSE")
        trade = self._ledger.by_key(key)
        if trade is None:
            return None
        if trade.form is not form or trade.parts != parts:
            raise failed("ACQ.CONTEXT_INCONSISTENT")
        trades.payable(trade)
        return trade

    def bury(self, app_id: str, number: str) -> None:
        """Nobody can make a trade of this number any more: it was cancelled before it was there (our decision)."""
        self._ledger.note(_DEAD, f"{app_id}|{number}", {})

    def new(self, call: Call, number: str, form: Form, parts: Parts, expires_at: datetime | None) -> Trade:
        """A new trade, not kept yet."""
        now = self._ledger.now()
        trade_no = self._ledger.number("trade")
        medical = form is Form.MEDICAL
        return Trade(
            app_id=call.app_id,
            out_trade_no=number,
            trade_no=trade_no,
            alipay_trade_no=self._ledger.number("trade") if medical else trade_no,
            form=form,
            subject=call.fields.needed("subject", most=256),
            parts=parts,
            own=Status.WAITING if parts.own_fen else Status.NONE,
            medical=Status.WAITING if medical and parts.insured_fen else Status.NONE,
            created_at=now,
            changed_at=now,
            expires_at=expires_at or now + USUAL_LIFE,
            notify_url=call.notify_url,
            fault=outcomes.named(parts.own_fen),
        )

    async def after(self, trade: Trade, fault: Fault | None) -> None:
        """The person may act at once, or soon; then the answer may be lost."""
        if outcomes.follows(self._stand.faults, trade, Fault.NOTIFY_EARLY):
            if trade.paid_at is None:
                await self._cashier.pay(trade)
            await self._heard(trade)
        elif trade.paid_at is None and trade.user_id in PEOPLE:
            verb = "pays" if PEOPLE[trade.user_id] is Person.PAYS else "denies"
            self.later(trade, verb)
        if fault is Fault.TIMEOUT_AFTER:
            raise Lost

    def later(self, trade: Trade, verb: str) -> None:
        """The person `pays` or `denies` a little later."""
        key = f"{trade.app_id}|{trade.out_trade_no}"
        self._cashier.notifies.plan(f"{verb}-{key}", PERSON_S, {verb: key})

    async def _heard(self, trade: Trade) -> None:
        """Waits until the merchant has got the notify of a trade."""
        end = asyncio.get_running_loop().time() + _HEARD_S
        while asyncio.get_running_loop().time() < end:
            waiting = [each["payload"].get("form", {}) for each in self._cashier.notifies.waiting()]
            if not any(form.get("trade_no") == trade.trade_no for form in waiting):
                return
            await asyncio.sleep(_STEP_S)
