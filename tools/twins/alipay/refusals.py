"""How the platform refuses: `code`, `msg`, `sub_code` and a sentence, with HTTP status 200 like every answer of it (C§2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SUCCESS: Final = "10000"
WAITING: Final = "10003"
UNKNOWN: Final = "20000"
MISSING: Final = "40001"
INVALID: Final = "40002"
FAILED: Final = "40004"
NOT_ALLOWED: Final = "40006"

MESSAGES: Final[Mapping[str, str]] = {
    SUCCESS: "Success",
    WAITING: "order success pay inprocess",
    UNKNOWN: "Service Currently Unavailable",
    MISSING: "Missing Required Arguments",
    INVALID: "Invalid Arguments",
    FAILED: "Business Failed",
    NOT_ALLOWED: "Insufficient Permissions",
}
SENTENCES: Final[Mapping[str, str]] = {
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_HAS_SUCCESS": "交易已被支付",
    "ACQ.TRADE_HAS_CLOSE": "交易已经关闭",
    "ACQ.TRADE_HAS_FINISHED": "交易已完结",
    "ACQ.TRADE_STATUS_ERROR": "交易状态不合法",
    "ACQ.CONTEXT_INCONSISTENT": "交易信息被篡改",
    "ACQ.PAYMENT_AUTH_CODE_INVALID": "支付授权码无效",
    "ACQ.BUYER_BALANCE_NOT_ENOUGH": "买家余额不足",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "撤销或退款金额与订单金额不一致",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "同一个退款请求号，两次退款金额不一致",
    "ACQ.REFUND_TOO_FREQUENT": "同一笔交易的两次退款至少间隔三秒",
    "ACQ.MEDICAL_AMOUNT_ERROR": "总金额不等于各部分之和",
    "ACQ.MEDICAL_AUTH_INVALID": "医保授权已失效，请重新授权",
    "ACQ.REFUND_NOT_EXIST": "退款不存在",
    "ACQ.MEDICAL_NOT_SETTLED": "医保结算中，请稍后再试",
    "isp.bill_not_exist": "账单不存在",
    "isp.unknow-error": "系统繁忙",
}
"""REFUND_TOO_FREQUENT, MEDICAL_AMOUNT_ERROR, MEDICAL_AUTH_INVALID, MEDICAL_NOT_SETTLED and REFUND_NOT_EXIST are ours."""


class Refusal(Exception):
    """A request that is refused; nothing of it has happened."""

    def __init__(self, code: str, sub_code: str, sub_msg: str = "") -> None:
        self.code, self.sub_code = code, sub_code
        self.sub_msg = sub_msg or SENTENCES.get(sub_code, sub_code)
        super().__init__(f"{code} {sub_code}")

    def node(self) -> dict[str, object]:
        """The answer's node."""
        return {"code": self.code, "msg": MESSAGES[self.code], "sub_code": self.sub_code, "sub_msg": self.sub_msg}


def failed(sub_code: str) -> Refusal:
    """40004: understood, and refused for what it asks."""
    return Refusal(FAILED, sub_code)


def missing(name: str) -> Refusal:
    """40001: a parameter or a field of `biz_content` is not there."""
    return Refusal(MISSING, f"isv.missing-{name.replace('_', '-')}", f"缺少{name}参数")


def invalid(name: str, why: str) -> Refusal:
    """40002: a parameter, or a field of `biz_content`, is not what it has to be."""
    return Refusal(INVALID, f"isv.invalid-{name.replace('_', '-')}", f"无效的{name}参数：{why}")
