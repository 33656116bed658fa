"""Texts of the gateway: its reasons, its rules about single values, and the next step for each kind of refusal.

Each is (Chinese, English); placeholders are named like the fault's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from services.kernel.errors import FaultKind

GATEWAY: Final[Mapping[str, tuple[str, str]]] = {
    "ENVELOPE_INVALID": ("请求报文不是有效的接口报文：{problem}", "The body is not a national envelope: {problem}"),
    "INFNO_UNKNOWN": ("交易编号{infno}不存在", "No transaction {infno} is known"),
    "INFNO_NOT_SERVED": ("交易{infno}（{title}）暂未开通", "Transaction {infno} is known but not served"),
    "BODY_TOO_LARGE": ("请求报文超过上限{limit_bytes}字节", "The body is larger than {limit_bytes} bytes"),
    "AUTHENTICATION_FAILED": ("鉴权失败", "The caller did not prove who it is"),
    "AUTHENTICATION_MISSING": ("鉴权参数不完整", "The headers that prove the caller are missing"),
    "TIMESTAMP_OUT_OF_WINDOW": (
        "时间戳超出允许范围（前后{minutes}分钟）",
        "The time stamp is more than {minutes} minutes away",
    ),
    "ROUTE_NOT_FOUND": ("没有该地址或方法", "Nothing is served on this path and method"),
}

# What is wrong with one field: rules of the gateway and of the contract's constraints.
RULES: Final[Mapping[str, tuple[str, str]]] = {
    "national.text": ("应为文本", "text is expected"),
    "national.number": ("应为数值", "a number is expected"),
    "national.decimals": ("最多{digits}位小数", "at most {digits} decimals"),
    "national.flag": ('应为"1"或"0"', '"1" or "0" is expected'),
    "national.code": ("代码应为{known}之一", "one of {known}"),
    "national.time": ("时间格式应为yyyy-MM-dd HH:mm:ss", "a time yyyy-MM-dd HH:mm:ss is expected"),
    "national.node": ("应为对象", "an object is expected"),
    "national.one_row": ("只能有一行", "only one row is expected"),
    "national.disagrees": ("各处取值不一致", "the value is not the same everywhere"),
    "national.required": ("必填", "is required"),
    "required": ("必填", "is required"),
    "string.min_len": ("必填", "is required"),
    "string.max_len": ("超过长度上限", "is too long"),
    "string.pattern": ("格式不正确", "has the wrong form"),
    "string.in": ("不在允许的取值内", "is not one of the allowed values"),
    "enum.defined_only": ("代码不在字典内", "is not a code of the dictionary"),
    "enum.not_in": ("必填", "is required"),
    "repeated.min_items": ("至少一条", "needs at least one row"),
    "repeated.max_items": ("条数超过上限", "has too many rows"),
    "int64.gte": ("数值过小", "is too small"),
    "json.type": ("类型不正确，应为{wanted}", "{wanted} is expected"),
    "json.unknown_field": ("没有该字段", "no such field"),
    "json.duplicate_field": ("字段重复", "is given twice"),
    "json.oneof": ("与另一字段互斥", "excludes another field that is given"),
    "header.date": ("日期格式应为yyyy-MM-dd", "a date yyyy-MM-dd is expected"),
}

# What the hospital does next.
NEXT_STEPS: Final[Mapping[FaultKind, tuple[str, str]]] = {
    FaultKind.INVALID: ("请更正后重发", "Correct it and send it again"),
    FaultKind.NOT_FOUND: ("请核对后重发", "Check it and send it again"),
    FaultKind.CONFLICT: ("请更换编号后重发", "Send it again under another number"),
    FaultKind.PRECONDITION: ("请先处理前置业务", "Do first what has to come first"),
    FaultKind.DENIED: ("请核对机构编号与授权", "Check the institution code and the authorisation"),
    FaultKind.UNAUTHENTICATED: ("请核对鉴权配置", "Check how the call is authenticated"),
    FaultKind.UNAVAILABLE: ("请稍后以相同msgid重发", "Send it again later with the same msgid"),
    FaultKind.EXHAUSTED: ("请稍后以相同msgid重发", "Send it again later with the same msgid"),
    FaultKind.DEADLINE: ("结果未知，请以相同msgid重发", "The outcome is unknown: send it again with the same msgid"),
    FaultKind.UNSERVED: ("请核对交易编号", "Check the number of the transaction"),
}

# Failures of the service bus, in the words that its clients know.
BUS_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "AUTHENTICATION_MISSING": ("缺少服务网关的请求头!", "The gateway's headers are missing"),
    "TIMESTAMP_OUT_OF_WINDOW": ("签名时间戳超时!", "The time stamp of the signature is too old"),
    "PARTNER_NOT_FOUND": ("非法用户!", "Unknown user"),
    "AUTHENTICATION_FAILED": ("签名不一致!", "The signatures differ"),
}


def rule_text(rule: str, values: Mapping[str, str], lang: Literal["zh", "en"], otherwise: str = "") -> str:
    """The text of a rule with its values filled in; `otherwise` where the table does not know the rule."""
    entry = RULES.get(rule)
    if entry is None:
        return otherwise or rule
    template = entry[0] if lang == "zh" else entry[1]
    return template.format_map(values) if values else template
