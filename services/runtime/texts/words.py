"""Words for values that stand in texts as codes of the mesh: states, roles, members, facts, units, forms of patterns.

A value that is no code (a number, a name that was sent, a field's national name) stands as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from services.runtime.texts.rules_fields import FORMS

_MEMBERS: Final = {
    "identity": "参保身份",
    "catalogue": "目录",
    "settlement": "结算",
    "gateway": "网关",
    "internal": "内部",
    "cli": "命令行",
}

_FACTS: Final = {
    "hosp_lv": "医院等级",
    "status": "人员状态",
    "identity": "人员身份",
    "med_type": "医疗类别",
    "remote": "就医地类型",
    "age": "年龄",
    "months_insured": "参保月数",
    "cii_bonus_units": "大病保险奖励单位数",
    "cvlserv": "公务员标志",
    "cvl_rank": "公务员等级",
    "ent_flag": "企业补充标志",
    "contracted": "签约标志",
    "ma_category": "医疗救助类别",
    "disease": "病种",
    "chronic_class": "慢特病类别",
    "same_stay": "同一次住院标志",
    "own_current_year_balance": "当年账户余额",
    "settle_date": "结算日期",
    "begin_date": "开始日期",
    "end_date": "结束日期",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": {"open": "未结束", "discharged": "已出院", "settled": "已结算", "cancelled": "已撤销"},
    "role": {
        "institution": "定点医药机构",
        "channel": "渠道",
        "person": "参保人",
        "operator": "经办人员",
        "service": "网内服务",
        "public": "未认证调用方",
    },
    "member": _MEMBERS,
    "caller": _MEMBERS,
    "sender": _MEMBERS,
    "audience": _MEMBERS,
    "queue": {
        "settle": "结算",
        "trial": "预结算",
        "publish": "发布",
        "Settle": "结算",
        "Trial": "预结算",
        "Verify": "核验",
    },
    "missing": {"stack": "政策组合"},
    "what": {
        "api_key": "自选API密钥",
        "partner.sandbox": "沙箱接入方",
        "yibao-business-date": "业务日期（X-Yibao-Business-Date）",
    },
    "facts": _FACTS,
    "fact": _FACTS,
    "shape": {
        "object": "对象",
        "array": "列表",
        "string": "文本",
        "integer": "整数",
        "true or false": "true或false",
        "base64": "Base64编码的文本",
        "UTF-8": "UTF-8文本",
        "yyyy-MM-dd": "yyyy-MM-dd格式的日期",
        "RFC 3339 time": "带时区的时间，如2026-01-05T09:05:03+08:00",
    },
    "unit": {"yuan": "元"},
    "last": {"": "长期"},
}

_LISTS: Final = frozenset({"facts"})


def values_in(values: Mapping[str, str], lang: Literal["zh", "en"]) -> Mapping[str, str]:
    """The values of a text in the words of a language, where they are codes that have some."""
    if "form" in values and values["form"] in FORMS:
        values = {**values, "form": FORMS[values["form"]][0 if lang == "zh" else 1]}
    if values.get("guess"):
        asked = "，是否应为{}" if lang == "zh" else "; did you mean {}?"
        values = {**values, "guess": asked.format(values["guess"])}
    if lang == "en":
        return values
    return {name: _word(name, value) if name in WORDS else value for name, value in values.items()}


def _word(name: str, value: str) -> str:
    words = WORDS[name]
    if name in _LISTS:
        return "、".join(words.get(each, each) for each in value.split(","))
    return words.get(value, value)
