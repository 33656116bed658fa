"""PayOrderService on the wire: messages in, messages out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from services.kernel.clock import beijing_day, from_micros, stamp_text, to_micros
from services.kernel.errors import Fault, FaultKind, Violation, invalid
from services.kernel.money import yuan_text
from services.payment.domain import refusals
from services.payment.domain.orders import PayOrder, RefundKind, ref_status, told_stas
from services.payment.domain.phases import Phase
from services.payment.domain.profiles import Profile
from services.payment.domain.refunds import Parts
from services.payment.domain.revoking import revs_token
from services.payment.domain.terms import OrderType, Switch, check_open, kind_of
from services.payment.operations.books import Books
from services.payment.operations.paying import Paying, Plan
from services.payment.operations.refunding import Refunding
from services.payment.operations.saving import AskedBill, Saving
from services.payment.servicer import convert
from services.payment.servicer.bills import bill_of
from services.payment.servicer.traces import joined
from services.payment.servicer.unhurried import Unhurried
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.telemetry import inject
from yibao.common.v1 import codes_pb2
from yibao.payment.v1 import pay_order_pb2, pay_order_pb2_grpc

_NOWHERE: Final = "000000"

MakePlan = Callable[[pay_order_pb2.Payment], Plan]
"""How the channels' room plans what an institution asks for."""


