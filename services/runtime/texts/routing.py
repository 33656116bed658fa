"""Texts of the reasons that routing raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ROUTING: Final[Mapping[str, tuple[str, str]]] = {
    "FILING_OVERLAPS": (
        "同类备案{filing_no}（{days}）与所申请的地区和时间重叠",
        "The filing {filing_no} of the same kind ({days}) holds for some of the same places and days",
    ),
    "FILING_TOO_LATE": (
        "备案开始日期{from_day}过早，最早可自{earliest}起：为已开始而未结算的就诊备案须写明该次就诊",
        "A filing from {from_day} comes too late: from {earliest}, or from the begin of care that is named and not settled",
    ),
    "FILING_TOO_LONG": ("该类备案最长{most}天", "A filing of this kind holds for at most {most} days"),
    "FILING_WITHDRAWN": ("备案{filing_no}已撤销", "The filing {filing_no} is withdrawn"),
    "FILING_NOT_FOUND": ("没有编号为{filing_no}的备案", "There is no filing {filing_no}"),
    "DIVISION_UNKNOWN": ("没有代码为{admdvs}的医保区划", "There is no division {admdvs}"),
    "DIVISION_NOT_THEN": (
        "医保区划{admdvs}在{day}不存在，有效期为{days}，后继区划：{successors}",
        "The division {admdvs} did not stand on {day}: its days are {days}; what came of it: {successors}",
    ),
    "INSURED_TWICE": (
        "该人员在{day}同时于{one}和{other}参保，须先由参保地核实",
        "The person is insured in {one} and in {other} at once on {day}: the insured places must clear that first",
    ),
    "ROUTING_UNAVAILABLE": (
        "该人员在本属地单元以外参保或本单元未登记，全国路由暂未应答",
        "The person is insured in another cell or not known in this one, and routing, which serves that, does not answer",
    ),
    "CELL_UNAVAILABLE": (
        "该人员参保地{admdvs}的属地单元“{cell}”暂不可用",
        "The cell {cell}, which insures the person in {admdvs}, does not answer",
    ),
    "CELLS_UNREAD": (
        "未找到参保人，且属地单元“{cells}”的人员尚未读全，该人员可能在其中参保",
        "No insured person is found, and not all people of these cells are known yet: {cells}",
    ),
    "INSURED_ELSEWHERE": (
        "该就诊的参保人由属地单元“{cell}”参保，须经全国路由办理",
        "The person of this encounter is insured in the cell {cell}: routing serves it",
    ),
    "BILL_CHANGED": (
        "就诊{mdtrt_id}的费用明细在跨属地单元结算期间发生变化，本次结算未成立，请重新结算",
        "The fee lines of {mdtrt_id} changed while the bill was being settled across cells: nothing stands, settle it again",
    ),
    "OUTCOME_UNKNOWN": (
        "交易{order_no}的结果尚未确定，系统会自动处理完毕；请稍后用同一报文号重发，即可得到结果",
        "The outcome of {order_no} is not known yet and will be without your doing: send the same message again later",
    ),
    "STILL_UNDER_WAY": (
        "该笔交易比同批其他交易耗时更长，仍在处理中；请单独用同一报文号查询",
        "This takes much longer than the others of its list, and goes on: ask for it alone, under the same message number",
    ),
    "FAMILY_ELSEWHERE": (
        "家庭共济账户的授权人不在本属地单元参保，异地家庭账户暂不能使用",
        "The owner of the family account is insured in another cell, and an account there cannot pay",
    ),
}

RESOLUTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "SAME_POOLING_AREA": (
        "参保地{insured}与就医地{care}属同一统筹区，按本地就医结算。",
        "The insured place {insured} and the place of care {care} are one pooling area: care is local.",
    ),
    "OTHER_POOLING_AREA": (
        "参保地{insured}与就医地{care}不属同一统筹区，但由同一属地单元{care_cell}管理，按异地就医结算。",
        "The insured place {insured} is another pooling area than {care}; both are of the cell {care_cell}: care is remote.",
    ),
    "OTHER_CELL": (
        "参保地{insured}由属地单元{insured_cell}管理，就医地{care}由{care_cell}管理，按跨属地单元的异地就医结算。",
        "The insured place {insured} is of the cell {insured_cell}, {care} of {care_cell}: care is remote, across cells.",
    ),
    "NOT_REGISTERED": ("没有属地单元登记过该人员。", "No cell has registered this person."),
    "OTHER_INSUTYPE": (
        "该人员已登记，但不是以所问的险种参保。",
        "The person is registered, but not under the insurance type that is asked.",
    ),
    "NOT_YET_INSURED": ("该人员在{day}尚未参保。", "The person was not yet insured on {day}."),
    "NOT_IN_FORCE": ("该参保在{day}未处于正常状态。", "The enrolment is not in force on {day}."),
    "HINT_DIFFERS": (
        "报文所称参保地{hint}与登记不符，以登记为准。",
        "The message says {hint} for the insured place; what is registered decides.",
    ),
    "CELLS_UNREAD": (
        "属地单元{cells}的人员尚未读全，该人员可能在其中参保。",
        "Not all people of these cells are known, and the person may be one of theirs: {cells}.",
    ),
}
"""Why care is local or remote, or nobody is found, and what belongs to it: reason → (Chinese, English), as `Explain` says it."""
