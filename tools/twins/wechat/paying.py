"""The person pays: cash is taken, the insured part is settled with the bureau, and merchants are told.

Cash comes first and the bureau second, so that the dangerous combination of C§1.3 (cash taken, insurance failed) can occur.
A bureau that does not answer is asked again for a day; until then the order stays as it is.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from tools.twins.bureau import Bureau, Claim, Settled
from tools.twins.faults import Fault, of_amount
from tools.twins.shelf import Document
from tools.twins.wechat.ground import BY_NUMBER, MIXED, TRADE, Ground, kept
from tools.twins.wechat.notices import CASH_DELAYS_S, MEDICAL_DELAYS_S, Notices
from tools.twins.wechat.telling import told_mixed, told_trade

_BUREAU_DELAYS_S: Final = (1, 1, 2, 4, 8, 15, *((30,) * 2880))
_PASSWORD_S: Final = 5
_UNPAYABLE: Final = "the order is {state}: nobody can pay it"


class Paying:
    """What happens when people pay, decline, or have paid."""

    def __init__(self, ground: Ground, notices: Notices, bureau: Bureau) -> None:
        self._ground, self._notices, self._bureau = ground, notices, bureau

    async def pay(self, key: str, *, deny: bool = False, force: bool = False) -> Document:
        """The person pays or declines the order `merchant/out_trade_no`; `force` pays what was closed (the provider's own race).

        ValueError where it cannot be paid. Answers how both halves stand.
        """
        with self._ground.stand.shelf.change():
            trade, mixed = self._ground.get(TRADE, key), self._ground.get(MIXED, key)
            if trade is None and mixed is None:
                raise ValueError(f"no order {key}")
            self._require_payable(trade, mixed, force=force)
            amount = trade["total"] if trade else 0
            if deny or of_amount(amount) is Fault.DENIED:
                self._declined(key, trade, mixed)
            else:
                self._taken(key, trade, mixed)
        if mixed is not None and mixed["status"]["med_ins_pay_status"] == "MED_INS_PAY_CREATED":
            await self.settle(key)
        return self.standing(key)

    def pay_later(self, key: str) -> None:
        """The person enters the password some seconds from now."""
        self._ground.notifies.plan(f"{key}/password", (_PASSWORD_S,), {"what": "pay", "key": key})

    async def paid_later(self, key: str) -> bool:
        """What was planned by `pay_later`; one that was reversed meanwhile is not paid."""
        trade = self._ground.get(TRADE, key)
        if trade is not None and trade["state"] == "USERPAYING":
            await self.pay(key)
        return True

    async def settle(self, key: str) -> bool:
        """Asks the bureau for the insured half; False where it did not answer. An order that waits no more is left alone."""
        mixed = self._ground.get(MIXED, key)
        if mixed is None or not _waits_for_bureau(mixed):
            return True
        faults = self._ground.stand.faults
        amount = mixed["told"].get("wechat_pay_cash_fee", 0) or mixed["told"]["total_fee"]
        if of_amount(amount) is Fault.INSURANCE_FAILS or faults.of_event(Fault.INSURANCE_FAILS):
            said: Settled | None = Settled(settled=False, message="医保局结算校验失败")
        else:
            said = await self._bureau.settle(_claim(mixed))
        if said is None:
            return False
        with self._ground.stand.shelf.change():
            mixed = self._ground.get(MIXED, key)
            if mixed is not None and _waits_for_bureau(mixed):
                self._finish(key, mixed, said)
        return True

    def standing(self, key: str) -> Document:
        """How an order stands, for the control door."""
        trade, mixed = self._ground.get(TRADE, key), self._ground.get(MIXED, key)
        told = {} if mixed is None else dict(mixed["status"])
        cash = {} if trade is None else {name: trade[name] for name in ("total", "refunded", "returned")}
        return kept(told | cash | ({} if trade is None else {"trade_state": trade["state"]}))

    def _require_payable(self, trade: Document | None, mixed: Document | None, *, force: bool) -> None:
        if (
            trade is not None
            and trade["state"] not in ("NOTPAY", "USERPAYING")
            and not (force and trade["state"] == "CLOSED")
        ):
            raise ValueError(_UNPAYABLE.format(state=trade["state"]))
        until = trade["prepay_until"] if trade else ""
        if until and datetime.fromisoformat(until) < self._ground.now() and not force:
            raise ValueError(_UNPAYABLE.format(state="over: its prepay_id has lapsed"))
        if mixed is not None and mixed["status"]["mix_pay_status"] != "MIX_PAY_CREATED":
            raise ValueError(_UNPAYABLE.format(state=mixed["status"]["mix_pay_status"]))

    def _declined(self, key: str, trade: Document | None, mixed: Document | None) -> None:
        """A code payment fails; who declined on a phone may try again, but not a mixed order, which fails as a whole."""
        if trade is not None and (trade["kind"] == "MICROPAY" or mixed is not None):
            self._ground.put(TRADE, key, trade | {"state": "PAYERROR" if mixed is None else "CLOSED"})
        if mixed is not None:
            status = mixed["status"]
            status["mix_pay_status"] = "MIX_PAY_FAIL"
            if status["self_pay_status"] == "SELF_PAY_CREATED":
                status["self_pay_status"] = "SELF_PAY_FAIL"
            if status["med_ins_pay_status"] == "MED_INS_PAY_CREATED":
                status["med_ins_pay_status"] = "MED_INS_PAY_FAIL"
            self._ground.put(MIXED, key, mixed)

    def _taken(self, key: str, trade: Document | None, mixed: Document | None) -> None:
        now = self._ground.now()
        if trade is not None:
            number = self._ground.number("transaction", "42", 26)
            trade |= {
                "state": "SUCCESS",
                "transaction_id": number,
                "paid_at": now.isoformat(),
                "day": f"{now:%Y-%m-%d}",
            }
            self._ground.put(TRADE, key, trade)
            self._ground.put(BY_NUMBER, number, {"key": key})
            self._tell_cash(key, trade)
        if mixed is None:
            return
        if trade is not None:
            mixed["status"]["self_pay_status"] = "SELF_PAY_SUCCESS"
        if mixed["status"]["med_ins_pay_status"] == "NO_MED_INS_PAY":
            self._succeed(key, mixed)
        else:
            mixed["paying"] = True
            self._ground.notifies.plan(f"{key}/bureau", _BUREAU_DELAYS_S, {"what": "settle", "key": key})
        self._ground.put(MIXED, key, mixed)

    def _finish(self, key: str, mixed: Document, said: Settled) -> None:
        status = mixed["status"]
        if said.settled:
            status["med_ins_pay_status"] = "MED_INS_PAY_SUCCESS"
            mixed["told"]["passthrough_response_content"] = json.dumps({"setlId": said.setl_id})
            self._succeed(key, mixed)
        else:
            status |= {"med_ins_pay_status": "MED_INS_PAY_FAIL", "mix_pay_status": "MIX_PAY_FAIL"}
            mixed["told"]["med_ins_fail_reason"] = said.message
        self._ground.put(MIXED, key, mixed)

    def _succeed(self, key: str, mixed: Document) -> None:
        mixed["status"]["mix_pay_status"] = "MIX_PAY_SUCCESS"
        mixed["told"]["paid_time"] = self._ground.now().isoformat()
        payload = {
            "url": mixed["told"]["callback_url"],
            "mchid": mixed["mchid"],
            "event_type": "MEDICAL_INSURANCE.SUCCESS",
            "original_type": "medical_insurance",
            "summary": "医保支付成功",
            "resource": told_mixed(mixed),
        }
        cash = mixed["told"].get("wechat_pay_cash_fee", 0)
        self._notices.plan(self._ground, f"{key}/medical", MEDICAL_DELAYS_S, payload, cash)

    def _tell_cash(self, key: str, trade: Document) -> None:
        payload = {
            "url": trade["notify_url"],
            "mchid": trade["mchid"],
            "event_type": "TRANSACTION.SUCCESS",
            "original_type": "transaction",
            "summary": "支付成功",
            "resource": told_trade(trade),
        }
        self._notices.plan(self._ground, f"{key}/transaction", CASH_DELAYS_S, payload, trade["total"])


def _claim(mixed: Document) -> Claim:
    told = mixed["told"]
    return Claim(
        number=mixed["mix_trade_no"],
        pay_ord_id=told.get("pay_order_id", ""),
        pay_auth_no=told.get("pay_auth_no", ""),
        fund_fen=told.get("med_ins_gov_fee") or 0,
        acct_fen=told.get("med_ins_self_fee") or 0,
        other_fen=told.get("med_ins_other_fee") or 0,
    )


def _waits_for_bureau(mixed: Document) -> bool:
    return bool(mixed.get("paying")) and mixed["status"]["med_ins_pay_status"] == "MED_INS_PAY_CREATED"
