"""Texts of the reasons that settlement raises about bills, reversals, ledgers and policies: reason → (Chinese, English).

Placeholders are named like the fault's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SETTLEMENT_LEDGER: Final[Mapping[str, tuple[str, str]]] = {
    "NOT_DISCHARGED": (
        "住院{mdtrt_id}尚未办理出院，只能中途结算",
        "Stay {mdtrt_id} is not discharged; only an interim settlement is possible",
    ),
    "FEE_SUM_MISMATCH": (
        "上传的医疗费总额{sent}元与费用明细合计{found}元不符",
        "The total sent is {sent} yuan, the lines add up to {found} yuan",
    ),
    "SPLIT_CHANGED": (
        "{part}与重新计算结果不符：上传{sent}元，应为{found}元",
        "{part} was sent as {sent} yuan and is {found} yuan when recomputed",
    ),
    "TRIAL_OUTDATED": (
        "就诊{mdtrt_id}的预结算结果已失效，请重新预结算",
        "The trial of {mdtrt_id} does not hold any more; try again",
    ),
    "SETTLEMENT_NOT_FOUND": (
        "未找到该人员在机构{fixmedins_code}的结算记录{setl_id}",
        "Institution {fixmedins_code} has no settlement {setl_id} of that person and encounter",
    ),
    "LATER_SETTLEMENT_EXISTS": (
        "结算{setl_id}之后还有{count}笔结算，须按后结先退顺序撤销（先撤销{admdvs}于{day}办理的{later_setl_id}）",
        "{count} later settlements stand after {setl_id}; reverse the last one first ({later_setl_id} in {admdvs} on {day})",
    ),
    "REPLAY_IMPOSSIBLE": (
        "其后的结算{setl_id}无法重新核算，未作任何更改",
        "The later settlement {setl_id} cannot be decided anew; nothing was changed",
    ),
    "REPLAY_TOO_LONG": (
        "结算{setl_id}之后的结算超过{most}笔，不能一次重新核算",
        "More than {most} settlements stand after {setl_id}: one replay does not take them",
    ),
    "REPLAY_ON_ITS_WAY": (
        "该结算刚经参保地重新核算，就医地尚未收到，请稍后重发",
        "The settlement was just decided anew where the person is insured; the place of care hears of it within seconds",
    ),
    "REPLAY_ELSEWHERE": (
        "结算{setl_id}记入参保地{cell}的账，由其经办人员重新核算",
        "Settlement {setl_id} moved the ledgers of cell {cell}; an operator there replays it",
    ),
    "ORDER_PENDING": (
        "该人员有待确认的订单{order_no}，将于{lapses_at}失效",
        "Order {order_no} of the person is pending and lapses at {lapses_at}",
    ),
    "ORDER_NOT_FOUND": ("未找到订单{order_no}", "There is no such order {order_no}"),
    "ORDER_VOID": ("订单{order_no}已作废", "Order {order_no} is void: nothing stands of it"),
    "ORDER_CONFIRMED": (
        "订单{order_no}已确认，结算编号{setl_id}",
        "Order {order_no} is confirmed as settlement {setl_id}",
    ),
    "ORDER_LAPSED": (
        "订单{order_no}未在{lapses_at}前确认，已失效",
        "Order {order_no} was not confirmed before {lapses_at}: nothing stands of it",
    ),
    "FILE_NOT_FOUND": ("没有文件{file_qury_no}", "There is no file {file_qury_no}"),
    "FILE_MALFORMED": ("文件无法读取", "The file cannot be read"),
    "ORDER_CHARGED": (
        "订单{order_no}已有支付扣款，不能由窗口或本人解除，将于{lapses_at}失效",
        "Money was charged for order {order_no}, which lapses at {lapses_at}",
    ),
    "ORDER_EXISTS": ("订单编号{order_no}已用于其他账单", "Order number {order_no} stands for another bill"),
    "CLOCK_APART": (
        "结算时间{told}与本地时钟{now}相差超过5分钟",
        "The moment of settlement {told} is more than 5 minutes from {now} by the clock here",
    ),
    "SETTLEMENT_REFUNDED": ("结算{setl_id}已撤销", "Settlement {setl_id} is reversed already"),
    "NOT_REVERSIBLE": (
        "交易{oinfno}的该报文不能冲正",
        "This message of transaction {oinfno} cannot be reversed by 2601",
    ),
    "MESSAGE_MISNAMED": (
        "{omsgid}不是交易{asked}的报文号，所指报文为交易{oinfno}的{meant}；未冲正，也未作废",
        "{omsgid} is no message of {asked}; what it names is message {meant} of {oinfno}. Nothing was reversed or voided",
    ),
    "MESSAGE_AMBIGUOUS": (
        "以{omsgid}为报文号的结算有多笔（{settlements}），均未冲正",
        "Several settlements came by the number {omsgid} ({settlements}); none was reversed",
    ),
    "LEDGER_OPEN": ("{opening}对应的账户或年度累计已存在", "The account or year of {opening} has entries already"),
    "LEDGER_CONTENTION": (
        "该人员账户正在被其他业务更新，请稍后重试",
        "The person's ledger moved while the bill was decided; try again",
    ),
    "FACT_MISSING": (
        "待遇政策需要的信息缺失：{facts}",
        "The policies need facts that nobody supplied: {facts}",
    ),
    "FACT_UNKNOWN": ("待遇政策不认识的信息项{fact}", "No policy knows a fact named {fact}"),
    "FACT_OUTSIDE_DOMAIN": ("信息项{fact}的取值不在允许范围内", "The fact {fact} has a value that it may not have"),
    "NOT_COVERED_BY_POLICY": (
        "参保地{insuplc_admdvs}的待遇政策没有适用于医疗类别{med_type}（{kind}）的规定",
        "The policies of the insured place {insuplc_admdvs} have no rule for med_type {med_type} ({kind})",
    ),
    "POLICY_NOT_EFFECTIVE": (
        "待遇政策{policy}在{settle_date}没有有效版本",
        "Policy {policy} has no version in force on {settle_date}",
    ),
    "POLICY_OVERPAYS": (
        "待遇政策{policies}的支付额超过政策范围内费用",
        "Policies {policies} would pay more than the cost in scope",
    ),
    "STACK_INVALID": ("待遇政策组合{policies}配置有误", "The stack of policies {policies} does not hold together"),
    "BILL_NEGATIVE": (
        "退费多于收费，不能结算：{part}合计为{sum}元",
        "The returns outweigh the charges: {part} comes to {sum} yuan",
    ),
    "BILL_TOO_LONG": (
        "就诊{mdtrt_id}待结算的明细有{lines}条，跨属地单元结算一次最多{most}条",
        "Encounter {mdtrt_id} has {lines} lines to settle, and a bill across cells holds at most {most}",
    ),
    "BILL_UNBALANCED": ("费用分项之和与总额不符", "The parts of the bill are not its total"),
    "ACCOUNT_INVALID": ("个人账户余额数据异常", "The account balances do not hold together"),
    "LINE_INVALID": (
        "费用明细的目录等级、自付比例、限价或审批标志无效",
        "A fee line has a class, ratio, limit or approval that no rule knows",
    ),
    "HOSP_PART_TOO_LARGE": ("医院负担金额超过个人负担", "The hospital bears more than the person would"),
}
