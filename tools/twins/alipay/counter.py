"""The credential at Alipay: online authorisation, and the "one code" at the window (C§2.2, C§2.5)."""

from __future__ import annotations

from typing import Final

from tools.twins.alipay.calls import Call, Methods, Node
from tools.twins.alipay.fields import moment
from tools.twins.alipay.ledger import Ledger
from tools.twins.alipay.people import ANYBODY, NOT_OPEN, UNKNOWN_TO_BUREAU, is_medical_code
from tools.twins.alipay.plain import PERSON_OF_CODE
from tools.twins.alipay.refusals import failed, invalid
from tools.twins.twin import Stand

AUTHORISATION: Final = "authorisation"
_SYNCED: Final = "order_sync"
_ONLINE: Final = "04107"
"""Online payment authorisation: the one `ol_biz_type_code` that leads to a `pay_auth_no`."""
_BIZ_TYPES: Final = ("OUTPATIENT_REGISTRATION", "OUTPATIENT_PAYMENT", "HOSPITAL_DEPOSIT", "HOSPITAL_SETTLEMENT")
_GIVEN: Final = "1"
_ASKED: Final = "0"


class Counter:
    """The methods of the credential."""

    def __init__(self, stand: Stand, ledger: Ledger) -> None:
        self._stand, self._ledger = stand, ledger

    def methods(self) -> Methods:
        """By their names."""
        begin = "alipay.commerce.medical."
        return {
            f"{begin}octoken.auth.query": self._authorisation,
            f"{begin}ecode.open.query": self._is_open,
            f"{begin}payment.code.get": self._code,
            f"{begin}payment.order.sync": self._sync,
        }

    def authorise(self, app_id: str, req_biz_no: str) -> None:
        """The person has said yes; the next query tells the numbers."""
        key = f"{app_id}|{req_biz_no}"
        asked = self._ledger.noted(AUTHORISATION, key)
        if asked is None:
            raise KeyError(req_biz_no)
        with self._ledger.change():
            now = self._ledger.now()
            number = f"{asked['city']}{now:%Y%m%d%H%M%S}{self._ledger.number('authorisation')[-8:]}"
            given = {"auth_no": f"CRT{number}", "pay_auth_no": f"AUTH{number}", "auth_time": moment(now)}
            self._ledger.note(AUTHORISATION, key, {**asked, **given, "status": _GIVEN})

    async def _authorisation(self, call: Call) -> Node:
        fields = call.fields
        number, city = fields.number("req_biz_no"), fields.needed("partner_city_code", 6)
        for name in ("org_cfc_id", "org_chnl_crtf_code"):
            fields.needed(name)
        if fields.needed("ol_biz_type_code", 5) != _ONLINE:
            raise invalid("ol_biz_type_code", _ONLINE)
        user_id = fields.text("alipay_user_id") or fields.needed("open_id", 128)
        if user_id == UNKNOWN_TO_BUREAU:
            raise failed("ACQ.MEDICAL_AUTH_INVALID")
        key = f"{call.app_id}|{number}"
        with self._ledger.change():
            kept = self._ledger.noted(AUTHORISATION, key)
            if kept is None:
                kept = {"status": _ASKED, "city": city, "user_id": user_id}
                self._ledger.note(AUTHORISATION, key, kept)
        data = {
            "req_biz_no": number,
            "auth_stas": kept["status"],
            "auth_url": f"{self._stand.url}/authorise/{number}" if kept["status"] == _ASKED else "",
            "oc_token": f"OCT{number}" if kept["status"] == _GIVEN else "",
            "rels_pay_flag": "0",
            **{name: kept.get(name, "") for name in ("auth_no", "pay_auth_no", "auth_time")},
        }
        return {"result_code": "SUCCESS", "data": {name: value for name, value in data.items() if value}}

    async def _is_open(self, call: Call) -> Node:
        code = _medical_code(call)
        call.fields.needed("org_no")
        return {"open": "false" if code.endswith(NOT_OPEN) else "true", "login_name": "twi***@sandbox.invalid"}

    async def _code(self, call: Call) -> Node:
        """One payment code for one `out_request_no`."""
        code, request_no = _medical_code(call), call.fields.number("out_request_no")
        call.fields.needed("org_no")
        if code.endswith(NOT_OPEN):
            raise failed("ACQ.PAYMENT_AUTH_CODE_INVALID")
        key = f"{call.app_id}|code|{request_no}"
        with self._ledger.change():
            given = self._ledger.noted(PERSON_OF_CODE, key)
            if given is None:
                given = {"code": f"28{self._ledger.number('code')[-16:]}", "user_id": ANYBODY}
                self._ledger.note(PERSON_OF_CODE, key, given)
                self._ledger.note(PERSON_OF_CODE, given["code"], given)
        return {"payment_code": given["code"], "login_name": "twi***@sandbox.invalid"}

    async def _sync(self, call: Call) -> Node:
        fields = call.fields
        if fields.needed("biz_type") not in _BIZ_TYPES:
            raise invalid("biz_type", "、".join(_BIZ_TYPES))
        number = fields.number("out_biz_no")
        amounts = {name: fields.fen(name) or 0 for name in ("fee_sumamt", "fund_pay", "psn_acct_pay", "own_pay_amt")}
        whole = amounts.pop("fee_sumamt")
        if whole != sum(amounts.values()):
            raise failed("ACQ.MEDICAL_AMOUNT_ERROR")
        key = f"{call.app_id}|{number}"
        with self._ledger.change():
            kept = self._ledger.noted(_SYNCED, key) or {"order_id": self._ledger.number("sync")}
            self._ledger.note(_SYNCED, key, {**kept, "status": fields.needed("status")})
        return {"order_id": str(kept["order_id"])}


def _medical_code(call: Call) -> str:
    code = call.fields.needed("medical_code")
    if not is_medical_code(code):
        raise invalid("medical_code", "28位，以424或ano开头")
    return code