class PayOrderServicer(pay_order_pb2_grpc.PayOrderServiceServicer):
    """The RPCs. `key` is that of tokens and of persons' digests, `profile` tells an institution's."""

    def __init__(
        self,
        books: Books,
        saving: Saving,
        paying: Paying,
        refunding: Refunding,
        plan: MakePlan,
        switches: Sequence[Switch],
        key: Callable[[], bytes],
        work: Unhurried,
        profile: Callable[[str], Awaitable[Profile]],
    ) -> None:
        self._work = work
        self._profile = profile
        self._books = books
        self._saving = saving
        self._paying = paying
        self._refunding = refunding
        self._plan = plan
        self._switches = switches
        self._key = key

    async def SaveOrder(  # noqa: N802 - the contract's name
        self, request: pay_order_pb2.SaveOrderRequest, context: Any
    ) -> pay_order_pb2.SaveOrderResponse:
        """6201."""
        call, data = current_call(), request.data
        _own(request.desk, data.org_codg)
        registration = data.med_type == codes_pb2.MED_TYPE_OUTPATIENT_REGISTRATION
        kind = kind_of(data.fee_type, registration=registration, deposit=data.deposit)
        if kind is None:
            raise invalid("data.fee_type", "pay.fee_type", "a feeType of the dictionary")
        admdvs = request.desk.mdtrtarea_admvs or _NOWHERE
        check_open(self._switches, admdvs, kind, "", beijing_day(call.now))
        stay = kind in (OrderType.DISCHARGE, OrderType.DEPOSIT)
        if data.deposit and (data.feedetail_list or data.diseinfo_list):
            raise refusals.deposit_with_lines("data.feedetail_list")
        if stay and not data.mdtrt_id:
            raise invalid("data.mdtrt_id", "pay.stay", "the stay, which is registered already")
        _adds_up(data)
        stamp = stamp_of(call, request)
        asked = AskedBill(
            fixmedins_code=request.desk.fixmedins_code,
            med_org_ord=data.med_org_ord,
            person=self._person(data.id_no, data.user_name),
            order_type=kind,
            fee_type=data.fee_type,
            admdvs=admdvs,
            bill=bill_of(data, stay=stay),
            pay_auth_no=data.pay_auth_no,
            ec_token=bool(data.ec_token),
            request=request,
        )
        order = await self._work.run(stamp, data.med_org_ord, lambda _: self._saving.save(stamp, asked))
        saved = pay_order_pb2.SavedOrder(
            pay_ord_id=order.pay_ord_id,
            pay_token=self._saving.token_of(order.pay_ord_id),
            ext_data=pay_order_pb2.OrderExtension(mdtrt_id=order.bill.mdtrt_id),
        )
        return pay_order_pb2.SaveOrderResponse(data=saved)

    async def PlaceOrder(  # noqa: N802 - the contract's name
        self, request: pay_order_pb2.PlaceOrderRequest, context: Any
    ) -> pay_order_pb2.PlaceOrderResponse:
        """6202."""
        order = await self._named(request.desk, request.data)
        stamp, asked, found = stamp_of(current_call(), request), request.data, order
        order = await self._work.run(
            stamp, asked.pay_ord_id, lambda _: self._saving.place(stamp, found, asked.pay_auth_no, asked.bank_card)
        )
        placed = pay_order_pb2.PlacedOrder(
            pay_ord_id=order.pay_ord_id,
            ord_stas=str(told_stas(order)),
            **(convert.sums_of(order.split) if order.split is not None else {}),
        )
        return pay_order_pb2.PlaceOrderResponse(data=placed)

    async def Pay(  # noqa: N802 - the contract's name
        self, request: pay_order_pb2.PayRequest, context: Any
    ) -> pay_order_pb2.PayResponse:
        """Opens, charges, confirms."""
        call, asked = current_call(), request.data
        order = await self._named(request.desk, asked)
        kind, channel = OrderType(order.order_type), convert.channel_name(asked.channel)
        check_open(self._switches, order.admdvs, kind, channel, beijing_day(call.now))
        stamp, plan, found = stamp_of(call, request), self._plan(asked), order
        order, charge = await self._work.run(
            stamp, asked.pay_ord_id, lambda left_s: self._paying.pay(stamp, found, plan, left_s, inject())
        )
        front = dict(charge.front) if charge is not None else {}
        return pay_order_pb2.PayResponse(order=convert.order_message(order, charge), front=front)

    async def GetOrder(  # noqa: N802 - the contract's name
        self, request: pay_order_pb2.GetOrderRequest, context: Any
    ) -> pay_order_pb2.GetOrderResponse:
        """6301."""
        order = await self._named(request.desk, request.data)
        self._same_person(order, request.data)
        charge = await self._books.charge(order.charge_no) if order.charge_no else None
        profile = await self._profile(order.fixmedins_code)
        return pay_order_pb2.GetOrderResponse(
            data=convert.found_message(order, self._revs_token(order), profile),
            order=convert.order_message(order, charge, knows_17=profile.knows_17),
        )

    async def RevokeOrder(  # noqa: N802 - the contract's name
        self, request: pay_order_pb2.RevokeOrderRequest, context: Any
    ) -> pay_order_pb2.RevokeOrderResponse:
        """6401."""
        order = await self._named(request.desk, request.data)
        self._same_person(order, request.data)
        stamp = stamp_of(current_call(), request)
        await self._work.run(stamp, order.pay_ord_id, lambda left_s: self._saving.revoke(stamp, order, left_s))
        return pay_order_pb2.RevokeOrderResponse(data=pay_order_pb2.RevokedOrder(success=True, message="SUCCESS"))

    async def RefundOrder(  # noqa: N802 - the contract's name
        self, request: pay_order_pb2.RefundOrderRequest, context: Any
    ) -> pay_order_pb2.RefundOrderResponse:
        """6203."""
        call, data = current_call(), request.data
        order = await self._of(request.desk.fixmedins_code, data.pay_ord_id)
        parts = Parts(
            data.totl_refd_amt_fen, data.psn_acct_refd_amt_fen, data.fund_refd_amt_fen, data.cash_refd_amt_fen
        )
        stamp, kind, found = stamp_of(call, request), RefundKind(data.refd_type), order
        order, refund = await self._work.run(
            stamp,
            order.pay_ord_id,
            lambda left_s: self._refunding.refund(stamp, found, data.app_refd_sn, kind, parts, left_s),
        )
        told = pay_order_pb2.RefundedOrder(
            refd_sn=refund.refund_no,
            hi_refd_sn=refund.counter_setl_id,
            ref_status=ref_status(refund),
        )
        if refund.counter_setl_id and refund.done_at:
            moment = stamp_text(from_micros(refund.done_at))
            told.hi_trns_date, told.hi_trns_time = moment[:8], moment[8:]
        charge = await self._books.charge(order.charge_no) if order.charge_no else None
        profile = await self._profile(order.fixmedins_code) if order.phase is Phase.REFUNDING else Profile()
        message = convert.order_message(order, charge, knows_17=profile.knows_17)
        return pay_order_pb2.RefundOrderResponse(data=told, order=message)

    async def _named(self, desk: Any, data: Any) -> PayOrder:
        """The order that a request names, with its token; PAY_ORDER_NOT_FOUND, PAY_TOKEN_WRONG, DESK_MISMATCH."""
        _own(desk, getattr(data, "org_codg", ""))
        order = await self._of(desk.fixmedins_code, data.pay_ord_id)
        if not hmac.compare_digest(self._saving.token_of(order.pay_ord_id), data.pay_token):
            raise refusals.token_wrong(order.pay_ord_id)
        return order

    async def _of(self, fixmedins_code: str, pay_ord_id: str) -> PayOrder:
        order = await self._books.order(pay_ord_id)
        if order is None or order.fixmedins_code != fixmedins_code:
            raise refusals.order_unknown(pay_ord_id)
        return joined(order)

    def _person(self, id_no: str, user_name: str) -> str:
        """Digest of who is named: by it a later message is compared, and nobody can be read out of it."""
        named = f"{id_no.strip().upper()}\n{user_name.strip()}".encode()
        return hmac.new(self._key(), named, hashlib.sha256).hexdigest()[:32]

    def _same_person(self, order: PayOrder, data: Any) -> None:
        if data.id_no and data.user_name and self._person(data.id_no, data.user_name) != order.person:
            raise refusals.person_mismatch(order.pay_ord_id)

    def _revs_token(self, order: PayOrder) -> str:
        return revs_token(self._key(), order, to_micros(current_call().now))


def _adds_up(data: Any) -> None:
    """FEE_SUM_MISMATCH where lines are sent that do not add up to the bill (C§4.5)."""
    lines_fen = sum(each.det_item_fee_sumamt_fen for each in data.feedetail_list)
    if data.feedetail_list and lines_fen != data.medfee_sumamt_fen:
        sent, found = yuan_text(data.medfee_sumamt_fen), yuan_text(lines_fen)
        broken = Violation("data.medfee_sumamt_fen", "sum", f"{found} yuan", {"found": found})
        raise Fault(FaultKind.PRECONDITION, "FEE_SUM_MISMATCH", {"sent": sent, "found": found}, violations=[broken])


def _own(desk: Any, org_codg: str) -> None:
    if org_codg and org_codg != desk.fixmedins_code:
        raise refusals.desk_mismatch("data.org_codg")
