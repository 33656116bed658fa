"""What is next after a refusal of a caller, a credential or an encounter, where the step of its kind would not help.

Reason → (Chinese, English), without a full stop; merged into the one table of steps in `gateway`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.runtime.texts.imaging import IMAGING_STEPS
from services.runtime.texts.recognition import RECOGNITION_STEPS
from services.runtime.texts.routing_clearing import CLEARING_STEPS

_MESH_TABLE: Final = ("请核对网格表中该调用方的权限", "Check what the mesh table lets this caller do")
_FRESH_TOKEN: Final = ("请重新取得调用方凭证", "Get a fresh caller token")
_OWN_CHANNEL: Final = ("请在原激活渠道办理", "Go on through the channel that activated it")

# Who may call, and how it is proved.
CALLER_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "CALLER_TOKEN_MISSING": ("请先取得调用方凭证（yibao token）", "Get a caller token first (yibao token)"),
    "CALLER_TOKEN_INVALID": ("请核对网格密钥，并重新取得调用方凭证", "Check the mesh key and get a fresh caller token"),
    "CALLER_TOKEN_EXPIRED": _FRESH_TOKEN,
    "CALLER_TOKEN_WRONG_AUDIENCE": ("请取得面向该服务的凭证", "Get a caller token for this member"),
    "CALLER_TOKEN_WRONG_CELL": (
        "请使用该单元的密钥；跨单元只能经由路由",
        "Use a key of that cell; from one cell to another only routing calls",
    ),
    "CALLER_UNKNOWN": _MESH_TABLE,
    "CALLER_NOT_ADMITTED": _MESH_TABLE,
    "CALLER_SPEAKS_FOR_ITSELF": _MESH_TABLE,
    "CALLER_TOKEN_FORWARDED": (
        "每一条目须用发送方自己签发的凭证",
        "Each item needs a token that its sender made itself",
    ),
    "ROLE_NOT_ALLOWED": ("请改用有此权限的密钥", "Use a key of a role that may call it"),
    "CALLER_NOT_ALLOWED": (
        "该方法只供指定的服务调用，请改由这些服务发起",
        "It is for the members that its contract names; let one of them call",
    ),
    "CALLER_NOT_BOUND": (
        "请填写调用方自己的编号，或改用相应的密钥",
        "Name the caller itself there, or use the key of the one that is named",
    ),
    "SANDBOX_ONLY": ("正式环境请去掉该项；联调请在沙箱中进行", "Leave it out here; use a sandbox for trials"),
    "AUTHENTICATION_MISSING": ("请按登记的鉴权方式补齐请求头", "Send the headers of the way that is registered"),
    "AUTHENTICATION_FAILED": ("请核对密钥与签名方法", "Check the secret and how the signature is made"),
    "TIMESTAMP_OUT_OF_WINDOW": ("请校准本机时钟，重新签名后重发", "Set the clock, sign again and send it again"),
    "SIGNED_NAME_MISMATCH": ("请按所发交易的编号重新签名", "Sign the name of the transaction that is sent"),
    "API_KEY_UNKNOWN": (
        "请核对API密钥，遗失的向运营方重新申请",
        "Check the key; where it is lost, ask the operator for another",
    ),
    "API_KEY_NOT_FOUND": ("请用yibao api-keys核对密钥编号", "Look at the keys by yibao api-keys"),
    "API_KEY_OF_SETTING": ("请在启动设置中更换", "Change it in the setting"),
    "TOO_MANY_FAILURES": ("请先核对密钥与签名，稍后再发", "Check the key and the signature first, and try later"),
    "HEAD_TOO_LARGE": ("请缩短请求头或减少其数量", "Send fewer or shorter headers"),
    "ROUTE_NOT_FOUND": ("请核对地址与方法（见/docs）", "Check path and method (see /docs)"),
    "METHOD_UNSERVED": ("请核对服务、方法与版本", "Check service, method and version"),
    "STACK_INVALID": ("请更正政策组合后重新发布", "Correct the policies of the stack and publish them again"),
    "CASE_NOT_PLAYABLE": (
        "请更正算例，或不带--through直接演算",
        "Correct the case, or play it without --through",
    ),
}

# Persons, their credentials, and what has to come before a bill.
CARE_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "PERSON_NOT_FOUND": (
        "请核对证件类型、号码或人员编号，仍查不到的联系参保地医保经办机构",
        "Check type and number, and ask the agency of the insured place where that does not help",
    ),
    "ENROLMENT_NOT_FOUND": ("请先登记该险种的参保记录", "Register an enrolment of that type first"),
    "FAMILY_OWNER_UNKNOWN": (
        "请先登记共济账户人；账户人在其他属地单元参保的，请写明该单元",
        "Register the owners first; name the cell of one whom another cell insures",
    ),
    "CREDENTIAL_NOT_ACTIVE": (
        "请参保人先激活医保电子凭证，或改用其他就诊凭证",
        "Let the person activate it first, or use another credential",
    ),
    "CREDENTIAL_OTHER_CHANNEL": _OWN_CHANNEL,
    "CREDENTIAL_OF_ANOTHER_CELL": (
        "请由该单元核验，或改用其他就诊凭证",
        "Have it checked in that cell, or use another credential",
    ),
    "EC_TOKEN_WRONG_INSTITUTION": ("请在本机构重新扫码", "Scan a code at this institution"),
    "EC_TOKEN_WRONG_PERSON": (
        "请核对人员编号，或请本人重新出示二维码",
        "Check psn_no, or scan the code of that person",
    ),
    "VISIT_OPEN": ("或用该就诊编号继续办理", "Or go on with that visit"),
    "FEES_PRESENT": ("费用用2205撤销，住院用2302", "Fees are cancelled by 2205, of a stay by 2302"),
    "line.twice": (
        "请为不同明细各用一个编号，重复的只留一条，更正后重发",
        "Give each line a number of its own, or leave the repeated row out, and send it again",
    ),
    "cancel.settled_of_visit": (
        "请先撤销该结算（2208），再撤销费用（2205）",
        "Reverse that settlement by 2208 first, then cancel the fees by 2205",
    ),
    "cancel.settled_of_stay": (
        "请先撤销该结算（2305），再撤销费用（2302）",
        "Reverse that settlement by 2305 first, then cancel the fees by 2302",
    ),
    "fees.before_begin": (
        "请核对就诊开始时间，或先撤销这些费用（2205，住院2302）",
        "Check the begin, or cancel these fees first (2205, of a stay 2302)",
    ),
    "fees.after_end": (
        "请核对出院时间，或先撤销这些费用（2302）",
        "Check the time of the discharge, or cancel these fees by 2302 first",
    ),
    "FEES_SETTLED": ("结算用2208撤销，住院用2305", "A settlement is reversed by 2208, of a stay by 2305"),
    "ITEM_UNKNOWN": (
        "请核对这些明细的医保目录编码与费用发生时间后重传",
        "Check codes and times of these lines and upload them again",
    ),
    "LINE_AMOUNT_MISMATCH": (
        "请更正这些明细的单价、数量或金额后重传",
        "Correct price, count or amount of these lines and upload them again",
    ),
    "BILL_TOO_LONG": (
        "门诊请按收费批次分次结算；住院请将明细合并后重新上传（2302、2301）",
        "Settle a visit by charge batches; of a stay cancel lines and upload them put together (2302, 2301)",
    ),
    "NOT_DISCHARGED": (
        "请先办理出院（2402），或以中途结算标志1结算",
        "Discharge it first by 2402, or settle with mid_setl_flag 1",
    ),
    "TRIAL_OUTDATED": ("门诊用2206，住院用2303", "By 2206, of a stay by 2303"),
    "ORDER_PENDING": (
        "请待该订单确认或失效后重发；未扣款的可由原机构窗口或本人解除",
        "Send it again once that order has ended; while nothing is charged, the institution or the person may lift it",
    ),
    "ORDER_NOT_FOUND": ("请核对订单编号", "Check the number of the order"),
    "ORDER_VOID": ("请以新的订单编号重新发起", "Open the bill again under another number"),
    "ORDER_LAPSED": (
        "已扣款的须退回，再以新的订单编号重新发起",
        "Give back what was charged, and open it under another number",
    ),
    "ORDER_CONFIRMED": (
        "如需撤销，请撤销该结算（2208，住院2305）",
        "Reverse that settlement where it has to be undone",
    ),
    "FILE_NOT_FOUND": ("重新上传（9101）或重新对账（3202）", "Upload it again (9101) or compare again (3202)"),
    "FILE_MALFORMED": (
        "按接口规范生成文件后重新上传（9101）",
        "Make it as the national text says and upload it again (9101)",
    ),
    "ORDER_CHARGED": ("请由支付方退款或确认", "Whoever charged it confirms it or gives the money back"),
    "ORDER_EXISTS": ("请使用新的订单编号", "Use another number"),
    "BILL_CHANGED": ("请待明细上传完毕后再预结算、结算", "Try and settle it once the lines are complete"),
    "CLOCK_APART": ("请校准双方时钟后重发", "Set the clocks right and send it again"),
    "LATER_SETTLEMENT_EXISTS": (
        "撤销用2208，住院用2305；其后各笔无法撤销的，请参保地经办机构重新核算",
        "Reverse by 2208, of a stay by 2305; where the later ones cannot be, ask the insured place for a replay",
    ),
    "REPLAY_IMPOSSIBLE": (
        "请由各机构按后结先退顺序撤销其后的结算（2208、2305），再依次重新结算",
        "Have the later ones reversed by their institutions, last in, first out (2208, 2305), and settled again in order",
    ),
    "REPLAY_TOO_LONG": (
        "请先由各机构撤销最后的结算（2208、2305）",
        "Have the last ones reversed by their institutions first (2208, 2305)",
    ),
    "REPLAY_ELSEWHERE": ("请在该参保地属地单元办理", "Replay it in that cell"),
}

# What has to come first where an encounter is in a state that allows no more, by the fault's metadata `state`.
STATE_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "settled": (
        "请先撤销结算{setl_id}（2305），需改出院信息的再撤销出院（2405）",
        "Reverse settlement {setl_id} by 2305 first; to change the discharge undo it by 2405 after that",
    ),
    "discharged": (
        "已出院，勿重复办理；更正或撤销入院的先撤销出院（2405），其后已结算的更先撤销结算（2305）",
        "It is discharged already; to change or cancel the admission undo that by 2405 first, where it was settled since 2305",
    ),
    "cancelled": (
        "该就诊已撤销；仍需就诊的请重新登记（门诊2201，住院2401）",
        "It is cancelled; where care goes on register it anew (2201, a stay by 2401)",
    ),
    "open": ("尚未出院，无须撤销出院", "It is not discharged, so no discharge is to be undone"),
}

MEMBER_STEPS: Final[Mapping[str, tuple[str, str]]] = {**CLEARING_STEPS, **IMAGING_STEPS, **RECOGNITION_STEPS}
"""After refusals of national members."""
