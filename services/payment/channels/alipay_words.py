"""What the words of Alipay's answers, notifies and bills mean here (C§2.3). A word that is not known means: ask again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.kernel.clock import beijing_day
from services.kernel.money import plainly_scaled
from services.payment.channels.alipay_gateway import Node, moment
from services.payment.domain.charges import BillKind, BillLine, ChannelState, Half, RefundSeen, RefundStanding, Seen

DONE: Final = "10000"
PASSWORD: Final = "10003"
_NOT_TAKEN: Final = frozenset({"40001", "40002", "40006"})
"""Codes of a request that was not even looked at."""
_NOBODY_KNOWS: Final = frozenset({"ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR"})
"""Words after which the same may be asked again."""
_REFUSED: Final = frozenset(
    "ACQ.BUYER_BALANCE_NOT_ENOUGH ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH ACQ.PAYMENT_AUTH_CODE_INVALID ACQ.PAYMENT_FAIL "
    "ACQ.ERROR_BALANCE_PAYMENT_DISABLE ACQ.BUYER_SELLER_EQUAL ACQ.TRADE_BUYER_NOT_MATCH ACQ.BUYER_ENABLE_STATUS_FORBID "
    "ACQ.PRODUCT_AMOUNT_LIMIT_ERROR ACQ.INVALID_PARAMETER ACQ.MEDICAL_AMOUNT_ERROR ACQ.MEDICAL_AUTH_INVALID".split()
)
_NOT_REFUNDED: Final = frozenset(
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL ACQ.TRADE_HAS_FINISHED ACQ.DISCORDANT_REPEAT_REQUEST ACQ.TRADE_NOT_ALLOW_REFUND "
    "ACQ.TRADE_STATUS_ERROR".split()
)
UNKNOWN_TRADE: Final = "ACQ.TRADE_NOT_EXIST"
_UNKNOWN_REFUND: Final = frozenset({UNKNOWN_TRADE, "ACQ.REFUND_NOT_EXIST"})
_STATES: Final = {
    "WAIT_BUYER_PAY": ChannelState.WAITING,
    "TRADE_SUCCESS": ChannelState.CHARGED,
    "TRADE_FINISHED": ChannelState.CHARGED,
    "TRADE_CLOSED": ChannelState.CLOSED,
}
"""Of a trade and, in the twin, of each half of a medical one (C§2.3)."""
_HALVES: Final = {
    ChannelState.WAITING: Half.WAITING,
    ChannelState.CHARGED: Half.DONE,
    ChannelState.RETURNED: Half.RETURNED,
    ChannelState.CLOSED: Half.FAILED,
}
_REFUNDS: Final = {
    "REFUND_SUCCESS": RefundStanding.RETURNED,
    "REFUND_PROCESSING": RefundStanding.UNDER_WAY,
    "REFUND_FAIL": RefundStanding.REFUSED,
    "REFUND_ABNORMAL": RefundStanding.ABNORMAL,
}
NO_BILL: Final = "isp.bill_not_exist"
_KINDS: Final = {"交易": BillKind.CHARGE, "退款": BillKind.REFUND}


def seen_of(node: Node, added_fen: int | None = None) -> Seen:
    """A trade as told. What was collected is `real_amount` of a medical one; what it comes to is told where `added_fen` is known,
    the amounts beside the bill.
    """
    medical = "real_amount" in node
    paid_at = moment(node.get("gmt_own_paid") or node.get("send_pay_date") or node.get("gmt_payment"))
    insured_at = moment(node.get("gmt_medical_paid"))
    half = _half(node.get("medical_pay_status", ""), returned=insured_at is not None)
    own = node.get("own_pay_status", "") if medical else node.get("trade_status", "")
    without = medical and not own
    status, moved_at = (node.get("medical_pay_status", ""), insured_at) if without else (own, paid_at)
    standing = _standing(status, returned=moved_at is not None)
    fen, whole_fen = (_fen(node.get(name)) for name in ("real_amount" if medical else "total_amount", "total_amount"))
    if fen is None or whole_fen is None:
        return Seen(ChannelState.UNKNOWN, half)
    return Seen(
        standing,
        half,
        charged_fen=fen if standing in (ChannelState.CHARGED, ChannelState.RETURNED) else 0,
        total_fen=whole_fen - added_fen if medical and added_fen is not None else None,
        trade_no=trade_no(node),
        mix_trade_no=mix_trade_no(node),
        paid_at=paid_at or insured_at,
        says=str(node.get("medical_pay_msg", "")),
    )


def _standing(status: object, *, returned: bool) -> ChannelState:
    standing = _STATES.get(str(status), ChannelState.UNKNOWN)
    return ChannelState.RETURNED if standing is ChannelState.CLOSED and returned else standing


def _half(status: object, *, returned: bool) -> Half:
    return _HALVES.get(_standing(status, returned=returned), Half.UNKNOWN) if status else Half.NONE


def refused_charge(node: Node) -> Seen:
    """A charge that was not taken, as far as its word is known."""
    word, says = word_of(node), str(node.get("sub_msg", ""))
    if word == "ACQ.TRADE_HAS_CLOSE":
        return Seen(ChannelState.CLOSED, code=word, says=says)
    refused = node["code"] in _NOT_TAKEN or word in _REFUSED
    return Seen(ChannelState.REFUSED if refused else ChannelState.UNKNOWN, code=word, says=says)


def refused_refund(node: Node) -> RefundSeen:
    """A refund that was not heard."""
    refused = node["code"] in _NOT_TAKEN or node.get("sub_code") in _NOT_REFUNDED
    return RefundSeen(RefundStanding.REFUSED if refused else RefundStanding.UNKNOWN, code=word_of(node))


def unseen_refund(node: Node) -> RefundSeen:
    """A refund that is not told."""
    absent = node.get("sub_code") in _UNKNOWN_REFUND
    return RefundSeen(
        RefundStanding.ABSENT if absent else RefundStanding.UNKNOWN,
        code=word_of(node),
        refused=not absent and definite(node),
    )


def cancelled(node: Node) -> Seen:
    """After a cancel: what was paid in the meantime has gone back; without an action the number can no longer be used."""
    if node["code"] != DONE or node.get("retry_flag") != "N":
        return Seen(ChannelState.UNKNOWN, code=word_of(node), refused=node["code"] != DONE and definite(node))
    return Seen(
        ChannelState.RETURNED if node.get("action") == "refund" else ChannelState.CLOSED, trade_no=trade_no(node)
    )


def refund_seen(node: Node) -> RefundSeen:
    """A refund as told; one without a status is under way."""
    back = node.get("deposit_back_info")
    stuck = isinstance(back, dict) and back.get("dback_status") == "F"
    status = "REFUND_ABNORMAL" if stuck else str(node.get("refund_status", "REFUND_PROCESSING"))
    standing, fen = _REFUNDS.get(status, RefundStanding.UNKNOWN), _fen(node.get("refund_amount"))
    if standing is not RefundStanding.RETURNED or fen is None:
        lost = RefundStanding.UNKNOWN if standing is RefundStanding.RETURNED else standing
        return RefundSeen(lost, code=str(node.get("error_code", "")), says=str(node.get("refund_msg", "")))
    return RefundSeen(standing, fen, returned_at=moment(node.get("refund_time") or node.get("gmt_refund_pay")))


def bill_line(row: Mapping[str, str]) -> BillLine | None:
    """A line by the names of its columns; None of other business than charges and refunds."""
    kind, done_at = _KINDS.get(row["业务类型"]), moment(row["完成时间"])
    amount_fen, fee_fen = (_fen(row[name].lstrip("-")) for name in ("订单金额（元）", "服务费（元）"))
    if kind is None:
        return None
    if done_at is None or amount_fen is None or fee_fen is None:
        raise ValueError("a line of a bill")
    # A cancel of what was paid meanwhile has no number of ours but the trade's.
    number = (kind is BillKind.REFUND and row["退款批次号/请求号"]) or row["商户订单号"]
    return BillLine(kind, number, row["支付宝交易号"], amount_fen, beijing_day(done_at), fee_fen)


def _fen(text: object) -> int | None:
    return plainly_scaled(text, 2)


def definite(node: Node) -> bool:
    """Whether a refusal to tell says that another question is in vain."""
    return word_of(node) not in _NOBODY_KNOWS


def word_of(node: Node) -> str:
    """The word of a refusal."""
    return str(node.get("sub_code") or node["code"])


def trade_no(node: Node) -> str:
    """The number of the cash at Alipay, as its bill tells it."""
    return str(node.get("alipay_trade_no") or node.get("trade_no", ""))


def mix_trade_no(node: Node) -> str:
    """The number of a medical trade; empty for a plain one."""
    return str(node.get("trade_no", "")) if "alipay_trade_no" in node else ""
