"""The rules of a mixed order: which fields each type has, and how its amounts add up (C§1.2), with their own error numbers.

Which of the two numbers for field sets stands for "missing" and which for "not allowed" is our reading: the documents name both
for a set of fields that does not fit the type.
"""

from __future__ import annotations

from typing import Final

from tools.twins.wechat import fields
from tools.twins.wechat.errors import (
    CASH_RULE,
    FIELD_FORBIDDEN,
    FIELD_MISSING,
    MIXED_RULE,
    TOTAL_RULE,
    parameter,
    rule,
)
from tools.twins.wechat.fields import Body

ORDER_TYPES: Final = frozenset(
    "REG_PAY DIAG_PAY IN_HOSP_PAY PHARMACY_PAY INSURANCE_PAY INT_REG_PAY INT_RE_DIAG_PAY INT_RX_PAY MED_PAY"
    " COVID_EXAM_PAY COVID_ANTIGEN_PAY".split()
)
CARD_TYPES: Final = frozenset(
    "ID_CARD HOUSEHOLD_REGISTRATION FOREIGNER_PASSPORT MAINLAND_TRAVEL_PERMIT_FOR_TW MAINLAND_TRAVEL_PERMIT_FOR_MO"
    " MAINLAND_TRAVEL_PERMIT_FOR_HK FOREIGN_PERMANENT_RESIDENT".split()
)
ADD_TYPES: Final = frozenset({"DEFAULT_ADD_TYPE", "FREIGHT", "OTHER_MEDICAL_EXPENSES"})
REDUCE_TYPES: Final = frozenset(
    "DEFAULT_REDUCE_TYPE HOSPITAL_REDUCE PHARMACY_DISCOUNT DISCOUNT PRE_PAYMENT DEPOSIT_DEDUCTION".split()
)
_PAY_TYPES: Final = frozenset({"CASH_ONLY", "INSURANCE_ONLY", "CASH_AND_INSURANCE"})
_OF_INSURANCE: Final = ("pay_order_id", "pay_auth_no", "geo_location", "med_ins_order_create_time")
_INSURED_FEES: Final = ("med_ins_gov_fee", "med_ins_self_fee", "med_ins_other_fee")
_FEES: Final = (*_INSURED_FEES, "med_ins_cash_fee")
_LENGTHS: Final = {"pay_order_id": 64, "pay_auth_no": 40, "geo_location": 40, "med_ins_order_create_time": 64}


def check(body: Body) -> None:
    """Refused where a field set or an amount breaks the rules of the order's type."""
    kind = fields.one_of(body, "mix_pay_type", _PAY_TYPES)
    fields.one_of(body, "order_type", ORDER_TYPES)
    insured, cash = kind != "CASH_ONLY", kind != "INSURANCE_ONLY"
    _check_sets(body, insured=insured, cash=cash)
    _check_amounts(body, insured=insured, cash=cash)


def insured_fen(body: Body) -> int:
    """What the bureau pays: pooled fund, personal account and other payers."""
    return sum(body.get(name) or 0 for name in _INSURED_FEES)


def _check_sets(body: Body, *, insured: bool, cash: bool) -> None:
    for name in _OF_INSURANCE:
        if insured:
            fields.text(body, name, _LENGTHS[name], inner=FIELD_MISSING)
        elif body.get(name):
            raise rule(f"纯自费订单不能传 {name}", FIELD_FORBIDDEN)
    if insured:
        fields.moment(body, "med_ins_order_create_time")
        for name in _FEES:
            if body.get(name) is None:
                raise parameter(name, f"含医保的订单必须传 {name}", FIELD_MISSING)
    if cash:
        fields.text(body, "prepay_id", 64, inner=FIELD_MISSING)
        if not body.get("wechat_pay_cash_fee"):
            raise parameter("wechat_pay_cash_fee", "含自费的订单必须传大于 0 的 wechat_pay_cash_fee", FIELD_MISSING)
    elif body.get("prepay_id") or body.get("wechat_pay_cash_fee"):
        raise rule("纯医保订单不能传 prepay_id 或 wechat_pay_cash_fee", FIELD_FORBIDDEN)


def _check_amounts(body: Body, *, insured: bool, cash: bool) -> None:
    total = fields.fen(body, "total_fee", least=1)
    covered = sum(fields.maybe_fen(body, name) or 0 for name in _INSURED_FEES)
    due = fields.maybe_fen(body, "med_ins_cash_fee") or 0
    collected = fields.maybe_fen(body, "wechat_pay_cash_fee") or 0
    added = _sum(body, "cash_add_detail", "cash_add_fee", "cash_add_type", ADD_TYPES)
    reduced = _sum(body, "cash_reduce_detail", "cash_reduce_fee", "cash_reduce_type", REDUCE_TYPES)
    if not insured and covered:
        raise rule("纯自费订单的医保金额之和必须为 0", FIELD_FORBIDDEN)
    if insured and cash and not covered + due:
        raise rule("混合订单的医保金额之和不能为 0", FIELD_MISSING)
    if total != covered + collected + reduced:
        raise rule("总金额不等于医保各项金额、微信支付现金与减免金额之和", TOTAL_RULE)
    if total != covered + due + added:
        raise rule("总金额不等于医保各项金额、医保现金与附加金额之和", MIXED_RULE)
    if collected != due + added - reduced:
        raise rule("微信支付现金不等于医保现金加附加减减免", CASH_RULE)


def _sum(body: Body, name: str, fee: str, kind: str, kinds: frozenset[str]) -> int:
    total = 0
    for each in fields.parts(body, name):
        fields.one_of(each, kind, kinds)
        total += fields.fen(each, fee, least=1)
    return total
