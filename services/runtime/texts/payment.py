"""Texts of the reasons that payment raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PAYMENT: Final[Mapping[str, tuple[str, str]]] = {
    "PAY_ORDER_EXISTS": (
        "医疗机构订单号{med_org_ord}已用于另一账单（支付订单{pay_ord_id}）",
        "The number {med_org_ord} stands for another bill (pay order {pay_ord_id})",
    ),
    "PAY_ORDER_NOT_FOUND": (
        "没有支付订单{pay_ord_id}",
        "There is no pay order {pay_ord_id}",
    ),
    "PAY_TOKEN_WRONG": (
        "支付订单{pay_ord_id}的payToken与费用上传时返回的不一致",
        "The payToken is not that of the order {pay_ord_id}",
    ),
    "PAY_ORDER_ENDED": (
        "支付订单{pay_ord_id}已撤销",
        "The pay order {pay_ord_id} was revoked",
    ),
    "PAY_ORDER_STATE": (
        "支付订单{pay_ord_id}当前状态为{phase}，需为{wanted}",
        "The pay order {pay_ord_id} is {phase}; that needs {wanted}",
    ),
    "PAY_ORDER_UNPAID": (
        "支付订单{pay_ord_id}未付成，原因：{why}；已扣款项将退回",
        "The pay order {pay_ord_id} was not paid: {why}; what was collected goes back",
    ),
    "PAY_ORDER_HELD": (
        "支付订单{pay_ord_id}需人工处理：{why}",
        "The pay order {pay_ord_id} waits for people: {why}",
    ),
    "HELD_NOT_FOUND": (
        "{held_no}下没有待人工处理的款项",
        "Nothing rests under {held_no}",
    ),
    "HELD_DECISION_UNSAFE": (
        "{held_no}因{why}待处理，不能作此决定；可选：{safe}",
        "{held_no} rests by {why}, and that decision is not safe; safe are: {safe}",
    ),
    "PROOF_MISSING": ("缺少凭证号", "The number of a proof is missing"),
    "RECONCILIATION_NOT_DUE": (
        "{day}没有可对的账单：日期尚未结束，或早于1990-01-01",
        "{day} has no bills to reconcile: it is not over yet, or it is before 1990-01-01",
    ),
    "RECONCILIATION_NOT_FOUND": ("{day}没有对过账", "{day} was never reconciled"),
    "DIFFERENCE_NOT_FOUND": ("没有编号为{difference_no}的对账差异", "There is no difference {difference_no}"),
    "BANK_BALANCE_LESS": (
        "支付订单{pay_ord_id}：银行账户余额不足个人账户应付的{part}元，未扣款",
        "Pay order {pay_ord_id}: the bank's account has less than its part of {part} yuan; nothing was charged",
    ),
    "BANK_CARD_REFUSED": (
        "银行未返回该卡账户余额（{code}）",
        "The bank does not say what the account of the card has ({code})",
    ),
    "BANK_AWAY": ("保管个人账户的银行没有应答", "The bank that keeps the account does not answer"),
    "DEPOSIT_STAY_SETTLED": (
        "住院{mdtrt_id}已结算，不再收预缴金",
        "The stay {mdtrt_id} is settled: no deposit is taken for it",
    ),
    "DEPOSITS_SHORT": (
        "住院{mdtrt_id}的预缴金余额为{left}元，不足",
        "The deposits of the stay {mdtrt_id} have {left} yuan left, which is less",
    ),
    "DEPOSIT_WITH_LINES": ("预缴金不带费用明细和诊断", "A deposit has neither lines nor diagnoses"),
    "BANK_CARD_NEEDED": (
        "账单中个人账户部分由银行卡支付，不能由渠道{channel}收取",
        "A part of the bill is paid by the card of the bank that keeps the account; {channel} cannot collect it",
    ),
    "SPLIT_MOVED": (
        "支付订单{pay_ord_id}分割有变：原为现金{tried_cash}元、医保{tried_insured}元，现为{cash}元、{insured}元；未扣款",
        "The split of {pay_ord_id} was {tried_cash} yuan cash and {tried_insured} insured, and is {cash} and {insured}",
    ),
    "CREDENTIAL_MISSING": (
        "缺少ecToken或payAuthNo",
        "Neither ecToken nor payAuthNo is there",
    ),
    "DESK_MISMATCH": (
        "机构编码与发送方不一致",
        "It names another institution than its sender",
    ),
    "ORDER_TYPE_CLOSED": (
        "{area}自{from_day}起未开通{order_type}类订单",
        "Orders of the kind {order_type} are closed in {area} from {from_day}",
    ),
    "PERSON_MISMATCH": (
        "证件与支付订单{pay_ord_id}的参保人不一致",
        "The pay order {pay_ord_id} is of another person than the one named",
    ),
    "CHANNEL_REFUSED": (
        "渠道拒绝收款（{code}），支付订单{pay_ord_id}未付，未扣款",
        "The channel will not collect ({code}); the pay order {pay_ord_id} is unpaid, and nothing was taken",
    ),
    "CHANNEL_CLOSED_HERE": (
        "渠道{channel}在此未开通",
        "The channel {channel} is not open here",
    ),
    "CHANNEL_FORM_UNKNOWN": (
        "渠道{channel}不支持{form}",
        "The channel {channel} does not know {form}",
    ),
    "CHANNEL_UNKNOWN": (
        "没有渠道{channel}",
        "No channel is called {channel}",
    ),
    "MERCHANT_UNKNOWN": (
        "机构{fixmedins_code}在渠道{channel}没有商户",
        "The institution {fixmedins_code} has no merchant at {channel}",
    ),
    "CHARGE_UNBALANCED": (
        "减免超过应收现金",
        "More is taken off than there is to collect",
    ),
    "CODE_MISSING": (
        "缺少该支付形式所需内容",
        "What this form of payment needs is missing",
    ),
    "NOTIFY_REPLAYED": ("渠道{channel}的通知重放", "The notify of {channel} came before"),
    "NOTIFY_FORGED": (
        "渠道{channel}的通知未通过验证",
        "The notify of {channel} does not prove who sent it",
    ),
    "REFUND_UNBALANCED": (
        "退款各部分与订单不符：应为账户{acct}元、基金{fund}元",
        "The parts are not those of the order: account {acct} yuan, funds {fund} yuan",
    ),
    "REFUND_EXCEEDS_PAID": (
        "支付订单{pay_ord_id}可退{left}元，申请超过此数",
        "Of the pay order {pay_ord_id} {left} yuan are left; more is asked for",
    ),
    "REFUND_EXISTS": (
        "退款流水号{app_refd_sn}已用于另一笔退款",
        "The refund number {app_refd_sn} stands for another refund",
    ),
    "PAY_AUTH_UNKNOWN": (
        "支付授权不存在或已过期",
        "The authorisation is unknown or its time is over",
    ),
    "PAY_AUTH_SPENT": (
        "支付授权已用于另一订单",
        "The authorisation was used for another order",
    ),
    "PAY_AUTH_OF_ANOTHER": (
        "支付授权属于他人或其他机构",
        "The authorisation is of another person or institution",
    ),
}

PAYMENT_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "PAY_ORDER_EXISTS": ("换一个医疗机构订单号", "Send another medOrgOrd"),
    "PAY_ORDER_NOT_FOUND": ("核对支付订单号", "Compare the number"),
    "RECONCILIATION_NOT_DUE": (
        "对已结束的日期对账，次日10点后账单齐全",
        "Take a day that is over; bills are complete after 10:00",
    ),
    "RECONCILIATION_NOT_FOUND": ("先对该日对账", "Reconcile it first: yibao reconcile DAY"),
    "DIFFERENCE_NOT_FOUND": ("查看差异列表中的编号", "Take the number from the list of differences"),
    "PAY_TOKEN_WRONG": ("使用费用上传（6201）返回的payToken", "Send the payToken that 6201 answered"),
    "PAY_ORDER_ENDED": ("换一个医疗机构订单号重新上传费用", "Save the bill under another medOrgOrd"),
    "PAY_ORDER_STATE": ("先查询订单（6301）", "Look at the order first (6301)"),
    "PAY_ORDER_UNPAID": ("重新授权并下单（6202）", "Place it again under a new authorisation (6202)"),
    "PAY_ORDER_HELD": ("请联系医保经办机构，勿重复收款", "Ask the bureau's operator; do not charge again"),
    "HELD_NOT_FOUND": ("先查询待处理清单", "Look at the list first"),
    "HELD_DECISION_UNSAFE": ("从可选决定中选择", "Take one of those that are safe"),
    "PROOF_MISSING": ("填写渠道或银行的凭证号", "Send the number of the channel's or the bank's receipt"),
    "BANK_BALANCE_LESS": (
        "带银行卡重新下单（6202），按新余额分割",
        "Place it again with the card (6202): it is split by the new balance",
    ),
    "BANK_CARD_REFUSED": ("请参保人换卡，或不使用个人账户", "Take another card, or leave the account out"),
    "BANK_AWAY": ("稍后重试，或不使用个人账户", "Try again later, or leave the account out"),
    "DEPOSIT_STAY_SETTLED": (
        "核对就诊号；补缴的按出院结算订单支付",
        "Compare mdtrt_id; what is owed is paid at the discharge",
    ),
    "DEPOSITS_SHORT": ("按余额抵扣或退还", "Take at most what is left"),
    "DEPOSIT_WITH_LINES": ("明细用2301上传", "Upload lines by 2301"),
    "BANK_CARD_NEEDED": ("在银行终端上刷卡支付", "Charge the card at the POS"),
    "SPLIT_MOVED": (
        "重新下单（6202）并请参保人确认新金额",
        "Place it again (6202) and show the person the new amounts",
    ),
    "CREDENTIAL_MISSING": ("请参保人出示电子凭证或授权", "Have the person show the code or authorise"),
    "DESK_MISMATCH": ("填写本机构编码", "Send the own institution's code"),
    "ORDER_TYPE_CLOSED": ("请到窗口结算", "Settle at the window"),
    "PERSON_MISMATCH": ("核对证件号码与姓名", "Compare number and name of the certificate"),
    "CHANNEL_REFUSED": ("请换一种支付方式，重新下单（6202）", "Place it again (6202) and pay another way"),
    "CHANNEL_CLOSED_HERE": ("请换一个渠道", "Pay through another channel"),
    "CHANNEL_FORM_UNKNOWN": ("请换一种支付形式", "Pay in another form"),
    "CHANNEL_UNKNOWN": ("核对回调地址", "Compare the callback's address"),
    "MERCHANT_UNKNOWN": ("在商户文件中登记", "Name it in the file of merchants (YIBAO_MERCHANTS)"),
    "CHARGE_UNBALANCED": ("核对减免金额", "Compare the amounts taken off"),
    "CODE_MISSING": ("补上所指字段", "Send the field that is named"),
    "NOTIFY_REPLAYED": ("重新签名后再发", "Sign it anew"),
    "NOTIFY_FORGED": ("核对密钥与时钟", "Compare keys and clocks"),
    "REFUND_UNBALANCED": (
        "医保部分须全额退；现金可部分退",
        "Give the insured part back whole; cash may go back in part",
    ),
    "REFUND_EXCEEDS_PAID": ("按可退金额申请", "Ask for what is left"),
    "REFUND_EXISTS": ("换一个退款流水号", "Send another refund number"),
    "PAY_AUTH_UNKNOWN": ("请参保人重新授权", "Have the person authorise again"),
    "PAY_AUTH_SPENT": ("请参保人重新授权", "Have the person authorise again"),
    "PAY_AUTH_OF_ANOTHER": ("请本人为本机构授权", "Have the person authorise it for this institution"),
}
"""What to do next, by reason."""

PAYMENT_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "credential.missing": ("ecToken或payAuthNo", "an ecToken or a payAuthNo"),
    "desk.mismatch": ("发送方的机构编码", "the institution that sends it"),
    "refund.balance": (
        "订单的各部分：账户{acct}元、基金{fund}元",
        "the parts of the order: account {acct} yuan, funds {fund} yuan",
    ),
    "charge.balance": ("减免不超过应收现金", "at most the cash and what is added"),
    "charge.code": ("该支付形式所需内容", "what this form of payment needs"),
    "deposit.lines": ("不填：预缴金不是账单", "nothing: a deposit is no bill"),
    "held.proof": ("渠道、银行或收条的凭证号", "the number of a receipt"),
    "pay.fee_type": ("字典feeType中的值", "a feeType of the dictionary"),
    "pay.stay": ("已登记的住院就诊号", "the stay, which is registered already"),
    "merchants.name": ("只可用：{names}", "one of {names}"),
    "merchants.twice": ("同一机构在同一渠道只有一个商户", "one account of an institution at a channel"),
    "merchants.form": ("签约与关闭两部分", "accounts and closed"),
    "merchants.list": ("一个列表", "a list"),
    "merchants.row": ("名称与值", "names and values"),
    "merchants.missing": ("须填写", "a value"),
    "merchants.text": ("加引号的文本", "a text in quotes"),
    "merchants.key": ("可读的密钥文件（{error}）", "a file of keys that can be read ({error})"),
    "merchants.switch": ("日期如2026-01-31，订单类型为{names}之一", "days as 2026-01-31, order_type one of {names}"),
}
"""What a field should have been, by rule."""
