"""The part of the demo that is paid by phone: one order in the mixed form, whose insured part and cash go through the twin of
WeChat Pay together, and one that the twin refuses, after which nothing stands of it.
"""

from __future__ import annotations

import time
from typing import Any, Final

import httpx

from services.kernel.money import yuan_text
from tools import demo_story as story
from tools.beside import Twins
from tools.cli.mesh_client import MeshClient, MeshRefusal
from tools.demo_told import Unexpected, same, title
from tools.running import RunningMesh
from tools.sandbox_keys import INSTITUTION, PERSON, key_of
from yibao.common.v1 import codes_pb2
from yibao.payment.v1 import authorisation_pb2, channel_pb2, fee_upload_pb2, pay_order_pb2, pay_order_state_pb2

_ORDERS: Final = "yibao.payment.v1.PayOrderService"
_DESK: Final = pay_order_pb2.Desk(fixmedins_code=INSTITUTION, mdtrtarea_admvs="990100")
_NAME, _CERTNO = "测试人员", "990000199001010011"
_ITEM: Final = story.Row("XTESTDRUG0001", "测试药品", 2, 300_000)
_OPENID: Final = "oTestPayer"
_EXPIRED_CODE: Final = "139900000000000000"
"""A payment code that the twin says was shown too long ago."""
_WAIT_S: Final = 30.0
_PARTS: Final = (
    ("fund_pay_fen", "基金支付 funds"),
    ("psn_acct_pay_fen", "个人账户 account"),
    ("own_pay_amt_fen", "现金 cash"),
)


class Paying:
    """Two orders at the test hospital of the sandbox's cell."""

    def __init__(self, mesh: RunningMesh, twins: Twins) -> None:
        self._mesh = mesh
        self._twin = httpx.Client(base_url=twins.urls["wechat"], timeout=10.0, trust_env=False)

    def play(self) -> str:
        """Plays both; the number of the order that is paid."""
        title(
            "8 · 移动支付：微信混合支付，与一次被拒绝的付款 · by phone: one order paid in WeChat, one that WeChat refuses"
        )
        keys = (key_of("institution", INSTITUTION), key_of("person", PERSON))
        with self._twin, MeshClient(self._mesh.url, keys[0]) as hospital, MeshClient(self._mesh.url, keys[1]) as phone:
            paid = self._paid(hospital, phone)
            self._refused(hospital, phone)
        return paid

    def _paid(self, hospital: MeshClient, phone: MeshClient) -> str:
        saved, auth = _saved(hospital, phone, "demo-1")
        split = _placed(hospital, saved, "demo-1")
        print(f"  6201 → {saved.pay_ord_id}; 6202 → 合计 total {yuan_text(split.fee_sumamt_fen)}:")
        for name, label in _PARTS:
            print(f"  {label:<20}{yuan_text(getattr(split, name)):>12}")
        asked = pay_order_pb2.Payment(
            pay_ord_id=saved.pay_ord_id,
            pay_token=saved.pay_token,
            channel=channel_pb2.CHANNEL_KIND_WECHAT,
            pay_form=channel_pb2.PAY_FORM_MIXED,
            user_no=_OPENID,
            pay_auth_no=auth,
            payer=channel_pb2.Payer(name=_NAME, cert_no=_CERTNO, cert_type="01"),
            location="102.682296,25.054260",
        )
        order = _paid(hospital, asked, "demo-1")
        print(f"  结算预挂账，微信已下单 settlement opened, WeChat has the order: {order.mix_trade_no}")
        standing = self._pays(order.charge_no)
        print(f"  参保人在微信付款 the person pays: {standing['self_pay_status']}, {standing['med_ins_pay_status']}")
        order = _comes_to(hospital, saved, pay_order_state_pb2.ORDER_PHASE_PAID)
        same("what WeChat collected", split.own_pay_amt_fen, order.charged_fen)
        print(f"  通知 → 结算确认 notify → confirmed: ordStas {order.ord_stas}, setl_id {order.setl_id}")
        return str(order.pay_ord_id)

    def _refused(self, hospital: MeshClient, phone: MeshClient) -> None:
        saved, _ = _saved(hospital, phone, "demo-2")
        _placed(hospital, saved, "demo-2")
        asked = pay_order_pb2.Payment(
            pay_ord_id=saved.pay_ord_id,
            pay_token=saved.pay_token,
            channel=channel_pb2.CHANNEL_KIND_WECHAT,
            pay_form=channel_pb2.PAY_FORM_CODE,
            code=_EXPIRED_CODE,
        )
        try:
            _paid(hospital, asked, "demo-2")
        except MeshRefusal as refusal:
            print(f"\n  被扫，付款码已过期 the clerk scans a code that is too old: {refusal.told('zh')}")
            same("the refusal", "CHANNEL_REFUSED", refusal.reason)
        else:
            raise Unexpected("an order was paid by a code that is too old")
        order = _comes_to(hospital, saved, pay_order_state_pb2.ORDER_PHASE_FAILED)
        same("what was collected", 0, order.charged_fen)
        named = pay_order_pb2.OrderRevocation(**_named(saved), id_no=_CERTNO, user_name=_NAME, id_type="01")
        request = pay_order_pb2.RevokeOrderRequest(request_id="demo-2-revoke", desk=_DESK, data=named)
        hospital.call(f"{_ORDERS}.RevokeOrder", request, story.DAY)
        order = _comes_to(hospital, saved, pay_order_state_pb2.ORDER_PHASE_REVOKED)
        print(f"  结算作废、费用与就诊撤销 settlement void, lines and visit taken back: ordStas {order.ord_stas}")

    def _pays(self, charge_no: str) -> dict[str, Any]:
        answer = self._twin.post("/_twin/pay", json={"out_trade_no": charge_no})
        if answer.is_error:
            raise Unexpected(f"the twin of WeChat does not let the person pay: {answer.text}")
        told: dict[str, Any] = answer.json()
        return told


