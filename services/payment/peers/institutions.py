"""6302: an institution is told what became of its order, in the mobile envelope (C§4.3) or in the national one.

It has heard once it answers `success: true`, in a signed envelope or bare (sources differ), or `infcode` 0. What a paid order's
notice holds is public (C§4.5); that refunds and revocations are told too, and in which fields, is ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from services.kernel.clock import BEIJING, Clock, from_micros, stamp_text
from services.kernel.errors import Fault
from services.kernel.money import yuan_text
from services.payment.domain.notices import NoticeKind, OrderNotice, TellingOutcome
from services.payment.domain.orders import PayOrder, Refund, ref_status, told_stas
from services.payment.domain.profiles import AppKeys, Profile
from services.payment.domain.splits import Split, setl_type
from services.runtime.callbacks import Callbacks, NotTold
from services.runtime.kept import Bounded
from services.runtime.national.envelope import App, build_request, open_answer
from services.runtime.national.signed_text import SecretForm
from services.runtime.national.sm2 import Sm2, Sm2Unavailable

PAID: Final = "02"
"""Dictionary callType: paid. Of refunds and revocations it has no value; their notices have none."""
_OK: Final = 200
_SIZE: Final = 4096


class Institutions:
    """Tells them. `open_sm2` opens the system's library, at the first notice that needs it; `revs_token` makes an order's."""

    def __init__(
        self, callbacks: Callbacks, open_sm2: Callable[[], Sm2], revs_token: Callable[[PayOrder], str], clock: Clock
    ) -> None:
        self._callbacks = callbacks
        self._open_sm2 = open_sm2
        self._revs_token = revs_token
        self._clock = clock
        self._sm2: Sm2 | None = None
        self._apps: Bounded[AppKeys, App] = Bounded(_SIZE)

    async def tell(
        self, profile: Profile, notice: OrderNotice, order: PayOrder, refund: Refund | None
    ) -> TellingOutcome:
        """Posts it."""
        if not profile.notify_url:
            return TellingOutcome(nowhere=True)
        data = notice_data(notice, order, refund, self._revs_token(order), knows_17=profile.knows_17)
        try:
            app = self._app(profile.app) if profile.app is not None else None
        except (ValueError, Sm2Unavailable) as error:
            return TellingOutcome(reason=type(error).__name__)
        body = build_request(app, data, self._clock()) if app else self._national(profile, notice, order, data)
        try:
            told = await self._callbacks.post("institution is told", profile.notify_url, body)
        except NotTold as error:
            return TellingOutcome(reason=error.reason)
        if told.status != _OK:
            return TellingOutcome(reason=f"HTTP_{told.status}")
        return self._heard(app, told.body)

    def _app(self, keys: AppKeys) -> App:
        found = self._apps.get(keys)
        if found is None:
            if self._sm2 is None:
                self._sm2 = self._open_sm2()
            own, theirs = self._sm2.private_key(keys.own_private_key), self._sm2.public_key(keys.public_key)
            form = SecretForm.APPENDED if keys.secret_appended else SecretForm.KEY
            found = self._apps.keep(keys, App(keys.app_id, keys.secret, own, theirs, form))
        return found

    def _heard(self, app: App | None, body: bytes) -> TellingOutcome:
        bare = _object(body)
        if app is not None and "signData" in bare:
            try:
                success = open_answer(app, body, self._clock()).success
            except Fault as fault:
                return TellingOutcome(reason=fault.reason)
        else:
            success = bare.get("success") is True or (app is None and str(bare.get("infcode", "")) == "0")
        return TellingOutcome(told=True) if success else TellingOutcome(reason="NOT_HEARD")

    def _national(self, profile: Profile, notice: OrderNotice, order: PayOrder, data: Mapping[str, Any]) -> bytes:
        """The national envelope without a signature: of whom it is only the address tells."""
        outer = {
            "infno": "6302",
            "msgid": notice.notice_no,
            "mdtrtarea_admvs": order.admdvs,
            "insuplc_admdvs": "",
            "infver": "V1.0",
            "inf_time": self._clock().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "fixmedins_code": order.fixmedins_code,
            "fixmedins_name": profile.name,
            "input": {"data": data},
        }
        return json.dumps(outer, ensure_ascii=False, separators=(",", ":")).encode()


def notice_data(
    notice: OrderNotice, order: PayOrder, refund: Refund | None, revs_token: str, *, knows_17: bool = False
) -> dict[str, Any]:
    """What is told: numbers and amounts of the order as it stands, in yuan as texts; nothing of who it is about."""
    split = order.split or Split(order.bill.fee_fen, cash_fen=order.bill.fee_fen)
    data: dict[str, Any] = {
        "payOrdId": order.pay_ord_id,
        "medOrgOrd": order.med_org_ord,
        "orgCodg": order.fixmedins_code,
        "traceTime": stamp_text(from_micros(notice.made_at)),
        "ordStas": str(told_stas(order, knows_17=knows_17)),
        "feeSumamt": yuan_text(split.total_fen),
        "ownPayAmt": yuan_text(split.cash_fen),
        "psnAcctPay": yuan_text(split.acct_fen),
        "fundPay": yuan_text(split.fund_fen),
        "othFeeAmt": yuan_text(split.other_fen),
        "hospPartAmt": yuan_text(split.hosp_fen),
        "setlType": setl_type(split),
    }
    if notice.kind is NoticeKind.PAID:
        data |= {"callType": PAID, "revsToken": revs_token}
        data["extData"] = {"mdtrtId": order.bill.mdtrt_id, "setlId": order.setl_id}
    if refund is not None:
        data |= {
            "appRefdSn": refund.asked_no,
            "refdSn": refund.refund_no,
            "hiRefdSn": refund.counter_setl_id,
            "refdType": refund.kind.value,
            "cashRefdAmt": yuan_text(refund.cash_fen),
            "hiRefdAmt": yuan_text(refund.insured_fen),
            "refStatus": ref_status(refund),
        }
    return data


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
