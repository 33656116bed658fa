"""Texts of the gateway: its reasons, its rules about single values, and the next step after a refusal.

Each is (Chinese, English); placeholders are named like the fault's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.texts.bodies import BODY_RULES
from services.runtime.texts.identity import IDENTITY_STEPS
from services.runtime.texts.lenient import LENIENT_RULES, LENIENT_STEPS
from services.runtime.texts.mobile import MOBILE_RULES, MOBILE_STEPS
from services.runtime.texts.payment import PAYMENT_RULES, PAYMENT_STEPS
from services.runtime.texts.rules_documents import DOCUMENT_RULES
from services.runtime.texts.rules_fields import FIELD_RULES
from services.runtime.texts.rules_members import MEMBER_RULES
from services.runtime.texts.steps import CALLER_STEPS, CARE_STEPS, MEMBER_STEPS, STATE_STEPS
from services.runtime.texts.words import values_in

GATEWAY: Final[Mapping[str, tuple[str, str]]] = {
    "ENVELOPE_INVALID": ("请求报文不是有效的接口报文", "The body is not a national envelope"),
    "INFNO_UNKNOWN": ("交易编号{infno}不存在", "No transaction {infno} is known"),
    "INFNO_NOT_SERVED": ("交易{infno}（{title}）暂未开通", "Transaction {infno} is known but not served"),
    "BODY_TOO_LARGE": ("请求报文超过上限{limit_bytes}字节", "The body is larger than {limit_bytes} bytes"),
    "HEAD_TOO_LARGE": ("请求头超过上限{limit_bytes}字节", "The head of the request is larger than {limit_bytes} bytes"),
    "AUTHENTICATION_FAILED": ("鉴权失败", "The caller did not prove who it is"),
    "AUTHENTICATION_MISSING": (
        "鉴权参数不完整，请求头缺少或格式不正确：{headers}",
        "Headers that prove the caller are missing or have the wrong form: {headers}",
    ),
    "TIMESTAMP_OUT_OF_WINDOW": (
        "时间戳超出允许范围（前后{minutes}分钟）",
        "The time stamp is more than {minutes} minutes away",
    ),
    "PARTNER_LIMIT": (
        "调用方已达上限（同时办理{work}笔、每分钟{calls}次），本次未受理",
        "The caller has reached its limit ({work} calls under way, {calls} a minute); nothing was begun",
    ),
    "NOT_CONFORMING": ("报文共{count}处与接口规范不符", "The message differs from the national text in {count} places"),
    "NONCE_USED": ("随机数已使用过，请换新的随机数重新签名", "The nonce came before: sign again with a fresh one"),
    "SIGNED_NAME_MISMATCH": (
        "签名中的服务名与交易编号{infno}不一致",
        "The name that is signed is not that of transaction {infno}",
    ),
    "TOO_MANY_FAILURES": ("鉴权连续失败次数过多，请稍后重试", "Too many failed attempts; try again later"),
    "ROUTE_NOT_FOUND": ("没有该地址或方法", "Nothing is served on this path and method"),
}

MORE_RULE: Final = "violations.more"
"""Of the entry that stands for the broken fields that a refusal does not name."""

MORE_OPEN_RULE: Final = "violations.more_at_least"
"""Its text where not everything was looked at."""

# What is wrong with one field: rules of the gateway and of the contract's constraints.
RULES: Final[Mapping[str, tuple[str, str]]] = {
    **FIELD_RULES,
    **MEMBER_RULES,
    **PAYMENT_RULES,
    **DOCUMENT_RULES,
    **BODY_RULES,
    **LENIENT_RULES,
    **MOBILE_RULES,
    "national.text": ("应为文本", "text is expected"),
    "national.number": ("应为数值", "a number is expected"),
    "national.decimals": ("最多{digits}位小数", "at most {digits} decimals"),
    "national.flag": ('应为"1"或"0"', '"1" or "0" is expected'),
    "national.code": ("代码应为{known}之一", "one of {known}"),
    "national.time": ("时间格式应为yyyy-MM-dd HH:mm:ss", "a time yyyy-MM-dd HH:mm:ss is expected"),
    "national.node": ("应为对象", "an object is expected"),
    "national.list": ("应为列表，每行一个对象", "a list of objects is expected"),
    "national.one_row": ("只能有一行", "only one row is expected"),
    "national.disagrees": ("各处取值不一致", "the value is not the same everywhere"),
    "national.max_items": ("最多{most}行", "no more than {most} rows are expected"),
    "national.max_keys": ("一个节点最多{most}个字段", "no more than {most} fields are expected in one node"),
    "national.required": ("必填", "is required"),
    "json.type": ("类型不正确，应为{shape}", "{shape} is expected"),
    "json.enum": ("应为{known}之一", "one of {known} is expected"),
    "json.range": ("应为{least}至{most}之间的整数", "a whole number from {least} to {most} is expected"),
    "json.null": ("列表和键值中不能有null", "no null is allowed in a list or map"),
    "json.unknown_field": ("没有该字段", "no such field"),
    "json.similar_field": ("没有该字段，是否应为{meant}", "no such field; did you mean {meant}?"),
    "json.duplicate_field": ("字段重复", "is given twice"),
    "json.max_items": ("最多{most}条", "no more than {most} elements are expected"),
    "json.oneof": ("与另一字段互斥", "excludes another field that is given"),
    "days_meet": ("与其他记录的起止日期重叠", "shares a day with another one"),
    "to_day": ("终止日期早于起始日期", "ends before it begins"),
    "header.date": ("应为日历上的日期，格式yyyy-MM-dd", "a day of the calendar as yyyy-MM-dd is expected"),
    # A date or time of the right form that no calendar or clock has.
    "moment.year": ("年份不能早于{least}", "no year before {least}"),
    "moment.month": ("没有这个月份，应为1至12月", "there is no such month: 1 to 12"),
    "moment.day": ("没有这一天，该月为1至{days}日", "there is no such day: that month has the days 1 to {days}"),
    "moment.hour": (
        "没有这个小时，应为0至23时；24时请写次日0时",
        "there is no such hour: 0 to 23; write 24 as 0 of the next day",
    ),
    "moment.weekday": ("星期与日期不符", "the weekday is not that of the date"),
    "moment.half": ("上午、下午的小时应为1至12时", "an hour with AM or PM goes from 1 to 12"),
    "moment.minute": ("没有这一分钟，应为0至59分", "there is no such minute: 0 to 59"),
    "moment.second": ("没有这一秒，应为0至59秒", "there is no such second: 0 to 59"),
    "header.date_range": (
        "日期应在1990-01-01至2099-12-31之间",
        "a day from 1990-01-01 to 2099-12-31 is expected",
    ),
    "header.timeout": (
        "时限应为1至8位正整数加单位（H、M、S、m、u、n）",
        "a positive number of at most eight digits with a unit (H M S m u n) is expected",
    ),
    "body.late": ("未及时收齐", "did not arrive in time"),
    "not_before_begin": ("早于开始时间", "is before the begin"),
    "not_in_future": ("晚于受理时间", "is still to come"),
    "med_type.declared": ("未声明", "is not declared"),
    "med_type.counts_as": ("与该地方类别对应的国家类别不符", "is not what the local kind counts as"),
    "same_as_stay": ("与住院登记的医疗类别不同", "is not the kind of care of the stay"),
    "message.max_values": ("最多{most}个数据项", "must hold no more than {most} values"),
    MORE_RULE: ("另有{more}处", "and {more} more"),
    MORE_OPEN_RULE: ("另有至少{more}处", "and at least {more} more"),
    # Which field of a person was looked at, and what it met.
    "person.unknown": ("查无此人", "nobody is registered under it"),
    "person.name": ("与登记姓名不符", "is not the registered name"),
    "person.other": ("属于他人", "is another person's"),
    "person.type_needed": ("请填写人员证件类型", "tell the type of the certificate"),
    "person.card_sn": ("与登记的卡识别码不符", "is not the recognition code of the card"),
}

_UNKNOWN: Final = ("取值不符合要求", "does not fit")

# What the hospital does next. No kind tells to send under another number, for what stands already would stand twice.
NEXT_STEPS: Final[Mapping[FaultKind, tuple[str, str]]] = {
    FaultKind.INVALID: ("请更正后重发", "Correct it and send it again"),
    FaultKind.NOT_FOUND: ("请核对后重发", "Check it and send it again"),
    FaultKind.CONFLICT: ("请先核对该编号下已有的业务", "Look first at what stands under that number"),
    FaultKind.PRECONDITION: ("请先处理前置业务", "Do first what has to come first"),
    FaultKind.DENIED: ("请核对机构编号与授权", "Check the institution code and the authorisation"),
    FaultKind.UNAUTHENTICATED: ("请核对鉴权配置", "Check how the call is authenticated"),
    FaultKind.UNAVAILABLE: ("请稍后以相同msgid重发", "Send it again later with the same msgid"),
    FaultKind.EXHAUSTED: ("请稍后以相同msgid重发", "Send it again later with the same msgid"),
    FaultKind.DEADLINE: ("结果未知，请以相同msgid重发", "The outcome is unknown: send it again with the same msgid"),
    FaultKind.UNSERVED: ("请核对交易编号", "Check the number of the transaction"),
}

_ASK_THE_PLACE_OF_CARE: Final = ("请联系就医地医保经办机构", "Ask the agency of the place of care")
_ASK_THE_AGENCY: Final = ("请联系参保地医保经办机构", "Ask the agency of the insured place")
_SEE_ENROLMENTS: Final = ("请用1101核对参保信息", "Look at the enrolments by 1101")
_SPLIT: Final = (
    "请拆分上传或缩小查询范围，每次使用新的msgid",
    "Split the upload or narrow the query, each part under a msgid of its own",
)

# What is next where the step of the kind would be wrong; by the reason, or by the rule that all broken fields share.
STEPS: Final[Mapping[str, tuple[str, str]]] = {
    **LENIENT_STEPS,
    **CALLER_STEPS,
    **MEMBER_STEPS,
    **CARE_STEPS,
    **MOBILE_STEPS,
    "NOT_CONFORMING": (
        "请按所列各处逐项更正",
        "Correct each place that is listed; yibao conform tells them all",
    ),
    # Something stands already: it is looked at, and not made a second time.
    "BATCH_SETTLED": (
        "请以结算编号或原结算报文的msgid用5203查询，勿再上传同一费用",
        "Query it by 5203 with the setl_id, or with the msgid that settled it; do not upload the same charges again",
    ),
    "FEE_LINE_EXISTS": (
        "请用5204核对已上传明细；更正须先撤销（2205，住院2302），勿换明细编号重传",
        "Compare it by 5204; to correct a line cancel it first (2205, of a stay 2302), never upload it under another number",
    ),
    "EC_TOKEN_SPENT": (
        "请先以原结算报文的msgid用5203查询是否已结算，未结算的再重新扫码",
        "Query first by 5203 with the msgid of the settlement whether it is settled; scan again only where it is not",
    ),
    "SETTLEMENT_REFUNDED": ("无需再次撤销", "Nothing is left to be reversed"),
    "STAY_OPEN": (
        "请用5201核对在院记录，勿重复登记同一住院；本机构没有在院记录的，其在其他机构住院，待出院后再登记",
        "Look at the open stay by 5201, do not register it again; where 5201 shows none, it is elsewhere and ends first",
    ),
    "FILING_TOO_LONG": ("请将结束日期提前，到期后再备案", "Let it end earlier, and file again when it is over"),
    "FILING_TOO_LATE": (
        "请把开始日期改为该日或以后，或写明已开始而未结算的就诊",
        "Let it begin on that day or later, or name the care that has begun and is not settled",
    ),
    "FILING_OVERLAPS": (
        "请使用已有备案，或先撤销后重新备案",
        "Use the filing that stands, or withdraw it and file again",
    ),
    **PAYMENT_STEPS,
    **IDENTITY_STEPS,
    "LEDGER_OPEN": ("账户已开立，勿重复开立", "It is open; do not open it again"),
    "RECORD_OVERLAPS": (
        "请核对起止日期，先终止原记录再发布新内容",
        "Check the days: end the standing record first, then publish the new content",
    ),
    "POLICY_VERSION_EXISTS": ("请以新的版本号发布", "Publish it as a new version"),
    # Nothing is found: it is compared with what stands, and a lost answer asked for again.
    "SETTLEMENT_NOT_FOUND": (
        "请核对结算编号、就诊编号与人员；结算应答丢失的，以原msgid重发原报文",
        "Check setl_id, mdtrt_id and person; where the answer of a settlement was lost, send it again with its own msgid",
    ),
    "ENCOUNTER_NOT_FOUND": ("请用5201核对就诊编号与人员", "Compare encounter and person by 5201"),
    "CHARGE_BATCH_NOT_FOUND": (
        "请用5204核对收费批次号与已上传费用",
        "Compare the batch with what is uploaded, by 5204",
    ),
    "FEE_LINE_NOT_FOUND": ("请用5204核对明细编号", "Compare the numbers of the lines by 5204"),
    # The first one may have settled: under another message number the bill would be sent twice.
    "NONCE_USED": ("请以相同msgid重发", "Send it again with the same msgid"),
    "STACK_NOT_FOUND": _ASK_THE_AGENCY,
    # There is nothing that would have to come first.
    "MESSAGE_VOIDED": ("业务仍需办理的，请以新的msgid发送", "Where it is still wanted, send it under a new msgid"),
    "NOT_REVERSIBLE": (
        "请核对原msgid、交易编号与人员；其他交易用其自身的撤销交易",
        "Check omsgid, oinfno and person; other transactions are taken back by a transaction of their own",
    ),
    "MESSAGE_NOT_ARRIVED": (
        "请核对原msgid、交易编号与人员，用5203核对结算是否存在",
        "Check omsgid, oinfno and person, and look by 5203 whether the settlement stands",
    ),
    "MESSAGE_MISNAMED": (
        "请按该报文号与交易编号重发；不能冲正的交易用其自身的撤销交易",
        "Send it again with that number and transaction; one that 2601 does not reverse has a cancellation of its own",
    ),
    "MESSAGE_AMBIGUOUS": (
        "请核对结算编号，用2208（住院2305）撤销应撤销的那一笔",
        "Reverse the one that is meant by its setl_id, by 2208, of a stay by 2305",
    ),
    "FEE_SUM_MISMATCH": (
        "请用5204核对明细，以相符的总额重发",
        "Compare the lines by 5204 and send the total that they add up to",
    ),
    "SPLIT_CHANGED": (
        "请重新预结算（2206，住院2303），按新结果结算",
        "Try it again (2206, of a stay 2303) and settle what that says",
    ),
    "NOTHING_TO_SETTLE": (
        "请先上传费用（2204，住院2301）；没有费用的，门诊撤销就诊（2202），已出院的撤销出院（2405）再撤销入院（2404），在院的无须操作",
        "Upload charges first; without any cancel a visit by 2202, a stay that has ended by 2405 and then 2404",
    ),
    "CHARGES_SETTLED": (
        "没有新费用则无须再结算；请用5203核对该结算",
        "Without new charges nothing more is to be settled; look at that settlement by 5203",
    ),
    "FEE_TIME_OUTSIDE": (
        "请核对费用发生时间与就诊起止时间；已上传的明细先撤销（2205，住院2302）再更正",
        "Check the times of the fees, the begin and the end; cancel lines that stand (2205, of a stay 2302) and correct them",
    ),
    "MED_TYPE_UNDECLARED": (
        "请改用国家医疗类别代码，或请就医地医保经办机构在目录中声明该类别及其对应的国家类别",
        "Send a national code, or ask the agency of the place of care to declare it with the national kind it counts as",
    ),
    "TIME_IN_FUTURE": ("请核对时间与本机时钟后重发", "Check the time and your clock, and send it again"),
    "RETURN_MISMATCH": (
        "请按原明细的目录编码与单价退费（用5204核对）；原明细有误的，撤销（2205，住院2302）后重传",
        "Return it with the codes and the price of its line (look by 5204); cancel a wrong line (2205, of a stay 2302) instead",
    ),
    "RETURN_EXCEEDS_LINE": ("请用5204核对原明细与退费", "Compare the line and its returns by 5204"),
    "ENCOUNTER_STATE": ("请用5201核对就诊状态", "Look at the encounter by 5201"),
    "NOT_ENROLLED": _SEE_ENROLMENTS,
    "ENROLMENT_SUSPENDED": _SEE_ENROLMENTS,
    "ENROLMENT_ENDED": _SEE_ENROLMENTS,
    "INSTITUTION_UNKNOWN": (
        "请核对机构编号与业务日期，或联系就医地医保经办机构",
        "Check the institution code and the day, or ask the agency of the place of care",
    ),
    "MED_TYPE_MISMATCH": (
        "门诊（2203、2206、2207）与住院（2401）各用自己的医疗类别，请核对后重发",
        "Visits (2203, 2206, 2207) and stays (2401) have kinds of their own; correct it and send it again",
    ),
    "FACT_MISSING": ("请补齐后重发", "Supply them and send it again"),
    "fact.disease": ("请更正病种编码后重发", "Correct the disease and send it again"),
    "fact.institution": _ASK_THE_PLACE_OF_CARE,
    "fact.enrolment": _ASK_THE_AGENCY,
    "fact.balance": (
        "请不使用个人账户（acct_used_flag为0）结算，或联系参保地医保经办机构",
        "Settle without the account (acct_used_flag 0), or ask the agency of the insured place",
    ),
    "replay.settlement": ("请填写本属地单元的结算编号", "Name a settlement of this cell by its setl_id"),
    "own_settlement": ("请从本人结算列表中选择结算编号", "Choose the setl_id from the list of your own settlements"),
    "bill.other_batches": (
        "请以收费批次号0000将全部未结算费用一并结算",
        "Settle all that is open by one bill, of charge batch 0000",
    ),
    "bill.settled_of_visit": (
        "请先撤销该结算（2208），再将收费与退费一并结算",
        "Reverse that settlement by 2208 first, then settle charges and returns by one bill",
    ),
    "bill.settled_of_stay": (
        "请先撤销该结算（2305），再将收费与退费一并结算",
        "Reverse that settlement by 2305 first, then settle charges and returns by one bill",
    ),
    "bill.returns_beyond": (
        "请用5204核对明细，撤销多退的（2205，住院2302）",
        "Look at the lines by 5204, and cancel what was taken back too much (2205, of a stay 2302)",
    ),
    "NOT_COVERED_BY_POLICY": (
        "请核对医疗类别；无误的，请联系参保地医保经办机构",
        "Check the kind of care; where it is right, ask the agency of the insured place",
    ),
    "POLICY_NOT_EFFECTIVE": _ASK_THE_AGENCY,
    "POLICY_OVERPAYS": _ASK_THE_AGENCY,
    # Later it is as large as now.
    "BODY_TOO_LARGE": _SPLIT,
    "national.max_items": _SPLIT,
    "repeated.max_items": _SPLIT,
    "json.max_items": _SPLIT,
    "message.max_values": _SPLIT,
    "MESSAGE_TOO_LARGE": _SPLIT,
    # The deadline passed before there was anything whose outcome could be unknown.
    "body.late": ("未受理，请以相同msgid重发", "Nothing was begun: send it again with the same msgid"),
}

PLANNED: Final = "planned"
NOT_PLANNED: Final = "not_planned"
"""Metadata `plan` of INFNO_NOT_SERVED: whether a transaction that is known will be served."""

_PLANS: Final[Mapping[str, tuple[str, str]]] = {
    PLANNED: (
        "该交易已列入计划，开通前请勿再发",
        "It is planned; do not send it before a version serves it",
    ),
    NOT_PLANNED: (
        "该交易未列入计划，请勿再发，并按当地医保经办机构的其他途径办理",
        "It is not planned; do not send it, and ask the agency for another way",
    ),
}

# Failures of the service bus, in the words that its clients know.
BUS_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "AUTHENTICATION_MISSING": ("缺少服务网关的请求头!（{headers}）", "The gateway's headers are missing: {headers}"),
    "TIMESTAMP_OUT_OF_WINDOW": ("签名时间戳超时!", "The time stamp of the signature is too old"),
    "PARTNER_NOT_FOUND": ("非法用户!", "Unknown user"),
    "AUTHENTICATION_FAILED": ("签名不一致!", "The signatures differ"),
}


def next_step(fault: Fault, lang: Literal["zh", "en"]) -> str:
    """What to do next about a refusal, without a full stop: the step of a broken rule where it is that of every broken field."""
    steps = {STEPS.get(each.rule) for each in fault.violations}
    step = (steps.pop() if len(steps) == 1 else None) or _PLANS.get(fault.metadata.get("plan", ""))
    if fault.reason == "ENCOUNTER_STATE":
        step = step or STATE_STEPS.get(fault.metadata.get("state", ""))
    step = step or STEPS.get(fault.reason) or NEXT_STEPS[fault.kind]
    return step[0 if lang == "zh" else 1].replace("{setl_id}", fault.metadata.get("setl_id", ""))


def rule_text(rule: str, values: Mapping[str, str], lang: Literal["zh", "en"], otherwise: str = "") -> str:
    """The text of a rule with its values filled in.

    Of a rule that is not in the table, or whose values are not known, `otherwise` in English, and in Chinese that the value
    does not fit: neither a rule id nor another language stands in for it.
    """
    entry = RULES.get(rule, _UNKNOWN)
    if lang == "en" and entry is _UNKNOWN:
        return otherwise or entry[1]
    try:
        return entry[0 if lang == "zh" else 1].format_map(values_in(values, lang)).rstrip()
    except KeyError:
        return otherwise or _UNKNOWN[1] if lang == "en" else _UNKNOWN[0]


def violation_text(violation: Violation, lang: Literal["zh", "en"]) -> str:
    """What is wrong with a field: as the member that found it worded it, else by the rule's text."""
    if lang == "en":
        return violation.description or rule_text(violation.rule, violation.values, "en")
    return violation.chinese or rule_text(violation.rule, violation.values, "zh")
