"""Texts of the reasons that settlement raises about encounters and fee lines: reason → (Chinese, English).

Placeholders are named like the fault's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SETTLEMENT: Final[Mapping[str, tuple[str, str]]] = {
    "INSTITUTION_UNKNOWN": (
        "定点医药机构{fixmedins_code}在{day}不在目录中",
        "Institution {fixmedins_code} is not in the catalogue on {day}",
    ),
    "NOT_ENROLLED": (
        "该人员在{day}未参加险种{insutype}",
        "The person is not enrolled in insurance type {insutype} on {day}",
    ),
    "ENROLMENT_SUSPENDED": (
        "该人员险种{insutype}在{day}处于暂停参保状态",
        "The enrolment in insurance type {insutype} is suspended on {day}",
    ),
    "ENROLMENT_ENDED": (
        "该人员险种{insutype}在{day}已终止参保",
        "The enrolment in insurance type {insutype} ended before {day}",
    ),
    "EC_TOKEN_SPENT": (
        "医保电子凭证令牌已用于结算，请重新扫码",
        "The ecToken was spent by a settlement; scan a new code",
    ),
    "ENCOUNTER_NOT_FOUND": (
        "未找到该人员在本机构的就诊记录{mdtrt_id}",
        "This institution has no encounter {mdtrt_id} of that person and kind",
    ),
    "ENCOUNTER_STATE": (
        "就诊{mdtrt_id}当前状态为{state}，不允许该操作",
        "Encounter {mdtrt_id} is {state}, which does not allow this",
    ),
    "STAY_OPEN": ("该人员有未办理出院的住院记录{mdtrt_id}", "The person has an open stay {mdtrt_id}"),
    "VISIT_OPEN": (
        "该就诊号下有险种{insutype}的未结束就诊{mdtrt_id}，请先撤销挂号（2202）",
        "Visit {mdtrt_id} of insurance type {insutype} is open under this number; cancel it by 2202 first",
    ),
    "FEES_PRESENT": (
        "就诊{mdtrt_id}已有费用明细，请先撤销费用",
        "Encounter {mdtrt_id} has fee lines; cancel them first",
    ),
    "FEES_SETTLED": (
        "就诊{mdtrt_id}已结算（结算编号{setl_id}），请先撤销结算",
        "Encounter {mdtrt_id} is settled by {setl_id}; reverse that first",
    ),
    "ITEM_UNKNOWN": (
        "费用明细{feedetl_sn}等{lines}条的医保目录编码在费用发生日无效",
        "{lines} lines, {feedetl_sn} first, name items that are not in the catalogue on their day",
    ),
    "LINE_AMOUNT_MISMATCH": (
        "费用明细{feedetl_sn}等{lines}条的单价乘数量与金额不符",
        "Price times count is not the amount in {lines} lines, {feedetl_sn} first",
    ),
    "FEE_LINE_EXISTS": (
        "费用明细{feedetl_sn}等{lines}条已上传且内容不同",
        "{lines} lines, {feedetl_sn} first, stand with other content",
    ),
    "FEE_LINE_NOT_FOUND": (
        "未找到费用明细{feedetl_sn}等{lines}条对应的未结算明细",
        "The encounter has no standing line for {lines} rows, {feedetl_sn} first",
    ),
    "RETURN_EXCEEDS_LINE": (
        "费用明细{feedetl_sn}等{lines}条的退费超过原明细",
        "{lines} rows, {feedetl_sn} first, take back more than stands of the line",
    ),
    "RETURN_MISMATCH": (
        "费用明细{feedetl_sn}等{lines}条退费与原明细不符",
        "{lines} returns, {feedetl_sn} first, are not of the line that they name",
    ),
    "BATCH_SETTLED": (
        "收费批次{chrg_bchno}已结算，结算编号{setl_id}",
        "Charge batch {chrg_bchno} is settled by {setl_id}",
    ),
    "CHARGES_SETTLED": (
        "就诊{mdtrt_id}的费用已全部结算，最近结算编号{setl_id}",
        "All charges of encounter {mdtrt_id} are settled, the latest by {setl_id}",
    ),
    "CHARGE_BATCH_NOT_FOUND": (
        "未找到收费批次{chrg_bchno}的未结算费用",
        "There is no unsettled charge batch {chrg_bchno}",
    ),
    "NOTHING_TO_SETTLE": (
        "就诊{mdtrt_id}没有待结算费用",
        "Encounter {mdtrt_id} has no charges to settle",
    ),
    "MED_TYPE_UNDECLARED": (
        "医疗类别{med_type}不是国家代码，就医地{admdvs}在{day}也未声明该类别",
        "med_type {med_type} is no national code, and the place of care {admdvs} declares none such on {day}",
    ),
    "MED_TYPE_MISMATCH": (
        "医疗类别{med_type}（{kind}）不用于{care_setting}",
        "med_type {med_type} ({kind}) is not of {care_setting}",
    ),
    "TIME_IN_FUTURE": (
        "所报时间{told}尚未到来，最晚为{latest}",
        "The time {told} is still to come; {latest} is the latest",
    ),
    "FEE_TIME_OUTSIDE": (
        "费用明细{feedetl_sn}（共{lines}条）的发生时间不在本次就诊内，应为{first}至{last}",
        "{lines} lines, {feedetl_sn} first, arose outside the encounter: from {first} to {last}",
    ),
    "MESSAGE_VOIDED": (
        "该报文已被冲正，不再受理",
        "The message was reversed before it arrived and is not taken any more",
    ),
}