def _saved(hospital: MeshClient, phone: MeshClient, number: str) -> tuple[Any, str]:
    """The person authorises, the hospital saves the bill (6201): what was answered, and payAuthNo."""
    wanted = authorisation_pb2.AuthorisePaymentRequest(
        request_id=f"{number}-auth", psn_no=PERSON, fixmedins_code=INSTITUTION
    )
    auth = phone.call("yibao.payment.v1.AuthorisationService.AuthorisePayment", wanted).pay_auth_no
    line = fee_upload_pb2.UploadedLine(
        order_line_sn="1",
        chrg_bchno=number,
        med_list_codg=_ITEM.code,
        medins_list_codg="Y0001",
        cnt=str(_ITEM.count),
        pric=yuan_text(_ITEM.price_fen),
        det_item_fee_sumamt_fen=_ITEM.amount_fen,
        bilg_dept_codg="A01",
        bilg_dept_name="内科",
        bilg_dr_codg="D99010000001",
        bilg_dr_name="测试医师",
    )
    bill = fee_upload_pb2.FeeUpload(
        org_codg=INSTITUTION,
        psn_no=PERSON,
        insutype="310",
        med_org_ord=number,
        id_no=_CERTNO,
        user_name=_NAME,
        id_type="01",
        pay_auth_no=auth,
        ipt_otp_no=number,
        dept_name="内科",
        caty="A03",
        med_type=codes_pb2.MED_TYPE_OUTPATIENT,
        fee_type="01",
        medfee_sumamt_fen=_ITEM.amount_fen,
        psn_setlway="01",
        chrg_bchno=number,
        feedetail_list=[line],
    )
    for moment in (bill.begntime, bill.feedetail_list[0].fee_ocur_time):
        moment.FromJsonString(f"{story.DAY}T01:30:00Z")
    request = pay_order_pb2.SaveOrderRequest(request_id=f"{number}-save", desk=_DESK, data=bill)
    return hospital.call(f"{_ORDERS}.SaveOrder", request, story.DAY).data, auth


def _placed(hospital: MeshClient, saved: Any, number: str) -> Any:
    """6202: the split as it was tried."""
    placement = pay_order_pb2.OrderPlacement(
        **_named(saved),
        mdtrt_id=saved.ext_data.mdtrt_id,
    )
    request = pay_order_pb2.PlaceOrderRequest(request_id=f"{number}-place", desk=_DESK, data=placement)
    return hospital.call(f"{_ORDERS}.PlaceOrder", request, story.DAY).data


def _paid(hospital: MeshClient, asked: pay_order_pb2.Payment, number: str) -> Any:
    """The order as it stands once the channel was asked."""
    request = pay_order_pb2.PayRequest(request_id=f"{number}-pay", desk=_DESK, data=asked)
    return hospital.call(f"{_ORDERS}.Pay", request, story.DAY).order


def _named(saved: Any) -> dict[str, str]:
    return {"pay_ord_id": saved.pay_ord_id, "pay_token": saved.pay_token, "org_codg": INSTITUTION}


def _comes_to(hospital: MeshClient, saved: Any, phase: int) -> Any:
    """The order once it stands so (6301); Unexpected where it does not come there in time."""
    request = pay_order_pb2.GetOrderRequest(desk=_DESK, data=pay_order_pb2.OrderQuery(**_named(saved)))
    until = time.monotonic() + _WAIT_S
    while True:
        order = hospital.call(f"{_ORDERS}.GetOrder", request).order
        if order.phase == phase:
            return order
        if time.monotonic() > until:
            raise Unexpected(f"the order {saved.pay_ord_id} stands at {order.phase}, not at {phase}")
        time.sleep(0.05)
