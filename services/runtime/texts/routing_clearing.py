"""Texts of the reasons that clearing raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ROUTING_CLEARING: Final[Mapping[str, tuple[str, str]]] = {
    "CLEARING_MONTH_CLOSED": (
        "清算月份{month}{month_state}，不再受理",
        "The clearing month {month} is {month_state} and takes nothing more",
    ),
    "CLEARING_NOT_DUE": (
        "清算月份{month}的该步骤自{day}起办理",
        "That step of the clearing month {month} is due from {day}",
    ),
    "CLEARING_MONTH_PAID": (
        "清算月份{month}已有{count}笔付款指令发出或付讫，不能回退",
        "{count} payment orders of the clearing month {month} are sent or paid: it cannot be rolled back",
    ),
    "CLEARING_MONTH_OPEN": (
        "清算月份{month}尚未关账，没有对账单",
        "The clearing month {month} is open and has no statements",
    ),
    "CLEARING_JOURNAL_EXISTS": (
        "结算{setl_id}的{journal_kind}已有记录且内容不同",
        "The {journal_kind} of settlement {setl_id} stands with other content",
    ),
    "CLEARING_NOT_REMOTE": (
        "参保地与就医地同属统筹区{area}，无须清算",
        "Both places lie in the pooling area {area}: nothing is to be cleared",
    ),
    "CLEARING_FUND_NOT_CLEARED": (
        "基金支付类型{fund_pay_type}由医疗机构负担，不参与清算",
        "The fund_pay_type {fund_pay_type} is borne by the institution and is not cleared",
    ),
    "CLEARING_REVERSAL_MISMATCH": (
        "结算{setl_id}的撤销与原结算不符",
        "The reversal of settlement {setl_id} is not its opposite",
    ),
    "CLEARING_STATEMENT_NOT_FOUND": (
        "清算月份{month}没有参保地{insured_region}与就医地{care_region}之间的对账单",
        "The insured region {insured_region} and the care region {care_region} have no statement of {month}",
    ),
    "CLEARING_PAYMENT_NOT_FOUND": ("没有付款指令{payment_no}", "There is no payment order {payment_no}"),
    "CLEARING_PAYMENT_STATE": (
        "付款指令{payment_no}当前为{payment_state}，不能改为{wanted_state}",
        "The payment order {payment_no} is {payment_state} and cannot become {wanted_state}",
    ),
    "CLEARING_PREPAYMENT_SHORT": (
        "参保地{insured_region}在就医地{care_region}的预付金余额不足",
        "The prepayment of {insured_region} with {care_region} holds less than that",
    ),
    "CLEARING_BILL_NOT_FOUND": (
        "清算月份{month}中没有本机构的结算{setl_id}",
        "Settlement {setl_id} does not clear for this institution in {month}",
    ),
    "CLEARING_BILL_DIFFERS": (
        "结算{setl_id}的{part}上传{sent}元，应为{found}元",
        "{part} of settlement {setl_id} was sent as {sent} yuan and is {found} yuan",
    ),
    "CLEARING_MONTH_EMPTY": ("清算月份{month}没有任何清算记录", "Nothing clears in the month {month}"),
    "CLEARING_CARRIED_ON": (
        "清算月份{month}的争议款项已转入{later_month}且该月已关账",
        "What {month} left in dispute lies in {later_month}, which is closed",
    ),
}

CLEARING_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "CLEARING_MONTH_CLOSED": (
        "迟到的结算与撤销会自动计入当前月份，无须重报；差错在后续月份更正，未付款的可先回退该月",
        "What comes late clears in the present month by itself; roll the month back first where nothing of it is paid",
    ),
    "CLEARING_NOT_DUE": ("请到期后再办理", "Ask again when it is due"),
    "CLEARING_MONTH_PAID": ("请在当前月份以更正办理", "Correct it in the present month"),
    "CLEARING_MONTH_OPEN": ("请先关账", "Close the month first"),
    "CLEARING_JOURNAL_EXISTS": (
        "请核对已有内容；更正须先撤销原结算",
        "Look at what stands; a correction is a reversal and another settlement",
    ),
    "CLEARING_REVERSAL_MISMATCH": (
        "请按原结算各项金额取负上报",
        "Send the parts of the settlement with the other sign",
    ),
    "CLEARING_STATEMENT_NOT_FOUND": ("请查询该月清算情况核对两地", "Look at the regions of that month"),
    "CLEARING_PAYMENT_NOT_FOUND": ("请查询该月付款指令", "List the payment orders of the month"),
    "CLEARING_PAYMENT_STATE": ("请查询该付款指令的状态", "Look at the state of the order"),
    "CLEARING_PREPAYMENT_SHORT": ("请核对余额后减少退还金额", "Look at the balance and give back less"),
    "CLEARING_BILL_NOT_FOUND": ("请用3260核对该月明细", "Look at the month's bills by 3260"),
    "CLEARING_BILL_DIFFERS": ("请用3260核对金额", "Look at the sums by 3260"),
    "CLEARING_MONTH_EMPTY": ("请核对月份", "Check the month"),
    "CLEARING_CARRIED_ON": ("请先回退后一月份", "Roll the later month back first"),
}
